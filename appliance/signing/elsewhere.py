"""A PDF that its signer signed in another program: may it be taken, and how can it still be numbered and sealed?

What the signature allows decides (recipes and trials: a field or text created after it breaks it):
- it is our prepared file, signed in its field: number, date and seal go into their fields as ever;
- an approval signature without locks: the seal may get a field of its own, and number and date stand beside the seal;
- a certification, or a lock over the file: nothing may be added, and the page says what to do.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pikepdf
import pypdfium2
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature

from appliance.errors import N_, BadInput, RuleRefused
from appliance.signing.corner import takes_another_signature
from appliance.signing.header import find_number
from appliance.signing.inspection import UNREADABLE
from appliance.signing.normalise import armed
from appliance.signing.placement import (
    NOTE_HEIGHT,
    SEAL_FIELD,
    SIGNATURE_FIELD,
    Area,
    Placement,
    seal_over,
)
from appliance.signing.places import find_places, free_note
from appliance.signing.report import Report, SignatureReport
from appliance.signing.signature_block import dense
from appliance.signing.textlines import read_lines
from appliance.signing.trust import TrustStore
from appliance.signing.validate import validate

SIGN_OURS = N_(
    "Đề nghị người ký ký lại: ký trên bản đã trình ở trạm, hoặc tải bản đã trình về ký vào ô “ChuKyLanhDao” rồi nộp lại"
)
_NOTE_LINES = 6  # number, date, organ in two, time in two
_LEAST = 20.0
"""Points; a signature field smaller than this shows nothing."""


@dataclass(frozen=True)
class Signer:
    """Whose signature is expected: name and title as printed, and the certificates (DER) on the person's devices,
    those in use and those ``stopped`` (lost, revoked, returned).
    """

    name: str
    title: str
    certificates: tuple[bytes, ...]
    stopped: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Taken:
    """An accepted file. ``placement``: where number, date and seal go; ``signed_at``: ISO 8601, as the signer states;
    ``registered``: signed with a device in the register of the office.
    """

    placement: Placement
    signed_at: str
    registered: bool


def take(
    data: bytes, signer: Signer, *, prepared: bytes | None, places: Placement, seal_mm: float, trust: TrustStore,
    at: datetime,
) -> Taken:  # fmt: skip
    """Judge a signed file. ``prepared``: what the box itself made ready for signing, with ``places``, if it did.

    Raises BadInput (no signature, not readable), RuleRefused (not valid, not this person's, locked, number printed).
    """
    _check_harmless(data)
    report = validate(data, trust, at=at)
    personal = _personal(report)
    embedded = _embedded(data)
    certificate = embedded[personal.field].signer_cert.dump() if personal.field in embedded else b""
    registered = certificate in signer.certificates
    if certificate in signer.stopped and not registered:
        raise RuleRefused(
            N_("Tệp được ký bằng thiết bị đã ngừng sử dụng theo sổ thiết bị của cơ quan (Điều 5)"), next_step=SIGN_OURS
        )
    _check_person(personal, signer, registered)
    if prepared is not None and data.startswith(prepared) and personal.field == SIGNATURE_FIELD:
        _check_open(embedded, (*(slot.name for slot in places.slots), SEAL_FIELD))
        return Taken(places, personal.signing_time, registered)
    _check_takes_seal(data, embedded)
    return Taken(_beside_seal(data, personal.field, signer, seal_mm), personal.signing_time, registered)


def _check_harmless(data: bytes) -> None:
    """A signed file can no longer be mended: what acts by itself or hides inside keeps it out."""
    try:
        if armed(data):
            raise RuleRefused(
                N_("Tệp đã ký có lệnh tự chạy hoặc tệp nhúng bên trong; đã ký thì không bỏ ra được nữa"),
                next_step=N_("In bản thảo ra PDF mới (không kèm lệnh, không đính tệp) rồi đề nghị người ký ký lại"),
            )
    except UNREADABLE as error:
        raise BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=SIGN_OURS) from error


def _personal(report: Report) -> SignatureReport:
    """The newest signature of a person. Raises BadInput, RuleRefused."""
    people = [signature for signature in report.signatures if signature.kind == "signature"]
    if not people:
        raise BadInput(N_("Tệp này chưa có chữ ký số"), next_step=SIGN_OURS)
    if report.verdict == "invalid":
        raise RuleRefused(
            N_("Chữ ký số trên tệp không hợp lệ: %(reasons)s"),
            next_step=SIGN_OURS,
            reasons="; ".join(dict.fromkeys(reason for s in report.signatures for reason in s.reasons)),
        )
    if any(signature.field == SEAL_FIELD for signature in people):
        raise RuleRefused(N_("Tệp đã được đóng dấu số"), next_step=N_("Tải lên bản mới có chữ ký của người ký"))
    if not people[-1].signing_time:
        raise RuleRefused(N_("Chữ ký số không ghi thời điểm ký"), next_step=SIGN_OURS)
    return people[-1]


def _check_person(personal: SignatureReport, signer: Signer, registered: bool) -> None:
    """Signed with a registered device; or by a certificate of that name which is valid beyond doubt."""
    if registered:
        return
    if dense(personal.signer_name) != dense(signer.name):
        raise RuleRefused(
            N_("Chữ ký số trên tệp là của “%(found)s”, không phải của người ký “%(wanted)s”"),
            next_step=N_("Chọn đúng người ký của văn bản, hoặc tải lên bản do người đó ký"),
            found=personal.signer_name,
            wanted=signer.name,
        )
    if personal.verdict != "valid":
        raise RuleRefused(
            N_("Chứng thư số trên tệp chưa đăng ký ở trạm và chưa kiểm tra được hết: %(reasons)s"),
            next_step=N_("Đăng ký thiết bị của người ký (Điều 5) rồi nộp lại, hoặc ký trên trạm"),
            reasons="; ".join(personal.reasons),
        )


def _embedded(data: bytes) -> dict[str, EmbeddedPdfSignature]:
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        filled = enumerate_sig_fields(reader, filled_status=True)
        return {name: EmbeddedPdfSignature(reader, field, name) for name, _, field in filled}
    except UNREADABLE as error:
        raise BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=SIGN_OURS) from error


def _check_open(embedded: dict[str, EmbeddedPdfSignature], names: tuple[str, ...]) -> None:
    """Whether our own fields may still be filled."""
    for signature in embedded.values():
        lock = signature.fieldmdp
        shut = lock is not None and any(lock.is_locked(name) for name in names)
        if shut or signature.docmdp_level == MDPPerm.NO_CHANGES:
            raise _locked()


def _check_takes_seal(data: bytes, embedded: dict[str, EmbeddedPdfSignature]) -> None:
    """Whether a seal's field may be added. Raises RuleRefused, each lock with its own sentence."""
    if takes_another_signature(data):
        return
    if any(signature.docmdp_level == MDPPerm.NO_CHANGES for signature in embedded.values()):
        raise _locked()
    raise RuleRefused(
        N_("Chữ ký trên tệp chỉ cho điền ô có sẵn; tệp không có ô số, ngày và dấu của trạm nên không đóng dấu được"),
        next_step=SIGN_OURS,
    )


def _locked() -> RuleRefused:
    return RuleRefused(
        N_("Chữ ký trên tệp khóa mọi thay đổi, nên không ghi số, ngày và không đóng dấu được"), next_step=SIGN_OURS
    )


def _beside_seal(data: bytes, field: str, signer: Signer, seal_mm: float) -> Placement:
    """The seal over the signature, number and date in the block beside it; nothing may be printed as number."""
    with pypdfium2.PdfDocument(data) as document:
        first = document[0]
        number = find_number(read_lines(first, 0), first.get_height())
        if number and "number" in number.printed:
            raise RuleRefused(
                N_("Văn bản đã in sẵn số %(number)s trước khi ký; số phải do văn thư cấp sau khi ký (Điều 12)"),
                next_step=N_("Để trống số trong bản thảo, đề nghị người ký ký lại"),
                number=number.printed["number"],
            )
        signature = _field_area(data, field, document)
        if signature is None:
            found = find_places(data, signer_title=signer.title, signer_name=signer.name, seal_mm=seal_mm)
            signature = found.signature
        seal = seal_over(signature, seal_mm)
        lines = [part for line in read_lines(document[signature.page], signature.page) for part in line.segments()]
        note = free_note(seal, signature, lines, NOTE_HEIGHT / 3 * _NOTE_LINES)
    printed = tuple((name, shown) for name, shown in (number.printed if number else {}).items())
    return Placement((), signature, seal, (SIGNATURE_FIELD,), printed, note, signed_field=field)


def _field_area(data: bytes, field: str, document: pypdfium2.PdfDocument) -> Area | None:
    """Where the signature is seen; None for one that is not. Raises RuleRefused on a turned page."""
    found = _widget(data, field)
    if found is None:
        return None
    index, (left, bottom, right, top) = found
    if right - left < _LEAST or top - bottom < _LEAST:
        return None
    page = document[index]
    if page.get_rotation():
        raise RuleRefused(N_("Trang có chữ ký bị xoay nên không đóng dấu đúng chiều được"), next_step=SIGN_OURS)
    crop_left, crop_bottom, *_ = page.get_bbox()
    return Area(index, left - crop_left, bottom - crop_bottom, right - left, top - bottom)


def _widget(data: bytes, field: str) -> tuple[int, list[float]] | None:
    """Page (from 0) and rectangle of a field, in the file's own coordinates."""
    try:
        with pikepdf.open(io.BytesIO(data)) as document:
            for index, page in enumerate(document.pages):
                for mark in page.get("/Annots", pikepdf.Array()):
                    if _full_name(mark) == field:
                        return index, [float(value) for value in mark["/Rect"]]
    except UNREADABLE:
        pass
    return None


def _full_name(mark: Any) -> str:
    """A field's name with its parents', as signatures are listed."""
    names: list[str] = []
    while mark is not None and len(names) < 20:
        if "/T" in mark:
            names.insert(0, str(mark["/T"]))
        mark = mark.get("/Parent")
    return ".".join(names)
