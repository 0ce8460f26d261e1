"""What a clerk types or pastes becomes clean text, then blocks."""

from __future__ import annotations

import pytest

from appliance.drafting import DraftText, checked
from appliance.drafting.cleaning import clean, clean_lines
from appliance.drafting.markup import Block, Run, Table, parse
from appliance.errors import BadInput
from tests.draft_fixtures import sample


def kinds(text: str) -> list[str]:
    return [block.kind if isinstance(block, Block) else "table" for block in parse(clean(text))]


def plain(block: Block | Table) -> str:
    assert isinstance(block, Block)
    return "".join(run.text for run in block.runs)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("U\u0309y ban nha\u0302n da\u0302n", "Ủy ban nhân dân"),
        ("a\u00a0b\u2003c\u200bd\u00ade", "a b cde"),
        ("một\r\nhai\rba\x0bbốn\u2028năm", "một\nhai\nba\nbốn\nnăm"),
        ("\uf0b7\tviệc thứ nhất\n● việc thứ hai\n• việc thứ ba", "- việc thứ nhất\n- việc thứ hai\n- việc thứ ba"),
        ("‟trích‟ 5′", "“trích“ 5'"),
        ("\u202eđảo ngược", "đảo ngược"),
        ("\ufeffđầu", "đầu"),
        ("chuông\x07", "chuông"),
    ],
)
def test_pasted_text_is_made_plain(typed: str, cleaned: str) -> None:
    assert clean(typed) == cleaned


@pytest.mark.parametrize("character", ["漢", "😀", "\ue123", "ก"])
def test_a_letter_the_typeface_lacks_is_refused_by_name_and_field(character: str) -> None:
    with pytest.raises(BadInput, match="không in được"):
        clean(f"chữ {character}")
    with pytest.raises(BadInput, match=f"Mục “Nội dung văn bản”: ký tự “{character}”"):
        checked(sample(body=f"chữ {character}"))


def test_lists_lose_the_marks_that_the_layout_adds() -> None:
    assert clean_lines("- Như Điều 3;\n\n•  Sở Nội vụ (b/c);\nLưu: VT.") == ("Như Điều 3", "Sở Nội vụ (b/c)", "Lưu: VT")
    assert clean_lines("TT. HĐND; UBND xã\nBà Ng. T. H.") == ("TT. HĐND; UBND xã", "Bà Ng. T. H.")


def test_headings_labels_and_paragraphs() -> None:
    text = (
        "Chương I\nQUY ĐỊNH CHUNG\nĐiều 1. Phạm vi điều chỉnh\n1. Quy chế này quy định về làm việc.\n"
        "2. Đối tượng áp dụng\na) Cán bộ;\nII. TỔ CHỨC\nĐiều 2. Giao Văn phòng thực hiện.\nTrân trọng./."
    )
    assert kinds(text) == [
        "middle", "middle", "heading", "paragraph", "heading", "paragraph", "heading", "paragraph", "paragraph",
    ]  # fmt: skip
    article = parse(text)[7]
    assert isinstance(article, Block)
    assert article.runs[0] == Run("Điều 2.", bold=True)
    assert plain(article) == "Điều 2. Giao Văn phòng thực hiện."


def test_a_line_after_a_chapter_that_is_no_title_stays_a_paragraph() -> None:
    assert kinds("Chương II\nĐiều 3. Trách nhiệm") == ["middle", "heading"]
    assert kinds("Mục 1\nCác cơ quan thực hiện như sau:") == ["middle", "paragraph"]


def test_bold_and_italic_inside_a_line() -> None:
    block = parse("Hạn **trước 15/12** và __không gia hạn__, 5*3, a_b__c")[0]
    assert isinstance(block, Block)
    assert block.runs == (
        Run("Hạn "), Run("trước 15/12", bold=True), Run(" và "), Run("không gia hạn", italic=True),
        Run(", 5*3, a_b__c"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "| STT | Tên |\n|---|:---:|\n| 1 | Ấp A |\n| 2 |",
        "STT\tTên\n1\tẤp A\n2",
        "STT | Tên\n1 | Ấp A\n2 | Ấp B",
    ],
)
def test_tables_typed_or_pasted(text: str) -> None:
    table = parse(clean(text))[0]
    assert isinstance(table, Table)
    assert table.rows[0] == ((Run("STT"),), (Run("Tên"),))
    assert table.rows[1] == ((Run("1"),), (Run("Ấp A"),))
    assert table.narrow[0]


def test_a_tab_after_a_list_mark_makes_no_table() -> None:
    assert kinds("1.\tViệc thứ nhất.\n2.\tViệc thứ hai.\na)\tĐiểm.\n-\tÝ.") == ["paragraph"] * 4
    assert kinds("Họ tên:\tNguyễn Văn An") == ["paragraph"]


@pytest.mark.parametrize(
    "text", ["|", "||", "|||", "|---|\n|---|", "**", "____", "\t\t", "Điều 1.", "Chương I", "| a |"]
)
def test_odd_lines_do_no_harm(text: str) -> None:
    parse(clean(text))
    checked(sample("thong-bao", body=f"x\n{text}\ny"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": " "}, "Trích yếu nội dung"),
        ({"signer": ""}, "Họ tên người ký"),
        ({"notation": ""}, "Ký hiệu"),
        ({"type_code": "cong-van", "to": ()}, "Kính gửi"),
        ({"type_code": "giay-moi", "lines": {}}, "Tới dự"),
        ({"type_code": "thong-bao", "body": "\n \n"}, "Nội dung văn bản"),
    ],
)
def test_an_empty_field_is_named(changes: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput, match=f"Mục “{field}” còn trống"):
        checked(sample(str(changes.pop("type_code", "quyet-dinh")), **changes))


@pytest.mark.parametrize(
    "changes",
    [{"body": "a" * 200_001}, {"subject": "a" * 1_001}, {"receivers": ("x",) * 301}, {"urgency": 9}, {"year": 20}],
)
def test_what_no_document_can_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        checked(sample(**changes))


def test_a_stored_text_is_read_back_whole_by_this_and_a_later_box() -> None:
    document = checked(sample("bien-ban"))
    assert DraftText.from_json(document.to_json()) == document
    assert DraftText.from_json(document.to_json().replace("{", '{"later": 1, ', 1)) == document
