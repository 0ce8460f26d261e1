"""Copies of documents (NĐ 30/2020/NĐ-CP, articles 25-27): their forms and what an electronic one asks for."""

from __future__ import annotations

from appliance.errors import N_
from appliance.regulation.document_types import DocumentType
from appliance.regulation.rules import Rule

COPY_TYPES: dict[str, DocumentType] = {
    "sao-y": DocumentType("sao-y", N_("Bản sao y"), "SY"),
    "sao-luc": DocumentType("sao-luc", N_("Bản sao lục"), "SL"),
    "trich-sao": DocumentType("trich-sao", N_("Bản trích sao"), "TrS"),
}
COPY_FORMS: dict[str, str] = {"sao-y": "SAO Y", "sao-luc": "SAO LỤC", "trich-sao": "TRÍCH SAO"}
"""The words of the form of copy as annex I writes them."""
COPY_BOOK = "ban-sao"
"""Copies of all three forms share one number series of their own each year (annex I)."""

SCAN_LEAST_DPI = 200
SCAN_LEAST_VERSION = 14
"""PDF 1.4, as PDFium counts versions."""

COPY_VALUE = Rule(
    "copy-value",
    N_("Điều 26, NĐ 30/2020/NĐ-CP"),
    N_("Bản sao y, sao lục, trích sao được thực hiện theo đúng quy định có giá trị pháp lý như bản chính."),
)
COPY_DECIDED = Rule(
    "copy-decided",
    N_("Điều 27, NĐ 30/2020/NĐ-CP"),
    N_("Người đứng đầu cơ quan, tổ chức quyết định việc sao văn bản và thẩm quyền ký bản sao."),
)
COPY_ORIGINAL = Rule(
    "copy-original",
    N_("Điều 25, NĐ 30/2020/NĐ-CP; Điều 3, QĐ 15/2019/QĐ-UBND"),
    N_("Bản sao phải được sao từ văn bản có giá trị pháp lý, đầy đủ và chính xác nội dung."),
)
COPY_SCAN = Rule(
    "copy-scan",
    N_("Điều 25 khoản 1 và Phụ lục I, NĐ 30/2020/NĐ-CP"),
    N_("Bản số hóa văn bản giấy: PDF phiên bản 1.4 trở lên, ảnh màu, tối thiểu 200 dpi, tỷ lệ 1:1."),
)
