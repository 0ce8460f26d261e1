"""The file of an electronic copy: the original's own bytes where they can be kept, else its pages as printed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium_c

from appliance.errors import N_, BadInput

_COLOURLESS = (pdfium_c.FPDF_COLORSPACE_DEVICEGRAY, pdfium_c.FPDF_COLORSPACE_CALGRAY)
_NAMED = 8  # page numbers listed in one sentence


@dataclass(frozen=True)
class ScannedPage:
    """What a page's pictures are like: ``dpi`` of the finest one (0 without any), ``colour`` whether one has it."""

    dpi: float
    colour: bool


def as_printed(data: bytes, pages: Sequence[int] | None = None) -> bytes:
    """A new PDF of the pages as they print: form fields and signatures become plain content, text stays text.

    ``pages`` count from 0; None for all. The result carries no signature. Raises BadInput.
    """
    out = io.BytesIO()
    try:
        with pypdfium2.PdfDocument(data) as document, pypdfium2.PdfDocument.new() as copy:
            chosen = list(range(len(document))) if pages is None else list(pages)
            document.init_forms()
            for number in set(chosen):
                if pdfium_c.FPDFPage_Flatten(document[number], pdfium_c.FLAT_PRINT) == pdfium_c.FLATTEN_FAIL:
                    raise ValueError(f"page {number + 1} could not be flattened")
            copy.import_pages(document, chosen)
            copy.save(out, version=17)
    except (pypdfium2.PdfiumError, IndexError, ValueError) as error:
        raise BadInput(
            N_("Không tách được các trang của văn bản gốc"), next_step=N_("Kiểm tra lại số trang rồi làm lại bản sao")
        ) from error
    return out.getvalue()


def scanned_pages(data: bytes) -> tuple[int, list[ScannedPage]]:
    """(PDF version as 14 for 1.4, every page's scan). Raises BadInput."""
    try:
        with pypdfium2.PdfDocument(data) as document:
            return document.get_version() or 0, [_scanned(document[number]) for number in range(len(document))]
    except pypdfium2.PdfiumError as error:
        raise BadInput(N_("Tệp PDF bị hỏng, không mở được"), next_step=N_("Quét lại rồi tải lên")) from error


def _scanned(page: pypdfium2.PdfPage) -> ScannedPage:
    dpi, colour = 0.0, False
    for found in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE]):
        facts = found.get_metadata()
        dpi = max(dpi, min(facts.horizontal_dpi, facts.vertical_dpi))
        colour = colour or (facts.bits_per_pixel > 8 and facts.colorspace not in _COLOURLESS)
    return ScannedPage(dpi, colour)


def scan_faults(data: bytes, *, least_dpi: float, least_version: int) -> list[str]:
    """Vietnamese sentences about what a scan lacks; empty for a good one. Raises BadInput."""
    version, pages = scanned_pages(data)
    faults = []
    if version < least_version:
        faults.append(
            N_("Tệp là PDF phiên bản %(version).1f, cần từ %(least).1f.")
            % {"version": version / 10, "least": least_version / 10}
        )
    numbered = list(enumerate(pages, start=1))
    kinds = {
        N_("không có ảnh quét, có thể không phải bản số hóa văn bản giấy"): [n for n, p in numbered if p.dpi == 0],
        N_("độ phân giải dưới %(dpi)d dpi") % {"dpi": least_dpi}: [
            n
            for n, p in numbered
            if 0 < p.dpi < least_dpi - 2  # a scanner's rounding is no fault
        ],
        N_("ảnh không có màu, cần quét màu"): [n for n, p in numbered if p.dpi > 0 and not p.colour],
    }
    for words, found in kinds.items():
        if found:
            named = ", ".join(map(str, found[:_NAMED])) + ("…" if len(found) > _NAMED else "")
            faults.append(N_("Trang %(pages)s: %(words)s.") % {"pages": named, "words": words})
    return faults
