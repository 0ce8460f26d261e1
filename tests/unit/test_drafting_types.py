"""All 29 types, typeset and read back: the places of number, date and signature are found, letters are whole."""

from __future__ import annotations

import io
import unicodedata

import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from pyhanko.pdf_utils.reader import PdfFileReader

from appliance.drafting import FORMS, Enclosure, compose
from appliance.drafting.cleaning import printable
from appliance.regulation.document_types import TYPES
from appliance.signing.prepare import find_places, inspect, prepare
from tests.draft_fixtures import SIGNER, sample

VOWELS = "aăâeêioôơuưy"
LETTERS = sorted(
    {unicodedata.normalize("NFC", vowel + tone) for vowel in VOWELS for tone in ("", *"\u0300\u0301\u0303\u0309\u0323")}
    | {"đ"}
)
ALPHABET = [*LETTERS, *(letter.upper() for letter in LETTERS)]


def text_of(pdf: bytes, page: int = 0) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return " ".join(document[page].get_textpage().get_text_range().split())


@pytest.mark.parametrize("code", TYPES)
def test_every_type_is_ready_for_number_date_and_both_signatures(code: str) -> None:
    document = sample(code)
    pdf = compose(document)
    facts = inspect(pdf)
    placement = find_places(pdf, signer_title=document.position, signer_name=SIGNER, seal_mm=36)
    numbered = FORMS[code].number
    assert placement.found == (*(("SoVanBan",) if numbered else ()), "NgayVanBan", "ChuKyLanhDao")
    assert placement.warnings == []
    wanted = {"year": "2026", **({"notation": document.notation} if numbered else {})}
    assert dict(placement.printed) == wanted
    assert facts.mended == facts.advice == ()
    assert not facts.already_signed
    prepare(pdf, placement)
    printed = text_of(pdf)
    assert TYPES[code].name.upper() in printed or code == "cong-van"
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in printed


@pytest.mark.parametrize("style", ["", "**", "__"])
def test_every_vietnamese_letter_is_in_the_embedded_typeface(style: str) -> None:
    words = " ".join(f"x{letter}" for letter in ALPHABET) + " 5.000.000 ₫ “x” – …"
    pdf = compose(sample("thong-bao", body=f"{style}{unicodedata.normalize('NFD', words)}{style}"))
    assert words in text_of(pdf)
    for page in PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Kids"]:
        for font in page.get_object()["/Resources"]["/Font"].values():
            descriptor = font.get_object()["/DescendantFonts"][0]["/FontDescriptor"]
            assert "Termes" in descriptor["/FontName"]
            assert "/FontFile3" in descriptor


@pytest.mark.parametrize("style", ["regular", "italic", "bold", "bolditalic"])
def test_what_counts_as_printable_has_a_picture_in_every_style_of_the_typeface(style: str) -> None:
    font = TTFont(f"/usr/share/texmf/fonts/opentype/public/tex-gyre/texgyretermes-{style}.otf")
    known = font.getBestCmap()
    assert [hex(code) for code in range(0x10000) if printable(chr(code)) and code not in known] == []
    assert all(printable(letter) for letter in [*ALPHABET, "₫"])


def test_a_document_has_language_title_and_tags() -> None:
    root = PdfFileReader(io.BytesIO(compose(sample()))).root
    assert root["/Lang"] == "vi"
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    with pypdfium2.PdfDocument(compose(sample())) as document:
        assert document.get_metadata_value("Title") == "Quyết định: " + sample().subject


def test_what_is_typed_is_text_and_never_markup() -> None:
    document = sample("thong-bao", subject="<b>A & B</b>", body="<script>1</script> <img src=x> {{ 7*7 }}")
    printed = text_of(compose(document))
    assert "<b>A & B</b>" in printed
    assert "<script>1</script> <img src=x> {{ 7*7 }}" in printed


def test_a_long_list_of_receivers_leaves_the_signature_with_the_end_of_the_text() -> None:
    receivers = tuple(f"Ủy ban nhân dân xã Đông Hải số {number}" for number in range(60))
    document = sample("cong-van", body="\n".join(["Nội dung công việc rất dài. " * 12] * 14), receivers=receivers)
    pdf = compose(document)
    placement = find_places(pdf, signer_title="CHỦ TỊCH", signer_name=SIGNER, seal_mm=36)
    page = text_of(pdf, placement.signature.page)
    assert "CHỦ TỊCH" in page
    assert "Nội dung công việc" in page
    whole = " ".join(text_of(pdf, number) for number in range(inspect(pdf).pages))
    assert all(f"- {receiver};" in whole for receiver in receivers[:-1])
    assert f"- {receivers[-1]}." in whole


@pytest.mark.parametrize("lines", range(6, 30, 2))
def test_title_and_name_of_the_signer_never_part(lines: int) -> None:
    document = sample("thong-bao", body="\n".join(["Một đoạn."] * lines))
    pdf = compose(document)
    with_signature = [number for number in range(inspect(pdf).pages) if "CHỦ TỊCH" in text_of(pdf, number)]
    assert len(with_signature) == 1
    page = text_of(pdf, with_signature[0])
    assert SIGNER in page
    assert "Một đoạn." in page


def test_an_appendix_has_its_own_page_and_numbers_and_its_reference_stays_unfilled() -> None:
    table = "| STT | Họ và tên |\n" + "\n".join(f"| {number} | Nguyễn Văn {number} |" for number in range(1, 60))
    enclosures = (
        Enclosure("Quy chế làm việc của Tổ", "Điều 1. Phạm vi điều chỉnh\nQuy chế này quy định.", issued=True),
        Enclosure("Danh sách thành viên", table),
        Enclosure("Dự toán kinh phí", "Không có."),
    )
    pdf = compose(sample(enclosures=enclosures))
    pages = [text_of(pdf, number) for number in range(inspect(pdf).pages)]
    assert len(pages) == 5
    assert "QUY CHẾ LÀM VIỆC CỦA TỔ" in pages[1]
    assert "Phụ lục I DANH SÁCH THÀNH VIÊN (Kèm theo Quyết định số /QĐ-UBND ngày tháng năm 2026 của" in pages[2]
    assert pages[3].startswith("STT Họ và tên")  # the heading row again
    assert pages[3].endswith(" 2")
    assert not pages[4].endswith("5")
    assert pages[4].startswith("Phụ lục II")
    placement = find_places(pdf, signer_title="CHỦ TỊCH", signer_name=SIGNER, seal_mm=36)
    assert placement.signature.page == 0
