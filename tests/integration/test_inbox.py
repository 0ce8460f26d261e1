"""The inbox on a real bus: what comes is in custody before it is acknowledged, once for people, whatever it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import httpx
import pytest

from appliance.antivirus import Scanner
from appliance.clock import VN
from appliance.office import messages
from appliance.office.desk import Desk, Party
from appliance.office.queue_times import UNREADABLE_POLLS
from appliance.store import audit
from provisioning.clamd import eicar
from sync import inbox, intake, outbox
from sync.bus.base import BusError, DigestMismatch, InboxItem
from sync.bus.native.client import NativeClient
from sync.edxml.packer import EdxmlPacker
from tests import sync_fixtures
from tests.edxml_fixtures import status
from tests.scripted_bus import HTML, as_json, problem
from tests.sync_fixtures import HDND, NEIGHBOUR, OLD_NEIGHBOUR, PDF, UBND, Box, incoming, on_script, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


@pytest.fixture
def client(box: Box) -> Iterator[NativeClient]:
    with closing(box.client(httpx.Timeout(5))) as made:
        yield made


def delivery(box: Box, message_id: str) -> dict[str, Any]:
    """How the bus sees its only delivery of a message."""
    found: list[Any] = [message["deliveries"] for message in box.bus.messages() if message["id"] == message_id]
    only: dict[str, Any] = found[0][0]
    return only


def answer(code: str, text: str = "đã rõ", **changes: object) -> bytes:
    """A status package from the neighbour."""
    return EdxmlPacker().status(status(status_code=code, description=text, **changes))


def test_a_document_is_in_custody_acknowledged_and_answered(box: Box, client: NativeClient) -> None:
    package = incoming(box)
    receipt = submit(box.bus, package)
    assert inbox.fetch_new(box.desk, client) == {"document": 1}
    (row,) = box.rows("SELECT * FROM incoming")
    assert (row["state"], row["organ_id"], row["subject"]) == ("arrived", "ubnd-hoa-binh", "Giấy mời họp")
    assert (row["from_code"], row["from_name"]) == (NEIGHBOUR, "Ủy ban nhân dân xã Đông Hải")
    assert box.desk.blobs.read(row["raw_sha256"]) == package
    (file,) = box.rows("SELECT * FROM incoming_file")
    assert (file["name"], file["media_type"], file["scan"]) == ("giay-moi.pdf", "application/pdf", "clean")
    assert box.desk.blobs.read(file["sha256"]) == PDF
    assert json.loads(file["signatures"]) is not None
    (entry,) = box.rows("SELECT * FROM inbox")
    assert entry["state"] == "stored"
    assert entry["acked_at"]
    assert delivery(box, receipt["messageId"])["state"] == "delivered"
    (queued,) = box.rows("SELECT * FROM message")
    assert (queued["kind"], queued["status_code"], queued["incoming_id"]) == ("status", "01", row["id"])
    assert audit.verify(box.desk.db) > 0
    assert inbox.fetch_new(box.desk, client) == {}


def test_the_senders_own_page_then_shows_status_01(box: Box, client: NativeClient) -> None:
    receipt = submit(box.bus, incoming(box))
    inbox.fetch_new(box.desk, client)
    outbox.send_due(box.desk, client)
    assert delivery(box, receipt["messageId"])["status_code"] == "01"


def test_one_package_to_both_organs_of_the_box_is_two_documents(box: Box, client: NativeClient) -> None:
    submit(box.bus, incoming(box), to=f"{UBND},{HDND}")
    assert inbox.fetch_new(box.desk, client) == {"document": 2}
    assert {row["organ_id"] for row in box.rows("SELECT * FROM incoming")} == {"ubnd-hoa-binh", "hdnd-hoa-binh"}


def test_a_second_copy_is_counted_acknowledged_and_not_shown_again(box: Box, client: NativeClient) -> None:
    package = incoming(box)
    hop = b"<edXML:TraceHeader><edXML:OrganId>null</edXML:OrganId></edXML:TraceHeader><edXML:Bussiness>"
    submit(box.bus, package)
    copy = submit(box.bus, package.replace(b"<edXML:Bussiness>", hop))
    inbox.fetch_new(box.desk, client)
    (row,) = box.rows("SELECT * FROM incoming")
    assert row["copies"] == 2
    assert [entry["state"] for entry in box.rows("SELECT * FROM inbox ORDER BY seq")] == ["stored", "duplicate"]
    assert delivery(box, copy["messageId"])["state"] == "delivered"
    assert len(box.rows("SELECT * FROM message")) == 1


def test_the_same_codes_with_other_content_are_a_flagged_document_of_their_own(box: Box, client: NativeClient) -> None:
    submit(box.bus, incoming(box))
    submit(box.bus, incoming(box, subject="Giấy mời họp (bản khác)"))
    inbox.fetch_new(box.desk, client)
    rows = box.rows("SELECT * FROM incoming ORDER BY id")
    assert [row["same_code_other_content"] for row in rows] == [0, 1]


def test_a_lost_acknowledgement_is_repeated_without_taking_the_document_twice(box: Box, client: NativeClient) -> None:
    receipt = submit(box.bus, incoming(box))
    inbox.fetch_new(box.desk, client)
    box.desk.db.execute("UPDATE inbox SET acked_at = NULL")
    inbox.fetch_new(box.desk, client)
    assert box.rows("SELECT * FROM inbox")[0]["acked_at"]
    assert len(box.rows("SELECT * FROM incoming")) == 1
    assert delivery(box, receipt["messageId"])["state"] == "delivered"


def test_after_a_restore_the_bus_is_asked_again_and_nothing_doubles(box: Box, client: NativeClient) -> None:
    submit(box.bus, incoming(box))
    (cursor,) = box.desk.db.execute("SELECT value FROM fact WHERE key = 'inbox:cursor'").fetchone()
    inbox.fetch_new(box.desk, client)
    box.desk.db.execute("UPDATE fact SET value = ? WHERE key = 'inbox:cursor'", [cursor])
    assert inbox.fetch_new(box.desk, client) == {}
    assert len(box.rows("SELECT * FROM incoming")) == 1


@pytest.mark.parametrize("data", [b"<edXML><torn", b"%PDF-1.4", b"<!DOCTYPE x><edXML/>"], ids=["torn", "pdf", "dtd"])
def test_what_cannot_be_read_goes_to_quarantine_with_its_bytes_and_holds_nobody_up(
    box: Box, client: NativeClient, data: bytes
) -> None:
    bad = submit(box.bus, data)
    submit(box.bus, incoming(box))
    assert inbox.fetch_new(box.desk, client) == {"quarantined": 1, "document": 1}
    (entry,) = box.rows("SELECT * FROM inbox WHERE state = 'quarantined'")
    assert box.desk.blobs.read(entry["sha256"]) == data
    assert entry["reason"]
    for _ in range(UNREADABLE_POLLS):
        assert delivery(box, bad["messageId"])["state"] == "waiting"  # an update may still save it
        inbox.fetch_new(box.desk, client)
    told = delivery(box, bad["messageId"])
    assert (told["state"], told["reason"]) == ("failed", entry["reason"])


def test_a_package_that_breaks_our_own_reader_is_put_aside_at_the_third_try(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(box.bus, incoming(box))
    submit(box.bus, answer("03"), kind="status")
    honest = intake.read

    def breaks(desk: Desk, item: InboxItem) -> object:
        if item.kind == "edoc":
            raise KeyError("a mistake of ours")
        return honest(desk, item)

    monkeypatch.setattr(intake, "read", breaks)
    for _ in range(2):
        with pytest.raises(KeyError):
            inbox.fetch_new(box.desk, client)
    assert box.rows("SELECT 1 FROM status_in")  # statuses go first, so this one waited for nobody
    assert inbox.fetch_new(box.desk, client) == {"quarantined": 1}
    assert not box.rows("SELECT * FROM fact WHERE key LIKE 'inbox:tries:%'")


def test_malware_arrives_flagged(box: Box, client: NativeClient) -> None:
    submit(box.bus, incoming(box, data=b"xin chao " + eicar(), name="hop.docx"))
    inbox.fetch_new(box.desk, client)
    (file,) = box.rows("SELECT * FROM incoming_file")
    assert "Eicar" in file["scan"]
    (row,) = box.rows("SELECT * FROM incoming")
    assert "mã độc" in json.loads(row["warnings"])[0]
    assert box.rows("SELECT * FROM inbox")[0]["acked_at"]


def test_without_a_scanner_the_document_arrives_unscanned_and_is_acknowledged_later(
    box: Box, client: NativeClient, clamd: Scanner
) -> None:
    box.desk.scanner = Scanner(box.settings.clamd_socket)  # nobody listens there
    clean, infected = submit(box.bus, incoming(box)), submit(box.bus, incoming(box, data=eicar(), number="8"))
    assert inbox.fetch_new(box.desk, client) == {"document": 2}
    assert [file["scan"] for file in box.rows("SELECT * FROM incoming_file")] == ["", ""]
    assert delivery(box, clean["messageId"])["state"] == "waiting"
    assert inbox.fetch_new(box.desk, client) == {}
    box.desk.scanner = clamd
    inbox.fetch_new(box.desk, client)
    rows = box.rows(
        "SELECT scan, warnings, code_number FROM incoming_file JOIN incoming ON incoming.id = incoming_id"
        " ORDER BY code_number"
    )
    assert [row["code_number"] for row in rows] == ["7", "8"]
    assert rows[0]["scan"] == "clean"
    assert "Eicar" in rows[1]["scan"]
    assert "mã độc" in rows[1]["warnings"]
    assert delivery(box, clean["messageId"])["state"] == delivery(box, infected["messageId"])["state"] == "delivered"


def test_a_late_01_never_overwrites_03(box: Box, client: NativeClient) -> None:
    message_id = box.issue()
    outbox.send_due(box.desk, client)
    (outgoing,) = box.rows("SELECT * FROM outgoing")
    for code in ("03", "01", "06", "05"):
        submit(box.bus, answer(code, f"mã {code}", document_code=outgoing["document_code"]), kind="status")
    assert inbox.fetch_new(box.desk, client) == {"status": 4}
    (recipient,) = messages.recipients(box.desk.db, message_id)
    assert (recipient["state"], recipient["status_code"], recipient["status_text"]) == ("status", "06", "mã 06")
    told = box.rows("SELECT * FROM status_in ORDER BY id")
    assert [row["status_code"] for row in told] == ["03", "01", "06", "05"]
    assert {row["outgoing_id"] for row in told} == {outgoing["id"]}
    assert not box.rows("SELECT * FROM message WHERE kind = 'status'")  # a status is not answered with a status


def test_a_status_under_an_old_code_reaches_the_recipient(box: Box, client: NativeClient) -> None:
    message_id = box.issue()
    outbox.send_due(box.desk, client)
    (outgoing,) = box.rows("SELECT * FROM outgoing")
    said = answer("3", document_code=outgoing["document_code"], sender=Party(OLD_NEIGHBOUR, "UBND xã Đông Hải"))
    submit(box.bus, said, kind="status")
    inbox.fetch_new(box.desk, client)
    assert messages.recipients(box.desk.db, message_id)[0]["status_code"] == "03"


def test_a_status_about_nothing_we_know_is_kept(box: Box, client: NativeClient) -> None:
    submit(box.bus, answer("99", document_code="H99.21,2001/01/01,1/X"), kind="status")
    assert inbox.fetch_new(box.desk, client) == {"status": 1}
    (row,) = box.rows("SELECT * FROM status_in")
    assert (row["outgoing_id"], row["status_code"]) == (None, "99")
    assert row["at"] == datetime(2026, 11, 20, 16, 0, 0, tzinfo=VN).isoformat()


def test_an_update_is_said_first_among_the_warnings(box: Box, client: NativeClient) -> None:
    update = incoming(box).replace(b"BussinessDocType>0<", b"BussinessDocType>2<")
    submit(box.bus, update)
    inbox.fetch_new(box.desk, client)
    (row,) = box.rows("SELECT warnings FROM incoming")
    assert "CẬP NHẬT" in json.loads(row["warnings"])[0]


def test_a_cut_fetch_goes_on_where_it_stopped(box: Box, client: NativeClient) -> None:
    package = incoming(box, data=PDF + b"x" * 3_000_000)
    submit(box.bus, package)
    asked: list[str] = []

    class Recording(NativeClient):
        def fetch(self, item, target) -> None:  # type: ignore[no-untyped-def]
            asked.append(str(target.stat().st_size) if target.exists() else "0")
            super().fetch(item, target)

    box.bus.line(bytes_per_second=1_000_000)
    with closing(Recording(box.settings, httpx.Timeout(5))) as slow:
        threading.Timer(1.0, lambda: box.bus.line(down=True)).start()
        with pytest.raises(BusError):
            inbox.fetch_new(box.desk, slow)
        box.bus.perfect_line()
        assert inbox.fetch_new(box.desk, slow) == {"document": 1}
    assert asked[0] == "0"
    assert int(asked[1]) > 0
    assert box.desk.blobs.read(box.rows("SELECT raw_sha256 FROM incoming")[0]["raw_sha256"]) == package
    assert not list((box.settings.data / "spool").iterdir())


def an_item(**changes: object) -> dict[str, object]:
    return {
        "seq": 10**9, "docId": "doc-1", "messageId": "m", "kind": "edoc", "priority": 0, "from": NEIGHBOUR, "to": UBND,
        "size": 5, "sha256": "0" * 64, "createdAt": "", **changes,
    }  # fmt: skip


def test_content_other_than_announced_is_never_taken_in_but_kept_at_the_third_time(box: Box) -> None:
    told: list[bytes] = []

    def script(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if method == "PUT":
            told.append(body)
            return as_json({"state": "failed"})
        if path.endswith("/content"):
            return 200, {"Content-Type": "application/edxml+xml"}, b"other"
        return as_json({"items": [an_item()] if "after=1000000000" not in path else [], "next": 0})

    with on_script(box, script, httpx.Timeout(5)) as client:
        for _ in range(2):
            with pytest.raises(DigestMismatch):
                inbox.fetch_new(box.desk, client)
        assert inbox.fetch_new(box.desk, client) == {"quarantined": 1}
    (entry,) = box.rows("SELECT * FROM inbox")
    assert box.desk.blobs.read(entry["sha256"]) == b"other"
    assert json.loads(told[0])["outcome"] == "fail"


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        as_json({"items": "many"}),
        as_json({"items": [an_item(docId="../../etc/passwd")]}),
        as_json({"items": [an_item(sha256="X" * 64)]}),
        as_json({"items": [an_item(size=-1)]}),
        as_json([]),
        problem(500, "Lỗi trong trục"),
        (302, {"Location": "http://portal/"}, b""),
    ],
    ids=["portal", "no list", "path in id", "odd digest", "odd size", "no object", "500", "redirect"],
)
def test_an_answer_that_is_not_the_buss_is_an_error_and_nothing_is_taken(
    box: Box, answer: tuple[int, dict[str, str], bytes]
) -> None:
    with on_script(box, lambda *_: answer, httpx.Timeout(5)) as client:
        with pytest.raises(BusError) as caught:
            inbox.fetch_new(box.desk, client)
        assert str(caught.value)
        assert not caught.value.permanent
    assert not box.rows("SELECT * FROM inbox")


def test_a_document_for_an_organ_of_another_box_is_put_aside(box: Box) -> None:
    package = incoming(box)
    sha256 = box.desk.blobs.put(package)
    row = an_item(to="H99.99", sha256=sha256, size=len(package))

    def script(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return as_json({"items": [row] if "after=1000000000" not in path else [], "next": 0})

    with on_script(box, script, httpx.Timeout(5)) as client:
        assert inbox.fetch_new(box.desk, client) == {"quarantined": 1}
    assert "H99.99" in box.rows("SELECT reason FROM inbox")[0]["reason"]
