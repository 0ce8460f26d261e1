"""The whole way: draft, leader's signature, number, date and seal, on real tokens through the real signer."""

from __future__ import annotations

import io
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.clock import VN
from appliance.errors import BadInput, RuleRefused, SignerError
from appliance.signing.appearance import fill_slot
from appliance.signing.placement import Area, Placement, TextSlot
from appliance.signing.prepare import prepare
from appliance.signing.produce import check_printed, number_and_seal, sign_personal
from appliance.signing.textlines import read_lines
from appliance.signing.token import Pin
from appliance.signing.validate import validate
from provisioning.demo import pki
from tests.drafts import make_draft
from tests.signing_fixtures import LEADER, ORGAN, SEAL_MM, SEAL_PIN, VALUES, Signing, signing  # noqa: F401

VIETNAMESE = (
    "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ"
    "AÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬBCDĐEÈẺẼÉẸÊỀỂỄẾỆGHIÌỈĨÍỊKLMNOÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢPQRSTUÙỦŨÚỤƯỪỬỮỨỰVXYỲỶỸÝỴ"
)


@pytest.fixture(scope="module")
def signed(signing: Signing) -> tuple[bytes, Placement]:  # noqa: F811
    prepared, placement = signing.prepared()
    return signing.sign(prepared), placement


@pytest.fixture(scope="module")
def sealed(signing: Signing, signed: tuple[bytes, Placement]) -> bytes:  # noqa: F811
    return signing.number_and_seal(*signed)


def render(data: bytes, scale: float = 2.0) -> Image.Image:
    with pypdfium2.PdfDocument(data) as document:
        document.init_forms()
        image: Image.Image = document[0].render(scale=scale, may_draw_forms=True).to_pil().convert("RGB")
    return image


def ink(image: Image.Image, area: Area, colour: Callable[[int, int, int], bool], scale: float = 2.0) -> float:
    """The part of ``area`` that has the colour."""
    box = (area.x * scale, image.height - area.top * scale, area.right * scale, image.height - area.y * scale)
    pixels = list(image.crop(tuple(map(round, box))).get_flattened_data())  # type: ignore[arg-type]
    return sum(colour(*pixel) for pixel in pixels) / len(pixels)


def red(r: int, g: int, b: int) -> bool:
    return r > 150 and g < 120 and b < 120


def blue(r: int, g: int, b: int) -> bool:
    return b > 110 and r < 90 and g < 110


def black(r: int, g: int, b: int) -> bool:
    return max(r, g, b) < 90


def test_both_signatures_are_valid_and_the_changes_are_said(signing: Signing, sealed: bytes) -> None:  # noqa: F811
    report = validate(sealed, signing.trust)
    assert report.verdict == "valid", report
    leader, seal = report.signatures
    assert (leader.field, seal.field) == ("ChuKyLanhDao", "ConDau")
    assert leader.changes == ["Đã điền số; đã điền ngày; đã đóng dấu; không có thay đổi nào khác"]
    assert seal.changes == ["Không có thay đổi nào sau chữ ký này"]
    assert (leader.coverage, seal.coverage) == ("revision", "whole")


def test_stock_pyhanko_agrees(signing: Signing, sealed: bytes) -> None:  # noqa: F811
    reader = PdfFileReader(io.BytesIO(sealed))
    for embedded in reader.embedded_signatures:
        assert isinstance(embedded, EmbeddedPdfSignature)
        context = ValidationContext(
            trust_roots=list(signing.trust.roots), other_certs=list(signing.trust.intermediates)
        )
        assert validate_pdf_signature(embedded, context).bottom_line, embedded.field_name


def test_pdfsig_agrees(sealed: bytes, tmp_path: Path) -> None:
    file = tmp_path / "sealed.pdf"
    file.write_bytes(sealed)
    said = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.count("Signature is Valid.") == 2, said
    assert "Total document signed" in said.split("Signature #2:")[1]


def test_number_date_and_seal_are_one_revision(signed: tuple[bytes, Placement], sealed: bytes) -> None:
    before, after = (PdfFileReader(io.BytesIO(data)).xrefs.total_revisions for data in (signed[0], sealed))
    assert after == before + 1


def test_the_signing_time_is_the_given_one_at_plus_seven(signing: Signing) -> None:  # noqa: F811
    at = datetime.now(VN).replace(microsecond=0) - timedelta(seconds=3)
    prepared, placement = signing.prepared()
    data = signing.number_and_seal(signing.sign(prepared, at=at), placement, at=at)
    times = [e.sig_object["/M"] for e in PdfFileReader(io.BytesIO(data)).embedded_signatures]
    assert times == [f"D:{at:%Y%m%d%H%M%S}+07'00'"] * 2
    assert {s.signing_time for s in validate(data, signing.trust).signatures} == {at.isoformat()}


def test_the_fields_say_what_was_issued(sealed: bytes) -> None:
    fields = PdfFileReader(io.BytesIO(sealed)).root["/AcroForm"]["/Fields"]
    values = {f.get_object()["/T"]: f.get_object()["/V"] for f in fields if f.get_object()["/FT"] == "/Tx"}
    assert values == {"SoVanBan": "125", "NgayVanBan": "22", "ThangVanBan": "11"}


def test_seal_signature_number_and_date_are_where_they_belong(signed: tuple[bytes, Placement], sealed: bytes) -> None:
    placement, page = signed[1], render(sealed)
    assert ink(page, placement.seal, red) > 0.1
    assert ink(page, placement.signature, blue) > 0.02
    assert ink(page, placement.seal_note, red) > 0.02
    assert all(ink(page, slot.area, black) > 0.02 for slot in placement.slots)
    third = replace(placement.signature, width=placement.signature.width / 3)
    rest = replace(placement.signature, x=third.right + 1, width=placement.signature.width - third.width - 1)
    assert ink(page, third, red) > 0.03
    assert ink(page, rest, red) == 0


def test_the_block_beside_the_seal_leaves_the_printed_name_alone(
    signed: tuple[bytes, Placement], sealed: bytes
) -> None:
    placement, draft = signed[1], make_draft()
    with pypdfium2.PdfDocument(draft) as document:
        lines = [part for line in read_lines(document[0], 0) for part in line.segments()]
    name = next(line.area(0, len(line.text)) for line in lines if line.text == LEADER)
    assert not placement.seal_note.touches(name)
    assert ink(render(sealed), name, black) == pytest.approx(ink(render(draft), name, black), abs=0.02)


def test_without_a_picture_the_name_is_written_in_blue(signing: Signing) -> None:  # noqa: F811
    prepared, placement = signing.prepared()
    assert ink(render(signing.sign(prepared, image=False)), placement.signature, blue) > 0.01


@pytest.mark.parametrize("normal_form", ["NFC", "NFD"])
def test_every_vietnamese_letter_is_written_and_read_back(normal_form: str) -> None:
    """In both spellings: pyHanko's own font would turn them into rubbish without an error."""
    draft = make_draft()
    slot = TextSlot("SoVanBan", Area(0, 40, 20, 520, 17), "{number}", 13, align="left")
    signature = Area(0, 300, 60, 100, 50)
    prepared = prepare(draft, Placement((slot,), signature, Area(0, 250, 40, 102, 102)))
    for start in range(0, len(VIETNAMESE), 45):
        letters = VIETNAMESE[start : start + 45]
        writer = IncrementalPdfFileWriter(io.BytesIO(prepared))
        fill_slot(writer, slot, unicodedata.normalize(normal_form, letters))
        out = io.BytesIO()
        writer.write(out)  # type: ignore[no-untyped-call]
        said = subprocess.run(["pdftotext", "-", "-"], input=out.getvalue(), capture_output=True, check=True).stdout
        assert letters in said.decode("utf-8").replace(" ", "")
        assert ink(render(out.getvalue()), slot.area, black) > 0.03


def test_a_draft_typed_with_separate_accents_goes_the_same_way(signing: Signing) -> None:  # noqa: F811
    prepared, placement = signing.prepared(make_draft(normal_form="NFD", letter=True))
    data = signing.number_and_seal(signing.sign(prepared), placement, notation="UBND-VP")
    assert validate(data, signing.trust).verdict == "valid"


def test_a_notation_printed_in_the_draft_must_be_the_issued_one(signing: Signing) -> None:  # noqa: F811
    _, placement = signing.prepared(make_draft(letter=True))
    check_printed(placement, {"notation": "UBND-VP"})
    with pytest.raises(RuleRefused, match="in sẵn ký hiệu “UBND-VP” nhưng văn bản được cấp ký hiệu “UBND-VHXH”"):
        check_printed(placement, {"notation": "UBND-VHXH"})


def test_elliptic_curve_tokens_sign_documents_too(signing: Signing) -> None:  # noqa: F811
    key = pki.make_signer(
        signing.authority, signing.configuration, signing.service.settings.pkcs11_modules[0], label="EC", pin="998877",
        common_name=LEADER, organ=ORGAN, key_type="ec",
    )  # fmt: skip
    prepared, _ = signing.prepared()
    data = sign_personal(
        prepared, key=key, pin=Pin("998877"), signer=signing.client, image_png=None, signer_name=LEADER,
        at=datetime.now(VN), trust=signing.trust,
    )  # fmt: skip
    assert validate(data, signing.trust).verdict == "valid"


def test_a_wrong_pin_signs_nothing_and_the_next_signature_works(signing: Signing) -> None:  # noqa: F811
    prepared, _ = signing.prepared()
    with pytest.raises(SignerError) as caught:
        signing.sign(prepared, pin="000000")
    assert caught.value.code == "wrong_pin"
    assert validate(signing.sign(prepared), signing.trust).verdict == "valid"


def test_a_token_without_the_registered_certificates_key_is_said(signing: Signing) -> None:  # noqa: F811
    prepared, _ = signing.prepared()
    mixed = replace(signing.leader, token_serial=signing.seal.token_serial, key_id=signing.seal.key_id)
    with pytest.raises(SignerError) as caught:
        sign_personal(
            prepared, key=mixed, pin=Pin(SEAL_PIN), signer=signing.client, image_png=None, signer_name=LEADER,
            at=datetime.now(VN), trust=signing.trust,
        )  # fmt: skip
    assert caught.value.code == "no_key"


def test_nobody_signs_with_an_expired_certificate(signing: Signing) -> None:  # noqa: F811
    prepared, _ = signing.prepared()
    with pytest.raises(RuleRefused, match="đã hết hạn"):
        signing.sign(prepared, at=datetime.now(VN) + timedelta(days=6 * 365))
    with pytest.raises(RuleRefused, match="chưa có hiệu lực"):
        signing.sign(prepared, at=datetime.now(VN) - timedelta(hours=5))


def test_the_leader_signs_only_a_prepared_document_and_only_once(
    signing: Signing,  # noqa: F811
    signed: tuple[bytes, Placement],
) -> None:
    for data in (make_draft(), signed[0]):
        with pytest.raises(BadInput, match="chưa được chuẩn bị để ký hoặc đã được ký"):
            signing.sign(data)


def test_no_seal_without_the_leaders_signature(signing: Signing) -> None:  # noqa: F811
    prepared, placement = signing.prepared()
    with pytest.raises(RuleRefused, match="chưa có chữ ký số của người có thẩm quyền"):
        signing.number_and_seal(prepared, placement)


def test_no_seal_over_a_signature_that_no_longer_holds(
    signing: Signing,  # noqa: F811
    signed: tuple[bytes, Placement],
) -> None:
    data, placement = signed
    at = data.index(b"stream") + 40
    with pytest.raises(RuleRefused, match="NỘI DUNG ĐÃ BỊ THAY ĐỔI"):
        signing.number_and_seal(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], placement)


def test_no_second_seal(signing: Signing, signed: tuple[bytes, Placement], sealed: bytes) -> None:  # noqa: F811
    with pytest.raises(RuleRefused, match="đã được đóng dấu"):
        signing.number_and_seal(sealed, signed[1])


def test_a_month_printed_in_the_draft_must_be_the_month_of_issue(signing: Signing) -> None:  # noqa: F811
    prepared, placement = signing.prepared(make_draft(month_blank=" 10 "))
    with pytest.raises(RuleRefused, match="in sẵn tháng “10” nhưng văn bản được cấp tháng “11”"):
        signing.number_and_seal(signing.sign(prepared), placement)


def test_a_seal_of_another_size_than_the_real_one_is_refused(
    signing: Signing,  # noqa: F811
    signed: tuple[bytes, Placement],
) -> None:
    small = replace(signed[1], seal=replace(signed[1].seal, width=60, height=60))
    with pytest.raises(RuleRefused, match="kích thước thực tế của dấu"):
        signing.number_and_seal(signed[0], small)


@pytest.mark.parametrize("picture", [b"", b"not a picture", b"GIF89a" + bytes(50)])
def test_a_seal_that_is_no_picture_is_refused(
    signing: Signing,  # noqa: F811
    signed: tuple[bytes, Placement],
    picture: bytes,
) -> None:
    with pytest.raises(BadInput, match="Không đọc được ảnh"):
        number_and_seal(
            signed[0], values=VALUES, placement=signed[1], key=signing.seal, pin=Pin(SEAL_PIN), signer=signing.client,
            seal_png=picture, seal_mm=SEAL_MM, organ_name=ORGAN, at=datetime.now(VN), trust=signing.trust,
        )  # fmt: skip
