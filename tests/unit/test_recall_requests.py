"""A sender asks for a document back: shown to the clerk, answered once, nothing applied by itself."""

from __future__ import annotations

import pytest

from appliance.errors import BadInput, WrongState
from appliance.office import arrival, incoming, recall_requests
from appliance.office.arrival import BusItem
from appliance.office.desk import Business, Replaced
from appliance.office.status_arrival import ReceivedStatus, receive_status
from tests.office_fixtures import Office
from tests.unit.test_incoming import SENDER, document, queued_statuses
from tests.web_fixtures import Visitor, words


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
        recall_requests.answer(office.desk, office.clerk, incoming_id, f"ask-{seq}", agree=False, reason="Đã xử lý")
    assert queued_statuses(office) == ["01", "16", "16"]


def test_the_clerk_sees_the_request_on_the_page_and_answers_there(office: Office) -> None:
    incoming_id = arrival.receive(office.desk, document(office))
    ask(office, 9)
    page, clerk = f"/van-ban-den/{incoming_id}", Visitor(office)
    clerk.log_in("vanthu")
    assert "Nơi gửi yêu cầu lấy lại văn bản này" in words(clerk.get(page))
    assert "Phải ghi lý do" in words(clerk.post(f"{page}/lay-lai", {"request": "ask-9", "answer": "refuse"}))
    values = {"request": "ask-9", "answer": "refuse", "reason": "Đã giải quyết xong"}
    assert clerk.post(f"{page}/lay-lai", values).status_code == 303
    assert "Đã trả lời: không đồng ý" in words(clerk.get(page))


@pytest.mark.parametrize(
    ("business", "name"),
    [
        (Business(2, "Thêm nơi nhận", "H99.01,2026/11/20,15/VP-TH"), "Yêu cầu cập nhật"),
        (Business(3, "Sai ngày họp", replaced=(Replaced("x", ()), Replaced("y", ()))), "Yêu cầu thay thế"),
    ],
)
def test_an_update_or_replacement_is_one_request_answered_once_at_its_own_page(
    office: Office, business: Business, name: str
) -> None:
    incoming_id = arrival.receive(office.desk, document(office, business=business))
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
    assert queued_statuses(office) == ["01", "15"]


def test_a_package_that_was_refused_waits_for_no_second_answer(office: Office) -> None:
    business = Business(2, "Thêm nơi nhận", "H99.01,2026/11/20,15/VP-TH")
    incoming_id = arrival.receive(office.desk, document(office, business=business))
    assert len(recall_requests.waiting(office.desk.db, office.clerk.organ_id)) == 1
    incoming.refuse(office.desk, office.clerk, incoming_id, "Gửi nhầm")
    assert recall_requests.waiting(office.desk.db, office.clerk.organ_id) == []
    with pytest.raises(WrongState):
        recall_requests.answer(office.desk, office.clerk, incoming_id, incoming_id, agree=True, reason="")
