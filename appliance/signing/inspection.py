"""Looking at an uploaded PDF: can it be signed at all, and if not, what to tell the person."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pypdfium2
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import enumerate_sig_fields

from appliance.errors import N_, BadInput

UNREADABLE = (
    PdfError, pypdfium2.PdfiumError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError,
    NotImplementedError, OverflowError, RecursionError,
)  # fmt: skip
"""What the PDF libraries raise on files that break the rules."""

_SAVE_AGAIN = N_("Mở bản gốc trong phần mềm soạn thảo, xuất lại thành PDF rồi tải lên")


@dataclass(frozen=True)
class PdfFacts:
    """What ``inspect`` saw. ``page_sizes``: width and height of each page as displayed, points.

    ``plain``: the file can be extended as it is; otherwise ``prepare`` rewrites it once before laying the fields.
    """

    pages: int
    page_sizes: tuple[tuple[float, float], ...]
    already_signed: bool
    plain: bool = True


def inspect(data: bytes) -> PdfFacts:
    """Look at an uploaded PDF.

    Raises BadInput, each with its own sentence: not a PDF, torn, protected by a password or restricted, without
    pages, a dynamic XFA form.
    """
    if b"%PDF-" not in data[:1024]:
        raise BadInput(N_("Tệp này không phải là PDF"), next_step=_SAVE_AGAIN)
    if b"%%EOF" not in data[-2048:] or b"startxref" not in data[-4096:]:
        raise BadInput(
            N_("Tệp PDF bị đứt, thiếu phần cuối"), next_step=N_("Tải lại hoặc sao chép lại tệp gốc rồi tải lên lần nữa")
        )
    sizes = _page_sizes(data)
    reader, plain = _reader(data)
    if reader.encrypted:
        raise BadInput(N_("Tệp PDF bị mã hóa hoặc giới hạn quyền chỉnh sửa"), next_step=_SAVE_AGAIN)
    try:
        dynamic = "/XFA" in _form(reader)
        signed = any(enumerate_sig_fields(reader, filled_status=True))
    except UNREADABLE as error:
        raise _broken() from error
    if dynamic:
        raise BadInput(N_("Tệp PDF là biểu mẫu động (XFA), không ký được"), next_step=_SAVE_AGAIN)
    return PdfFacts(len(sizes), sizes, signed, plain)


def _page_sizes(data: bytes) -> tuple[tuple[float, float], ...]:
    try:
        with pypdfium2.PdfDocument(data) as document:
            return tuple(document.get_page_size(index) for index in range(len(document)))
    except pypdfium2.PdfiumError as error:
        raise _unopened(data) from error


def _unopened(data: bytes) -> BadInput:
    """Why PDFium did not open the file; its own error code is left over from earlier files at times."""
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        if reader.encrypted:
            return BadInput(N_("Tệp PDF được đặt mật khẩu"), next_step=N_("Bỏ mật khẩu của tệp rồi tải lên lại"))
        if not reader.root["/Pages"]["/Count"]:
            return BadInput(N_("Tệp PDF không có trang nào"), next_step=_SAVE_AGAIN)
    except UNREADABLE:
        return _broken()
    return _broken()


def _broken() -> BadInput:
    return BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=_SAVE_AGAIN)


def _reader(data: bytes) -> tuple[PdfFileReader, bool]:
    """A reader, and whether the file can be extended as it is (Word writes hybrid files, which cannot)."""
    for candidate, plain in ((data, True), (None, False)):
        try:
            reader = PdfFileReader(io.BytesIO(rewritten(data) if candidate is None else candidate))
            if plain and reader.xrefs.hybrid_xrefs_present:
                continue
            reader.root["/Pages"]["/Count"]
            if not reader.encrypted:
                _form(reader)
        except UNREADABLE as error:
            if plain:
                continue
            raise _broken() from error
        return reader, plain
    raise _broken()


def rewritten(data: bytes) -> bytes:
    """The same document written afresh, with one plain cross-reference table.

    PDFium mends what can be mended, but leaves references to nothing; pyHanko's copy drops those.
    """
    mended, out = io.BytesIO(), io.BytesIO()
    with pypdfium2.PdfDocument(data) as document:
        document.save(mended)
    copy_into_new_writer(PdfFileReader(mended, strict=False)).write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def _form(reader: PdfFileReader) -> Any:
    return read(reader.root, "/AcroForm", {})


def read(dictionary: Any, key: str, default: Any) -> Any:
    """``dictionary[key]`` followed to the object; pyHanko's own ``get`` leaves a reference unfollowed."""
    return dictionary[key] if key in dictionary else default  # noqa: SIM401
