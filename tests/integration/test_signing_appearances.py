"""Every case of every profile on real tokens: what is shown, where, in which letters, and that it verifies."""

from __future__ import annotations

import io
import re
import subprocess
import unicodedata
from datetime import datetime
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.clock import VN
from appliance.errors import BadInput, RuleRefused
from appliance.regulation.appearances import PROFILES, appearance, profile_of
from appliance.signing.corner import ready_for_corner, seal_corner, takes_another_signature
from appliance.signing.placement import COPY_FIELD, SEAL_FIELD, Area
from appliance.signing.token import Pin
from appliance.signing.validate import validate
from tests.drafts import make_draft
from tests.integration.test_signing_two_signatures import VIETNAMESE, black, blue, ink, red, render
from tests.signing_fixtures import ORGAN, SEAL_PIN, Signing, signing  # noqa: F401

AT = datetime(2026, 11, 22, 14, 5, 9, tzinfo=VN)


def turned(data: bytes, degrees: int) -> bytes:
    """The draft with its first page turned."""
    out = io.BytesIO()
    with pypdfium2.PdfDocument(data) as document:
        document[0].set_rotation(degrees)
        document.save(out)
    return out.getvalue()


def corner(signing: Signing, data: bytes, profile: str, case: str = "annex", organ: str = ORGAN) -> bytes:  # noqa: F811
    look, at = appearance(profile, case), datetime.now(VN)
    texts = look.texts(at, organ=organ, code="125/QĐ-UBND", form="SAO Y")
    return seal_corner(
        ready_for_corner(data)[0], field=SEAL_FIELD if case == "annex" else COPY_FIELD, look=look, texts=texts,
        key=signing.seal, pin=Pin(SEAL_PIN), signer=signing.client, at=at, trust=signing.trust,
    )  # fmt: skip


def words(data: bytes, *options: str) -> str:
    said = subprocess.run(["pdftotext", *options, "-", "-"], input=data, capture_output=True, check=True).stdout
    return said.decode("utf-8")


def holds(signing: Signing, data: bytes, folder: Path, count: int) -> None:  # noqa: F811
    """Our own validation, stock pyHanko and pdfsig agree."""
    assert validate(data, signing.trust).verdict == "valid"
    for embedded in PdfFileReader(io.BytesIO(data)).embedded_signatures:
        assert isinstance(embedded, EmbeddedPdfSignature)
        context = ValidationContext(
            trust_roots=list(signing.trust.roots), other_certs=list(signing.trust.intermediates)
        )
        assert validate_pdf_signature(embedded, context).bottom_line
    file = folder / "signed.pdf"
    file.write_bytes(data)
    said = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.count("Signature is Valid.") == count, said


def fonts(data: bytes, folder: Path) -> list[str]:
    """pdffonts' lines: name, type, encoding, embedded."""
    file = folder / "fonts.pdf"
    file.write_bytes(data)
    return subprocess.run(["pdffonts", str(file)], capture_output=True, text=True, check=True).stdout.splitlines()[2:]


def test_the_rule_set_of_bac_lieu_looks_as_its_article_says_and_a_setting_may_choose_the_other() -> None:
    assert profile_of("BL-2019") == "BL15"
    assert profile_of("BL-2019", "ND30") == "ND30"
    assert set(PROFILES) == {"BL15", "ND30"}
    assert appearance("BL15", "seal").texts(AT, organ=ORGAN) == (ORGAN, "Thời gian ký:", "2026-11-22T14:05:09+07:00")
    assert appearance("ND30", "seal").texts(AT, organ=ORGAN) == ()
    assert appearance("ND30", "annex").texts(AT, organ=ORGAN, code="5/QĐ-UBND") == (
        "5/QĐ-UBND", "22.11.2026 14:05:09 +07:00",
    )  # fmt: skip


@pytest.mark.parametrize("profile", ["BL15", "ND30"])
def test_the_main_document_shows_seal_and_signature_and_text_only_where_the_profile_has_it(
    signing: Signing,  # noqa: F811
    profile: str,
    tmp_path: Path,
) -> None:
    prepared, placement = signing.prepared()
    data = signing.number_and_seal(signing.sign(prepared), placement, profile=profile)
    page = render(data)
    assert ink(page, placement.seal, red) > 0.1
    assert ink(page, placement.signature, blue) > 0.02
    note = ink(page, placement.seal_note, red)
    assert note > 0.02 if profile == "BL15" else note == 0
    assert ("+07:00" in words(data)) == (profile == "BL15")
    holds(signing, data, tmp_path, 2)
    assert all(line.split()[-5] == "yes" for line in fonts(data, tmp_path))


@pytest.mark.parametrize("case", ["annex", "copy"])
@pytest.mark.parametrize("profile", ["BL15", "ND30"])
def test_annex_and_copy_carry_text_at_the_top_right_and_no_image(
    signing: Signing,  # noqa: F811
    profile: str,
    case: str,
    tmp_path: Path,
) -> None:
    data = corner(signing, make_draft(), profile, case)
    width, height = 595.3, 841.9
    page, top = render(data), Area(0, width / 2, height - 55, width / 2 - 20, 50)
    assert ink(page, top, black) > 0.01
    assert ink(page, Area(0, 0, 0, width, height), red) < 0.001
    assert ("125/QĐ-UBND" if case == "annex" else "SAO Y") in words(data)
    holds(signing, data, tmp_path, 1)
    assert all(line.split()[-5] == "yes" for line in fonts(data, tmp_path))
    assert validate(data, signing.trust).signatures[0].coverage == "whole"


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_on_a_turned_page_the_text_stands_upright_at_the_top_right_as_people_see_it(
    signing: Signing,  # noqa: F811
    degrees: int,
) -> None:
    data = corner(signing, turned(make_draft(), degrees), "ND30")
    before, after = render(turned(make_draft(), degrees)), render(data)
    box = after.width // 2, 0, after.width, 110
    changed = [
        (x, y)
        for y in range(after.height)
        for x in range(after.width)
        if max(abs(a - b) for a, b in zip(after.getpixel((x, y)), before.getpixel((x, y)), strict=True))
        > 8  # no rounding
    ]
    xs, ys = [x for x, _ in changed], [y for _, y in changed]
    assert box[0] < min(xs) and max(xs) < box[2] and max(ys) < box[3], (min(xs), max(xs), min(ys), max(ys))  # noqa: PT018
    assert max(xs) - min(xs) > 3 * (max(ys) - min(ys))  # lines of text, not a column


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_organs_name_is_read_back_letter_by_letter_in_either_normal_form(
    signing: Signing,  # noqa: F811
    form: str,
) -> None:
    for start in range(0, len(VIETNAMESE), 40):
        letters = VIETNAMESE[start : start + 40]
        data = corner(signing, make_draft(), "ND30", "copy", organ=unicodedata.normalize(form, letters))
        assert letters in re.sub(r"\s", "", words(data))


def test_a_long_organs_name_is_wrapped_inside_the_page(signing: Signing) -> None:  # noqa: F811
    name = "Ban Quản lý dự án đầu tư xây dựng và phát triển quỹ đất khu vực liên xã Hòa Bình - Đông Hải - Vĩnh Hậu A"
    data = corner(signing, make_draft(), "BL15", "copy", organ=name)
    assert name.replace(" ", "") in re.sub(r"\s", "", words(data))


def test_a_locked_file_takes_no_further_signature(signing: Signing) -> None:  # noqa: F811
    sealed = signing.sealed()
    assert not takes_another_signature(sealed)
    with pytest.raises(BadInput, match="khóa tệp"):
        ready_for_corner(sealed)
    assert takes_another_signature(make_draft())


def test_a_changed_annex_is_no_longer_valid(signing: Signing) -> None:  # noqa: F811
    data = corner(signing, make_draft(), "ND30")
    at = data.index(b"stream") + 40
    assert validate(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], signing.trust).verdict == "invalid"


def test_no_second_seal_on_an_annex(signing: Signing) -> None:  # noqa: F811
    data = corner(signing, make_draft(), "ND30")
    with pytest.raises((BadInput, RuleRefused)):
        corner(signing, data, "ND30")


def test_the_page_below_is_left_as_it_was(signing: Signing) -> None:  # noqa: F811
    before, after = render(make_draft()), render(corner(signing, make_draft(), "ND30"))
    lower = (0, 110, before.width, before.height)
    assert list(before.crop(lower).get_flattened_data()) == list(after.crop(lower).get_flattened_data())
    assert isinstance(before, Image.Image)
