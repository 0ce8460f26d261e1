"""The two PDFs of the demo's day: the official's draft decision, and the province's signed letter."""

from __future__ import annotations

from datetime import datetime

from appliance.clock import VN
from appliance.drafting import DraftText, compose
from appliance.regulation.document_types import day_month_text
from appliance.signing import prepare, produce
from appliance.signing.client import SignerClient
from appliance.signing.token import Pin, TokenKey
from appliance.signing.trust import TrustStore
from provisioning.demo.artwork import seal_png, signature_png
from provisioning.demo.cast import CHAIR, PROVINCE_OFFICE, UBND

PROVINCE_LEADER = "Lý Hoàng Nam"
SEAL_MM = 36.0


def draft_decision() -> bytes:
    """The official's draft: a decision with empty number and date."""
    return compose(
        DraftText(
            type_code="quyet-dinh",
            organ="ỦY BAN NHÂN DÂN\nXÃ HÒA BÌNH",
            organ_name=UBND.name,
            notation="QĐ-UBND",
            place=UBND.place,
            year=datetime.now(VN).year,
            subject="Về việc thành lập Tổ công nghệ số cộng đồng xã Hòa Bình",
            opening="CHỦ TỊCH ỦY BAN NHÂN DÂN XÃ HÒA BÌNH",
            bases="Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;\n"
            "Căn cứ Nghị định số 30/2020/NĐ-CP ngày 05 tháng 3 năm 2020 của Chính phủ về công tác văn thư;\n"
            "Theo đề nghị của Trưởng phòng Văn hóa - Xã hội xã.",
            body="Điều 1. Thành lập Tổ công nghệ số cộng đồng xã Hòa Bình gồm 09 thành viên, do đồng chí "
            "Phó Chủ tịch Ủy ban nhân dân xã làm Tổ trưởng (danh sách kèm theo).\n"
            "Điều 2. Tổ có nhiệm vụ hướng dẫn người dân sử dụng dịch vụ công trực tuyến, thanh toán không dùng "
            "tiền mặt và các kỹ năng số cơ bản tại các ấp.\n"
            "Điều 3. Văn phòng HĐND và UBND xã, các phòng chuyên môn, Trưởng các ấp và các thành viên có tên tại "
            "Điều 1 chịu trách nhiệm thi hành Quyết định này kể từ ngày ký./.",
            receivers=(
                "Như Điều 3",
                "Sở Khoa học và Công nghệ (b/c)",
                "Thường trực Đảng ủy xã",
                "CT, các PCT UBND xã",
                "Lưu: VT, VHXH",
            ),
            authority="TM. ỦY BAN NHÂN DÂN",
            position=CHAIR.position,
            signer=CHAIR.full_name,
        )
    )


def province_letter(*, signer: SignerClient, trust: TrustStore, keys: tuple[TokenKey, TokenKey], pin: str) -> bytes:
    """The province's letter, signed by its leader and sealed by its clerk with keys that the box never sees."""
    at = datetime.now(VN).replace(microsecond=0)
    draft = compose(
        DraftText(
            type_code="cong-van",
            parent_organ="UBND TỈNH HẢI VÂN",
            organ="VĂN PHÒNG",
            organ_name=PROVINCE_OFFICE.name,
            notation="VP-TH",
            place=PROVINCE_OFFICE.place,
            year=at.year,
            subject="rà soát mã định danh và tài khoản liên thông văn bản",
            to=("Ủy ban nhân dân các xã, phường",),
            body="Thực hiện Quyết định số 15/2019/QĐ-UBND, Văn phòng Ủy ban nhân dân tỉnh đề nghị Ủy ban nhân dân các "
            "xã, phường rà soát mã định danh, chứng thư số và tài khoản liên thông văn bản của cơ quan mình.\n"
            "Kết quả rà soát gửi về Văn phòng trước ngày 30 tháng 11 để tổng hợp./.",
            receivers=("Như trên", "CT, các PCT UBND tỉnh (b/c)", "Lưu: VT, TH"),
            position="CHÁNH VĂN PHÒNG",
            signer=PROVINCE_LEADER,
        )
    )
    placement = prepare.find_places(draft, signer_title="CHÁNH VĂN PHÒNG", signer_name=PROVINCE_LEADER, seal_mm=SEAL_MM)
    personal, seal = keys
    signed = produce.sign_personal(
        prepare.prepare(draft, placement),
        key=personal,
        pin=Pin(pin),
        signer=signer,
        image_png=signature_png(PROVINCE_LEADER),
        signer_name=PROVINCE_LEADER,
        at=at,
        trust=trust,
    )
    day, month = day_month_text(at.day, at.month)
    values = {"number": "215", "notation": "VP-TH", "day": day, "month": month, "year": str(at.year)}
    return produce.number_and_seal(
        signed,
        values={**values, "place": PROVINCE_OFFICE.place},
        placement=placement,
        key=seal,
        pin=Pin(pin),
        signer=signer,
        seal_png=seal_png(PROVINCE_OFFICE.name, PROVINCE_OFFICE.place),
        seal_mm=SEAL_MM,
        organ_name=PROVINCE_OFFICE.name,
        at=at,
        trust=trust,
    )
