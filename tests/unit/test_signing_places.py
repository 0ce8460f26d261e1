"""Finding the blanks of drafts as people really type them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from appliance.errors import BadInput
from appliance.signing.header import find_date, find_number
from appliance.signing.placement import Area, Placement, TextSlot, note_below, seal_over
from appliance.signing.prepare import find_places
from appliance.signing.textlines import Glyph, Line, _line, read_lines
from tests.drafts import make_draft


def places(**fields: object) -> Placement:
    return find_places(make_draft(**fields), signer_title="CHỦ TỊCH", signer_name="Nguyễn Văn An", seal_mm=36)


def typed(runs: list[tuple[float, float, float, str]]) -> Line:
    """A line of letters half as wide as high: (left, baseline, size, text) of each run."""
    glyphs = [
        Glyph(character, left + 0.5 * size * i, left + 0.5 * size * (i + 1), baseline, size)
        for left, baseline, size, text in runs
        for i, character in enumerate(text)
        if character != " "
    ]
    return _line(0, glyphs)


def slot(placement: Placement, name: str) -> TextSlot:
    return next(slot for slot in placement.slots if slot.name == name)


@pytest.mark.parametrize("normal_form", ["NFC", "NFD"])
@pytest.mark.parametrize("letter", [False, True])
def test_printed_words_give_a_slot_for_each_blank(letter: bool, normal_form: str) -> None:
    placement = places(letter=letter, normal_form=normal_form)
    assert placement.found == ("SoVanBan", "NgayVanBan", "ChuKyLanhDao")
    assert [(s.name, s.template) for s in placement.slots] == [
        ("SoVanBan", "{number}"),
        ("NgayVanBan", "{day}"),
        ("ThangVanBan", "{month}"),
    ]
    assert dict(placement.printed) == {"notation": "UBND-VP" if letter else "QĐ-UBND", "year": "2026"}
    assert slot(placement, "SoVanBan").size == pytest.approx(13, abs=0.1)
    assert [s.italic for s in placement.slots] == [False, True, True]


def test_a_blank_year_gets_its_own_slot() -> None:
    assert slot(places(year=""), "NamVanBan").template == "{year}"
    assert slot(places(year="20....."), "NamVanBan").cover


def test_blanks_too_narrow_for_digits_are_written_over() -> None:
    placement = places(number_blank="", day_blank=" ", month_blank=" ")
    assert slot(placement, "SoVanBan").template == "{number}/{notation}"
    assert slot(placement, "NgayVanBan").template == "{place}, ngày {day} tháng {month} năm {year}"
    assert all(s.cover for s in placement.slots)


def test_dots_are_painted_over() -> None:
    placement = places(number_blank="……….", day_blank="………", month_blank="………")
    assert [s.cover for s in placement.slots] == [True, True, True]


def test_a_number_line_without_notation_takes_both() -> None:
    number = slot(places(notation=""), "SoVanBan")
    assert (number.template, number.align) == ("{number}/{notation}", "left")
    assert number.area.width > 60


def test_values_already_printed_get_no_slot_and_a_warning() -> None:
    placement = places(number_blank=" 12", day_blank=" 20 ", month_blank=" 11 ")
    assert placement.slots == ()
    assert dict(placement.printed) == {
        "number": "12",
        "notation": "QĐ-UBND",
        "day": "20",
        "month": "11",
        "year": "2026",
    }
    assert len(placement.warnings) == 2


def test_the_signature_stands_centred_between_title_and_name() -> None:
    draft = make_draft()
    signature = places().signature
    with pypdfium2.PdfDocument(draft) as document:
        lines = [part for line in read_lines(document[0], 0) for part in line.segments()]
    title, name = (next(line for line in lines if line.text == text) for text in ("CHỦ TỊCH", "Nguyễn Văn An"))
    for line in (title, name):
        area = line.area(0, len(line.text))
        assert area.x + area.width / 2 == pytest.approx(signature.x + signature.width / 2, abs=1)
    assert title.baseline > signature.top
    assert signature.y > name.baseline + name.size * 0.7


def test_a_deputy_signs_under_his_own_title() -> None:
    draft = make_draft(authority="KT. CHỦ TỊCH", position="PHÓ CHỦ TỊCH", signer="Đặng Hữu Phước")
    placement = find_places(draft, signer_title="PHÓ CHỦ TỊCH", signer_name="Đặng Hữu Phước", seal_mm=36)
    assert "ChuKyLanhDao" in placement.found
    assert placement.signature.height == 62


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("Sô:        /QĐ-UBND", True),  # a scanner's program drops a mark,
        ("S6:        /QD-UBND", True),  # reads a letter as a digit,
        ("S ố :        / QĐ-UBND", True),  # splits a word
        ("Số:……/QĐ-UBND", True),
        ("Số:        /TTr-UBND", True),
        ("Theo Nghị định số 30/2020/NĐ-CP", False),  # a citation is no number line
    ],
)
def test_the_number_line_is_known_however_a_scanner_spells_it(label: str, found: bool) -> None:
    line = typed([(90, 740, 13, label)])
    seen = find_number([line], 842)
    assert (seen is not None) is found
    if seen:
        slot = seen.slots[0]
        assert 90 < slot.area.x < 90 + 13 * len(label)


def test_a_date_that_touches_the_number_keeps_to_its_own_cell() -> None:
    text = "Số:        /QĐ-UBND Hòa Bình, ngày  tháng  năm 2026"
    line = typed([(90, 740, 13, text)])
    number, date = find_number([line], 842), find_date([line], 842)
    assert number is not None
    assert date is not None
    assert number.printed == {"notation": "QĐ-UBND"}
    end = next(g for g in reversed(line.glyphs[: line.text.index(" Hòa")]) if g).right
    assert all(slot.area.x > end for slot in date.slots)
    assert number.slots[0].area.right < end


def test_a_notation_that_touches_the_place_ends_before_it() -> None:
    line = typed([(90, 740, 13, "Số:      /QĐ-UBNDHòa Bình, ngày      tháng      năm 2026")])
    number = find_number([line], 842)
    assert number is not None
    assert number.printed == {"notation": "QĐ-UBND"}


def test_letters_set_apart_make_one_word() -> None:
    glyphs = [Glyph(c, 100 + 12 * i + (14 if i >= 5 else 0), 107 + 12 * i + (14 if i >= 5 else 0), 700, 13)
              for i, c in enumerate("THÔNGBÁO")]  # fmt: skip
    assert _line(0, glyphs).text == "THÔNG BÁO"


def test_an_account_that_says_more_than_the_print_is_still_found() -> None:
    placement = find_places(
        make_draft(signer="ThS. Nguyễn Văn An"),
        signer_title="Chủ tịch Ủy ban nhân dân xã",
        signer_name="Nguyễn Văn An",
        seal_mm=36,
    )
    assert ("ChuKyLanhDao" in placement.found, placement.unsure) == (True, ())


def test_a_title_without_the_signers_name_is_found_but_not_sure() -> None:
    placement = find_places(make_draft(), signer_title="CHỦ TỊCH", signer_name="Ai Khác", seal_mm=36)
    assert placement.unsure == ("ChuKyLanhDao",)


def test_a_font_that_does_not_say_its_letters_leaves_the_usual_places() -> None:
    sample = Path(__file__).resolve().parents[1] / "samples" / "chromium.pdf"
    with pikepdf.open(sample) as document:
        for entry in document.objects:
            if isinstance(entry, pikepdf.Dictionary) and "/ToUnicode" in entry:
                del entry["/ToUnicode"]
        out = io.BytesIO()
        document.save(out)
    placement = find_places(out.getvalue(), signer_title="CHỦ TỊCH", signer_name="Nguyễn Văn An", seal_mm=36)
    assert placement.found == ()
    assert [slot.name for slot in placement.slots] == ["SoVanBan", "NgayVanBan"]


def test_the_title_in_the_body_is_not_mistaken_for_the_signature_block() -> None:
    body = "\n".join(
        f"Điều {n}. " + "Chủ tịch Ủy ban nhân dân xã giao đồng chí Nguyễn Văn An. " * 9 for n in range(1, 12)
    )
    placement = places(body=body)
    assert placement.signature.page > 0
    assert placement.signature.y < 700


def test_what_is_not_in_the_text_stands_at_the_usual_place() -> None:
    placement = find_places(make_draft(), signer_title="BÍ THƯ", signer_name="Ai Khác", seal_mm=36)
    assert "ChuKyLanhDao" not in placement.found
    assert placement.signature.page == 0
    assert placement.signature.y > 40


def test_the_seal_overlaps_the_left_third_at_its_real_size() -> None:
    signature = Area(0, 300, 200, 120, 60)
    seal = seal_over(signature, 36)
    assert seal.width == seal.height == pytest.approx(36 / 25.4 * 72)
    assert seal.right == pytest.approx(signature.x + signature.width / 3)
    assert seal.y + seal.height / 2 == pytest.approx(signature.y + signature.height / 2)


def test_the_block_beside_the_seal_covers_neither_text_nor_signature() -> None:
    placement = places()
    assert placement.note is not None
    assert not placement.note.touches(placement.signature)
    assert not placement.note.touches(placement.seal)


def test_a_seal_moved_by_hand_takes_its_block_along() -> None:
    moved = replace(places(), seal=Area(0, 60, 60, 102, 102))
    assert moved.seal_note == note_below(moved.seal)


def test_a_placement_survives_json() -> None:
    placement = places()
    assert Placement.from_json(placement.to_json()) == placement


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"slots": [], "signature": {"page": 0, "x": NaN, "y": 1, "width": 5, "height": 5}}',
        '{"slots": [], "signature": {"page": -1, "x": 0, "y": 1, "width": 5, "height": 5}}',
    ],
)
def test_a_placement_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Placement.from_json(text)


def test_a_template_may_only_name_the_issued_values() -> None:
    text = places().to_json().replace('"{number}"', '"{number.__class__}"')
    with pytest.raises(BadInput):
        Placement.from_json(text)
