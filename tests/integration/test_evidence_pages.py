"""How long a document can be checked, and what stands in the way, as the clerk and the technician read it."""

from __future__ import annotations

import json

from appliance.office.evidence_state import LISTS_FACT
from appliance.store import audit, facts
from appliance.store.database import transaction
from provisioning.demo.cast import CLERK, TECHNICIAN
from tests.office_fixtures import Office
from tests.web_fixtures import Visitor, add_annex, add_outgoing, words

REASON = "Chưa đủ dữ liệu kiểm tra chứng thư số: không có danh sách thu hồi của tổ chức cấp chứng thư số"


def issued(office: Office) -> str:
    """An issued document made to last, whose annex could not be yet."""
    db, blobs = office.desk.db, office.desk.blobs
    number = add_outgoing(office, "issued", subject="Về việc " + "giữ bằng chứng chữ ký số lâu dài " * 8)
    source = db.execute("SELECT sealed_sha256 FROM outgoing WHERE id = ?", [number]).fetchone()[0]
    db["extension"].insert(
        {
            "outgoing_id": number, "source_sha256": source, "sha256": blobs.put(blobs.read(source) + b"\n"),
            "level": "B-LTA", "stamped_at": "2026-03-02T02:03:04+00:00", "lasts_until": "2030-12-31T00:00:00+00:00",
            "sent": 1, "made_at": "2026-03-02T02:03:05+00:00",
        }
    )  # fmt: skip
    annex = add_annex(office, number, "Phụ lục I. Danh sách các cơ quan, tổ chức và cá nhân có liên quan.pdf")
    sealed = blobs.put(b"%PDF-1.7 annex")
    db["outgoing_file"].update(annex, {"sealed_sha256": sealed})
    db["extension_failure"].insert(
        {"source_sha256": sealed, "outgoing_id": number, "reason": REASON, "tries": 3,
         "next_at": "2026-03-02T04:30:00+00:00"}
    )  # fmt: skip
    return number


def test_the_clerk_reads_how_long_each_file_can_be_checked_and_why_one_waits(office: Office) -> None:
    clerk, number = Visitor(office), issued(office)
    clerk.log_in(CLERK.username)
    page = words(clerk.get(f"/van-ban-di/{number}"))
    assert "Bằng chứng lâu dài" in page
    assert "Dấu thời gian mới nhất 02/03/2026 09:03:04" in page
    assert "Kiểm tra được đến 31/12/2030" in page
    assert "B-LTA: có dấu thời gian trong chữ ký" in page
    assert REASON in page
    assert "Trạm thử lại lúc 02/03/2026 11:30 (đã thử 3 lần)" in page
    report = words(clerk.get(f"/van-ban-di/{number}/kiem-tra"))
    assert "Kiểm tra được đến 31/12/2030" in report


def test_the_timeline_says_in_words_what_the_box_did_by_itself(office: Office) -> None:
    clerk, number = Visitor(office), issued(office)
    clerk.log_in(CLERK.username)
    with transaction(office.desk.db):
        audit.append(office.desk.db, office.desk.clock.now(), "system", "evidence.extend", f"outgoing:{number}", {})
    page = words(clerk.get(f"/van-ban-di/{number}"))
    assert "Bổ sung dữ liệu kiểm tra và dấu thời gian Hệ thống" in page
    assert "evidence.extend" not in page


def test_before_the_line_is_back_the_page_says_that_the_station_will_do_it(office: Office) -> None:
    clerk, number = Visitor(office), add_outgoing(office, "issued")
    clerk.log_in(CLERK.username)
    page = words(clerk.get(f"/van-ban-di/{number}"))
    assert "Văn bản vẫn có giá trị; trạm tự bổ sung khi có đường truyền." in page


def test_a_draft_has_no_evidence_yet(office: Office) -> None:
    clerk, number = Visitor(office), add_outgoing(office)
    clerk.log_in(CLERK.username)
    assert "Bằng chứng lâu dài" not in words(clerk.get(f"/van-ban-di/{number}"))


def test_the_technician_sees_the_service_the_lists_and_what_waits(office: Office) -> None:
    technician = Visitor(office)
    technician.log_in(TECHNICIAN.username)
    page = words(technician.get("/he-thong/"))
    assert "Chưa đặt dịch vụ dấu thời gian" in page
    assert "Trạm chưa lấy danh sách nào" in page
    assert "Văn bản chưa bổ sung được dấu thời gian Không có văn bản nào." in page
    issued(office)
    notes = {
        "http://ca.example.vn/goc.crl": {"at": "2026-03-02T02:00:00+00:00", "result": "new"},
        "http://ca.example.vn/cap-hai-chuyen-dung-chinh-phu.crl": {
            "at": "2026-03-02T02:00:00+00:00",
            "result": "failed",
        },
    }
    facts.put(office.desk.db, LISTS_FACT, json.dumps(notes))
    page = words(technician.get("/he-thong/"))
    assert "http://ca.example.vn/goc.crl 02/03/2026 09:00 Có bản mới" in page
    assert "Không lấy được" in page
    assert REASON in page
