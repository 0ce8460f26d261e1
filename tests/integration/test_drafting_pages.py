"""Soạn văn bản through the pages: choose a type, fill in, look, keep, change after it came back."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from appliance.drafting import FORMS, compose
from appliance.office import outgoing
from appliance.office.desk import Desk
from appliance.office.outgoing import Outgoing
from appliance.regulation.document_types import TYPES
from appliance.store.database import transaction
from provisioning.box import make_desk
from provisioning.demo.cast import AUDITOR, CHAIR, OFFICIAL, PROVINCE_OFFICE
from tests.desk_fixtures import CleanScanner
from tests.draft_fixtures import BODY, sample
from tests.office_fixtures import Office
from tests.web_fixtures import Visitor, words
from web import create_app


def visitor(office: Office, username: str = OFFICIAL.username) -> Visitor:
    def make() -> Desk:
        desk = make_desk(office.desk.settings)
        desk.scanner = CleanScanner(Path("unused"))
        return desk

    found = Visitor(office, create_app(office.desk.settings, make))
    found.log_in(username)
    return found


def filled(office: Office, code: str = "cong-van", **changes: Any) -> dict[str, Any]:
    """What a browser sends for a form filled in by a person who left to the box what it can know."""
    form = FORMS[code]
    values: dict[str, Any] = {
        "subject": "phối hợp tuyên truyền phòng, chống thiên tai",
        "recipient_ids": [PROVINCE_OFFICE.id, "ubnd-dong-hai"],
        "signer_id": office.accounts[CHAIR.username],
        "organ": "ỦY BAN NHÂN DÂN\r\nXÃ HÒA BÌNH",
        "organ_name": "Ủy ban nhân dân xã Hòa Bình",
        "place": "Hòa Bình",
        "body": form.body or BODY.replace("\n", "\r\n"),
        "authority": "" if form.position else "TM. ỦY BAN NHÂN DÂN",
        "position": form.position,
        "second_position": form.second,
        "second_signer": "Lê Thị Mỹ Duyên" if form.second else "",
        "urgency": "1",
        "no_secret": "1",
        **{f"line-{line.key}": f"Nội dung {line.label.lower()}" for line in form.lines},
    }
    return {**values, **changes}


def the_document(office: Office) -> Outgoing:
    (row,) = office.desk.db.query("SELECT id FROM outgoing")
    return outgoing.get(office.desk, office.clerk, str(row["id"]))


def shown(html: str, name: str) -> str:
    """The value of a field of the page."""
    found = re.search(rf'<textarea id="{name}"[^>]*>\n(.*?)</textarea>', html, re.DOTALL)
    found = found or re.search(rf'<input id="{name}"[^>]*? value="([^"]*)"', html)
    assert found, name
    return unescape(found.group(1)).replace("\r", "")  # as a browser reads it


def pages_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)


def test_all_types_can_be_chosen_and_open_with_the_offices_words(office: Office) -> None:
    official = visitor(office)
    choice = official.get("/van-ban-di/soan")
    for code, kind in TYPES.items():
        assert f'href="/van-ban-di/soan/{code}">{kind.name}</a>' in choice.text
        page = official.get(f"/van-ban-di/soan/{code}")
        assert page.status_code == 200
        assert shown(page.text, "organ") == "ỦY BAN NHÂN DÂN\nXÃ HÒA BÌNH"
        assert shown(page.text, "place") == "Hòa Bình"
    assert shown(official.get("/van-ban-di/soan/thong-bao").text, "authority") == "TM. ỦY BAN NHÂN DÂN"
    decision = official.get("/van-ban-di/soan/quyet-dinh").text
    assert shown(decision, "opening") == "CHỦ TỊCH ỦY BAN NHÂN DÂN XÃ HÒA BÌNH"
    assert shown(decision, "authority") == ""
    assert official.get("/van-ban-di/soan/khong-co").status_code == 422


@pytest.mark.parametrize("code", TYPES)
def test_every_type_is_kept_with_all_its_places_found(office: Office, code: str) -> None:
    official = visitor(office)
    answer = official.post(f"/van-ban-di/soan/{code}", filled(office, code))
    assert answer.status_code == 303, words(answer)
    document = the_document(office)
    placement = json.loads(document.placement)
    number = ["SoVanBan"] if FORMS[code].number else []
    assert placement["found"] == [*number, "NgayVanBan", "ChuKyLanhDao"]
    assert [slot["name"] for slot in placement["slots"]] == [*number, "NgayVanBan", "ThangVanBan"]
    assert (document.type_code, document.state, document.urgency) == (code, "drafting", 1)
    assert document.competence == ("" if FORMS[code].position else "TM.")
    assert official.get(f"/van-ban-di/{document.id}").status_code == 200


def test_what_was_left_to_the_box_is_filled_in(office: Office) -> None:
    visitor(office).post("/van-ban-di/soan/cong-van", filled(office, unit="vp"))
    document = the_document(office)
    printed = pages_of(office.desk.blobs.read(document.draft_sha256))
    assert "/UBND-VP" in printed
    assert "Kính gửi: - Văn phòng Ủy ban nhân dân tỉnh Hải Vân; - Ủy ban nhân dân xã Đông Hải." in printed
    assert "Nơi nhận: - Như trên; - Lưu: VT." in printed
    assert "TM. ỦY BAN NHÂN DÂN CHỦ TỊCH" in printed
    assert CHAIR.full_name in printed
    assert document.file_name == "Công văn phối hợp tuyên truyền phòng, chống thiên tai.pdf"


def test_a_look_is_a_pdf_and_keeps_nothing(office: Office) -> None:
    official = visitor(office)
    answer = official.post("/van-ban-di/soan/cong-van/xem-thu", filled(office, no_secret=""))
    assert answer.mimetype == "application/pdf"
    assert "phối hợp tuyên truyền" in pages_of(answer.data)
    assert office.desk.db.execute("SELECT count(*) FROM outgoing").fetchone()[0] == 0
    answer = official.post("/van-ban-di/soan/cong-van/xem-thu", filled(office, subject=""), HX_Request="true")
    assert answer.status_code == 422
    assert "Mục “Trích yếu nội dung” còn trống." in words(answer)
    assert "<html" not in answer.text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"subject": " "}, "Trích yếu phải có nội dung và không quá 500 ký tự."),
        ({"body": "chữ 漢"}, "Mục “Nội dung văn bản”: ký tự “漢” (U+6F22) không in được"),
        ({"no_secret": ""}, "Chưa xác nhận văn bản không chứa bí mật nhà nước."),
        ({"recipient_ids": []}, "Chọn ít nhất một nơi nhận, mỗi nơi một lần."),
        ({"recipient_ids": ["khong-co"]}, "Không có cơ quan này trong danh bạ."),
        ({"signer_id": ""}, "Người ký phải là lãnh đạo của cơ quan."),
        ({"place": ""}, "Mục “Địa danh” còn trống."),
        ({"reply_due": "hôm nay"}, "Ngày hạn trả lời hoặc độ khẩn không đúng dạng."),
        ({"circulation": "x"}, "Độ khẩn hoặc chỉ dẫn lưu hành không có trong danh sách."),
    ],
)
def test_a_refused_form_says_why_and_keeps_everything_typed(office: Office, wrong: dict[str, Any], told: str) -> None:
    typed = filled(office, note="Ghi chú giữ lại", receivers="Như trên\r\nLưu: VT, <VP>", unit="VP", **wrong)
    typed |= {"enclosure_kind": [""], "enclosure_title": ["Danh sách"], "enclosure_text": ["| STT | Tên |"]}
    answer = visitor(office).post("/van-ban-di/soan/cong-van", typed)
    assert 400 <= answer.status_code < 500
    assert told in unescape(words(answer))
    assert shown(answer.text, "body") == typed["body"].replace("\r", "")
    assert shown(answer.text, "receivers") == "Như trên\nLưu: VT, <VP>"
    assert shown(answer.text, "note") == "Ghi chú giữ lại"
    assert shown(answer.text, "enclosure-title-1") == "Danh sách"
    assert office.desk.db.execute("SELECT count(*) FROM draft_text").fetchone()[0] == 0


def test_room_for_another_appendix_keeps_everything_typed(office: Office) -> None:
    parts = {"enclosure_kind": ["issued"], "enclosure_title": ["Quy chế"], "enclosure_text": ["Điều 1. Một điều."]}
    official = visitor(office)
    answer = official.post("/van-ban-di/soan/quyet-dinh", filled(office, "quyet-dinh", more="1", **parts))
    assert answer.status_code == 200
    assert shown(answer.text, "enclosure-title-1") == "Quy chế"
    assert shown(answer.text, "enclosure-title-2") == ""
    second = {"enclosure_kind": "", "enclosure_title": "Danh sách", "enclosure_text": "| STT | Tên |\n| 1 | A |"}
    parts = {name: [*values, second[name]] for name, values in parts.items()}
    assert official.post("/van-ban-di/soan/quyet-dinh", filled(office, "quyet-dinh", **parts)).status_code == 303
    document = the_document(office)
    assert document.page_count == 3
    assert "Phụ lục DANH SÁCH" in pages_of(office.desk.blobs.read(document.draft_sha256))


def test_a_returned_document_is_typed_on_and_typeset_again(office: Office) -> None:
    official = visitor(office)
    official.post("/van-ban-di/soan/cong-van", filled(office))
    first = the_document(office)
    with transaction(office.desk.db):
        office.desk.db["outgoing"].update(first.id, {"state": "returned", "reason": "Thiếu thời hạn"})
    edit = official.get(f"/van-ban-di/{first.id}/sua")
    assert edit.headers["Location"].endswith(f"/van-ban-di/{first.id}/noi-dung")
    page = official.get(edit.headers["Location"])
    assert shown(page.text, "body") == BODY
    assert shown(page.text, "subject") == "phối hợp tuyên truyền phòng, chống thiên tai"
    changed = filled(office, body="Báo cáo trước ngày 15/12/2026./.", subject="V/v báo cáo kết quả")
    assert official.post(f"/van-ban-di/{first.id}/noi-dung", changed).status_code == 303
    second = the_document(office)
    assert (second.state, second.subject, second.prepared_sha256) == ("returned", "V/v báo cáo kết quả", None)
    printed = pages_of(office.desk.blobs.read(second.draft_sha256))
    assert "Báo cáo trước ngày 15/12/2026" in printed
    assert "V/v V/v" not in printed
    rows = list(office.desk.db.query("SELECT version, pdf_sha256 FROM draft_text ORDER BY version"))
    assert [(row["version"], row["pdf_sha256"]) for row in rows] == [(1, first.draft_sha256), (2, second.draft_sha256)]
    assert "Soạn lại nội dung" in words(official.get(f"/van-ban-di/{first.id}"))


def test_a_document_under_way_is_not_typed_on(office: Office) -> None:
    official = visitor(office)
    official.post("/van-ban-di/soan/cong-van", filled(office))
    document = the_document(office)
    with transaction(office.desk.db):
        office.desk.db["outgoing"].update(document.id, {"state": "submitted"})
    answer = official.post(f"/van-ban-di/{document.id}/noi-dung", filled(office, body="Khác./."))
    assert answer.status_code == 409
    assert "Khác./." in shown(answer.text, "body")
    assert the_document(office).draft_sha256 == document.draft_sha256


def test_a_pdf_from_elsewhere_takes_the_texts_place(office: Office) -> None:
    official = visitor(office)
    official.post("/van-ban-di/soan/cong-van", filled(office))
    document = the_document(office)
    address = f"/van-ban-di/{document.id}/sua"
    assert "Tệp PDF của văn bản" in words(official.get(f"{address}?tep=1"))
    answer = official.post(address, filled(office, type_code="cong-van"))
    assert answer.status_code == 422
    assert "Văn bản này do trạm dàn trang" in words(answer)
    file = (io.BytesIO(compose(sample("cong-van"))), "Từ Word.pdf")
    answer = official.post(address, {**filled(office, type_code="cong-van"), "file": file})
    assert answer.status_code == 303
    assert outgoing.text_of(office.desk.db, the_document(office)) is None
    assert "Tệp PDF của văn bản" in words(official.get(address))


def test_an_earlier_document_and_the_offices_habits_help_the_next(office: Office) -> None:
    official = visitor(office)
    official.post("/van-ban-di/soan/cong-van", filled(office, parent_organ="UBND TỈNH HẢI VÂN"))
    document = the_document(office)
    assert shown(official.get("/van-ban-di/soan/bao-cao").text, "parent_organ") == "UBND TỈNH HẢI VÂN"
    assert f"/van-ban-di/soan/cong-van?tu={document.id}" in official.get(f"/van-ban-di/{document.id}").text
    page = official.get(f"/van-ban-di/soan/cong-van?tu={document.id}")
    assert shown(page.text, "body") == BODY
    assert 'value="ubnd-dong-hai" checked' in page.text


def test_only_people_who_draft_may_draft(office: Office) -> None:
    auditor = visitor(office, AUDITOR.username)
    for path in ("/van-ban-di/soan", "/van-ban-di/soan/cong-van"):
        assert auditor.get(path).status_code == 403
    for path in ("/van-ban-di/soan/cong-van", "/van-ban-di/soan/cong-van/xem-thu"):
        assert auditor.post(path, filled(office)).status_code == 403
