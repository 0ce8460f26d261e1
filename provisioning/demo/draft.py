"""A commune's draft as it leaves a word processor, for the demo and the tests (Nghị định 30/2020/NĐ-CP, annex I).

Number, day and month are left blank between printed words, as people really type them.
"""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import Any

import jinja2
import weasyprint

_DECISION: dict[str, Any] = {
    "type_name": "Quyết định",
    "title": "Quyết định thành lập Tổ công nghệ số cộng đồng",
    "parent_organ": "",
    "organ": ("ỦY BAN NHÂN DÂN", "XÃ HÒA BÌNH"),
    "notation": "QĐ-UBND",
    "place": "Hòa Bình",
    "year": "2026",
    "number_blank": " " * 8,
    "day_blank": " " * 7,
    "month_blank": " " * 7,
    "subject": "Về việc thành lập Tổ công nghệ số cộng đồng xã Hòa Bình",
    "addressee": "",
    "opening": "CHỦ TỊCH ỦY BAN NHÂN DÂN XÃ HÒA BÌNH",
    "bases": (
        "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;",
        "Căn cứ Nghị định số 30/2020/NĐ-CP ngày 05 tháng 3 năm 2020 của Chính phủ về công tác văn thư;",
        "Theo đề nghị của Trưởng phòng Văn hóa - Xã hội xã.",
    ),
    "decides": "QUYẾT ĐỊNH:",
    "articles": (
        {"head": "Điều 1.", "text": "Thành lập Tổ công nghệ số cộng đồng xã Hòa Bình gồm 09 thành viên, do đồng chí "
            "Phó Chủ tịch Ủy ban nhân dân xã làm Tổ trưởng (danh sách kèm theo)."},
        {"head": "Điều 2.", "text": "Tổ có nhiệm vụ hướng dẫn người dân sử dụng dịch vụ công trực tuyến, "
            "thanh toán không dùng tiền mặt và các kỹ năng số cơ bản tại các ấp."},
        {"head": "Điều 3.", "text": "Văn phòng HĐND và UBND xã, các phòng chuyên môn, Trưởng các ấp và các thành viên "
            "có tên tại Điều 1 chịu trách nhiệm thi hành Quyết định này kể từ ngày ký./."},
    ),
    "receivers": (
        "Như Điều 3", "Sở Khoa học và Công nghệ (b/c)", "Thường trực Đảng ủy xã", "CT, các PCT UBND xã",
        "Lưu: VT, VHXH",
    ),
    "authority": "TM. ỦY BAN NHÂN DÂN",
    "position": "CHỦ TỊCH",
    "signer": "Nguyễn Văn An",
}  # fmt: skip

_LETTER: dict[str, Any] = {
    "type_name": "Công văn",
    "title": "Công văn về việc phối hợp tuyên truyền",
    "notation": "UBND-VP",
    "subject": "phối hợp tuyên truyền phòng, chống thiên tai năm 2026",
    "addressee": "Ủy ban Mặt trận Tổ quốc Việt Nam xã Hòa Bình",
    "opening": "",
    "bases": (),
    "decides": "",
    "articles": (
        {"text": "Thực hiện Kế hoạch của Ủy ban nhân dân tỉnh về công tác phòng, chống thiên tai và tìm kiếm cứu nạn, "
            "Ủy ban nhân dân xã đề nghị quý cơ quan phối hợp thực hiện một số nội dung sau:"},
        {"text": "1. Tuyên truyền đến toàn thể đoàn viên, hội viên và nhân dân về các biện pháp phòng, chống "
            "triều cường, sạt lở, giông lốc trong mùa mưa bão."},
        {"text": "2. Báo cáo kết quả về Ủy ban nhân dân xã (qua Văn phòng HĐND và UBND) "
            "trước ngày 15 tháng 12 năm 2026."},
        {"text": "Rất mong nhận được sự phối hợp của quý cơ quan./."},
    ),
    "receivers": ("Như trên", "CT, các PCT UBND xã", "Lưu: VT"),
}  # fmt: skip


def make_draft(*, letter: bool = False, normal_form: str = "NFC", **fields: Any) -> bytes:
    """A PDF: a decision (quyết định), or an official letter (công văn) with ``letter``.

    ``fields`` replace the texts of the template by name; ``normal_form`` 'NFD' types every letter the way some old
    programs do.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    values = {**_DECISION, **(_LETTER if letter else {}), **fields}
    page = unicodedata.normalize(normal_form, environment.get_template("draft.html").render(values))  # type: ignore[arg-type]
    out = io.BytesIO()
    weasyprint.HTML(string=page).write_pdf(out)
    return out.getvalue()
