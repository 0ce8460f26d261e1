"""The steps of article 12, one function each: submit, sign, number and seal, issue, and the ways back.

Each step checks the person and the rules, makes the new file durable, then moves the document in one transaction
with the audit entry and (at issue) the outgoing message.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar

from appliance import clock
from appliance.errors import N_, BadInput, NotAllowed, SignerError
from appliance.office import devices, evidence, looks, messages, organs, people, series
from appliance.office.clock_guard import signing_time
from appliance.office.desk import Actor, Desk, DocumentPackage, PackageFile
from appliance.office.outgoing.annexes import Annex, annexes
from appliance.office.outgoing.moves import apply, check, reason_text, require_author, scan
from appliance.office.outgoing.records import Outgoing, get, recipients
from appliance.regulation import rules
from appliance.regulation.codes import document_code
from appliance.regulation.document_types import day_month_text, notation, number_text
from appliance.signing import corner, produce
from appliance.signing import prepare as pdf_prepare
from appliance.signing.placement import SEAL_FIELD, Placement
from appliance.signing.token import Pin, TokenKey

Made = TypeVar("Made")


# ------------------------------------------------------------------------------------------------- the leader's table
def submit(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    """To the leader (article 12.1a): the PDF is prepared once, with its empty fields."""
    document = get(desk, actor, outgoing_id)
    check(actor, document, "submit")
    require_author(actor, document)
    placement = Placement.from_json(document.placement)
    # What the draft has printed is checked now, before the leader signs: the number comes too late for a correction.
    today, organ = desk.clock.now().date(), organs.get(desk.db, document.organ_id)
    mark = notation(document.type, organ.abbreviation, document.unit)
    produce.check_printed(placement, {"notation": mark, "year": str(today.year)})
    prepared = desk.blobs.put(pdf_prepare.prepare(desk.blobs.read(document.draft_sha256), placement))
    changes = {"prepared_sha256": prepared, "signed_sha256": None, "signed_at": None}
    return apply(desk, actor, document, "submit", changes, {"prepared": prepared})


def give_back(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """The leader sends a draft back with a reason."""
    document = get(desk, actor, outgoing_id)
    return apply(desk, actor, document, "give_back", {"reason": reason_text(reason)}, {"reason": reason_text(reason)})


def send_back(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """The clerk sends a signed document back for a fault of form found before numbering."""
    document = get(desk, actor, outgoing_id)
    changes = {"reason": reason_text(reason), "signed_sha256": None, "signed_at": None}
    return apply(desk, actor, document, "send_back", changes, {"reason": reason_text(reason)})


def withdraw(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """Give a document up before it is sealed; a number already taken stays its own and is shown as unused."""
    document = get(desk, actor, outgoing_id)
    if document.drafter_id != actor.account_id and not actor.has("clerk"):
        raise NotAllowed(N_("Chỉ người soạn hoặc văn thư được rút văn bản."))
    return apply(desk, actor, document, "withdraw", {"reason": reason_text(reason)}, {"reason": reason_text(reason)})


def sign(desk: Desk, actor: Actor, outgoing_id: str, pin: Pin, *, last_try: bool = False) -> Outgoing:
    """The leader's personal signature (article 12.1b), with the PIN entered now."""
    document = get(desk, actor, outgoing_id)
    check(actor, document, "sign")
    if document.signer_id != actor.account_id:
        raise rules.refuse(
            rules.OWN_TOKEN,
            N_("Văn bản này trình người khác ký."),
            N_("Người có tên ở phần ký đăng nhập và ký bằng thiết bị của mình."),
        )
    if document.prepared_sha256 is None:
        raise BadInput(
            N_("Văn bản này đã ký ở thiết bị khác; trạm không có bản để ký lại."),
            next_step=N_("Ký lại ở thiết bị đó rồi nộp bản mới, hoặc trả lại người soạn để trình bản chưa ký."),
        )
    at = signing_time(desk)
    device_id, key = devices.personal_key(desk.db, actor.account_id, actor.organ_id)
    account = people.get(desk.db, actor.account_id)
    shown = looks.look(desk, "personal").image and account.signature_sha256
    image = desk.blobs.read(shown) if shown else None
    prepared = desk.blobs.read(document.prepared_sha256)

    def make() -> bytes:
        return produce.sign_personal(
            prepared,
            key=key,
            pin=pin.confirmed(last_try),
            signer=desk.signer,
            image_png=image,
            signer_name=account.full_name,
            at=at,
            trust=desk.trust,
            stamper=stamper,
        )

    stamper = evidence.stamper(desk)
    signed = desk.blobs.put(with_pin(desk, actor, device_id, last_try, make))
    changes = {"signed_sha256": signed, "signed_at": at.isoformat()}
    document = apply(desk, actor, document, "sign", changes, {"signed": signed, "device": device_id})
    evidence.keep(desk, f"outgoing:{document.id}", "signed", desk.blobs.read(signed))
    return document


def with_pin(desk: Desk, actor: Actor, device_id: str, last_try: bool, make: Callable[[], Made]) -> Made:
    """Run the signatures of one PIN entry: the last try guarded before, its outcome counted after. Never retried."""
    devices.guard_last_try(desk.db, device_id, last_try)
    try:
        made = make()
    except SignerError as error:
        if error.code in ("wrong_pin", "pin_refused", "last_try", "pin_locked"):
            devices.count_pin(desk, device_id, actor, wrong=True)
        if error.code == "wrong_pin" and (count := devices.wrong_pins(desk.db, device_id)) > 1:
            message = N_("Mã PIN không đúng, đã nhập sai %(count)s lần liên tiếp")
            raise SignerError(message, code=error.code, next_step=error.next_step, count=count) from error
        raise
    devices.count_pin(desk, device_id, actor, wrong=False)
    return made


# -------------------------------------------------------------------------------------------------- the clerk's table
def number_and_seal(desk: Desk, actor: Actor, outgoing_id: str, pin: Pin, *, last_try: bool = False) -> Outgoing:
    """Take the number, write it and the date into the file, seal with the organ's key (article 12.1c).

    The number is reserved first and belongs to the document for ever: a failed seal resumes with the same number.
    """
    document = get(desk, actor, outgoing_id)
    check(actor, document, "take_number" if document.state == "signed" else "seal")
    at = signing_time(desk)
    # who may not seal takes no number either: a number is never taken in vain
    device_id, key = devices.organ_key(desk.db, document.organ_id, actor)
    if document.state == "signed":
        document = _take_number(desk, actor, document, at)
    check(actor, document, "seal")
    _same_day(document, at)
    organ = organs.get(desk.db, document.organ_id)
    if organ.seal_sha256 is None:
        raise BadInput(
            N_("Chưa có ảnh con dấu của cơ quan."), next_step=N_("Báo kỹ thuật viên nạp ảnh dấu đỏ định dạng PNG.")
        )
    seal_png, signed = desk.blobs.read(organ.seal_sha256), desk.blobs.read(document.signed_sha256 or "")
    number, mark, issued = number_text(document.number or 0), document.notation or "", at.date()
    day, month = day_month_text(issued.day, issued.month)
    values = {
        "number": number,
        "notation": mark,
        "day": day,
        "month": month,
        "year": str(issued.year),
        "place": organ.place,
    }

    annexed = annexes(desk.db, document.id)

    def make() -> tuple[str, dict[str, str]]:
        """Every file of the document with one PIN entry: all are sealed, or the document stays numbered."""
        firm = pin.confirmed(last_try)
        done = {one.id: _seal_annex(desk, one, document.code, organ.name, key, firm, at) for one in annexed}
        sealed = produce.number_and_seal(
            signed,
            values=values,
            placement=Placement.from_json(document.placement),
            key=key,
            pin=firm,
            signer=desk.signer,
            seal_png=seal_png,
            seal_mm=looks.seal_mm(desk, organ),
            organ_name=organ.name,
            at=at,
            trust=desk.trust,
            look=looks.look(desk, "seal"),
            stamper=evidence.stamper(desk),
        )
        return desk.blobs.put(sealed), done

    sealed, beside = with_pin(desk, actor, device_id, last_try, make)
    code = document_code(organs.code_on(desk.db, organ.id, issued), issued, number, mark)
    changes = {
        "sealed_sha256": sealed,
        "sealed_at": at.isoformat(),
        "document_code": code,
        "issue_date": issued.isoformat(),
    }

    def also(_: datetime) -> None:
        for annex_id, sha256 in beside.items():
            desk.db.table("outgoing_file").update(annex_id, {"sealed_sha256": sha256})

    detail = {"sealed": sealed, "device": device_id, "code": code, "annexes": list(beside.values())}
    document = apply(desk, actor, document, "seal", changes, detail, also)
    evidence.keep(desk, f"outgoing:{document.id}", "sealed", desk.blobs.read(sealed))
    return document


def _seal_annex(desk: Desk, one: Annex, code: str, organ_name: str, key: TokenKey, pin: Pin, at: datetime) -> str:
    """The organ's signature on an annex (article 6.2b), durable; what an earlier try made is simply made again."""
    look = looks.look(desk, "annex")
    sealed = corner.seal_corner(
        desk.blobs.read(one.draft_sha256),
        field=SEAL_FIELD,
        look=look,
        texts=look.texts(at, code=code, organ=organ_name),
        key=key,
        pin=pin,
        signer=desk.signer,
        at=at,
        trust=desk.trust,
        stamper=evidence.stamper(desk),
    )
    return desk.blobs.put(sealed)


def _take_number(desk: Desk, actor: Actor, document: Outgoing, at: datetime) -> Outgoing:
    """Reserve the number in one transaction; a document signed again keeps the one it has."""
    check(actor, document, "take_number")
    _same_day(document, at)
    mark = notation(document.type, organs.get(desk.db, document.organ_id).abbreviation, document.unit)

    def changes() -> dict[str, Any]:
        if document.number is not None:
            return {}
        number = series.take(desk.db, organ_id=document.organ_id, kind="outgoing", year=at.year)
        return {"book": series.COMMON_BOOK, "number": number, "number_year": at.year, "notation": mark}

    return apply(desk, actor, document, "take_number", changes, {"notation": mark})


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
    return apply(desk, actor, document, "ask_to_sign_again", changes, {})


def issue(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    """Issue (article 12.1đ): scan once more (article 19.1), make the package, queue it with the change of state."""
    document = get(desk, actor, outgoing_id)
    check(actor, document, "issue")
    files = (document.sealed_sha256, *(one.sealed_sha256 for one in annexes(desk.db, document.id)))
    engine = {scan(desk, sha256 or "") for sha256 in files}.pop()
    lasting = evidence.before_issue(desk, document.id, filter(None, files))  # before sending, if the line is up
    now = desk.clock.now()
    package = _package(desk, actor, document, now, {sha256: made.sha256 for sha256, made in lasting.items()})
    prepared = messages.prepare_document(desk, package, organ_id=document.organ_id, outgoing_id=document.id, issued=now)
    detail = {"message": prepared.id, "package": prepared.sha256, "scanned_by": engine}

    def also(at: datetime) -> None:
        messages.enqueue(desk.db, prepared, at)
        for made in lasting.values():
            evidence.record(desk.db, document.id, made, at, sent=True)

    return apply(desk, actor, document, "issue", {"issued_at": now.isoformat()}, detail, also)


def _package(desk: Desk, actor: Actor, document: Outgoing, now: datetime, lasting: dict[str, str]) -> DocumentPackage:
    """What is sent. ``lasting``: sealed file → its extended form, where there is one."""
    issued, sealed = date.fromisoformat(document.issue_date or ""), document.sealed_sha256 or ""
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
        files=(
            PackageFile(document.file_name, "application/pdf", lasting.get(sealed, sealed)),
            *(
                PackageFile(one.name, "application/pdf", lasting.get(one.sealed_sha256 or "", one.sealed_sha256 or ""))
                for one in annexes(desk.db, document.id)
            ),
        ),
    )
