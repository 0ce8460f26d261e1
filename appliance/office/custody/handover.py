"""Handing a device over (bàn giao): another keeper, minutes to be signed by both, the signed copy brought back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from sqlite_utils import Database

from appliance.errors import N_, BadInput, NotAllowed, NotFound
from appliance.office import organs, papers, people
from appliance.office.custody.records import get
from appliance.office.custody.registering import check_keeper
from appliance.office.custody.steps import moved, write
from appliance.office.desk import Actor, Desk
from appliance.office.devices import Device
from appliance.office.people import Account
from appliance.regulation import rules
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7

GIVEABLE = ("in_use", "locked", "revoked", "replaced")
"""States in which the thing itself is at hand."""
_LIMIT = 200
_MAGIC = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n": "image/png"}


@dataclass(frozen=True)
class HandoverForm:
    """What the giver fills in. ``keeping_rule``: the organ's written rule when a personal device goes to văn thư."""

    to_id: str
    number: str = ""
    reason: str = ""
    condition: str = ""
    accessories: str = ""
    witness: str = ""
    keeping_rule: str = ""


@dataclass(frozen=True)
class Handover:
    """One row: from whom to whom, when, with which minutes. ``from_id`` None: from the authority or not on record."""

    id: str
    device_id: str
    from_id: str | None
    to_id: str
    at: str
    minutes_number: str
    reason: str
    condition: str
    accessories: str
    witness: str
    keeping_rule: str
    recorded_by: str
    minutes_sha256: str | None
    signed_sha256: str | None
    signed_type: str | None


_COLUMNS = ", ".join(Handover.__dataclass_fields__)


def handovers(db: Database, device_id: str) -> list[Handover]:
    """A device's handovers, newest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM handover WHERE device_id = ? ORDER BY at DESC, id DESC", [device_id])
    return [Handover(*row) for row in rows.fetchall()]


def may_hand_over(actor: Actor, device: Device) -> bool:
    """The keeper gives it on; the holder asks for it back; a leader decides about the organ's."""
    if device.state not in GIVEABLE:
        return False
    mine = actor.account_id in (device.keeper_id, device.holder_id)
    return mine or (device.purpose == "organ" and actor.has("leader"))


def receivers(db: Database, device: Device) -> list[Account]:
    """Whom article 5 lets it be given to: văn thư, and for a personal device its holder."""
    found = {account.id: account for account in people.with_role(db, device.organ_id, "clerk")}
    if device.holder_id:
        found[device.holder_id] = people.get(db, device.holder_id)
    return [account for account in found.values() if account.id != device.keeper_id]


def hand_over(desk: Desk, actor: Actor, device_id: str, form: HandoverForm) -> Handover:
    """Record the new keeper and make the minutes, in that order for the store: the PDF is durable first.

    Raises NotAllowed, WrongState, BadInput naming what is missing, RuleRefused (article 5).
    """
    device = get(desk, actor, device_id)
    if device.state not in GIVEABLE:
        raise moved(device.state)
    if not may_hand_over(actor, device):
        raise NotAllowed(
            N_("Chỉ người đang giữ thiết bị hoặc lãnh đạo cơ quan được lập biên bản bàn giao."), rule=rules.SEAL_KEEPER
        )
    form = _checked(form)
    if form.to_id == device.keeper_id:
        raise BadInput(N_("Người nhận đang giữ thiết bị này rồi."), next_step=N_("Chọn người nhận khác."))
    check_keeper(desk.db, device.purpose, device.organ_id, device.holder_id, form.to_id, form.keeping_rule)
    now = desk.clock.now()
    minutes = papers.handover_minutes(
        organs.get(desk.db, device.organ_id),
        device,
        giver=people.get(desk.db, device.keeper_id) if device.keeper_id else None,
        receiver=people.get(desk.db, form.to_id),
        holder=people.get(desk.db, device.holder_id) if device.holder_id else None,
        form=form,
        at=now,
    )
    row = {
        **vars(form),
        "id": uuid7(),
        "device_id": device.id,
        "from_id": device.keeper_id,
        "at": now.isoformat(),
        "recorded_by": actor.account_id,
        "minutes_sha256": desk.blobs.put(minutes),
    }
    row["minutes_number"] = row.pop("number")
    rule = form.keeping_rule if device.holder_id and form.to_id != device.holder_id else ""
    write(
        desk, actor, device, "hand_over", {"keeper_id": form.to_id, "keeping_rule": rule},
        {"giver": device.keeper_id, "receiver": form.to_id, "minutes": row["minutes_sha256"], "reason": form.reason},
        lambda _: desk.db.table("handover").insert(row),
    )  # fmt: skip
    return _load(desk.db, device.id, str(row["id"]))


def attach_signed(desk: Desk, actor: Actor, device_id: str, handover_id: str, stream: BinaryIO) -> Handover:
    """Keep the minutes as both have signed them: a PDF, or a picture of the paper.

    Raises BadInput for another kind of file or one with malware, Unavailable without the scanner.
    """
    device = get(desk, actor, device_id)
    if not (actor.has("clerk", "technician") or may_hand_over(actor, device)):
        raise NotAllowed(N_("Vai trò của anh/chị không làm được việc này với thiết bị."))
    handover = _load(desk.db, device.id, handover_id)
    sha256, _size = desk.blobs.put_stream(stream, desk.settings.max_upload_mb << 20)
    with desk.blobs.path(sha256).open("rb") as file:
        head = file.read(8)
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    if kind is None:
        raise BadInput(
            N_("Tệp này không phải PDF, JPG hay PNG."), next_step=N_("Quét hoặc chụp biên bản đã ký rồi tải lên.")
        )
    verdict = desk.scanner.scan(desk.blobs.path(sha256))
    if not verdict.clean:
        raise BadInput(
            N_("Tệp có mã độc (%(name)s) nên không được lưu."), next_step=N_("Quét máy rồi tải lên tệp sạch."),
            name=verdict.name,
        )  # fmt: skip
    with transaction(desk.db):
        desk.db.table("handover").update(handover.id, {"signed_sha256": sha256, "signed_type": kind})
        detail = {"signed": sha256, "replaces": handover.signed_sha256}
        audit.append(
            desk.db, desk.clock.now(), actor.account_id, "device.signed_minutes", f"device:{device.id}", detail
        )
    return _load(desk.db, device.id, handover_id)


def _checked(form: HandoverForm) -> HandoverForm:
    """The form in normal form. Raises BadInput naming what is missing or too long."""
    values = {name: nfc(text) for name, text in vars(form).items()}
    if not values["condition"] or not values["reason"]:
        raise BadInput(
            N_("Phải ghi lý do bàn giao và tình trạng thiết bị."),
            next_step=N_("Ví dụ: thay đổi người phụ trách văn thư; thiết bị hoạt động bình thường."),
        )
    if any(len(text) > _LIMIT for text in values.values()):
        raise BadInput(N_("Mỗi ô không quá %(limit)s ký tự."), next_step=N_("Ghi ngắn lại."), limit=_LIMIT)
    return HandoverForm(**values)


def _load(db: Database, device_id: str, handover_id: str) -> Handover:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM handover WHERE id = ? AND device_id = ?", [handover_id, device_id]
    ).fetchone()
    if row is None:
        raise NotFound(N_("Không có biên bản bàn giao này."), next_step=N_("Về trang thiết bị."))
    return Handover(*row)
