"""The office's usual places: what a drafter corrected once is suggested for the next draft of the same kind.

A kind is the document's type with the program and paper of its file. Text found with certainty always wins.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from appliance.office.desk import Actor, Desk
from appliance.signing.inspection import PdfFacts
from appliance.signing.placement import (
    DAY_FIELD,
    MONTH_FIELD,
    NUMBER_FIELD,
    SIGNATURE_FIELD,
    SLOT_FIELDS,
    YEAR_FIELD,
    Area,
    Placement,
    TextSlot,
    seal_over,
)
from appliance.store import audit
from appliance.store.database import transaction

_GROUPS = {NUMBER_FIELD: NUMBER_FIELD, DAY_FIELD: DAY_FIELD, MONTH_FIELD: DAY_FIELD, YEAR_FIELD: DAY_FIELD}
"""The parts of the date line are found, moved and remembered together."""
_MOVED = 1.0
"""Points from which a box counts as moved: the page shows tenths of a millimetre."""


def suggested(
    desk: Desk, organ_id: str, type_code: str, facts: PdfFacts, placement: Placement, seal_mm: float
) -> Placement:
    """The placement with the office's usual places for what the text does not say, or not surely."""
    kept = _kept(desk, organ_id, type_code, facts.layout)
    slots, usual = placement.slots, []
    for group in (NUMBER_FIELD, DAY_FIELD):
        printed = not any(_GROUPS[slot.name] == group for slot in placement.slots)
        if group in kept and not printed and _open(placement, group):
            ours = tuple(_slot(raw) for raw in kept[group])
            slots = (*(slot for slot in slots if _GROUPS[slot.name] != group), *ours)
            usual.append(group)
    placement = replace(placement, slots=tuple(sorted(slots, key=lambda slot: SLOT_FIELDS.index(slot.name))))
    if SIGNATURE_FIELD in kept and _open(placement, SIGNATURE_FIELD):
        raw = kept[SIGNATURE_FIELD]
        signature = Area(**{**raw, "page": max(facts.pages - 1 - raw["page"], 0)})
        width, height = facts.page_sizes[signature.page]
        if signature.right <= width and signature.top <= height:
            placement = replace(placement, signature=signature, seal=seal_over(signature, seal_mm), note=None)
            usual.append(SIGNATURE_FIELD)
    return replace(placement, usual=tuple(usual))


def moved(before: Placement, after: Placement) -> tuple[str, ...]:
    """The places that a person changed: names among SoVanBan, NgayVanBan, ChuKyLanhDao."""
    old = {slot.name: slot for slot in before.slots}
    groups = {
        _GROUPS[slot.name]: True
        for slot in after.slots
        if slot.name not in old or _apart(old[slot.name].area, slot.area) or _looks(old[slot.name]) != _looks(slot)
    }
    signature = {SIGNATURE_FIELD: True} if _apart(before.signature, after.signature) else {}
    return tuple({**groups, **signature})


def remember(
    desk: Desk, actor: Actor, type_code: str, facts: PdfFacts, placement: Placement, names: tuple[str, ...],
    at: datetime,
) -> None:  # fmt: skip
    """Keep ``names`` of a placement as usual; inside the transaction that keeps the placement itself."""
    kept = _kept(desk, actor.organ_id, type_code, facts.layout)
    for name in names:
        if name == SIGNATURE_FIELD:
            from_end = facts.pages - 1 - placement.signature.page
            kept[name] = {**asdict(placement.signature), "page": from_end}
        else:
            kept[name] = [asdict(slot) for slot in placement.slots if _GROUPS[slot.name] == name]
    desk.db.table("usual_place").upsert(
        {
            "organ_id": actor.organ_id,
            "type_code": type_code,
            "layout": facts.layout,
            "places": json.dumps(kept, ensure_ascii=False),
            "kept_by": actor.account_id,
            "kept_at": at.isoformat(),
        },
        pk=("organ_id", "type_code", "layout"),
    )


def known(desk: Desk, organ_id: str, type_code: str, facts: PdfFacts) -> bool:
    """Whether something is remembered for this kind of draft."""
    return bool(_kept(desk, organ_id, type_code, facts.layout))


def forget(desk: Desk, actor: Actor, type_code: str, facts: PdfFacts) -> None:
    """Forget this kind's usual places; drafts that already use them keep theirs."""
    with transaction(desk.db):
        key = [actor.organ_id, type_code, facts.layout]
        desk.db.execute("DELETE FROM usual_place WHERE organ_id = ? AND type_code = ? AND layout = ?", key)
        detail = {"type": type_code, "layout": facts.layout}
        audit.append(
            desk.db, desk.clock.now(), actor.account_id, "usual_place.forget", f"organ:{actor.organ_id}", detail
        )


def _kept(desk: Desk, organ_id: str, type_code: str, layout: str) -> dict[str, Any]:
    row = desk.db.execute(
        "SELECT places FROM usual_place WHERE organ_id = ? AND type_code = ? AND layout = ?",
        [organ_id, type_code, layout],
    ).fetchone()
    return dict(json.loads(row[0])) if row else {}


def _open(placement: Placement, name: str) -> bool:
    """Whether the text leaves this place open."""
    return name not in placement.found or name in placement.unsure


def _apart(one: Area, two: Area) -> bool:
    return one.page != two.page or any(
        abs(a - b) > _MOVED
        for a, b in ((one.x, two.x), (one.y, two.y), (one.width, two.width), (one.height, two.height))
    )


def _looks(slot: TextSlot) -> tuple[str, bool]:
    return slot.template, slot.cover


def _slot(raw: dict[str, Any]) -> TextSlot:
    return TextSlot(**{**raw, "area": Area(**raw["area"])})
