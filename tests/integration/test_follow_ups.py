"""Recall, further receivers, answers and replacements, between this box and a neighbour on the real bus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest

from appliance.errors import BadInput, NotAllowed, WrongState
from appliance.office import follow_ups, incoming, ladder, links, messages, outgoing, recall_requests, statistics
from appliance.office.desk import Answered, Business, Party, Replaced
from appliance.office.outgoing import related
from sync import inbox, outbox
from sync.bus.native.client import NativeClient
from sync.edxml.model import ReadDocument, ReadStatus
from sync.edxml.reader import read_package
from tests import sync_fixtures
from tests.integration.test_inbox import answer
from tests.sync_fixtures import NEIGHBOUR, OLD_NEIGHBOUR, PROVINCE, UBND, Box, submit
from tests.sync_fixtures import incoming as package

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
NEIGHBOUR_ID, PROVINCE_ID = "ubnd-dong-hai", "vp-ubnd-tinh"


@pytest.fixture
def client(box: Box) -> Iterator[NativeClient]:
    with closing(box.client(httpx.Timeout(5))) as made:
        yield made


@pytest.fixture
def issued(box: Box, client: NativeClient) -> str:
    """A document that the neighbour's office has got; returns its id."""
    message_id = box.issue()
    outbox.send_due(box.desk, client)
    (row,) = box.rows("SELECT outgoing_id FROM message WHERE id = ?", message_id)
    outgoing_id = str(row["outgoing_id"])
    box.desk.db.execute(
        "INSERT OR IGNORE INTO outgoing_recipient VALUES (?, ?, ?, ?, 0)",
        [outgoing_id, NEIGHBOUR_ID, NEIGHBOUR, "Ủy ban nhân dân xã Đông Hải"],
    )
    sealed = box.rows("SELECT sha256 FROM message WHERE id = ?", message_id)[0]["sha256"]
    box.desk.db.execute(
        "UPDATE outgoing SET sealed_sha256 = ?, type_code = 'bao-cao' WHERE id = ?", [sealed, outgoing_id]
    )
    return outgoing_id


def sent_by(box: Box, follow_up: str) -> list[ReadDocument | ReadStatus]:
    """What the packages of the newest follow-up of that kind say, in sending order."""
    rows = box.rows(
        "SELECT message.sha256 FROM follow_up_message JOIN follow_up ON follow_up.id = follow_up_id JOIN message ON"
        " message.id = message_id WHERE follow_up.kind = ? ORDER BY message.rowid", follow_up,
    )  # fmt: skip
    return [read_package(box.desk.blobs.path(row["sha256"]), box.desk.blobs) for row in rows]


def test_a_recall_goes_to_every_receiver_and_its_answer_stands_at_the_receiver(
    box: Box, client: NativeClient, issued: str
) -> None:
    desk, clerk = box.desk, box.office.clerk
    follow_ups.recall(desk, clerk, issued, "Nhầm phụ lục")
    (recall,) = sent_by(box, "recall")
    assert isinstance(recall, ReadDocument)
    document = outgoing.load(desk.db, issued)
    assert document is not None
    assert (recall.business.kind, recall.business.reason) == (1, "Nhầm phụ lục")
    assert recall.document_code == recall.business.document_code == document.document_code
    assert recall.files == ()
    assert outbox.send_due(desk, client) == {"accepted": 1}
    submit(box.bus, answer("15", "Đồng ý trả lại", document_code=document.document_code), kind="status")
    inbox.fetch_new(desk, client)
    (done,) = follow_ups.of_document(desk.db, issued)
    assert [(code, words) for _name, code, words, _at in done.answers] == [("15", "Đồng ý trả lại")]
    assert follow_ups.recalled(desk.db, [issued]) == {issued: (1, 0, 1)}
    assert messages.for_outgoing(desk.db, issued)["kind"] == "edoc"  # type: ignore[index]


def test_a_recall_by_status_13_turns_the_direction(box: Box, client: NativeClient, issued: str) -> None:
    desk = box.desk
    desk.settings = replace(desk.settings, recall_by="both")
    follow_ups.recall(desk, box.office.chair, issued, "Sai thẩm quyền")
    first, second = sent_by(box, "recall")
    assert isinstance(first, ReadDocument)
    assert isinstance(second, ReadStatus)
    assert (second.status_code, second.response_for.organ_code) == ("13", NEIGHBOUR)
    assert second.description == "Sai thẩm quyền"
    assert outbox.send_due(desk, client) == {"accepted": 2}


def test_what_stops_a_recall_changes_nothing(box: Box, issued: str) -> None:
    desk = box.desk
    with pytest.raises(NotAllowed):
        follow_ups.recall(desk, box.office.auditor, issued, "x")
    with pytest.raises(BadInput, match="lý do"):
        follow_ups.recall(desk, box.office.clerk, issued, "  ")
    assert box.rows("SELECT * FROM follow_up") == []
    follow_ups.recall(desk, box.office.clerk, issued, "một lần")
    with pytest.raises(WrongState, match="đã có yêu cầu"):
        follow_ups.recall(desk, box.office.clerk, issued, "hai lần")
    assert len(box.rows("SELECT * FROM message WHERE outgoing_id IS NULL")) == 1


def test_further_receivers_get_it_as_new_and_the_others_hear_of_them(
    box: Box, client: NativeClient, issued: str
) -> None:
    desk, province = box.desk, box.rows("SELECT organ_id FROM organ_code WHERE value = ?", PROVINCE)[0]["organ_id"]
    follow_ups.add_receivers(desk, box.office.clerk, issued, (province,), "Gửi thêm để biết")
    fresh, told = sent_by(box, "update")
    assert isinstance(fresh, ReadDocument)
    assert isinstance(told, ReadDocument)
    assert (fresh.business.kind, [one.code for one in fresh.recipients], len(fresh.files)) == (0, [PROVINCE], 1)
    assert (told.business.kind, [one.code for one in told.recipients]) == (2, [NEIGHBOUR])
    assert [(one.code, one.added) for one in told.business.receivers] == [(PROVINCE, True)]
    assert outbox.send_due(desk, client) == {"accepted": 2}
    rungs = {one.code for one in ladder.standings(desk, [issued])[issued]}
    assert rungs == {NEIGHBOUR, PROVINCE}
    with pytest.raises(BadInput, match="đã được gửi"):
        follow_ups.add_receivers(desk, box.office.clerk, issued, (province,), "lại")


def test_an_answer_stands_at_what_its_receiver_was_asked_last(box: Box, client: NativeClient, issued: str) -> None:
    desk, province = box.desk, box.rows("SELECT organ_id FROM organ_code WHERE value = ?", PROVINCE)[0]["organ_id"]
    document = outgoing.load(desk.db, issued)
    assert document is not None
    follow_ups.add_receivers(desk, box.office.clerk, issued, (province,), "Gửi thêm để biết")
    submit(box.bus, answer("15", "Đã cập nhật", document_code=document.document_code), kind="status")
    submit(box.bus, answer("04", "Phòng Kinh tế", document_code=document.document_code), kind="status")
    inbox.fetch_new(desk, client)
    shown = box.rows("SELECT status_code FROM message_recipient WHERE code = ? AND message_id IN (SELECT id FROM"
                     " message WHERE outgoing_id = ?)", NEIGHBOUR, issued)  # fmt: skip
    assert shown == [{"status_code": "04"}], "the answer to an update does not end the work on the document"
    follow_ups.recall(desk, box.office.clerk, issued, "Sai số liệu")
    update, recall = follow_ups.of_document(desk.db, issued)
    assert [one[1:3] for one in update.answers] == [("15", "Đã cập nhật")]  # the new receiver was asked nothing
    assert [one[1] for one in recall.answers] == ["", ""]
    submit(box.bus, answer("16", "Đã dùng", document_code=document.document_code), kind="status")
    inbox.fetch_new(desk, client)
    answered = [found.answers[0][1:3] for found in follow_ups.of_document(desk.db, issued)]
    assert answered == [("15", "Đã cập nhật"), ("16", "Đã dùng")]
    now = desk.clock.now()
    sent = statistics.figures(desk.db, document.organ_id, statistics.period(str(now.year)), now).sent
    assert not any("recalled" in one.marks for one in sent)


def test_a_package_of_recall_is_a_request_and_no_document(box: Box, client: NativeClient) -> None:
    desk = box.desk
    code = f"{NEIGHBOUR},2026/11/20,7/GM-UBND"
    recall = Business(1, "Hoãn họp", code)
    old = Party(OLD_NEIGHBOUR, "UBND xã Đông Hải")
    submit(box.bus, package(box, business=recall, files=(), sender=old))  # before its document, under an old code
    assert inbox.fetch_new(desk, client) == {"document": 1}
    assert box.rows("SELECT * FROM incoming") == []
    ((ask, document_id, name, _subject),) = recall_requests.waiting(desk.db, "ubnd-hoa-binh")
    assert (ask.reason, document_id, name) == ("Hoãn họp", "", f"{OLD_NEIGHBOUR} – {code}")
    submit(box.bus, package(box))
    inbox.fetch_new(desk, client)
    (row,) = box.rows("SELECT id, raw_sha256 FROM incoming")
    document = incoming.get(desk, box.office.clerk, row["id"])
    assert [one.reason for one in recall_requests.of_document(desk.db, document)] == ["Hoãn họp"]
    assert recall_requests.waiting(desk.db, "ubnd-hoa-binh")[0][1] == row["id"]
    recall_requests.answer(desk, box.office.clerk, row["id"], ask.id, agree=True, reason="")
    assert recall_requests.waiting(desk.db, "ubnd-hoa-binh") == []
    assert outbox.send_due(desk, client)["accepted"] >= 1
    assert box.rows("SELECT raw_sha256 FROM incoming") == [{"raw_sha256": row["raw_sha256"]}]
    assert box.rows("SELECT status_code FROM message WHERE status_code = '15'") == [{"status_code": "15"}]


def test_answers_and_replacements_are_tied_on_both_sides(box: Box, client: NativeClient, issued: str) -> None:
    desk = box.desk
    ours = outgoing.load(desk.db, issued)
    assert ours is not None
    first = f"{NEIGHBOUR},2026/11/20,7/GM-UBND"
    submit(box.bus, package(box))
    second = f"{NEIGHBOUR},2026/11/21,8/GM-UBND"
    submit(
        box.bus,
        package(
            box, document_code=second, number="8", subject="Thay giấy mời số 7",
            business=Business(3, "Đổi ngày họp", replaced=(Replaced(first, (UBND,)),)),
            answers=(Answered(UBND, ours.code, ours.document_code or "", date(2026, 11, 20)),),
        ),
    )  # fmt: skip
    inbox.fetch_new(desk, client)
    old, new = (
        incoming.get(desk, box.office.clerk, box.rows("SELECT id FROM incoming WHERE document_code = ?", code)[0]["id"])
        for code in (first, second)
    )
    assert [one.id for one in links.shown_incoming(desk.db, old)["changed_by"]] == [new.id]
    assert [one.id for one in links.shown_incoming(desk.db, new)["changes"]] == [old.id]
    assert [one.id for one in links.shown_incoming(desk.db, new)["answers"]] == [issued]
    assert [one.id for one in links.shown_outgoing(desk.db, issued)["answered_by"]] == [new.id]


def test_a_draft_that_answers_and_replaces_says_so_in_its_package(box: Box, client: NativeClient, issued: str) -> None:
    desk, clerk = box.desk, box.office.clerk
    submit(box.bus, package(box))
    inbox.fetch_new(desk, client)
    (came,) = box.rows("SELECT id, document_code FROM incoming")
    draft = box.rows("SELECT id FROM outgoing WHERE id = ?", issued)[0]["id"]
    copy = {**box.rows("SELECT * FROM outgoing WHERE id = ?", draft)[0], "id": "draft", "state": "drafting"}
    copy |= {"number": None, "document_code": None, "issued_at": None}
    box.desk.db.table("outgoing").insert(copy)
    links.answer(desk, clerk, "draft", came["id"])
    links.replace_with(desk, clerk, "draft", issued)
    links.replace_with(desk, clerk, "draft", issued)  # twice is once
    ours = outgoing.load(desk.db, issued)
    assert ours is not None
    assert [one.document_code for one in related.answers_of(desk.db, "draft")] == [came["document_code"]]
    business = related.business_of(desk.db, "draft")
    assert business.kind == 3
    assert [(one.document_code, one.organ_codes) for one in business.replaced] == [(ours.document_code, (NEIGHBOUR,))]
    with pytest.raises(WrongState, match="đã trình"):
        links.answer(desk, clerk, issued, came["id"])
    with pytest.raises(BadInput, match="đã phát hành"):
        links.replace_with(desk, clerk, "draft", "draft")


def test_a_replacement_shows_what_each_receiver_answered(box: Box, client: NativeClient, issued: str) -> None:
    desk = box.desk
    old = {**box.rows("SELECT * FROM outgoing WHERE id = ?", issued)[0], "id": "old", "number": 6}
    desk.db.table("outgoing").insert({**old, "document_code": f"{UBND},2026/11/01,6/BC-UBND"})
    desk.db.table("outgoing_link").insert({"outgoing_id": issued, "replaces_id": "old"})
    now = desk.clock.now().isoformat()
    desk.db.execute("UPDATE outgoing SET issued_at = coalesce(issued_at, ?) WHERE id = ?", [now, issued])
    document = outgoing.load(desk.db, issued)
    assert document is not None
    submit(box.bus, answer("16", "Đã thực hiện xong", document_code=document.document_code), kind="status")
    inbox.fetch_new(desk, client)
    (done,) = follow_ups.of_document(desk.db, issued)
    assert (done.kind, [one[1:3] for one in done.answers]) == ("replace", [("16", "Đã thực hiện xong")])


def test_who_refused_is_asked_again_and_who_agreed_is_not(box: Box, client: NativeClient, issued: str) -> None:
    desk, clerk = box.desk, box.office.clerk
    now = desk.clock.now()
    desk.db.execute("UPDATE outgoing SET issued_at = coalesce(issued_at, ?) WHERE id = ?", [now.isoformat(), issued])
    code = outgoing.load(desk.db, issued).document_code  # type: ignore[union-attr]
    for said, counted in (("16", (0, 1, 1)), ("15", (1, 0, 1))):
        follow_ups.recall(desk, clerk, issued, f"Sai số liệu, trước {said}")
        assert follow_ups.left_to_recall(desk.db, issued, now) == [], "they have the day to answer"
        assert len(follow_ups.left_to_recall(desk.db, issued, now + timedelta(days=1))) == 1
        assert outbox.send_due(desk, client)["accepted"] >= 1
        submit(box.bus, answer(said, "Trả lời", document_code=code), kind="status")
        inbox.fetch_new(desk, client)
        assert follow_ups.recalled(desk.db, [issued]) == {issued: counted}
        shown = box.rows("SELECT r.status_code FROM message_recipient r JOIN message m ON m.id = r.message_id"
                         " WHERE outgoing_id = ?", issued)  # fmt: skip
        assert [row["status_code"] for row in shown] == [said]
    with pytest.raises(WrongState, match="đã có yêu cầu"):
        follow_ups.recall(desk, clerk, issued, "nữa")
    assert [len(one.answers) for one in follow_ups.of_document(desk.db, issued)] == [1, 1]


def test_of_two_receivers_only_the_one_that_refused_is_asked_again(box: Box, client: NativeClient, issued: str) -> None:
    desk, clerk = box.desk, box.office.clerk
    follow_ups.add_receivers(desk, clerk, issued, (PROVINCE_ID,), "Gửi thêm để biết")
    code = outgoing.load(desk.db, issued).document_code  # type: ignore[union-attr]
    follow_ups.recall(desk, clerk, issued, "Sai số liệu")
    for said, sender in (("15", NEIGHBOUR), ("16", PROVINCE)):
        submit(box.bus, answer(said, "Trả lời", document_code=code, sender=Party(sender, "x")), kind="status")
    inbox.fetch_new(desk, client)
    assert follow_ups.recalled(desk.db, [issued]) == {issued: (1, 1, 2)}
    assert [row["code"] for row in follow_ups.left_to_recall(desk.db, issued, desk.clock.now())] == [PROVINCE]
    desk.settings = replace(desk.settings, recall_by="both")
    follow_ups.recall(desk, clerk, issued, "Sai số liệu, đề nghị xem lại")
    *_, package, word = sent_by(box, "recall")
    assert isinstance(package, ReadDocument)
    assert isinstance(word, ReadStatus)
    assert ([to.code for to in package.recipients], word.status_code) == ([PROVINCE], "13")
    (asked,) = box.rows("SELECT r.code FROM message_recipient r JOIN message m ON m.id = r.message_id"
                        " WHERE m.status_code = '13'")  # fmt: skip
    assert asked["code"] == PROVINCE
    assert follow_ups.recalled(desk.db, [issued]) == {issued: (1, 0, 2)}, "who is asked again has not answered yet"


def test_who_gets_the_document_after_its_recall_is_not_counted_among_those_asked(box: Box, issued: str) -> None:
    desk, province = box.desk, box.rows("SELECT organ_id FROM organ_code WHERE value = ?", PROVINCE)[0]["organ_id"]
    follow_ups.recall(desk, box.office.clerk, issued, "Sai số liệu")
    follow_ups.add_receivers(desk, box.office.clerk, issued, (province,), "Gửi bản để đối chiếu")
    assert follow_ups.recalled(desk.db, [issued]) == {issued: (0, 0, 1)}


@pytest.mark.parametrize(("sender", "counted"), [(NEIGHBOUR, 1), (OLD_NEIGHBOUR, 1), (PROVINCE, 0)])
def test_only_who_was_sent_a_document_is_counted_as_giving_it_back(
    box: Box, client: NativeClient, issued: str, sender: str, counted: int
) -> None:
    desk = box.desk
    now = desk.clock.now()
    desk.db.execute("UPDATE outgoing SET issued_at = coalesce(issued_at, ?) WHERE id = ?", [now.isoformat(), issued])
    document = outgoing.load(desk.db, issued)
    assert document is not None
    follow_ups.recall(desk, box.office.clerk, issued, "Sai số liệu")
    word = answer("15", "Đồng ý", document_code=document.document_code, sender=Party(sender, "x"))
    submit(box.bus, word, kind="status")
    inbox.fetch_new(desk, client)
    sent = statistics.figures(desk.db, document.organ_id, statistics.period(str(now.year)), desk.clock.now()).sent
    assert sum("recalled" in one.marks for one in sent) == counted
