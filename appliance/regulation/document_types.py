"""The 29 types of administrative documents (NĐ 30/2020, article 7 and annex III); 27 have an abbreviation."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import N_, BadInput


@dataclass(frozen=True)
class DocumentType:
    """``code`` is ours for life; ``abbreviation`` is '' for công văn and thư công."""

    code: str
    name: str
    abbreviation: str


_ROWS = """
nghi-quyet|Nghị quyết|NQ
quyet-dinh|Quyết định|QĐ
chi-thi|Chỉ thị|CT
quy-che|Quy chế|QC
quy-dinh|Quy định|QyĐ
thong-cao|Thông cáo|TC
thong-bao|Thông báo|TB
huong-dan|Hướng dẫn|HD
chuong-trinh|Chương trình|CTr
ke-hoach|Kế hoạch|KH
phuong-an|Phương án|PA
de-an|Đề án|ĐA
du-an|Dự án|DA
bao-cao|Báo cáo|BC
bien-ban|Biên bản|BB
to-trinh|Tờ trình|TTr
hop-dong|Hợp đồng|HĐ
cong-van|Công văn|
cong-dien|Công điện|CĐ
ban-ghi-nho|Bản ghi nhớ|BGN
ban-thoa-thuan|Bản thỏa thuận|BTT
giay-uy-quyen|Giấy ủy quyền|GUQ
giay-moi|Giấy mời|GM
giay-gioi-thieu|Giấy giới thiệu|GGT
giay-nghi-phep|Giấy nghỉ phép|GNP
phieu-gui|Phiếu gửi|PG
phieu-chuyen|Phiếu chuyển|PC
phieu-bao|Phiếu báo|PB
thu-cong|Thư công|
"""

TYPES: dict[str, DocumentType] = {
    code: DocumentType(code, name, abbreviation)
    for code, name, abbreviation in (line.split("|") for line in _ROWS.strip().splitlines())
}

URGENCY: dict[int, str] = {
    0: N_("Thường"),
    1: N_("Khẩn"),
    2: N_("Thượng khẩn"),
    3: N_("Hỏa tốc"),
    4: N_("Hỏa tốc hẹn giờ"),
}
"""Priority of edXML (QCVN 102 item 1.11.1) → the mark in words."""

COMPETENCES: tuple[str, ...] = ("TM.", "KT.", "TL.", "TUQ.", "Q.", "")
"""Forms of competence before the signer's title (NĐ 30/2020 annex I); the empty one: the head signs in person."""

STATUS_CODES: dict[str, str] = {
    "01": N_("Đã đến"),
    "02": N_("Từ chối tiếp nhận"),
    "03": N_("Đã tiếp nhận"),
    "04": N_("Phân công xử lý"),
    "05": N_("Đang xử lý"),
    "06": N_("Hoàn thành"),
    "13": N_("Yêu cầu lấy lại"),
    "15": N_("Đồng ý lấy lại, cập nhật"),
    "16": N_("Từ chối lấy lại, cập nhật"),
}
"""Status codes of QCVN 102 as the national axis uses them."""

STATUS_RANK: dict[str, int] = {"01": 1, "03": 2, "04": 3, "05": 4, "06": 5, "02": 5, "15": 8, "16": 7}
"""A status never overwrites one of higher rank: the wire keeps no order. 15 and 16 count after a recall only, and who
refused at first may agree when asked again."""


def document_type(code: str) -> DocumentType:
    """The type with this code. Raises BadInput."""
    try:
        return TYPES[code]
    except KeyError:
        raise BadInput(
            N_("Không có loại văn bản “%(code)s”."), next_step=N_("Chọn loại văn bản trong danh sách."), code=code
        ) from None


def notation(kind: DocumentType, organ: str, unit: str) -> str:
    """The notation (ký hiệu): 'QĐ-UBND' for a named type, 'UBND-VP' for công văn and thư công (annex I)."""
    if kind.abbreviation:
        return f"{kind.abbreviation}-{organ}"
    return f"{organ}-{unit}" if unit else organ


def number_text(number: int) -> str:
    """The number as printed: below 10 with a leading zero (annex I)."""
    return f"{number:02d}"


def day_month_text(day: int, month: int) -> tuple[str, str]:
    """Day below 10 and months 1 and 2 are padded (annex I)."""
    return f"{day:02d}", (f"{month:02d}" if month <= 2 else str(month))
