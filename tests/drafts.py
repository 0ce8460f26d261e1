"""Drafts as people bring them from their own programs: blanks of any width, dots, printed numbers, letters in parts."""

from __future__ import annotations

import io
import unicodedata
from typing import Any, Literal

import weasyprint

from appliance.drafting import DraftText
from appliance.drafting.layout import DAY_BLANK, MONTH_BLANK, NUMBER_BLANK, page

_BODY = (
    "Điều 1. Thành lập Tổ công nghệ số cộng đồng xã Hòa Bình gồm 09 thành viên, do đồng chí Phó Chủ tịch Ủy ban nhân "
    "dân xã làm Tổ trưởng (danh sách kèm theo).\n"
    "Điều 2. Tổ có nhiệm vụ hướng dẫn người dân sử dụng dịch vụ công trực tuyến, thanh toán không dùng tiền mặt và "
    "các kỹ năng số cơ bản tại các ấp.\n"
    "Điều 3. Văn phòng HĐND và UBND xã, các phòng chuyên môn, Trưởng các ấp và các thành viên có tên tại Điều 1 chịu "
    "trách nhiệm thi hành Quyết định này kể từ ngày ký./."
)
_LETTER_BODY = (
    "Thực hiện Kế hoạch của Ủy ban nhân dân tỉnh về công tác phòng, chống thiên tai và tìm kiếm cứu nạn, Ủy ban nhân "
    "dân xã đề nghị quý cơ quan phối hợp thực hiện một số nội dung sau:\n"
    "1. Tuyên truyền đến toàn thể đoàn viên, hội viên và nhân dân về các biện pháp phòng, chống triều cường, sạt lở.\n"
    "2. Báo cáo kết quả về Ủy ban nhân dân xã trước ngày 15 tháng 12 năm 2026./."
)
_DECISION: dict[str, Any] = {
    "type_code": "quyet-dinh",
    "notation": "QĐ-UBND",
    "subject": "Về việc thành lập Tổ công nghệ số cộng đồng xã Hòa Bình",
    "opening": "CHỦ TỊCH ỦY BAN NHÂN DÂN XÃ HÒA BÌNH",
    "bases": "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;\n"
    "Căn cứ Nghị định số 30/2020/NĐ-CP ngày 05 tháng 3 năm 2020 của Chính phủ về công tác văn thư;\n"
    "Theo đề nghị của Trưởng phòng Văn hóa - Xã hội xã.",
    "body": _BODY,
    "receivers": ("Như Điều 3", "Sở Khoa học và Công nghệ (b/c)", "CT, các PCT UBND xã", "Lưu: VT, VHXH"),
}
_LETTER: dict[str, Any] = {
    "type_code": "cong-van",
    "notation": "UBND-VP",
    "subject": "phối hợp tuyên truyền phòng, chống thiên tai năm 2026",
    "to": ("Ủy ban Mặt trận Tổ quốc Việt Nam xã Hòa Bình",),
    "body": _LETTER_BODY,
    "receivers": ("Như trên", "CT, các PCT UBND xã", "Lưu: VT"),
}


def make_draft(
    *,
    letter: bool = False,
    normal_form: Literal["NFC", "NFD"] = "NFC",
    notation: str | None = None,
    number_blank: str = NUMBER_BLANK,
    day_blank: str = DAY_BLANK,
    month_blank: str = MONTH_BLANK,
    year: str = "2026",
    **fields: Any,
) -> bytes:
    """A PDF: a decision (quyết định), or an official letter (công văn) with ``letter``.

    ``notation``, the blanks and ``year`` are what is printed in the number and date lines; ``fields`` replace those of
    the form; ``normal_form`` 'NFD' types every letter the way some old programs do.
    """
    values: dict[str, Any] = {
        "organ": "ỦY BAN NHÂN DÂN\nXÃ HÒA BÌNH",
        "organ_name": "Ủy ban nhân dân xã Hòa Bình",
        "place": "Hòa Bình",
        "year": 2026,
        "authority": "TM. ỦY BAN NHÂN DÂN",
        "position": "CHỦ TỊCH",
        "signer": "Nguyễn Văn An",
        **(_LETTER if letter else _DECISION),
        **fields,
    }
    printed = values["notation"]
    mark = printed if notation is None else notation
    html = page(DraftText(**values))
    html = html.replace(f"Số:{NUMBER_BLANK}/{printed}", f"Số:{number_blank}{'/' if mark else ''}{mark}", 1)
    html = html.replace(f"ngày{DAY_BLANK}tháng{MONTH_BLANK}năm 2026", f"ngày{day_blank}tháng{month_blank}năm {year}", 1)
    out = io.BytesIO()
    weasyprint.HTML(string=unicodedata.normalize(normal_form, html)).write_pdf(out)
    return out.getvalue()
