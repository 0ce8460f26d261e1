"""Looking at an uploaded PDF: can it be signed, what must be mended first, and if not, what to tell the person."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any

import pikepdf
import pypdfium2
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from appliance.errors import N_, BadInput
from appliance.signing.normalise import DIFFERENT, REWRITTEN, different_pages, normalised

UNREADABLE = (
    PdfError, pikepdf.PdfError, pypdfium2.PdfiumError, ValueError, KeyError, TypeError, AttributeError, IndexError,
    AssertionError, NotImplementedError, OverflowError, RecursionError, RuntimeError,
)  # fmt: skip
"""What the PDF libraries raise on files that break the rules."""

_SAVE_AGAIN = N_("Mở bản gốc trong phần mềm soạn thảo, xuất lại thành PDF rồi tải lên")
_END = 2048
"""Bytes from the end in which a whole file has its last 'startxref' and '%%EOF' (mail programs add a little)."""
_A4 = (595.28, 841.89)
_PAPER_SLACK = 15.0
"""Points by which paper may differ from A4 before the drafter is told (about 5 mm)."""
_PROGRAMS = (
    "word", "libreoffice", "wps", "skia", "quartz", "cairo", "ghostscript", "xdvipdfmx", "pdftex", "weasyprint",
    "tesseract", "adobe", "foxit", "qt",
)  # fmt: skip
"""Producers by the part of their name that stays the same from version to version."""
_LARGEST = 14400.0
"""Points; the longest page side that readers must support (ISO 32000-1, annex C)."""


@dataclass(frozen=True)
class PdfFacts:
    """What ``inspect`` saw. ``page_sizes``: width and height of each page as displayed, points.

    ``ready``: the bytes to extend, the file's own or, when something had to be mended, a fresh writing of them;
    ``mended``: Vietnamese sentences saying what was mended or taken out; ``advice``: what the drafter should know;
    ``layout``: the program that made the file and its paper, in short: 'libreoffice 210x297', 'scan 210x297'.
    """

    pages: int
    page_sizes: tuple[tuple[float, float], ...]
    already_signed: bool
    ready: bytes = field(repr=False, default=b"")
    mended: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    layout: str = ""


def inspect(data: bytes) -> PdfFacts:
    """Look at an uploaded PDF.

    Raises BadInput, each with its own sentence: not a PDF, torn, protected by a password, without pages, a dynamic
    XFA form, a form whose values only the reading program draws. A signed file is never mended.
    """
    if b"%PDF-" not in data[:1024]:
        raise BadInput(N_("Tệp này không phải là PDF"), next_step=_SAVE_AGAIN)
    if _torn(data):
        raise BadInput(
            N_("Tệp PDF bị đứt, thiếu phần cuối"), next_step=N_("Tải lại hoặc sao chép lại tệp gốc rồi tải lên lần nữa")
        )
    sizes = _page_sizes(data)
    try:
        if _signed(data):
            return PdfFacts(len(sizes), sizes, True, data)
    except UNREADABLE as error:
        raise _broken() from error
    ready, mended = _mended(data)
    _check_form(ready)
    return PdfFacts(len(sizes), sizes, False, ready, tuple(mended), _advice(sizes), _layout(ready, sizes[0]))


def _torn(data: bytes) -> bool:
    """Whether the end is missing: what was cut off cannot be invented, and an older revision must not pass for it."""
    at = data.rfind(b"startxref")
    if at < 0 or not re.match(rb"startxref\s+\d", data[at:]):
        return True
    return bool(re.search(rb"\d+\s+\d+\s+obj\b", data[at:])) or (b"%%EOF" not in data[at:] and len(data) - at > _END)


def _page_sizes(data: bytes) -> tuple[tuple[float, float], ...]:
    try:
        with pypdfium2.PdfDocument(data) as document:
            sizes = tuple(document.get_page_size(index) for index in range(len(document)))
    except pypdfium2.PdfiumError as error:
        raise _unopened(data) from error
    if not sizes:
        raise BadInput(N_("Tệp PDF không có trang nào"), next_step=_SAVE_AGAIN)
    if max(max(size) for size in sizes) > _LARGEST:
        raise BadInput(N_("Tệp PDF có trang quá khổ (trên 5 mét)"), next_step=_SAVE_AGAIN)
    return sizes


def _unopened(data: bytes) -> BadInput:
    """Why PDFium did not open the file; its own error code is left over from earlier files at times."""
    try:
        with pikepdf.open(io.BytesIO(data)) as document:
            if not len(document.pages):
                return BadInput(N_("Tệp PDF không có trang nào"), next_step=_SAVE_AGAIN)
    except pikepdf.PasswordError:
        return BadInput(N_("Tệp PDF được đặt mật khẩu"), next_step=N_("Bỏ mật khẩu của tệp rồi tải lên lại"))
    except UNREADABLE:
        return _broken()
    return _broken()


def _broken() -> BadInput:
    return BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=_SAVE_AGAIN)


def _signed(data: bytes) -> bool:
    """Whether a signature field is filled, even in a file whose structure is poor."""
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        if not reader.encrypted:
            return any(enumerate_sig_fields(reader, filled_status=True))
    except UNREADABLE:
        pass
    rewritten, _ = normalised(data)
    return any(enumerate_sig_fields(PdfFileReader(io.BytesIO(rewritten)), filled_status=True))


def _orderly(data: bytes) -> bool:
    """Whether the file can be extended as it is; hybrid files, as Word writes them, cannot."""
    try:
        reader = PdfFileReader(io.BytesIO(data))
        if reader.encrypted or reader.xrefs.hybrid_xrefs_present:
            return False
        reader.root["/Pages"]["/Count"]
        _form(reader)
    except UNREADABLE:
        return False
    return True


def _mended(data: bytes) -> tuple[bytes, list[str]]:
    """The bytes to sign, and what was done to them; the file's own bytes when nothing had to be done."""
    orderly = _orderly(data)
    try:
        written, done = normalised(data, orderly=orderly)
        if orderly and not done:
            return data, []
        if not _orderly(written):
            raise _broken()
        if not orderly and not done:
            done = [REWRITTEN]
        if pages := different_pages(data, written):
            done.append(DIFFERENT % ", ".join(map(str, pages[:5])))
    except UNREADABLE as error:
        raise _broken() from error
    return written, done


def _check_form(ready: bytes) -> None:
    """Refuse forms that show nothing by themselves."""
    try:
        form = _form(PdfFileReader(io.BytesIO(ready)))
        drawn_later = bool(read(form, "/NeedAppearances", False))
        fields = [entry.get_object() for entry in read(form, "/Fields", ())]
    except UNREADABLE as error:
        raise _broken() from error
    if drawn_later and any("/V" in entry and "/AP" not in entry and "/Kids" not in entry for entry in fields):
        raise BadInput(
            N_("Tệp PDF là biểu mẫu điền dở: nội dung đã điền chỉ hiện khi mở bằng phần mềm đọc"),
            next_step=N_("Mở tệp, chọn In → Lưu thành PDF để chốt nội dung rồi tải lên"),
        )


def _advice(sizes: tuple[tuple[float, float], ...]) -> tuple[str, ...]:
    """What the drafter should know about the paper (Nghị định 30/2020/NĐ-CP, annex I: A4)."""
    short, long = sorted(sizes[0])
    if abs(short - _A4[0]) > _PAPER_SLACK or abs(long - _A4[1]) > _PAPER_SLACK:
        return (N_("Trang đầu không phải khổ A4 (phụ lục I Nghị định 30/2020/NĐ-CP)"),)
    return ()


def _layout(data: bytes, size: tuple[float, float]) -> str:
    """Program and paper of the first page. A file whose first page has no letters is a scan, whoever wrapped it."""
    with pypdfium2.PdfDocument(data) as document:
        producer = document.get_metadata_value("Producer") or document.get_metadata_value("Creator")
        letters = document[0].get_textpage().count_chars()
    known = next((name for name in _PROGRAMS if name in producer.lower()), "")
    word = re.match(r"[^\W\d_]*", producer.lower())
    program = (known or (word[0] if word else "") or "?") if letters else "scan"
    return f"{program} {round(size[0] / 72 * 25.4)}x{round(size[1] / 72 * 25.4)}"


def _form(reader: PdfFileReader) -> Any:
    return read(reader.root, "/AcroForm", {})


def read(dictionary: Any, key: str, default: Any) -> Any:
    """``dictionary[key]`` followed to the object; pyHanko's own ``get`` leaves a reference unfollowed."""
    return dictionary[key] if key in dictionary else default  # noqa: SIM401
