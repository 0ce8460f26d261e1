"""What people read: errors with article and next step, long and hostile texts, empty and thousand-row lists."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from appliance.office.desk import Desk
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import uuid7
from provisioning.demo.cast import AUDITOR, CHAIR, CLERK, OFFICIAL, TECHNICIAN
from tests.office_fixtures import Office
from tests.web_fixtures import Visitor, add_incoming, add_outgoing, words
from web import reading

LONG = "Về việc " + "tăng cường kỷ luật, kỷ cương hành chính và ứng dụng chữ ký số chuyên dùng " * 6
HOSTILE = '<script>alert("x")</script> & “ngoặc” <img src=x onerror=alert(1)>'


def _visitor(office: Office, username: str) -> Visitor:
    visitor = Visitor(office)
    visitor.log_in(username)
    return visitor


def _message(desk: Desk, outgoing_id: str, **changes: object) -> str:
    now = desk.clock.now()
    row = {
        "id": uuid7(), "kind": "edoc", "organ_id": "ubnd-hoa-binh", "outgoing_id": outgoing_id,
        "title": "Về việc thử hàng đợi", "priority": 0, "sha256": "0" * 64, "size": 4096, "state": "waiting",
        "queued_at": now.isoformat(), "attempts": 3,
        "due_target": now.isoformat(), "due_latest": (now + timedelta(hours=3, minutes=5)).isoformat(),
        "last_error": "Không nối được tới trục.", **changes,
    }  # fmt: skip
    with transaction(desk.db):
        desk.db["message"].insert(row)
        desk.db["message_recipient"].insert({"message_id": row["id"], "code": "H99.01", "name": "Văn phòng UBND tỉnh"})
    return str(row["id"])


def test_what_a_rule_stops_is_shown_on_the_page_with_article_and_next_step(office: Office) -> None:
    official = _visitor(office, OFFICIAL.username)
    official.get("/van-ban-di/moi")
    answer = official.post("/van-ban-di/moi", {"type_code": "cong-van", "subject": LONG[:400], "signer_id": "x"})
    assert answer.status_code == 422
    assert "Chưa chọn tệp PDF" in words(answer)
    file = {"file": (__file__, "x.pdf")}
    answer = official.post("/van-ban-di/moi", {"subject": "Về việc giữ lại chữ đã gõ", "urgency": "2", **file})
    assert answer.status_code == 409
    text = words(answer)
    assert "Chưa xác nhận văn bản không chứa bí mật nhà nước." in text
    assert "Căn cứ: Điều 1 khoản 1 điểm b và Điều 8, QĐ 15/2019/QĐ-UBND" in text
    assert "Việc cần làm" in text
    assert "Về việc giữ lại chữ đã gõ" in text


def test_a_step_that_fails_keeps_the_person_on_the_document_and_never_echoes_the_pin(office: Office) -> None:
    document = add_outgoing(office, "submitted")
    chair = _visitor(office, CHAIR.username)
    chair.get(f"/van-ban-di/{document}")
    answer = chair.post(f"/van-ban-di/{document}/ky", {"pin": "pin-bí-mật-8273"})
    assert answer.status_code == 409
    text = words(answer)
    assert "Chưa thể ký: Đồng hồ của trạm chưa được đồng bộ với nguồn nào." in text
    assert "Điều 12 khoản 2, Điều 13 khoản 4 và Điều 20 khoản 4" in text
    assert "Về việc thử trang" in text
    assert "pin-bí-mật-8273" not in answer.text
    assert not [r for r in office.desk.db.query("SELECT detail FROM audit") if "8273" in r["detail"]]


def test_an_empty_pin_is_asked_for_again(office: Office) -> None:
    document = add_outgoing(office, "submitted")
    chair = _visitor(office, CHAIR.username)
    chair.get(f"/van-ban-di/{document}")
    answer = chair.post(f"/van-ban-di/{document}/ky", {"pin": ""})
    assert answer.status_code == 422
    assert "Chưa nhập mã PIN" in words(answer)


def test_an_htmx_request_gets_the_notice_alone_in_its_place(office: Office) -> None:
    clerk = _visitor(office, CLERK.username)
    answer = clerk.get("/van-ban-di/khong-co/noi-nhan", HX_Request="true")
    assert answer.status_code == 404
    assert answer.headers["HX-Retarget"] == "#notices"
    assert "<html" not in answer.text
    assert "Không có văn bản đi này" in answer.text


def test_an_area_opened_by_itself_is_a_whole_page(office: Office) -> None:
    clerk = _visitor(office, CLERK.username)
    assert "<html" in clerk.get("/trang-thai").text
    assert "<html" not in clerk.get("/trang-thai", HX_Request="true").text


def test_hostile_and_long_texts_are_words_only(office: Office) -> None:
    document = add_outgoing(office, "submitted", subject=HOSTILE, note=HOSTILE)
    arrived = add_incoming(office, subject=HOSTILE + LONG, from_name=HOSTILE, warnings=json.dumps([HOSTILE]))
    clerk = _visitor(office, CLERK.username)
    pages = ("/", "/van-ban-di/", f"/van-ban-di/{document}", "/van-ban-den/", f"/van-ban-den/{arrived}")
    for path in pages:
        html = clerk.get(path).text
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
        assert "&lt;script&gt;alert" in html, path
    html = clerk.get('/van-ban-di/?tim="><script>alert(1)</script>').text
    assert "<script>alert" not in html


def test_a_crash_is_a_calm_page_with_the_time_to_quote(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = _visitor(office, CLERK.username)

    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(reading, "late_messages", break_down)
    monkeypatch.setattr("web.views.home.late_messages", break_down)
    answer = clerk.get("/")
    assert answer.status_code == 500
    assert "Trạm gặp lỗi khi xử lý yêu cầu này" in words(answer)
    assert re.search(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2} \(\+07:00\)", answer.text)
    assert "secret detail" not in answer.text


def test_a_lost_store_is_said_on_a_page_and_nothing_is_shown(office: Office) -> None:
    clerk = _visitor(office, CLERK.username)
    office.desk.db.close()
    office.desk.settings.database.unlink()
    for path in ("/", "/dang-nhap"):
        answer = clerk.get(path)
        assert answer.status_code == 503
        assert "Không mở được kho dữ liệu" in words(answer)
        assert "không xóa tệp nào" in words(answer)


def test_empty_lists_say_what_will_come_and_what_to_do(office: Office) -> None:
    clerk = _visitor(office, CLERK.username)
    assert "Không có việc nào đang chờ anh/chị." in words(clerk.get("/"))
    assert "Chưa có văn bản đi nào." in words(clerk.get("/van-ban-di/"))
    assert "Chưa có văn bản đến nào." in words(clerk.get("/van-ban-den/"))
    assert "Không tìm thấy văn bản nào." in words(clerk.get("/van-ban-di/?tim=khong+co"))
    assert "Không có gói tin nào ở đây." in words(clerk.get("/hang-doi/"))
    assert "Khu cách ly trống." in words(clerk.get("/cach-ly"))
    assert "chưa có văn bản nào" in words(clerk.get("/so/van-ban-di?nam=1999"))


def test_a_thousand_rows_come_in_pages_that_keep_the_search(office: Office) -> None:
    first = add_outgoing(office, "drafting")
    row = dict(next(iter(office.desk.db.query("SELECT * FROM outgoing WHERE id = ?", [first]))))
    with transaction(office.desk.db):
        for number in range(1000):
            office.desk.db["outgoing"].insert({**row, "id": uuid7(), "subject": f"Báo cáo số {number} về thử trang"})
    clerk = _visitor(office, CLERK.username)
    answer = clerk.get("/van-ban-di/?tim=bao+cao+so")
    assert "1000 văn bản" in words(answer)
    assert "Trang 1/20" in words(answer)
    turn = re.search(r'rel="next" href="([^"]+)"', answer.text)
    assert turn is not None
    second = clerk.get(turn.group(1).replace("&amp;", "&"))
    assert "Trang 2/20" in words(second)
    assert "1000 văn bản" in words(second)
    assert clerk.get("/van-ban-di/?trang=-4").status_code == 200
    assert clerk.get("/van-ban-di/?trang=99999").status_code == 200


@pytest.mark.parametrize(
    ("username", "pile"),
    [(CHAIR.username, "Chờ tôi ký"), (OFFICIAL.username, "Dự thảo bị trả lại"), (CLERK.username, "Chờ phát hành")],
)
def test_the_first_page_shows_what_waits_for_this_person(office: Office, username: str, pile: str) -> None:
    for state in ("submitted", "returned", "sealed"):
        add_outgoing(office, state)
    text = words(_visitor(office, username).get("/"))
    assert pile in text
    assert [p for p in ("Chờ tôi ký", "Dự thảo bị trả lại", "Chờ phát hành") if p in text] == [pile]


def test_the_document_offers_each_person_the_one_next_step(office: Office) -> None:
    document = add_outgoing(office, "submitted")
    chair, clerk = _visitor(office, CHAIR.username), _visitor(office, CLERK.username)
    assert "Ký số văn bản này" in words(chair.get(f"/van-ban-di/{document}"))
    assert f"Chờ {CHAIR.full_name} ký số." in words(clerk.get(f"/van-ban-di/{document}"))
    assert "/ky" not in re.findall(r'action="[^"]*(/\w+)"', clerk.get(f"/van-ban-di/{document}").text)


def test_a_signature_of_yesterday_leads_to_signing_again_not_to_the_seal(office: Office) -> None:
    yesterday = (office.desk.clock.now() - timedelta(days=1)).isoformat()
    document = add_outgoing(office, "signed", signed_at=yesterday)
    answer = _visitor(office, CLERK.username).get(f"/van-ban-di/{document}")
    assert "Cần lãnh đạo ký lại hôm nay" in words(answer)
    assert "Điều 12 khoản 2, QĐ 15/2019/QĐ-UBND" in words(answer)
    assert "/dong-dau" not in answer.text


def test_the_queue_shows_the_legal_deadline_and_the_time_left(office: Office) -> None:
    message = _message(office.desk, add_outgoing(office, "issued"))
    clerk = _visitor(office, CLERK.username)
    text = words(clerk.get("/hang-doi/"))
    assert "Điều 10 khoản 2, QĐ 15/2019/QĐ-UBND" in text
    assert re.search(r"còn 3 giờ [345] phút", text)
    assert "Không nối được tới trục." in text
    assert "Văn phòng UBND tỉnh" in words(clerk.get(f"/hang-doi/{message}"))


def test_a_document_past_its_deadline_warns_on_the_first_page(office: Office) -> None:
    past = (office.desk.clock.now() - timedelta(hours=2)).isoformat()
    message = _message(office.desk, add_outgoing(office, "issued"), due_latest=past)
    clerk = _visitor(office, CLERK.username)
    assert "1 văn bản đã quá hạn gửi theo Điều 10 khoản 2" in words(clerk.get("/"))
    assert "quá hạn 2 giờ" in words(clerk.get(f"/hang-doi/{message}"))


def test_the_clerk_accepts_and_the_leader_assigns_through_the_forms(office: Office) -> None:
    document = add_incoming(office)
    clerk = _visitor(office, CLERK.username)
    clerk.get(f"/van-ban-den/{document}")
    clerk.post(f"/van-ban-den/{document}/tiep-nhan")
    assert "số đến 1" in words(clerk.get(f"/van-ban-den/{document}"))
    chair = _visitor(office, CHAIR.username)
    chair.get(f"/van-ban-den/{document}")
    assert chair.post(f"/van-ban-den/{document}/phan-cong", {"assignee_id": ""}).status_code == 422
    values = {
        "assignee_id": office.accounts[OFFICIAL.username],
        "instruction": "Tham mưu trả lời.",
        "due": "2099-12-31",
    }
    assert chair.post(f"/van-ban-den/{document}/phan-cong", values).status_code == 303
    official = _visitor(office, OFFICIAL.username)
    assert "Việc được giao cho tôi" in words(official.get("/"))
    assert "31/12/2099" in words(official.get(f"/van-ban-den/{document}"))
    assert "Tham mưu trả lời." in words(official.get(f"/van-ban-den/{document}"))


def test_a_refusal_needs_a_reason_and_says_the_article(office: Office) -> None:
    document = add_incoming(office)
    clerk = _visitor(office, CLERK.username)
    clerk.get(f"/van-ban-den/{document}")
    answer = clerk.post(f"/van-ban-den/{document}/tu-choi", {"reason": "  "})
    assert answer.status_code == 422
    assert "Điều 5 khoản 4, QĐ 28/2018/QĐ-TTg" in words(answer)


def test_places_moved_off_the_paper_are_refused_by_name_and_good_ones_kept(office: Office) -> None:
    document = add_outgoing(office, "drafting")
    official = _visitor(office, OFFICIAL.username)
    page = official.get(f"/van-ban-di/{document}/vi-tri")
    values = dict(re.findall(r'name="([\w.]+)" value="([^"]*)" type="number"', page.text))
    answer = official.post(f"/van-ban-di/{document}/vi-tri", {**values, "signature.left": "900"})
    assert answer.status_code == 422
    assert "Vị trí “Chữ ký của lãnh đạo” nằm ngoài trang giấy." in words(answer)
    for nonsense in ("", "abc", "nan", "inf"):
        wrong = official.post(f"/van-ban-di/{document}/vi-tri", {**values, "seal.top": nonsense})
        assert wrong.status_code == 422, nonsense
    good = {**values, "signature.left": "100", "signature.top": "200", "seal.width": "80"}
    assert official.post(f"/van-ban-di/{document}/vi-tri", good).status_code == 303
    placement = json.loads(office.desk.db.execute("SELECT placement FROM outgoing").fetchone()[0])
    assert placement["signature"]["x"] == pytest.approx(100 * 72 / 25.4, abs=0.1)
    assert placement["seal"]["width"] == pytest.approx(36 * 72 / 25.4, abs=0.1)


def test_the_registers_list_every_number_with_its_document(office: Office) -> None:
    add_outgoing(office, "withdrawn", book="chung", number=3, number_year=2026, notation="UBND-VP")
    add_incoming(office, "accepted", arrival_number=12, arrival_date="2026-11-20")
    clerk = _visitor(office, CLERK.username)
    outgoing = words(clerk.get("/so/van-ban-di?nam=2026"))
    assert "03/UBND-VP" in outgoing
    assert "Số không sử dụng" in outgoing
    incoming = words(clerk.get("/so/van-ban-den?nam=2026"))
    assert "20/11/2026 12 " in incoming


def test_the_journal_is_shown_and_a_broken_chain_is_named(office: Office) -> None:
    auditor = _visitor(office, AUDITOR.username)
    assert "Đăng nhập" in words(auditor.get("/nhat-ky/"))
    assert "Chuỗi nhật ký nguyên vẹn" in words(auditor.get("/nhat-ky/kiem-chuoi"))
    assert "0 mục" not in words(auditor.get("/nhat-ky/?tim=vo+minh+tam"))
    with transaction(office.desk.db):
        audit.append(office.desk.db, office.desk.clock.now(), "system", "test.entry", "x:1", {})
        office.desk.db.execute("DROP TRIGGER audit_no_update")
        office.desk.db.execute("UPDATE audit SET actor = 'ai đó' WHERE seq = 1")
    assert "Nhật ký không còn nguyên vẹn từ mục số 1." in words(auditor.get("/nhat-ky/kiem-chuoi"))


def test_the_technician_sees_failed_jobs_disk_and_versions(office: Office) -> None:
    fault = {"at": "2026-11-20T09:00:00+07:00", "message": "Trục không trả lời.", "next_step": "Kiểm tra đường truyền."}
    office.desk.db["fact"].insert({"key": "job:send:error", "value": json.dumps(fault)})
    text = words(_visitor(office, TECHNICIAN.username).get("/he-thong/"))
    assert "Trục không trả lời." in text
    assert "20/11/2026 09:00:00" in text
    assert "Còn trống" in text
    assert "pyhanko" in text


def test_the_lights_name_what_does_not_work(office: Office) -> None:
    text = words(_visitor(office, CLERK.username).get("/trang-thai", HX_Request="true"))
    assert "Chưa đồng bộ" in text
    assert "Quét mã độc Không hoạt động" in text
    assert "Thiết bị ký số Không sẵn sàng" in text
