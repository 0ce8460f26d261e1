"""Drafting: an uploaded or typeset PDF with its fields, changed until it is submitted (article 12.1a)."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import PurePath
from typing import Any, BinaryIO

from appliance.drafting import DraftText, compose
from appliance.errors import N_, BadInput, TramError
from appliance.office import looks, organs, people, usual_places
from appliance.office.desk import Actor, Desk
from appliance.office.outgoing import texts
from appliance.office.outgoing.moves import moved, require, require_author, require_recipients, scan, write
from appliance.office.outgoing.records import EDITABLE, Outgoing, OutgoingForm, get, recipients
from appliance.regulation import rules
from appliance.regulation.document_types import COMPETENCES, URGENCY, document_type
from appliance.signing import prepare as pdf_prepare
from appliance.signing.placement import NUMBER_FIELD, Placement
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7


def create_from_text(desk: Desk, actor: Actor, form: OutgoingForm, text: DraftText) -> Outgoing:
    """A new draft typeset from what was typed (NĐ 30/2020, annex I). Raises as ``create`` does."""
    form = _checked(desk, actor, form)
    text = texts.completed(desk, actor, form, text)
    return create(desk, actor, form, _text_name(text), io.BytesIO(compose(text)), text)


def create(
    desk: Desk, actor: Actor, form: OutgoingForm, file_name: str, stream: BinaryIO, text: DraftText | None = None
) -> Outgoing:
    """A new draft from a PDF: checked, scanned, its places found. ``text``: what it was typeset from.

    Raises BadInput, RuleRefused, Unavailable.
    """
    require(actor, "clerk", "official", "leader")
    form = _checked(desk, actor, form)
    sha256, pages, placement = _take_file(desk, actor, form, stream, text)
    now, outgoing_id = desk.clock.now(), uuid7()
    with transaction(desk.db):
        desk.db.table("outgoing").insert(
            {
                "id": outgoing_id,
                "organ_id": actor.organ_id,
                "state": "drafting",
                **_form_columns(form),
                "drafter_id": actor.account_id,
                "rule_set": desk.settings.rule_set,
                "file_name": pdf_name(file_name),
                "draft_sha256": sha256,
                "placement": placement.to_json(),
                "page_count": pages,
                "created_at": now.isoformat(),
                "updated_at": now.isoformat(),
            }
        )
        write_recipients(desk, outgoing_id, form.recipient_ids, now.date())
        if text is not None:
            texts.keep(desk.db, outgoing_id, text, sha256, actor, now)
        detail = {"subject": form.subject, "type": form.type_code, "draft": sha256}
        audit.append(desk.db, now, actor.account_id, "outgoing.create", f"outgoing:{outgoing_id}", detail)
    return get(desk, actor, outgoing_id)


def update(desk: Desk, actor: Actor, outgoing_id: str, form: OutgoingForm) -> Outgoing:
    """Change a draft's fields."""
    document = _editable(desk, actor, outgoing_id)
    form = _checked(desk, actor, form)
    changes = _form_columns(form)

    def also(now: datetime) -> None:
        desk.db.execute("DELETE FROM outgoing_recipient WHERE outgoing_id = ?", [outgoing_id])
        write_recipients(desk, outgoing_id, form.recipient_ids, now.date())

    return _edit(desk, actor, document, "update", changes, {"subject": form.subject}, also)


def rewrite(desk: Desk, actor: Actor, outgoing_id: str, form: OutgoingForm, text: DraftText) -> Outgoing:
    """Change a draft's fields and text together: typeset anew, its places found anew, the old text kept."""
    document = _editable(desk, actor, outgoing_id)
    form = _checked(desk, actor, form)
    text = texts.completed(desk, actor, form, text)
    sha256, pages, placement = _take_file(desk, actor, form, io.BytesIO(compose(text)), text)
    changes = {**_form_columns(form), **_file_columns(_text_name(text), sha256, pages, placement)}

    def also(now: datetime) -> None:
        desk.db.execute("DELETE FROM outgoing_recipient WHERE outgoing_id = ?", [outgoing_id])
        write_recipients(desk, outgoing_id, form.recipient_ids, now.date())
        texts.keep(desk.db, outgoing_id, text, sha256, actor, now)

    return _edit(desk, actor, document, "rewrite", changes, {"subject": form.subject, "draft": sha256}, also)


def replace_file(desk: Desk, actor: Actor, outgoing_id: str, file_name: str, stream: BinaryIO) -> Outgoing:
    """Put another PDF in a draft's place; the places are found anew."""
    document = _editable(desk, actor, outgoing_id)
    form = form_of(desk, document)
    sha256, pages, placement = _take_file(desk, actor, form, stream)
    changes = _file_columns(pdf_name(file_name), sha256, pages, placement)
    return _edit(desk, actor, document, "replace_file", changes, {"draft": sha256})


def set_placement(desk: Desk, actor: Actor, outgoing_id: str, placement: Placement) -> Outgoing:
    """Say where number, date, signature and seal go; what a person moved becomes usual for drafts of this kind."""
    document = _editable(desk, actor, outgoing_id)
    names = usual_places.moved(Placement.from_json(document.placement), placement)
    facts = pdf_prepare.inspect(desk.blobs.read(document.draft_sha256))
    by_hand = tuple(dict.fromkeys((*placement.by_hand, *names)))
    placement = replace(placement, by_hand=by_hand)

    def also(now: datetime) -> None:
        if names:
            usual_places.remember(desk, actor, document.type_code, facts, placement, names, now)

    return _edit(desk, actor, document, "place", {"placement": placement.to_json()}, {"moved": list(names)}, also)


def form_of(desk: Desk, document: Outgoing) -> OutgoingForm:
    """A draft's fields as its form."""
    return OutgoingForm(
        type_code=document.type_code,
        subject=document.subject,
        urgency=document.urgency,
        signer_id=document.signer_id,
        recipient_ids=tuple(row["organ_id"] for row in recipients(desk.db, document.id)),
        unit=document.unit,
        competence=document.competence,
        reply_due=date.fromisoformat(document.reply_due) if document.reply_due else None,
        note=document.note,
        no_secret=True,
    )


def _checked(desk: Desk, actor: Actor, form: OutgoingForm) -> OutgoingForm:
    """The form in normal form. Raises RuleRefused for a state secret, BadInput naming the field."""
    rules.require_no_secret(form.no_secret)
    document_type(form.type_code)
    subject = nfc(form.subject)
    _limit(subject, 1, rules.SUBJECT_MAX, N_("Trích yếu phải có nội dung và không quá 500 ký tự."))
    _limit(nfc(form.unit), 0, 20, N_("Ký hiệu đơn vị soạn thảo không quá 20 ký tự."))
    if form.urgency not in URGENCY or form.competence not in COMPETENCES:
        raise BadInput(N_("Độ khẩn hoặc thể thức đề ký không có trong danh sách."), rule=rules.FIELD_LIMITS)
    require_recipients(form.recipient_ids)
    if form.signer_id not in {account.id for account in people.with_role(desk.db, actor.organ_id, "leader")}:
        raise BadInput(N_("Người ký phải là lãnh đạo của cơ quan."), next_step=N_("Chọn người ký trong danh sách."))
    today = desk.clock.now().date()
    for organ_id in form.recipient_ids:
        organs.code_on(desk.db, organ_id, today)
    return replace(form, subject=subject, unit=nfc(form.unit).upper(), note=nfc(form.note)[:500])


def _limit(text: str, low: int, high: int, message: str) -> None:
    if not low <= len(text) <= high:
        raise BadInput(message, rule=rules.FIELD_LIMITS)


def _form_columns(form: OutgoingForm) -> dict[str, Any]:
    columns = asdict(form)
    del columns["recipient_ids"], columns["no_secret"]
    columns["reply_due"] = form.reply_due.isoformat() if form.reply_due else None
    return columns


def _file_columns(name: str, sha256: str, pages: int, placement: Placement) -> dict[str, Any]:
    return {
        "file_name": name,
        "draft_sha256": sha256,
        "page_count": pages,
        "placement": placement.to_json(),
        "prepared_sha256": None,
    }


def write_recipients(desk: Desk, outgoing_id: str, organ_ids: tuple[str, ...], day: date) -> None:
    """The recipients of a document, code and name as they stand on ``day``; joins the caller's transaction."""
    for position, organ_id in enumerate(organ_ids):
        party = organs.party(desk.db, organ_id, day)
        row = {
            "outgoing_id": outgoing_id,
            "organ_id": organ_id,
            "code": party.code,
            "name": party.name,
            "position": position,
        }
        desk.db.table("outgoing_recipient").insert(row)


def pdf_name(name: str) -> str:
    """The last part of an uploaded name, in NFC, always '.pdf'; the bytes lie under their digest, not under this."""
    stem = PurePath(nfc(name).replace("\\", "/")).name
    stem = "".join(c for c in stem if c.isprintable())[-150:] or "van-ban.pdf"
    return stem if stem.lower().endswith(".pdf") else f"{stem}.pdf"


def _text_name(text: DraftText) -> str:
    return pdf_name(f"{text.type_name} {text.subject[:80].rstrip()}.pdf".replace("/", "-"))


def _take_file(
    desk: Desk, actor: Actor, form: OutgoingForm, stream: BinaryIO, text: DraftText | None = None
) -> tuple[str, int, Placement]:
    """Keep, scan and read a PDF: (digest, pages, found places). A typeset one prints the title its ``text`` says."""
    sha256, _size = desk.blobs.put_stream(stream, desk.settings.max_upload_mb << 20)
    try:
        scan(desk, sha256)
        data = desk.blobs.read(sha256)
        facts = pdf_prepare.inspect(data)
    except TramError as error:
        with transaction(desk.db):
            detail = {"sha256": sha256, "reason": str(error)}
            audit.append(desk.db, desk.clock.now(), actor.account_id, "outgoing.file_refused", f"blob:{sha256}", detail)
        raise
    signer, organ = people.get(desk.db, form.signer_id), organs.get(desk.db, actor.organ_id)
    placement = pdf_prepare.find_places(
        facts.ready,
        signer_title=text.position.split("\n")[-1] if text else signer.position,
        signer_name=signer.full_name,
        seal_mm=looks.seal_mm(desk, organ),
    )
    if text and not text.form.number:  # a thư công shows no number; the register has it
        placement = replace(placement, slots=tuple(slot for slot in placement.slots if slot.name != NUMBER_FIELD))
    if facts.mended:
        with transaction(desk.db):
            mended = {"mended": list(facts.mended)}
            audit.append(desk.db, desk.clock.now(), actor.account_id, "outgoing.file_mended", f"blob:{sha256}", mended)
    if text is None:  # what the box typeset itself needs no suggestions
        placement = usual_places.suggested(
            desk, actor.organ_id, form.type_code, facts, placement, looks.seal_mm(desk, organ)
        )
    return sha256, facts.pages, replace(placement, signed=facts.already_signed)


def _editable(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    document = get(desk, actor, outgoing_id)
    require_author(actor, document)
    if not document.editable:
        raise moved(document.state)
    return document


def _edit(
    desk: Desk,
    actor: Actor,
    document: Outgoing,
    action: str,
    changes: dict[str, Any],
    detail: dict[str, Any],
    also: Callable[[datetime], None] | None = None,
) -> Outgoing:
    """Change an editable document without moving it."""
    return write(desk, actor, document, EDITABLE, action, lambda: changes, detail, also)
