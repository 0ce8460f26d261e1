"""Looking at an uploaded PDF: can it be signed at all, and if not, what to tell the person."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium_raw
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from appliance.errors import N_, BadInput

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
    form = _form(reader)
    if "/XFA" in form:
        raise BadInput(N_("Tệp PDF là biểu mẫu động (XFA), không ký được"), next_step=_SAVE_AGAIN)
    signed = any(enumerate_sig_fields(reader, filled_status=True))
    return PdfFacts(len(sizes), sizes, signed, plain)


def _page_sizes(data: bytes) -> tuple[tuple[float, float], ...]:
    try:
        with pypdfium2.PdfDocument(data) as document:
            sizes = tuple(document.get_page_size(index) for index in range(len(document)))
    except pypdfium2.PdfiumError as error:
        if pdfium_raw.FPDF_GetLastError() == pdfium_raw.FPDF_ERR_PASSWORD:
            raise BadInput(
                N_("Tệp PDF được đặt mật khẩu"), next_step=N_("Bỏ mật khẩu của tệp rồi tải lên lại")
            ) from error
        raise BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=_SAVE_AGAIN) from error
    if not sizes:
        raise BadInput(N_("Tệp PDF không có trang nào"), next_step=_SAVE_AGAIN)
    return sizes


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
        except (PdfError, pypdfium2.PdfiumError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            if plain:
                continue
            raise BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=_SAVE_AGAIN) from error
        return reader, plain
    raise BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=_SAVE_AGAIN)


def rewritten(data: bytes) -> bytes:
    """The same pages written afresh, with one plain cross-reference table."""
    out = io.BytesIO()
    with pypdfium2.PdfDocument(data) as document:
        document.save(out)
    return out.getvalue()


def _form(reader: PdfFileReader) -> Any:
    return reader.root.get("/AcroForm", {})
