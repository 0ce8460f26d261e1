"""The life of an outgoing document, in the order of article 12: draft, submit, sign, number and seal, issue.

Each step is one function: check the person and the rules, make the new file durable, then ``_apply`` one transaction
with the new state, the audit entry and (at issue) the outgoing message.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import PurePath
from typing import Any, BinaryIO

from appliance import clock
from appliance.errors import N_, BadInput, NotAllowed, SignerError, TramError, WrongState
from appliance.office import devices, messages, organs, people, series
from appliance.office.clock_guard import signing_time
from appliance.office.desk import Actor, Desk, DocumentPackage, PackageFile
from appliance.office.outgoing_records import EDITABLE, STATES, TRANSITIONS, Outgoing, OutgoingForm, get, load, recipients
from appliance.regulation import rules
from appliance.regulation.codes import document_code
from appliance.regulation.document_types import COMPETENCES, URGENCY, day_month_text, document_type, notation, number_text
from appliance.signing import prepare as pdf_prepare
from appliance.signing import produce
from appliance.signing.placement import Placement
from appliance.signing.token import Pin
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7

SEAL_MM = 36.0
"""Diameter used for the seal's place when the organ's own is not on file."""


# ---------------------------------------------------------------------------------------------------------- drafting
def create(desk: Desk, actor: Actor, form: OutgoingForm, file_name: str, stream: BinaryIO) -> Outgoing:
    """A new draft from an uploaded PDF: checked, scanned, its places found. Raises BadInput, RuleRefused, Unavailable."""
    _require(actor, "clerk", "official", "leader")
    form = _checked(desk, actor, form)
    sha256, pages, placement = _take_file(desk, actor, form, stream)
    now, outgoing_id = desk.clock.now(), uuid7()
    with transaction(desk.db):
        desk.db["outgoing"].insert(
            {
                "id": outgoing_id, "organ_id": actor.organ_id, "state": "drafting", **_form_columns(form),
                "drafter_id": actor.account_id, "rule_set": desk.settings.rule_set, "file_name": _file_name(file_name),
                "draft_sha256": sha256, "placement": placement.to_json(), "page_count": pages,
                "created_at": now.isoformat(), "updated_at": now.isoformat(),
            }
        )  # fmt: skip
        _write_recipients(desk, outgoing_id, form, now.date())
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
        _write_recipients(desk, outgoing_id, form, now.date())

    return _edit(desk, actor, document, "update", changes, {"subject": form.subject}, also)


def replace_file(desk: Desk, actor: Actor, outgoing_id: str, file_name: str, stream: BinaryIO) -> Outgoing:
    """Put another PDF in a draft's place; the places are found anew."""
    document = _editable(desk, actor, outgoing_id)
    form = form_of(desk, document)
    sha256, pages, placement = _take_file(desk, actor, form, stream)
    changes = {
        "file_name": _file_name(file_name), "draft_sha256": sha256, "page_count": pages, "placement": placement.to_json(),
        "prepared_sha256": None,
    }  # fmt: skip
    return _edit(desk, actor, document, "replace_file", changes, {"draft": sha256})


def set_placement(desk: Desk, actor: Actor, outgoing_id: str, placement: Placement) -> Outgoing:
    """Say where number, date, signature and seal go."""
    document = _editable(desk, actor, outgoing_id)
    return _edit(desk, actor, document, "place", {"placement": placement.to_json()}, {})


def form_of(desk: Desk, document: Outgoing) -> OutgoingForm:
    """A draft's fields as its form."""
    return OutgoingForm(
        type_code=document.type_code, subject=document.subject, urgency=document.urgency, signer_id=document.signer_id,
        recipient_ids=tuple(row["organ_id"] for row in recipients(desk.db, document.id)), unit=document.unit,
        competence=document.competence, reply_due=date.fromisoformat(document.reply_due) if document.reply_due else None,
        note=document.note, no_secret=True,
    )  # fmt: skip


def _checked(desk: Desk, actor: Actor, form: OutgoingForm) -> OutgoingForm:
    """The form in normal form. Raises RuleRefused for a state secret, BadInput naming the field."""
    if not form.no_secret:
        raise rules.refuse(
            rules.NO_SECRETS,
            N_("Chưa xác nhận văn bản không chứa bí mật nhà nước."),
            N_("Nếu văn bản có độ mật: không tải lên, xử lý theo quy định về bí mật nhà nước. Nếu không: đánh dấu xác nhận."),
        )
    document_type(form.type_code)
    subject = nfc(form.subject)
    _limit(subject, 1, rules.SUBJECT_MAX, N_("Trích yếu phải có nội dung và không quá 500 ký tự."))
    _limit(nfc(form.unit), 0, 20, N_("Ký hiệu đơn vị soạn thảo không quá 20 ký tự."))
    if form.urgency not in URGENCY or form.competence not in COMPETENCES:
        raise BadInput(N_("Độ khẩn hoặc thể thức đề ký không có trong danh sách."), rule=rules.FIELD_LIMITS)
    if not form.recipient_ids or len(set(form.recipient_ids)) != len(form.recipient_ids):
        raise BadInput(N_("Chọn ít nhất một nơi nhận, mỗi nơi một lần."), next_step=N_("Tìm cơ quan nhận trong danh bạ."))
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


def _write_recipients(desk: Desk, outgoing_id: str, form: OutgoingForm, day: date) -> None:
    for position, organ_id in enumerate(form.recipient_ids):
        party = organs.party(desk.db, organ_id, day)
        row = {"outgoing_id": outgoing_id, "organ_id": organ_id, "code": party.code, "name": party.name, "position": position}
        desk.db["outgoing_recipient"].insert(row)


def _file_name(name: str) -> str:
    """The last part of an uploaded name, in NFC, always '.pdf'; the bytes lie under their digest, not under this."""
    stem = PurePath(nfc(name).replace("\\", "/")).name
    stem = "".join(c for c in stem if c.isprintable())[-150:] or "van-ban.pdf"
    return stem if stem.lower().endswith(".pdf") else f"{stem}.pdf"


def _take_file(desk: Desk, actor: Actor, form: OutgoingForm, stream: BinaryIO) -> tuple[str, int, Placement]:
    """Keep, scan and read an uploaded PDF: (digest, pages, found places)."""
    sha256, _size = desk.blobs.put_stream(stream, desk.settings.max_upload_mb << 20)
    try:
        _scan(desk, sha256)
        data = desk.blobs.read(sha256)
        facts = pdf_prepare.inspect(data)
    except TramError as error:
        with transaction(desk.db):
            detail = {"sha256": sha256, "reason": str(error)}
            audit.append(desk.db, desk.clock.now(), actor.account_id, "outgoing.file_refused", f"blob:{sha256}", detail)
        raise
    signer, organ = people.get(desk.db, form.signer_id), organs.get(desk.db, actor.organ_id)
    placement = pdf_prepare.find_places(
        data, signer_title=signer.position, signer_name=signer.full_name, seal_mm=organ.seal_mm or SEAL_MM
    )
    return sha256, facts.pages, placement


def _scan(desk: Desk, sha256: str) -> str:
    """The engine's name when clamd finds nothing. Raises RuleRefused when it finds something, Unavailable when it is away."""
    verdict = desk.scanner.scan(desk.blobs.path(sha256))
    if not verdict.clean:
        raise rules.refuse(
            rules.SCAN_FIRST,
            N_("Tệp có mã độc (%(name)s), không được dùng để phát hành."),
            N_("Không mở tệp này; quét máy đã tạo ra tệp, xuất lại PDF rồi tải lên tệp sạch."),
            name=verdict.name,
        )
    return verdict.engine


# ------------------------------------------------------------------------------------------------- the leader's table
def submit(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    """To the leader (article 12.1a): the PDF is prepared once, with its empty fields."""
    document = get(desk, actor, outgoing_id)
    _check(actor, document, "submit")
    _require_author(actor, document)
    data = desk.blobs.read(document.draft_sha256)
    prepared = desk.blobs.put(pdf_prepare.prepare(data, Placement.from_json(document.placement)))
    changes = {"prepared_sha256": prepared, "signed_sha256": None, "signed_at": None}
    return _apply(desk, actor, document, "submit", changes, {"prepared": prepared})


def give_back(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """The leader sends a draft back with a reason."""
    document = get(desk, actor, outgoing_id)
    return _apply(desk, actor, document, "give_back", {"note": _reason(reason)}, {"reason": _reason(reason)})


def send_back(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """The clerk sends a signed document back for a fault of form found before numbering."""
    document = get(desk, actor, outgoing_id)
    changes = {"note": _reason(reason), "signed_sha256": None, "signed_at": None}
    return _apply(desk, actor, document, "send_back", changes, {"reason": _reason(reason)})


def withdraw(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """Give a document up before it is sealed; a number already taken stays its own and is shown as unused."""
    document = get(desk, actor, outgoing_id)
    if document.drafter_id != actor.account_id and not actor.has("clerk"):
        raise NotAllowed(N_("Chỉ người soạn hoặc văn thư được rút văn bản."))
    return _apply(desk, actor, document, "withdraw", {"note": _reason(reason)}, {"reason": _reason(reason)})


def _reason(reason: str) -> str:
    text = nfc(reason)
    if not text or len(text) > rules.REASON_MAX:
        raise BadInput(N_("Phải ghi lý do."), next_step=N_("Ghi rõ, không quá 500 ký tự."))
    return text


def sign(desk: Desk, actor: Actor, outgoing_id: str, pin: Pin, *, last_try: bool = False) -> Outgoing:
    """The leader's personal signature (article 12.1b), with the PIN entered now."""
    document = get(desk, actor, outgoing_id)
    _check(actor, document, "sign")
    if document.signer_id != actor.account_id:
        raise rules.refuse(
            rules.OWN_TOKEN,
            N_("Văn bản này trình người khác ký."),
            N_("Người có tên ở phần ký đăng nhập và ký bằng thiết bị của mình."),
        )
    at = signing_time(desk)
    device_id, key = devices.personal_key(desk.db, actor.account_id, actor.organ_id)
    account = people.get(desk.db, actor.account_id)
    image = desk.blobs.read(account.signature_sha256) if account.signature_sha256 else None
    prepared = desk.blobs.read(document.prepared_sha256 or "")

    def make() -> bytes:
        return produce.sign_personal(
            prepared, key=key, pin=pin, signer=desk.signer, image_png=image, signer_name=account.full_name, at=at, trust=desk.trust
        )

    signed = desk.blobs.put(_with_pin(desk, actor, device_id, last_try, make))
    changes = {"signed_sha256": signed, "signed_at": at.isoformat()}
    return _apply(desk, actor, document, "sign", changes, {"signed": signed, "device": device_id})


def _with_pin(desk: Desk, actor: Actor, device_id: str, last_try: bool, make: Callable[[], bytes]) -> bytes:
    """Run one signature: the last try guarded before, the outcome of the PIN counted after. Never retried."""
    devices.guard_last_try(desk.db, device_id, last_try)
    try:
        data = make()
    except SignerError as error:
        if error.code in ("wrong_pin", "pin_locked"):
            devices.count_pin(desk, device_id, actor, wrong=True)
        raise
    devices.count_pin(desk, device_id, actor, wrong=False)
    return data


# -------------------------------------------------------------------------------------------------- the clerk's table
def number_and_seal(desk: Desk, actor: Actor, outgoing_id: str, pin: Pin, *, last_try: bool = False) -> Outgoing:
    """Take the number, write it and the date into the file, seal with the organ's key (article 12.1c).

    The number is reserved first and belongs to the document for ever: a failed seal resumes with the same number.
    """
    document = get(desk, actor, outgoing_id)
    at = signing_time(desk)
    if document.state == "signed":
        document = _take_number(desk, actor, document, at)
    _check(actor, document, "seal")
    _same_day(document, at)
    organ = organs.get(desk.db, document.organ_id)
    device_id, key = devices.organ_key(desk.db, document.organ_id)
    if organ.seal_sha256 is None:
        raise BadInput(N_("Chưa có ảnh con dấu của cơ quan."), next_step=N_("Báo kỹ thuật viên nạp ảnh dấu đỏ định dạng PNG."))
    seal_png, signed = desk.blobs.read(organ.seal_sha256), desk.blobs.read(document.signed_sha256 or "")
    number, mark, issued = number_text(document.number or 0), document.notation or "", at.date()
    day, month = day_month_text(issued.day, issued.month)
    values = {"number": number, "notation": mark, "day": day, "month": month, "year": str(issued.year), "place": organ.place}

    def make() -> bytes:
        return produce.number_and_seal(
            signed, values=values, placement=Placement.from_json(document.placement), key=key, pin=pin, signer=desk.signer,
            seal_png=seal_png, seal_mm=organ.seal_mm or SEAL_MM, organ_name=organ.name, at=at, trust=desk.trust,
        )  # fmt: skip

    sealed = desk.blobs.put(_with_pin(desk, actor, device_id, last_try, make))
    code = document_code(organs.code_on(desk.db, organ.id, issued), issued, number, mark)
    changes = {"sealed_sha256": sealed, "sealed_at": at.isoformat(), "document_code": code, "issue_date": issued.isoformat()}
    return _apply(desk, actor, document, "seal", changes, {"sealed": sealed, "device": device_id, "code": code})


def _take_number(desk: Desk, actor: Actor, document: Outgoing, at: datetime) -> Outgoing:
    """Reserve the number in one transaction; a document signed again keeps the one it has."""
    _check(actor, document, "take_number")
    _same_day(document, at)
    mark = notation(document.type, organs.get(desk.db, document.organ_id).abbreviation, document.unit)

    def changes() -> dict[str, Any]:
        if document.number is not None:
            return {}
        number = series.take(desk.db, organ_id=document.organ_id, kind="outgoing", year=at.year)
        return {"book": series.COMMON_BOOK, "number": number, "number_year": at.year, "notation": mark}

    return _apply(desk, actor, document, "take_number", changes, {"notation": mark})


def _same_day(document: Outgoing, at: datetime) -> None:
    """Both signatures carry the date of issue (article 12.2)."""
    signed_on = clock.parse(document.signed_at or "").date()
    if document.number_year not in (None, at.year):
        raise rules.refuse(
            rules.UNIQUE_NUMBER,
            N_("Số %(code)s thuộc năm %(year)s, không dùng cho năm nay được."),
            N_("Rút văn bản này (số được ghi là không sử dụng) rồi trình lại như văn bản mới."),
            code=document.code,
            year=document.number_year,
        )
    if signed_on != at.date():
        raise rules.refuse(
            rules.SAME_DAY,
            N_("Lãnh đạo ký ngày %(signed)s, hôm nay là %(today)s: hai chữ ký không cùng ngày ban hành."),
            N_("Bấm “Chuyển ký lại” để lãnh đạo ký lại trong hôm nay; số đã cấp (nếu có) vẫn giữ cho văn bản này."),
            signed=f"{signed_on:%d/%m/%Y}",
            today=f"{at:%d/%m/%Y}",
        )


def ask_to_sign_again(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    """Back to the leader when midnight passed between the two signatures (article 12.2); the number stays."""
    document = get(desk, actor, outgoing_id)
    changes = {"signed_sha256": None, "signed_at": None}
    return _apply(desk, actor, document, "ask_to_sign_again", changes, {})


def issue(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    """Issue (article 12.1đ): scan once more (article 19.1), make the package, queue it with the change of state."""
    document = get(desk, actor, outgoing_id)
    _check(actor, document, "issue")
    engine = _scan(desk, document.sealed_sha256 or "")
    now = desk.clock.now()
    prepared = messages.prepare_document(
        desk, _package(desk, actor, document, now), organ_id=document.organ_id, outgoing_id=document.id, issued=now
    )
    detail = {"message": prepared.id, "package": prepared.sha256, "scanned_by": engine}
    return _apply(
        desk, actor, document, "issue", {"issued_at": now.isoformat()}, detail, lambda at: messages.enqueue(desk.db, prepared, at)
    )


def _package(desk: Desk, actor: Actor, document: Outgoing, now: datetime) -> DocumentPackage:
    issued = date.fromisoformat(document.issue_date or "")
    signer = people.get(desk.db, document.signer_id)
    organ = organs.get(desk.db, document.organ_id)
    return DocumentPackage(
        message_id=messages.new_id(),
        sender=organs.party(desk.db, document.organ_id, issued),
        recipients=tuple(organs.party(desk.db, row["organ_id"], issued) for row in recipients(desk.db, document.id)),
        document_code=document.document_code or "",
        number=number_text(document.number or 0),
        notation=document.notation or "",
        place=organ.place,
        issue_date=issued,
        type_name=document.type.name,
        subject=document.subject,
        competence=document.competence,
        signer_position=signer.position,
        signer_name=signer.full_name,
        reply_due=date.fromisoformat(document.reply_due) if document.reply_due else None,
        urgency=document.urgency,
        page_count=document.page_count,
        staff_name=actor.full_name,
        department=organ.name,
        at=now,
        files=(PackageFile(document.file_name, "application/pdf", document.sealed_sha256 or ""),),
    )


# ------------------------------------------------------------------------------------------------------- one way to move
def _require(actor: Actor, *roles: str) -> None:
    if not actor.has(*roles):
        raise NotAllowed(N_("Vai trò của anh/chị không làm được việc này."))


def _require_author(actor: Actor, document: Outgoing) -> None:
    if document.drafter_id != actor.account_id and not actor.has("clerk"):
        raise NotAllowed(N_("Chỉ người soạn hoặc văn thư được làm việc này."))


def _check(actor: Actor, document: Outgoing, action: str) -> None:
    """Whether this person may take this step now. Raises NotAllowed, WrongState; a clerk's step names article 12."""
    transition = TRANSITIONS[action]
    if not actor.has(*transition.roles):
        rule = rules.CLERK_SEALS if action in ("take_number", "seal") else None
        raise NotAllowed(N_("Vai trò của anh/chị không làm được việc này."), rule=rule)
    if document.state not in transition.sources:
        raise _moved(document.state)


def _editable(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    document = get(desk, actor, outgoing_id)
    _require_author(actor, document)
    if document.state not in EDITABLE:
        raise _moved(document.state)
    return document


def _edit(
    desk: Desk, actor: Actor, document: Outgoing, action: str, changes: dict[str, Any], detail: dict[str, Any],
    also: Callable[[datetime], None] | None = None,
) -> Outgoing:  # fmt: skip
    """Change an editable document without moving it."""
    return _write(desk, actor, document, EDITABLE, action, lambda: changes, detail, also)


def _apply(
    desk: Desk, actor: Actor, document: Outgoing, action: str, changes: dict[str, Any] | Callable[[], dict[str, Any]],
    detail: dict[str, Any], also: Callable[[datetime], None] | None = None,
) -> Outgoing:  # fmt: skip
    """Move a document by its table."""
    _check(actor, document, action)
    transition = TRANSITIONS[action]

    def columns() -> dict[str, Any]:
        return {**(changes() if callable(changes) else changes), "state": transition.target}

    return _write(desk, actor, document, transition.sources, action, columns, detail, also)


def _write(
    desk: Desk, actor: Actor, document: Outgoing, sources: tuple[str, ...], action: str, columns: Callable[[], dict[str, Any]],
    detail: dict[str, Any], also: Callable[[datetime], None] | None,
) -> Outgoing:  # fmt: skip
    """One transaction: the state as it is now is checked again, then row, audit entry, clock floor and message."""
    now = desk.clock.now()
    with transaction(desk.db):
        current = load(desk.db, document.id)
        if current is None or current.state not in sources or current.updated_at != document.updated_at:
            raise _moved(current.state if current else document.state)
        values = {**columns(), "updated_at": now.isoformat(timespec="microseconds")}
        desk.db["outgoing"].update(document.id, values)
        entry = {"from": current.state, "to": values.get("state", current.state), **detail}
        if "number" in values:
            entry["number"] = values["number"]
        audit.append(desk.db, now, actor.account_id, f"outgoing.{action}", f"outgoing:{document.id}", json.loads(json.dumps(entry)))
        clock.raise_floor(desk.db, now)
        if also is not None:
            also(now)
    written = load(desk.db, document.id)
    if written is None:
        raise RuntimeError("an outgoing document vanished after its own commit")
    return written


def _moved(state: str) -> WrongState:
    return WrongState(
        N_("Văn bản đã ở trạng thái “%(state)s” hoặc vừa được người khác thay đổi; không làm bước này được."),
        next_step=N_("Tải lại trang để xem trạng thái mới."),
        state=STATES[state],
    )
