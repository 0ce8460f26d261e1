"""A sender asks for a document back: shown to the clerk, answered once, nothing applied by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from appliance.errors import BadInput, WrongState
from appliance.office import arrival, incoming, recall_requests
from appliance.office.arrival import BusItem, ReceivedDocument
from appliance.office.desk import Business, Replaced
from appliance.office.status_arrival import ReceivedStatus, receive_status
from appliance.store.migrations import migrations
from tests.office_fixtures import Office
from tests.unit.test_incoming import SENDER, document, queued_statuses
from tests.web_fixtures import Visitor, words

OLD = "H99.01,2026/11/20,15/VP-TH"


def changing(office: Office, business: Business) -> ReceivedDocument:
    """A package that updates or replaces the plain document of the tests."""
    code = "H99.01,2026/11/21,16/VP-TH"
    return document(office, 2, business=business, dedup_key="H99.01|16", document_code=code)


def ask(office: Office, seq: int) -> None:
    """Status 13 from the sender comes in."""
    item = BusItem(f"ask-{seq}", f"m-ask-{seq}", "status", seq, "H99.21", office.desk.blobs.put(b"13"), 2)
    code = "H99.01,2026/11/20,15/VP-TH"
    receive_status(office.desk, ReceivedStatus(item, SENDER, code, "13", "Gửi nhầm", "", "2026-11-20T08:00:00+07:00"))


@pytest.mark.parametrize("before", [True, False])
def test_a_request_is_tied_to_its_document_whichever_comes_first_and_answered_once(
    office: Office, before: bool
) -> None:
    if before:
        ask(office, 9)
    incoming_id = arrival.receive(office.desk, document(office))
    if not before:
        ask(office, 9)
    found = incoming.get(office.desk, office.clerk, incoming_id)
    (request,) = recall_requests.of_document(office.desk.db, found)
    assert (request.reason, request.status_code, found.state) == ("Gửi nhầm", None, "arrived")
    with pytest.raises(BadInput):
        recall_requests.answer(office.desk, office.clerk, incoming_id, request.id, agree=False, reason=" ")
    recall_requests.answer(office.desk, office.clerk, incoming_id, request.id, agree=True, reason="")
    with pytest.raises(WrongState):
        recall_requests.answer(office.desk, office.clerk, incoming_id, request.id, agree=False, reason="Muộn")
    assert queued_statuses(office) == ["01", "15"]


def test_a_second_request_gets_its_own_answer(office: Office) -> None:
    incoming_id = arrival.receive(office.desk, document(office))
    for seq in (9, 10):
        ask(office, seq)
        recall_requests.answer(
            office.desk, office.clerk, incoming_id, f"ask-{seq}:ubnd-hoa-binh", agree=False, reason="Đã xử lý"
        )
    assert queued_statuses(office) == ["01", "16", "16"]


def test_the_clerk_sees_the_request_on_the_page_and_answers_there(office: Office) -> None:
    incoming_id = arrival.receive(office.desk, document(office))
    ask(office, 9)
    page, clerk = f"/van-ban-den/{incoming_id}", Visitor(office)
    clerk.log_in("vanthu")
    assert "Nơi gửi yêu cầu lấy lại văn bản này" in words(clerk.get(page))
    assert "Phải ghi lý do" in words(
        clerk.post(f"{page}/lay-lai", {"request": "ask-9:ubnd-hoa-binh", "answer": "refuse"})
    )
    values = {"request": "ask-9:ubnd-hoa-binh", "answer": "refuse", "reason": "Đã giải quyết xong"}
    assert clerk.post(f"{page}/lay-lai", values).status_code == 303
    assert "Đã trả lời: không đồng ý" in words(clerk.get(page))


@pytest.mark.parametrize(
    ("business", "name"),
    [
        (Business(2, "Thêm nơi nhận", OLD), "Yêu cầu cập nhật"),
        (Business(3, "Sai ngày họp", replaced=(Replaced(OLD, ()), Replaced("y", ()))), "Yêu cầu thay thế"),
    ],
)
def test_an_update_or_replacement_is_one_request_answered_once_at_its_own_page(
    office: Office, business: Business, name: str
) -> None:
    arrival.receive(office.desk, document(office))
    incoming_id = arrival.receive(office.desk, changing(office, business))
    page, clerk = f"/van-ban-den/{incoming_id}", Visitor(office)
    clerk.log_in("vanthu")
    assert words(clerk.get("/van-ban-den/yeu-cau")).count(name) == 1
    assert name in words(clerk.get(page))
    refusal = {"request": incoming_id, "answer": "refuse"}
    assert "Phải ghi lý do" in words(clerk.post(f"{page}/lay-lai", refusal))
    assert clerk.post(f"{page}/lay-lai", {"request": incoming_id, "answer": "agree"}).status_code == 303
    assert "Đã trả lời: đồng ý" in words(clerk.get(page))
    again = clerk.post(f"{page}/lay-lai", {**refusal, "reason": "Muộn"})
    assert again.status_code == WrongState.status
    assert name not in words(clerk.get("/van-ban-den/yeu-cau"))
    assert queued_statuses(office) == ["01", "01", "15"]


@pytest.mark.parametrize("business", [Business(2, "Sửa giờ", OLD), Business(3, "Sai", replaced=(Replaced(OLD, ()),))])
def test_who_never_had_the_old_document_gets_an_ordinary_one_until_the_old_one_comes(
    office: Office, business: Business
) -> None:
    incoming_id = arrival.receive(office.desk, changing(office, business))
    clerk = Visitor(office)
    clerk.log_in("vanthu")
    page = words(clerk.get(f"/van-ban-den/{incoming_id}"))
    assert "mà cơ quan chưa từng nhận" in page
    assert OLD in page
    assert "Yêu cầu cập nhật" not in page
    assert "Yêu cầu thay thế" not in page
    assert recall_requests.waiting(office.desk.db, office.clerk.organ_id) == []
    with pytest.raises(WrongState):
        recall_requests.answer(office.desk, office.clerk, incoming_id, incoming_id, agree=True, reason="")
    arrival.receive(office.desk, document(office))  # it was only late
    assert len(recall_requests.waiting(office.desk.db, office.clerk.organ_id)) == 1
    assert "mà cơ quan chưa từng nhận" not in words(clerk.get(f"/van-ban-den/{incoming_id}"))


def test_a_package_that_was_refused_waits_for_no_second_answer(office: Office) -> None:
    arrival.receive(office.desk, document(office))
    incoming_id = arrival.receive(office.desk, changing(office, Business(2, "Thêm nơi nhận", OLD)))
    assert len(recall_requests.waiting(office.desk.db, office.clerk.organ_id)) == 1
    incoming.refuse(office.desk, office.clerk, incoming_id, "Gửi nhầm")
    assert recall_requests.waiting(office.desk.db, office.clerk.organ_id) == []
    with pytest.raises(WrongState):
        recall_requests.answer(office.desk, office.clerk, incoming_id, incoming_id, agree=True, reason="")


def test_requests_from_before_a_request_was_one_organs_keep_their_answers(tmp_path: Path) -> None:
    db = Database(tmp_path / "old.db")
    db.execute("PRAGMA foreign_keys = 1")
    migrations.apply(db, stop_before="recall_of_several")
    sample = {
        "organ": {"id": "mot", "name": "Một", "abbreviation": "", "local": 1},
        "account": {"id": "a", "username": "a", "full_name": "A", "password_hash": "", "created_at": "2026"},
        "inbox": {"bus_doc_id": "b1", "kind": "status", "message_id": "", "seq": 1, "sha256": "", "size": 1,
                  "state": "stored", "received_at": "2026"},
        "incoming": {"id": "i1", "organ_id": "mot", "bus_doc_id": "b1", "dedup_key": "k", "state": "arrived",
                     "from_code": "H99.01", "from_name": "", "document_code": "c", "code_number": "1",
                     "code_notation": "x", "issue_date": "2026-11-20", "type_name": "", "subject": "", "urgency": 0,
                     "raw_sha256": "", "received_at": "2026", "updated_at": "2026"},
        "recall_request": {"bus_doc_id": "b1", "organ_id": "mot", "from_code": "H99.01", "document_code": "c",
                           "reason": "r", "received_at": "2026"},
        "recall_answer": {"request_id": "b1", "incoming_id": "i1", "status_code": "15", "reason": "",
                          "answered_by": "a", "at": "2026-11-21"},
    }  # fmt: skip
    for table, row in sample.items():
        db.table(table).insert(row)
    migrations.apply(db)
    query = (
        "SELECT r.id, r.bus_doc_id, a.status_code, a.at FROM recall_request r JOIN recall_answer a ON request_id = r.id"
    )
    assert db.execute(query).fetchall() == [("b1", "b1", "15", "2026-11-21")]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert {key.other_table for key in db.table("recall_answer").foreign_keys} >= {"recall_request"}
