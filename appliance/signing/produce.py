"""Making the two signatures: the leader's, then number, date and seal in one step (articles 6, 12, 13.4).

The PDF side computes digest and signed attributes here; the raw signature comes from the signer process. PAdES B-B,
SHA-256. Nothing is returned that has not been validated.
"""

from __future__ import annotations

import asyncio
import io
from datetime import datetime
from typing import Any

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import FormFillingError, PdfError
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import TimeStamper

from appliance.clock import VN
from appliance.errors import N_, BadInput, RuleRefused, TramError
from appliance.signing.appearance import DrawnStyle, Look, fill_slot, seal_style, signature_style
from appliance.signing.certificates import check_before_signing
from appliance.signing.client import SignerClient
from appliance.signing.placement import POINTS_PER_MM, SEAL_FIELD, SIGNATURE_FIELD, Area, Placement
from appliance.signing.prepare import add_seal_field
from appliance.signing.report import Report
from appliance.signing.token import Pin, TokenKey
from appliance.signing.token_signer import TokenSigner
from appliance.signing.trust import TrustStore
from appliance.signing.validate import validate

_CHUNK = 1 << 20
"""Bytes of the earlier revisions copied at a time; pyHanko's own 4 KiB make a scan of 20 MB slow."""
_PRINTED = {
    "number": N_("số"),
    "notation": N_("ký hiệu"),
    "day": N_("ngày"),
    "month": N_("tháng"),
    "year": N_("năm"),
}

_BESIDE_SEAL = ("Số: {number}/{notation}", "{place}, ngày {day} tháng {month} năm {year}")
"""What stands beside the seal when the file has no fields for number and date."""


def sign_personal(
    prepared: bytes,
    *,
    key: TokenKey,
    pin: Pin,
    signer: SignerClient,
    image_png: bytes | None,
    signer_name: str,
    at: datetime,
    trust: TrustStore,
    stamper: TimeStamper | None = None,
) -> bytes:
    """The leader's signature in ChuKyLanhDao of what ``prepare`` made.

    ``image_png``: the blue handwritten signature, or None for the name in blue; ``at``: the signing time, written at
    +07:00; ``stamper``: asked for a time stamp to put into the signature, which becomes B-B without it when it has no
    answer. Raises SignerError (device), RuleRefused (certificate), BadInput (file or picture).
    """
    certificate = check_before_signing(key, trust, at)
    writer = open_writer(prepared)
    if SIGNATURE_FIELD not in _empty_fields(writer):
        raise BadInput(
            N_("Văn bản chưa được chuẩn bị để ký hoặc đã được ký"), next_step=N_("Tải lại trang rồi trình ký lại")
        )
    box = _field_box(writer, SIGNATURE_FIELD)
    style = signature_style(box, image_png, signer_name)
    signed = sign_field(writer, SIGNATURE_FIELD, style, TokenSigner(key, pin, signer, certificate, trust), at, stamper)
    require_good(validate(signed, trust, at=at), {SIGNATURE_FIELD})
    return signed


def number_and_seal(
    signed: bytes,
    *,
    values: dict[str, str],
    placement: Placement,
    key: TokenKey,
    pin: Pin,
    signer: SignerClient,
    seal_png: bytes,
    seal_mm: float,
    organ_name: str,
    at: datetime,
    trust: TrustStore,
    look: Look | None = None,
    stamper: TimeStamper | None = None,
) -> bytes:
    """Number, date and the organ's seal over the leader's signature, in ONE revision of the file.

    ``values``: number, notation, day, month, year, place as printed ('05', 'QĐ-UBND', '09', …); ``seal_mm``: the
    seal's real diameter; ``look``: the text beside the seal, without it the seal stands alone; ``stamper``
    as for ``sign_personal``. Every earlier signature is checked first. Raises SignerError (device), RuleRefused
    (certificate; a broken or missing leader's signature; values that contradict the draft), BadInput.
    """
    certificate = check_before_signing(key, trust, at)
    check_printed(placement, values)
    personal = placement.signed_field or SIGNATURE_FIELD
    _check_signed(validate(signed, trust, at=at), personal)
    writer = open_writer(signed)
    beside: tuple[str, ...] = ()
    if placement.signed_field:  # signed elsewhere, without our fields
        add_seal_field(writer, signed, placement)
        beside = tuple(line.format(**values) for line in _BESIDE_SEAL)
    elif SEAL_FIELD not in _empty_fields(writer):
        raise RuleRefused(N_("Văn bản đã được đóng dấu"), next_step=N_("Tải lại trang để xem trạng thái mới nhất"))
    _fill(writer, placement, values)
    lines = beside + tuple(part for line in look.texts(at, organ=organ_name) for part in _wrapped(line)) if look else ()
    style = seal_style(_real_size(placement, seal_mm), placement.seal_note, seal_png, lines, look)
    sealed = sign_field(writer, SEAL_FIELD, style, TokenSigner(key, pin, signer, certificate, trust), at, stamper)
    require_good(validate(sealed, trust, at=at), {personal, SEAL_FIELD})
    return sealed


def sign_field(
    writer: IncrementalPdfFileWriter,
    field: str,
    style: DrawnStyle,
    token: TokenSigner,
    at: datetime,
    stamper: TimeStamper | None,
) -> bytes:
    """Sign ``field`` of the writer's document; /M is ``at``, not the process's own clock and zone."""
    metadata = PdfSignatureMetadata(
        field_name=field,
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm=token.digest,
        docmdp_permissions=MDPPerm.FILL_FORMS
        if field == SIGNATURE_FIELD
        else MDPPerm.NO_CHANGES,  # as the field's lock
    )
    pdf_signer = PdfSigner(metadata, token, timestamper=stamper, stamp_style=style)
    session = pdf_signer.init_signing_session(writer, existing_fields_only=True)
    session.system_time = _local(at)
    out = io.BytesIO()
    try:
        asyncio.run(_run(session, out))
    except (SigningError, PdfError) as error:
        raise BadInput(
            N_("Không ghi được chữ ký vào tệp PDF"),
            next_step=N_("Trả lại người soạn để xuất lại tệp PDF rồi trình lại"),
        ) from error
    return out.getvalue()


async def _run(session: Any, out: io.BytesIO) -> None:
    reserved = await session.estimate_signature_container_size(validation_info=None)
    document = session.prepare_tbs_document(validation_info=None, bytes_reserved=reserved)
    digest, _ = document.digest_tbs_document(output=out)
    await document.perform_signature(digest.document_digest, PdfCMSSignedAttributes())


def open_writer(data: bytes) -> IncrementalPdfFileWriter:
    """A writer that extends ``data``. Raises BadInput."""
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(data))
        writer.IO_CHUNK_SIZE = _CHUNK
        return writer
    except (PdfError, ValueError, KeyError, TypeError) as error:
        raise BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=N_("Trình ký lại văn bản")) from error


def _empty_fields(writer: IncrementalPdfFileWriter) -> set[str]:
    return {name for name, _, _ in enumerate_sig_fields(writer, filled_status=False)}


def _field_box(writer: IncrementalPdfFileWriter, name: str) -> Area:
    """A field's size, from the file itself."""
    _, _, field = next(iter(enumerate_sig_fields(writer, with_name=name)))
    left, bottom, right, top = (float(v) for v in field.get_object()["/Rect"])
    return Area(0, left, bottom, right - left, top - bottom)


def _fill(writer: IncrementalPdfFileWriter, placement: Placement, values: dict[str, str]) -> None:
    try:
        for slot in placement.slots:
            fill_slot(writer, slot, slot.template.format(**values))
    except FormFillingError as error:
        raise BadInput(
            N_("Ô số hoặc ngày của văn bản không còn trống hoặc không có"),
            next_step=N_("Trả lại người soạn để trình ký lại từ bản dự thảo"),
        ) from error


def check_printed(placement: Placement, values: dict[str, str]) -> None:
    """What the draft already shows must be what is being issued; looks at the names in ``values`` only.

    Worth calling as soon as a value is known (the notation when the draft is submitted): number_and_seal calls it at
    the very end, when the leader has already signed. Raises RuleRefused.
    """
    for name, shown in placement.printed:
        issued = values.get(name, shown)
        same = issued == shown or (issued.isdigit() and shown.isdigit() and int(issued) == int(shown))
        if not same:
            raise RuleRefused(
                N_("Dự thảo in sẵn %(what)s “%(shown)s” nhưng văn bản được cấp %(what)s “%(issued)s”"),
                next_step=N_("Trả lại người soạn để sửa dự thảo, trình ký lại"),
                what=_PRINTED.get(name, name),
                shown=shown,
                issued=issued,
            )


def _check_signed(report: Report, personal: str) -> None:
    """Only over a document the competent person has signed, and only while all signatures hold (article 12.1)."""
    fields = [signature.field for signature in report.signatures]
    if personal not in fields:
        raise RuleRefused(
            N_("Văn bản chưa có chữ ký số của người có thẩm quyền"),
            next_step=N_("Trình người có thẩm quyền ký số trước"),
        )
    if report.verdict == "invalid":
        reasons = "; ".join(dict.fromkeys(reason for s in report.signatures for reason in s.reasons))
        raise RuleRefused(
            N_("Không đóng dấu được vì chữ ký số trên văn bản không hợp lệ: %(reasons)s"),
            next_step=N_("Đề nghị người có thẩm quyền ký lại"),
            reasons=reasons,
        )


def require_good(report: Report, fields: set[str]) -> None:
    """The last look at our own work before it leaves this module."""
    if report.verdict in ("valid", "unknown") and {s.field for s in report.signatures} >= fields:
        return
    reasons = "; ".join(dict.fromkeys(reason for s in report.signatures for reason in s.reasons))
    raise TramError(
        N_("Văn bản vừa ký không qua được bước kiểm tra của trạm: %(reasons)s"),
        next_step=N_("Văn bản chưa bị thay đổi; báo cán bộ kỹ thuật"),
        permanent=False,
        reasons=reasons,
    )


def _real_size(placement: Placement, seal_mm: float) -> Area:
    """The seal's square, checked against its real size (article 13.4)."""
    side = seal_mm * POINTS_PER_MM
    if abs(placement.seal.width - side) > 1 or abs(placement.seal.height - side) > 1:
        raise RuleRefused(
            N_("Khung con dấu trên dự thảo không bằng kích thước thực tế của dấu (%(size)s mm)"),
            next_step=N_("Trả lại người soạn để đặt lại vị trí con dấu"),
            size=f"{seal_mm:g}",
        )
    return placement.seal


def _local(at: datetime) -> datetime:
    return at.astimezone(VN).replace(microsecond=0)


def _wrapped(line: str) -> tuple[str, ...]:
    """A line beside the seal, a long organ's name in two."""
    if len(line) <= 34:
        return (line,)
    words = line.split()
    cut = min(range(1, len(words)), key=lambda n: abs(len(" ".join(words[:n])) - len(" ".join(words[n:]))), default=1)
    return (" ".join(words[:cut]), " ".join(words[cut:]))
