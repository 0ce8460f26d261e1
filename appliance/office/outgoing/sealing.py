"""The clerk's table (article 12.1b-d, 12.2): look, number, seal, or back to the leader.

The number is taken in a transaction of its own before sealing begins and belongs to the document for ever.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from appliance import clock
from appliance.errors import N_, BadInput
from appliance.office import devices, evidence, looks, organs, series
from appliance.office.clock_guard import signing_time
from appliance.office.desk import Actor, Desk
from appliance.office.outgoing.annexes import Annex, annexes
from appliance.office.outgoing.moves import apply, check
from appliance.office.outgoing.pins import with_pin
from appliance.office.outgoing.records import Outgoing, get
from appliance.office.reasons import reason_text
from appliance.regulation import rules
from appliance.regulation.codes import DOCUMENT_CODE, document_code
from appliance.regulation.document_types import day_month_text, notation, number_text
from appliance.signing import corner, produce
from appliance.signing.placement import SEAL_FIELD, Placement
from appliance.signing.token import Pin, TokenKey


def send_back(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """The clerk sends a signed document back for a fault of form found before numbering."""
    document = get(desk, actor, outgoing_id)
    changes = {"reason": reason_text(reason), "signed_sha256": None, "signed_at": None}
    return apply(desk, actor, document, "send_back", changes, {"reason": reason_text(reason)})


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
    template = desk.settings.document_id_template or DOCUMENT_CODE
    code = document_code(organs.code_on(desk.db, organ.id, issued), issued, number, mark, template)
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
