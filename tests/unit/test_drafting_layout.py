"""Measures of NĐ 30/2020/NĐ-CP, annex I, read from the finished page in points and millimetres."""

from __future__ import annotations

import ctypes

import pypdfium2
import pytest

from appliance.drafting import CIRCULATION, compose
from appliance.signing.placement import Area
from appliance.signing.textlines import Line, read_lines
from tests.draft_fixtures import sample

MM = 72 / 25.4
BODY = "\n".join(["Ủy ban nhân dân xã đề nghị quý cơ quan phối hợp thực hiện một số nội dung công việc sau. " * 3] * 12)


class Page:
    """Lines of a page, cut at column gaps, with their printed looks."""

    def __init__(self, pdf: bytes, number: int = 0) -> None:
        self.document = pypdfium2.PdfDocument(pdf)
        self.page = self.document[number]
        self.width, self.height = self.page.get_size()
        self.lines = [part for line in read_lines(self.page, number) for part in line.segments()]

    def line(self, text: str) -> Line:
        return next(line for line in self.lines if text in line.text)

    def area(self, text: str) -> Area:
        line = self.line(text)
        return line.area(0, len(line.text))

    def style(self, text: str) -> str:
        """'Bold', 'Italic', 'BoldItalic' or '' of the text's first letter."""
        printed = self.page.get_textpage()
        found = printed.search(text, match_case=True).get_next()
        assert found is not None
        name, flags = ctypes.create_string_buffer(100), ctypes.c_int()
        pypdfium2.raw.FPDFText_GetFontInfo(printed, found[0], name, 100, flags)
        return name.value.decode().split("Termes")[1].replace("-", "")

    def boxes(self) -> list[tuple[float, float, float, float]]:
        paths = self.page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_PATH])
        return [path.get_bounds() for path in paths]


@pytest.fixture(scope="module")
def decision() -> Page:
    return Page(compose(sample("quyet-dinh", parent_organ="UBND TỈNH HẢI VÂN")))


@pytest.fixture(scope="module")
def letter() -> Page:
    return Page(compose(sample("cong-van", body=BODY, urgency=3, circulation="internal")))


@pytest.mark.parametrize(
    ("text", "sizes", "style"),
    [
        ("CỘNG HÒA XÃ HỘI", (12, 13), "Bold"),
        ("Độc lập - Tự do", (13, 14), "Bold"),
        ("UBND TỈNH HẢI VÂN", (12, 13), ""),
        ("ỦY BAN NHÂN DÂN", (12, 13), "Bold"),
        ("Số:", (13, 13), ""),
        ("Hòa Bình, ngày", (13, 14), "Italic"),
        ("QUYẾT ĐỊNH", (13, 14), "Bold"),
        ("Về việc thành lập", (13, 14), "Bold"),
        ("Căn cứ Luật", (13, 14), "Italic"),
        ("TM. ỦY BAN", (13, 14), "Bold"),
        ("Nguyễn Văn An", (13, 14), "Bold"),
        ("Nơi nhận:", (12, 12), "BoldItalic"),
        ("- Như Điều 3;", (11, 11), ""),
    ],
)
def test_every_element_has_its_size_and_style(decision: Page, text: str, sizes: tuple[int, int], style: str) -> None:
    assert sizes[0] <= round(decision.line(text).size, 1) <= sizes[1]
    assert decision.style(text) == style


def test_paper_and_margins(letter: Page) -> None:
    assert (letter.width / MM, letter.height / MM) == pytest.approx((210, 297), abs=0.1)
    body = [area for line in letter.lines if (area := line.area(0, len(line.text))).width > 150 * MM]
    assert len(body) > 5
    left = min(area.x for area in body) / MM
    right = (letter.width - max(area.right for area in body)) / MM
    lowest = min(line.baseline for line in letter.lines) / MM
    highest = (letter.height - max(line.area(0, 1).top for line in letter.lines)) / MM
    assert 29.9 <= left <= 35
    assert 14.9 <= right <= 20.1
    assert lowest >= 20
    assert 18 <= highest <= 25


def test_paragraphs_begin_one_centimetre_in_and_keep_six_points_apart(letter: Page) -> None:
    body = [line for line in letter.lines if 13.5 < line.size < 14.5 and line.baseline < letter.height * 0.6]
    starts = [line for line in body if line.text.startswith("Ủy ban nhân dân xã đề nghị")]
    left = min(line.area(0, 1).x for line in body)
    assert (starts[0].area(0, 1).x - left) / MM == pytest.approx(10, abs=0.5)
    index = body.index(starts[1])
    between, within = body[index - 1].baseline - body[index].baseline, body[index].baseline - body[index + 1].baseline
    assert between - within == pytest.approx(6, abs=0.3)
    assert 1.0 <= within / 14 <= 1.5 * 1.2


def test_the_header_keeps_its_columns_and_lines(decision: Page) -> None:
    nation, motto = decision.area("CỘNG HÒA"), decision.area("Độc lập")
    number, day = decision.line("Số:"), decision.line("Hòa Bình, ngày")
    assert nation.x > decision.area("XÃ HÒA BÌNH").right
    assert nation.x + nation.width / 2 == pytest.approx(motto.x + motto.width / 2, abs=1)
    assert number.baseline == pytest.approx(day.baseline, abs=2.5)
    rules = [(left, right) for left, bottom, right, top in decision.boxes() if top - bottom < 2 and right - left > 20]
    assert any(right - left == pytest.approx(motto.width, abs=3) for left, right in rules)
    organ = decision.area("XÃ HÒA BÌNH").width, decision.area("ỦY BAN NHÂN DÂN").width
    assert any(max(organ) / 3 <= right - left <= max(organ) / 2 for left, right in rules)


@pytest.mark.parametrize(("urgency", "words", "width"), [(1, "KHẨN", 20), (2, "THƯỢNG KHẨN", 40), (3, "HỎA TỐC", 30)])
def test_urgency_is_a_red_box_of_its_own_size_under_the_number(urgency: int, words: str, width: int) -> None:
    page = Page(compose(sample("cong-van", urgency=urgency)))
    line, area = page.line(words), page.area(words)
    assert 13 <= round(line.size, 1) <= 14
    assert page.style(words) == "Bold"
    assert line.baseline < page.line("Số:").baseline
    assert area.right < page.width / 2
    edges = [
        box for box in page.boxes() if box[0] <= area.x and box[2] >= area.right and box[1] < line.baseline < box[3]
    ]
    assert edges
    left, bottom, right, top = edges[0]
    assert ((right - left) / MM, (top - bottom) / MM) == pytest.approx((width, 8), abs=0.4)
    red = (
        page.page.render(scale=2)
        .to_pil()
        .convert("RGB")
        .crop(tuple(int(2 * v) for v in (left, page.height - top, right, page.height - bottom)))
    )
    assert any(r > 200 and g < 60 and b < 60 for _, (r, g, b) in red.getcolors(1 << 20))


def test_a_mark_of_circulation_stands_in_a_box(letter: Page) -> None:
    assert letter.line(CIRCULATION["internal"]).size == pytest.approx(13, abs=0.1)


def test_pages_are_numbered_from_the_second_in_the_middle_of_the_top_margin(letter: Page) -> None:
    second = Page(compose(sample("cong-van", body=BODY * 3)), 1)
    number = second.lines[0]
    area = number.area(0, len(number.text))
    assert number.text == "2"
    assert 13 <= number.size <= 14
    assert area.y > second.height - 20 * MM
    middle = (30 * MM + second.width - 15 * MM) / 2
    assert area.x + area.width / 2 == pytest.approx(middle, abs=2)
    assert not letter.lines[0].text.isdigit()


def test_a_word_without_end_stays_inside_the_margins() -> None:
    word = "Kếhoạchkiểmtracôngtácphòngcháychữacháyvàcứunạncứuhộtrênđịabànxã" * 3
    document = sample(
        "cong-van", subject=word, body=f"{word}\n| STT | Tên |\n| 1 | {word} |", receivers=(word,), to=(word,)
    )
    page = Page(compose(document))
    areas = [line.area(0, len(line.text)) for line in page.lines]
    assert max(area.right for area in areas) < page.width - 14.9 * MM
    assert min(area.x for area in areas) > 29.8 * MM


def test_a_long_name_wraps_inside_its_column() -> None:
    organ = "BAN QUẢN LÝ CÁC DỰ ÁN ĐẦU TƯ XÂY DỰNG CÔNG TRÌNH DÂN DỤNG VÀ PHÁT TRIỂN ĐÔ THỊ"
    page = Page(compose(sample("cong-van", organ=organ, subject="triển khai nhiệm vụ trọng tâm " * 8)))
    above = [line for line in page.lines if line.baseline > page.line("Kính gửi").baseline]
    nation = page.line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
    assert nation.area(0, len(nation.text)).right < page.width - 14.9 * MM
    column = [area for line in above if line != nation and (area := line.area(0, len(line.text))).x < 60 * MM]
    assert len(column) > 6
    assert all(area.right < 96 * MM for area in column)
