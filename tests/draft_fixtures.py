"""Documents for tests that draft: one of each type, as an office of the demo's commune would fill it in."""

from __future__ import annotations

from typing import Any

from appliance.drafting import FORMS, DraftText
from appliance.regulation.document_types import TYPES, notation

SIGNER = "Nguyễn Văn An"
BASES = (
    "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;\n"
    "Căn cứ Nghị định số 30/2020/NĐ-CP ngày 05 tháng 3 năm 2020 của Chính phủ về công tác văn thư;\n"
    "Theo đề nghị của Trưởng phòng Văn hóa - Xã hội xã."
)
BODY = (
    "Thực hiện Kế hoạch của Ủy ban nhân dân tỉnh, Ủy ban nhân dân xã giao Chủ tịch các hội thực hiện:\n"
    "I. MỤC ĐÍCH, YÊU CẦU\n1. Mục đích\na) Nâng cao nhận thức của người dân;\n"
    "| STT | Đơn vị | Số lượng |\n| 1 | Ấp Cái Tràm | 12 |\n| 2 | Ấp Xóm Lớn | 9 |\nTrân trọng./."
)


def sample(code: str = "quyet-dinh", **changes: Any) -> DraftText:
    """A filled document of this type; ``changes`` replace its fields."""
    form, kind = FORMS[code], TYPES[code]
    values: dict[str, Any] = {
        "type_code": code,
        "organ": "ỦY BAN NHÂN DÂN\nXÃ HÒA BÌNH",
        "organ_name": "Ủy ban nhân dân xã Hòa Bình",
        "notation": notation(kind, "UBND", "VP"),
        "place": "Hòa Bình",
        "year": 2026,
        "subject": "phối hợp tuyên truyền phòng, chống thiên tai"
        if form.head == "letter"
        else "Về việc thành lập Tổ công nghệ số cộng đồng xã Hòa Bình",
        "body": form.body or BODY,
        "position": form.position or "CHỦ TỊCH",
        "signer": SIGNER,
        "authority": "" if form.position else "TM. ỦY BAN NHÂN DÂN",
        "opening": "CHỦ TỊCH ỦY BAN NHÂN DÂN XÃ HÒA BÌNH" if form.opening else "",
        "bases": BASES,
        "to": ("Sở Nội vụ tỉnh Hải Vân",) if form.to else (),
        "lines": {line.key: f"Nội dung {line.label.lower()}" for line in form.lines},
        "receivers": (*form.receivers, "CT, các PCT UBND xã", "Lưu: VT, VHXH"),
        "second_position": form.second,
        "second_signer": "Lê Thị Mỹ Duyên" if form.second else "",
    }
    return DraftText(**{**values, **changes})
