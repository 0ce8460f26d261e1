"""The two PDFs of the demo's day: the official's draft decision, and the province's signed letter."""

from __future__ import annotations

from datetime import datetime

from appliance.clock import VN
from appliance.regulation.document_types import day_month_text
from appliance.signing import prepare, produce
from appliance.signing.client import SignerClient
from appliance.signing.token import Pin, TokenKey
from appliance.signing.trust import TrustStore
from provisioning.demo.artwork import seal_png, signature_png
from provisioning.demo.cast import CHAIR, PROVINCE_OFFICE, UBND
from provisioning.demo.draft import make_draft

PROVINCE_LEADER = "Lý Hoàng Nam"
SEAL_MM = 36.0


def draft_decision() -> bytes:
    """The official's draft: a decision with empty number and date, as Word would print it."""
    return make_draft(signer=CHAIR.full_name, place=UBND.place, year=str(datetime.now(VN).year))


def province_letter(*, signer: SignerClient, trust: TrustStore, keys: tuple[TokenKey, TokenKey], pin: str) -> bytes:
    """The province's letter, signed by its leader and sealed by its clerk with keys that the box never sees."""
    at = datetime.now(VN).replace(microsecond=0)
    draft = make_draft(
        letter=True,
        title="Công văn rà soát mã định danh",
        parent_organ="UBND TỈNH HẢI VÂN",
        organ=("VĂN PHÒNG",),
        notation="VP-TH",
        place=PROVINCE_OFFICE.place,
        year=str(at.year),
        subject="rà soát mã định danh và tài khoản liên thông văn bản",
        addressee="Ủy ban nhân dân các xã, phường",
        articles=(
            {
                "text": "Thực hiện Quyết định số 15/2019/QĐ-UBND, Văn phòng Ủy ban nhân dân tỉnh đề nghị Ủy ban "
                "nhân dân các xã, phường rà soát mã định danh, chứng thư số và tài khoản liên thông văn bản của "
                "cơ quan mình."
            },
            {"text": "Kết quả rà soát gửi về Văn phòng trước ngày 30 tháng 11 để tổng hợp./."},
        ),
        receivers=("Như trên", "CT, các PCT UBND tỉnh (b/c)", "Lưu: VT, TH"),
        authority="",
        position="CHÁNH VĂN PHÒNG",
        signer=PROVINCE_LEADER,
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
