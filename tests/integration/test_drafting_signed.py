"""Documents that the box typesets, through both real signatures."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from appliance.office import outgoing
from appliance.office.outgoing import OutgoingForm
from appliance.regulation.document_types import day_month_text
from appliance.signing.validate import validate
from provisioning.demo.cast import CHAIR, PROVINCE_OFFICE
from tests.desk_fixtures import SigningOffice, signing_office  # noqa: F401
from tests.draft_fixtures import sample

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("code", "code_printed", "number"),
    [
        ("cong-van", "01/UBND-VP", {"SoVanBan": "01"}),
        ("quyet-dinh", "01/QĐ-UBND", {"SoVanBan": "01"}),
        ("bien-ban", "01/BB-UBND", {"SoVanBan": "01"}),
        ("thu-cong", "01/UBND-VP", {}),  # the register's number; the letter itself shows none
    ],
)
def test_a_typeset_document_is_signed_numbered_and_sealed(
    signing_office: SigningOffice,  # noqa: F811
    code: str,
    code_printed: str,
    number: dict[str, str],
) -> None:
    office = signing_office.office
    form = OutgoingForm(
        code, "phối hợp tuyên truyền", 0, office.accounts[CHAIR.username], (PROVINCE_OFFICE.id,),
        unit="VP" if code in ("cong-van", "thu-cong") else "", no_secret=True,
    )  # fmt: skip
    document = outgoing.create_from_text(office.desk, office.official, form, sample(code))
    sealed = signing_office.sealed(signing_office.signed(document))
    data = office.desk.blobs.read(sealed.sealed_sha256 or "")
    report = validate(data, signing_office.signing.trust)
    assert report.verdict == "valid"
    assert len(report.signatures) == 2
    fields = [field.get_object() for field in PdfFileReader(io.BytesIO(data)).root["/AcroForm"]["/Fields"]]
    values = {field["/T"]: field["/V"] for field in fields if field["/FT"] == "/Tx"}
    now = office.desk.clock.now()
    day, month = day_month_text(now.day, now.month)
    assert values == {**number, "NgayVanBan": day, "ThangVanBan": month}
    assert sealed.code == code_printed
    with pypdfium2.PdfDocument(data) as pdf:
        printed = " ".join(pdf[0].get_textpage().get_text_range().split())
    assert (f"/{sealed.notation}" in printed) == bool(number)
