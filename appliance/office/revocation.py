"""Asking for a certificate's revocation (article 26.8): the device stops at once, the document is ready to sign.

Where signatures can still be made, the request is a draft công văn that goes the normal way. Where they cannot (the
organ's own seal is gone, or the signer's own device), it is a paper to be signed by hand and stamped.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from appliance import clock
from appliance.errors import N_, BadInput, NotAllowed
from appliance.office import custody, devices, organs, outgoing, papers, people
from appliance.office.desk import Actor, Desk
from appliance.office.devices import Device
from appliance.regulation import rules
from appliance.regulation.custody import LEGAL_BASIS, REVOCATION_REASONS, USUAL_ADDRESSEES
from appliance.regulation.document_types import TYPES, URGENCY, notation
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import fold, nfc, uuid7

ASKERS = ("clerk", "leader", "official")
"""Who may draft a document of the organ."""
_SUBJECT = "Đề nghị thu hồi chứng thư số của "


@dataclass(frozen=True)
class RevocationForm:
    """What the person fills in. ``discovered``: when the loss was noticed, at +07:00."""

    reason_code: str
    detail: str
    discovered: datetime
    contact: str
    signer_id: str
    recipient_ids: tuple[str, ...]
    urgency: int
    unit: str = "VP"
    no_secret: bool = False


@dataclass(frozen=True)
class RevocationRequest:
    """One request: its document on the way, or the paper to be signed by hand."""

    id: str
    device_id: str
    reason_code: str
    detail: str
    discovered_at: str
    contact: str
    requested_by: str
    at: str
    outgoing_id: str | None
    paper_sha256: str | None


_COLUMNS = ", ".join(RevocationRequest.__dataclass_fields__)


def requests(db: Database, device_id: str) -> list[RevocationRequest]:
    """A device's requests, newest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM revocation_request WHERE device_id = ? ORDER BY at DESC", [device_id])
    return [RevocationRequest(*row) for row in rows.fetchall()]


def may_ask(actor: Actor, device: Device) -> bool:
    """Whether this person may ask, and the device's certificate can still be revoked."""
    return actor.has(*ASKERS) and device.state in custody.TRANSITIONS["revoke"].sources


def on_paper(db: Database, device: Device, signer_id: str) -> str:
    """Why the request cannot be signed electronically, '' when it can."""
    if device.purpose == "organ":
        return N_("Thiết bị này là con dấu của cơ quan nên văn bản đề nghị không đóng dấu điện tử được.")
    signing = devices.for_signing(db, "personal", device.organ_id, signer_id)
    if signing is None or signing.id == device.id or signing.state != "in_use":
        return N_("Người ký không còn thiết bị cá nhân nào dùng được nên văn bản đề nghị không ký số được.")
    seal = devices.for_signing(db, "organ", device.organ_id, None)
    if seal is None or seal.state != "in_use":
        return N_("Thiết bị con dấu của cơ quan đang không dùng được nên văn bản đề nghị không đóng dấu điện tử được.")
    return ""


def usual_recipients(db: Database, organ_id: str) -> list[str]:
    """Ids of organs of the address book that such a request usually goes to, first choice first."""
    known = [organ for organ, _code in organs.directory(db, besides=organ_id)]
    return [
        organ.id for beginning in USUAL_ADDRESSEES for organ in known if fold(organ.name).startswith(fold(beginning))
    ]


def ask(desk: Desk, actor: Actor, device_id: str, form: RevocationForm) -> RevocationRequest:
    """Stop the device at once, then make the request. Safe to repeat: what has been done is not done again.

    Raises NotAllowed, BadInput, and what ``outgoing.create`` raises; the device is out of use by then.
    """
    device = custody.get(desk, actor, device_id)
    if not may_ask(actor, device):
        raise NotAllowed(
            N_("Anh/chị không lập được đề nghị thu hồi cho thiết bị này."),
            next_step=N_("Văn thư, lãnh đạo hoặc người giữ thiết bị lập đề nghị."),
            rule=rules.STOP_AND_REVOKE,
        )
    if custody.revocation_asked(desk.db, device.id):
        raise custody.asked_already()
    form = _checked(desk, actor, form)
    reason = REVOCATION_REASONS[form.reason_code]
    if device.state == "in_use" or (device.state == "locked" and reason.state == "lost"):
        device = custody.stop(desk, actor, device, reason.state, f"{reason.words}. {form.detail}"[: rules.REASON_MAX])
    paper = bool(on_paper(desk.db, device, form.signer_id))
    pdf = _print(desk, device, form, electronic=not paper)
    outgoing_id, paper_sha256 = None, None
    if paper:
        paper_sha256 = desk.blobs.put(pdf)
    else:
        name = "Đề nghị thu hồi chứng thư số.pdf"
        outgoing_id = outgoing.create(desk, actor, _document(device, form), name, io.BytesIO(pdf)).id
    return _keep(desk, actor, device, form, outgoing_id, paper_sha256)


def _checked(desk: Desk, actor: Actor, form: RevocationForm) -> RevocationForm:
    """The form in normal form. Raises BadInput naming what is missing."""
    detail, contact = nfc(form.detail), nfc(form.contact)
    if not form.no_secret:
        raise rules.refuse(
            rules.NO_SECRETS,
            N_("Chưa xác nhận văn bản không chứa bí mật nhà nước."),
            N_("Xem lại phần mô tả thêm rồi đánh dấu xác nhận."),
        )
    if form.reason_code not in REVOCATION_REASONS:
        raise BadInput(N_("Chưa chọn lý do thu hồi."), next_step=N_("Chọn một lý do trong danh sách."))
    if form.discovered > desk.clock.now():
        raise BadInput(N_("Thời điểm phát hiện nằm ở tương lai."), next_step=N_("Kiểm tra lại ngày giờ phát hiện."))
    if not contact or len(contact) > 200 or len(detail) > 300:
        raise BadInput(
            N_("Phải ghi người liên hệ (không quá 200 ký tự); phần mô tả không quá 300 ký tự."),
            next_step=N_("Ghi họ tên, chức vụ, số điện thoại của người liên hệ."),
        )
    if form.signer_id not in {account.id for account in people.with_role(desk.db, actor.organ_id, "leader")}:
        raise BadInput(N_("Người ký phải là lãnh đạo của cơ quan."), next_step=N_("Chọn người ký trong danh sách."))
    known = {organ.id for organ, _code in organs.directory(desk.db, besides=actor.organ_id)}
    if not form.recipient_ids or not set(form.recipient_ids) <= known:
        raise BadInput(
            N_("Chọn nơi nhận đề nghị trong danh bạ."),
            next_step=N_("Chọn cơ quan quản lý chứng thư số của tỉnh (Điều 26 khoản 8)."),
        )
    if form.urgency not in (0, 1, 2):
        raise BadInput(N_("Độ khẩn không có trong danh sách."), next_step=N_("Chọn lại độ khẩn."))
    return replace(form, detail=detail, contact=contact.rstrip("."), unit=nfc(form.unit).upper()[:20])


def _document(device: Device, form: RevocationForm) -> outgoing.OutgoingForm:
    return outgoing.OutgoingForm(
        type_code="cong-van",
        subject=_SUBJECT + device.facts.subject,
        urgency=form.urgency,
        signer_id=form.signer_id,
        recipient_ids=form.recipient_ids,
        unit=form.unit,
        no_secret=form.no_secret,
    )


def _print(desk: Desk, device: Device, form: RevocationForm, *, electronic: bool) -> bytes:
    organ, signer = organs.get(desk.db, device.organ_id), people.get(desk.db, form.signer_id)
    collective = organ.abbreviation in ("UBND", "HĐND")
    return papers.revocation_request(
        organ,
        device,
        desk.clock.now(),
        electronic=electronic,
        notation=notation(TYPES["cong-van"], organ.abbreviation, form.unit),
        urgency_words=URGENCY[form.urgency] if form.urgency else "",
        addressees=[organs.get(desk.db, organ_id).name for organ_id in form.recipient_ids],
        basis=LEGAL_BASIS,
        holder=people.get(desk.db, device.holder_id) if device.holder_id else None,
        reason=REVOCATION_REASONS[form.reason_code].words,
        detail=form.detail,
        discovered=form.discovered,
        stopped=clock.parse(device.updated_at),
        contact=form.contact,
        authority=f"TM. {papers.organ_lines(organ.name)[0]}" if collective else "",
        signer=signer,
    )


def _keep(
    desk: Desk, actor: Actor, device: Device, form: RevocationForm, outgoing_id: str | None, paper_sha256: str | None
) -> RevocationRequest:
    request = RevocationRequest(
        id=uuid7(),
        device_id=device.id,
        reason_code=form.reason_code,
        detail=form.detail,
        discovered_at=form.discovered.isoformat(),
        contact=form.contact,
        requested_by=actor.account_id,
        at=desk.clock.now().isoformat(),
        outgoing_id=outgoing_id,
        paper_sha256=paper_sha256,
    )
    with transaction(desk.db):
        desk.db.table("revocation_request").insert(vars(request))
        detail = {"reason": REVOCATION_REASONS[form.reason_code].words, "outgoing": outgoing_id, "paper": paper_sha256}
        audit.append(
            desk.db, desk.clock.now(), actor.account_id, "device.ask_revocation", f"device:{device.id}", detail
        )
    return request
