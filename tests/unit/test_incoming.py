"""Incoming documents: once for people, each step by the right person, each step reported by its status code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.errors import BadInput, NotAllowed, NotFound, WrongState
from appliance.office import arrival, incoming
from appliance.office.arrival import BusItem, ReceivedDocument
from appliance.office.desk import Party
from appliance.office.status_arrival import ReceivedStatus, receive_status
from appliance.store import audit
from sync.edxml.reader import ReadStatus, read_package
from tests.office_fixtures import Office

SENDER = Party("H99.01", "Văn phòng Ủy ban nhân dân tỉnh Hải Vân")


def document(office: Office, seq: int = 1, **changes: object) -> ReceivedDocument:
    """A package as the reader gives it; ``changes`` replace fields."""
    sha256 = office.desk.blobs.put(b"raw package")
    item = BusItem(f"doc-{seq}", f"message-{seq}", "edoc", seq, "H99.21", sha256, 11)
    plain = ReceivedDocument(
        item=item,
        dedup_key="H99.01|H99.01,2026/11/20,15/VP-TH|0|abc",
        sender=SENDER,
        document_code="H99.01,2026/11/20,15/VP-TH",
        number="15",
        notation="VP-TH",
        issue_date="2026-11-20",
        type_name="Công văn",
        subject="Về việc rà soát mã định danh",
        urgency=1,
        signer_name="Nguyễn Văn A",
        signer_position="Chánh Văn phòng",
        reply_due=None,
        files=(),
        warnings=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def queued_statuses(office: Office) -> list[str]:
    """The codes in the queue, read from the bytes that will be sent."""
    codes = []
    for row in office.desk.db.query("SELECT sha256 FROM message WHERE kind = 'status' ORDER BY queued_at, id"):
        package = read_package(office.desk.blobs.path(row["sha256"]), office.desk.blobs)
        assert isinstance(package, ReadStatus)
        codes.append(package.status_code)
    return codes


def test_a_document_that_arrives_is_in_the_list_and_reports_01(office: Office) -> None:
    incoming_id = arrival.receive(office.desk, document(office))
    found, total = incoming.listing(office.desk, office.clerk)
    assert (total, found[0].id, found[0].state) == (1, incoming_id, "arrived")
    assert queued_statuses(office) == ["01"]


def test_a_document_that_comes_twice_appears_once(office: Office) -> None:
    first = arrival.receive(office.desk, document(office))
    again = arrival.receive(office.desk, document(office, seq=2))
    assert again == first
    found, total = incoming.listing(office.desk, office.clerk)
    assert (total, found[0].copies) == (1, 2)
    assert queued_statuses(office) == ["01"]


def test_the_same_code_with_other_content_is_kept_and_flagged(office: Office) -> None:
    arrival.receive(office.desk, document(office))
    arrival.receive(office.desk, document(office, seq=2, dedup_key="another content"))
    found, total = incoming.listing(office.desk, office.clerk)
    assert total == 2
    assert sorted(row.same_code_other_content for row in found) == [0, 1]


def test_the_whole_way_from_arrival_to_done_reports_each_step_once(office: Office) -> None:
    incoming_id = arrival.receive(office.desk, document(office))
    incoming.accept(office.desk, office.clerk, incoming_id)
    incoming.assign(office.desk, office.chair, incoming_id, office.accounts["congchuc"], "Tham mưu trả lời", None)
    incoming.start(office.desk, office.official, incoming_id)
    incoming.finish(office.desk, office.official, incoming_id, "Đã có công văn trả lời")
    found = incoming.get(office.desk, office.clerk, incoming_id)
    assert (found.state, found.arrival_number, found.code) == ("done", 1, "15/VP-TH")
    assert queued_statuses(office) == ["01", "03", "04", "05", "06"]
    assert audit.verify(office.desk.db) >= 6


def test_a_refusal_needs_a_reason_that_goes_back_to_the_sender(office: Office) -> None:
    incoming_id = arrival.receive(office.desk, document(office))
    with pytest.raises(BadInput):
        incoming.refuse(office.desk, office.clerk, incoming_id, "   ")
    incoming.refuse(office.desk, office.clerk, incoming_id, "Gửi nhầm nơi nhận")
    assert queued_statuses(office) == ["01", "02"]
    with pytest.raises(WrongState):
        incoming.accept(office.desk, office.clerk, incoming_id)


def test_each_step_is_refused_to_the_wrong_person(office: Office) -> None:
    incoming_id = arrival.receive(office.desk, document(office))
    with pytest.raises(NotAllowed):
        incoming.accept(office.desk, office.chair, incoming_id)
    with pytest.raises(NotFound):
        incoming.get(office.desk, office.stranger, incoming_id)
    with pytest.raises(NotFound):
        incoming.get(office.desk, office.official, incoming_id)
    incoming.accept(office.desk, office.clerk, incoming_id)
    with pytest.raises(NotAllowed):
        incoming.assign(office.desk, office.clerk, incoming_id, office.accounts["congchuc"], "", None)
    with pytest.raises(BadInput):
        incoming.assign(office.desk, office.chair, incoming_id, office.accounts["chutichhdnd"], "", None)
    incoming.assign(office.desk, office.chair, incoming_id, office.accounts["congchuc"], "", None)
    with pytest.raises(NotAllowed):
        incoming.finish(office.desk, office.clerk, incoming_id, "xong")


def test_a_package_for_somebody_else_is_refused_and_writes_nothing(office: Office) -> None:
    stray = document(office)
    with pytest.raises(BadInput):
        arrival.receive(office.desk, replace(stray, item=replace(stray.item, to_code="H99.22")))
    assert office.desk.db.execute("SELECT count(*) FROM inbox").fetchone()[0] == 0


def test_what_cannot_be_read_lies_in_quarantine_with_its_reason(office: Office) -> None:
    arrival.quarantine(office.desk, document(office).item, "Không phải XML")
    assert [row["reason"] for row in arrival.quarantined(office.desk)] == ["Không phải XML"]
    assert arrival.seen(office.desk, "doc-1")


def test_search_finds_a_subject_typed_without_marks(office: Office) -> None:
    arrival.receive(office.desk, document(office))
    assert incoming.listing(office.desk, office.clerk, query="ra soat ma dinh danh")[1] == 1
    assert incoming.listing(office.desk, office.clerk, query="15/vp")[1] == 1
    assert incoming.listing(office.desk, office.clerk, query="không có gì như thế")[1] == 0


def test_a_late_01_never_overwrites_03_at_a_recipient(office: Office) -> None:
    db = office.desk.db
    db.execute("PRAGMA foreign_keys = OFF")  # only the recipient rows matter here
    db.execute(
        "INSERT INTO message (id, kind, organ_id, outgoing_id, title, priority, sha256, size, state, queued_at)"
        " VALUES ('m', 'edoc', 'ubnd-hoa-binh', 'out', 't', 0, 'x', 1, 'accepted', '2026-11-20')"
    )
    db.execute("INSERT INTO message_recipient (message_id, code, name) VALUES ('m', 'H99.01', 'VP')")
    for seq, code in ((5, "03"), (6, "01"), (7, "06"), (8, "05")):
        item = BusItem(f"s-{seq}", f"sm-{seq}", "status", seq, "H99.21", "y", 1)
        status = ReceivedStatus(item, SENDER, "the code", code, f"trạng thái {code}", "", "2026-11-20T08:00:00+07:00")
        with_outgoing(office, status)
    shown = db.execute("SELECT status_code FROM message_recipient").fetchone()[0]
    assert shown == "06"
    assert db.execute("SELECT count(*) FROM status_in").fetchone()[0] == 4, "every status is kept"


def with_outgoing(office: Office, status: ReceivedStatus) -> None:
    """Take a status in for the one outgoing document of this test."""
    db = office.desk.db
    if not db.execute("SELECT 1 FROM outgoing").fetchone():
        now = "2026-11-20T08:00:00+07:00"
        db["outgoing"].insert(
            {
                "id": "out",
                "organ_id": "ubnd-hoa-binh",
                "state": "issued",
                "type_code": "cong-van",
                "subject": "s",
                "urgency": 0,
                "drafter_id": office.accounts["vanthu"],
                "signer_id": office.accounts["chutich"],
                "rule_set": "BL-2019",
                "file_name": "a.pdf",
                "draft_sha256": "x",
                "placement": "{}",
                "page_count": 1,
                "document_code": "the code",
                "created_at": now,
                "updated_at": now,
            }
        )
    receive_status(office.desk, status)
