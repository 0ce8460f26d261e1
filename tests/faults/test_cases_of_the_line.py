"""Fault cases of bus-link C.9 in which the line or the bus lies, breaks or repeats itself; docs/faults.md lists all.

The engine, the client and the bus are the real ones; the bus fails by its own switches.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from io import BytesIO

import httpx
import pytest

from appliance.errors import BadInput
from appliance.office.desk import Party
from sync import inbox, link, outbox
from sync.bus.base import BusError
from sync.bus.native.client import NativeClient
from tests import sync_fixtures
from tests.edxml_fixtures import document, package_bytes
from tests.integration.test_inbox import answer
from tests.sync_fixtures import NEIGHBOUR, PDF, UBND, Box, incoming, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
pytestmark = pytest.mark.fault


@pytest.fixture
def client(box: Box) -> Iterator[NativeClient]:
    with closing(box.client(httpx.Timeout(5))) as made:
        yield made
    box.bus.sound()


def at_bus(box: Box, message_id: str) -> int:
    return Counter(message["id"] for message in box.bus.messages())[message_id]


def send(box: Box, client: NativeClient) -> None:
    """One round with every pause over."""
    box.due_now()
    outbox.send_due(box.desk, client)


def until_accepted(box: Box, client: NativeClient, message_id: str, rounds: int = 5) -> list[str]:
    """The states it ended a round in; the last is 'accepted' unless the rounds were too few."""
    seen = []
    for _ in range(rounds):
        send(box, client)
        seen.append(box.message(message_id)["state"])
        if seen[-1] == "accepted":
            break
    return seen


@pytest.mark.parametrize(
    ("case", "kind", "value", "first"),
    [
        (1, "drop-answer", -1, "uncertain"),
        (1, "drop-after-body", -1, "uncertain"),
        (2, "drop-before-body", -1, "uncertain"),  # the last byte of so small a package had left
        (3, "captive-portal", 200, "uncertain"),
        (3, "captive-portal", 302, "uncertain"),
        (4, "refused-inside-200", -1, "uncertain"),
        (4, "error", 500, "uncertain"),
        (4, "error", 503, "uncertain"),
        (9, "corrupt-body", -1, "waiting"),
    ],
)
def test_a_package_that_meets_a_fault(
    box: Box, client: NativeClient, case: int, kind: str, value: int, first: str
) -> None:
    """Ends: accepted, once at the bus; in between it is 'uncertain' where it may have arrived, else 'waiting'."""
    box.bus.fault(kind, method="PUT", path="/v1/messages/*", value=value)
    message_id = box.issue(f"Ca {case}")
    seen = until_accepted(box, client, message_id)
    assert (seen[0], seen[-1]) == (first, "accepted")
    assert at_bus(box, message_id) == 1
    assert box.message(message_id)["receipt_sha256"]


@pytest.mark.slow
def test_case_2_the_line_breaks_in_mid_body(box: Box, client: NativeClient) -> None:
    """Ends: accepted, once; what had arrived does not go again."""
    before = box.bus.control("GET", "state")["line"]["traffic"]
    # as fast as a fast line, not as memory: what a cut finds in the kernel's buffers on the bus's side is lost
    box.bus.line(cut_after=2_000_000, bytes_per_second=1_500_000)
    message_id = box.issue(size=6_000_000, scanned=True)
    assert until_accepted(box, client, message_id)[-1] == "accepted"
    assert at_bus(box, message_id) == 1
    after = box.bus.control("GET", "state")["line"]["traffic"]
    assert after["cut"] - before["cut"] >= 2
    assert after["bytes_up"] - before["bytes_up"] < 1.2 * 6_100_000


def test_case_3_a_captive_portal_before_everything(box: Box, client: NativeClient) -> None:
    """Ends: nothing taken in and nothing lost; then everything as if it had never been there."""
    submit(box.bus, incoming(box))
    box.bus.fault("captive-portal", times=3)
    for _ in range(3):
        with pytest.raises(BusError, match="không phải của trục"):
            inbox.fetch_new(box.desk, client)
    assert box.rows("SELECT * FROM inbox") == []
    assert inbox.fetch_new(box.desk, client)["document"] == 1


def test_case_9_content_damaged_on_its_way_down(box: Box, client: NativeClient) -> None:
    """Ends: not acknowledged, fetched again, stored as it was sent."""
    package = incoming(box)
    submit(box.bus, package)
    box.bus.fault("corrupt-answer", path="/v1/inbox/*/content")
    with pytest.raises(BusError, match="không khớp mã băm"):
        inbox.fetch_new(box.desk, client)
    assert box.rows("SELECT * FROM inbox") == []
    assert inbox.fetch_new(box.desk, client)["document"] == 1
    assert box.desk.blobs.read(box.rows("SELECT raw_sha256 FROM incoming")[0]["raw_sha256"]) == package


def test_case_10_an_id_that_the_bus_knows_with_other_bytes(box: Box, client: NativeClient) -> None:
    """Ends: rejected with the bus's reason; what the bus has stays as it is."""
    message_id = box.issue()
    other = package_bytes(document(sender=Party(UBND, "UBND xã Hòa Bình")), box.desk.blobs)
    submit(box.bus, other, sender=UBND, to=NEIGHBOUR, id=message_id)
    send(box, client)
    row = box.message(message_id)
    assert (row["state"], at_bus(box, message_id)) == ("rejected", 1)
    assert "đã dùng" in row["last_error"]


def test_case_11_the_same_document_three_times_and_listed_twice(box: Box, client: NativeClient) -> None:
    """Ends: one document with three copies counted, every entry acknowledged, its sender told 01 once."""
    package = incoming(box)
    for _ in range(3):
        submit(box.bus, package)
    box.bus.fault("list-twice", path="/v1/inbox", times=2)
    inbox.fetch_new(box.desk, client)
    assert box.rows("SELECT copies FROM incoming") == [{"copies": 3}]
    assert not box.rows("SELECT * FROM inbox WHERE acked_at IS NULL")
    assert len(box.rows("SELECT * FROM message WHERE status_code = '01'")) == 1


def test_case_11_03_comes_before_01_and_before_the_list_is_in_order(box: Box, client: NativeClient) -> None:
    """Ends: the recipient shows 03; both statuses are kept."""
    message_id = box.issue()
    send(box, client)
    (row,) = box.rows("SELECT document_code FROM outgoing")
    for code in ("01", "03"):
        submit(box.bus, answer(code, document_code=row["document_code"]), kind="status")
    box.bus.fault("list-backwards", path="/v1/inbox")
    inbox.fetch_new(box.desk, client)
    assert box.rows("SELECT status_code FROM message_recipient WHERE message_id = ?", message_id) == [
        {"status_code": "03"}
    ]
    assert sorted(row["status_code"] for row in box.rows("SELECT status_code FROM status_in")) == ["01", "03"]


def zipped(data: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.pdf", data)
        archive.writestr("b.pdf", data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "warning"),
    [
        (PDF.decode("utf-8", "replace").encode(), "tep"),  # destroyed by bytes → UTF-8 → bytes, as seen in the wild
        (zipped(PDF), "không phải là tệp PDF thật"),
        (b"", "rỗng"),
    ],
    ids=["ruined", "zip", "empty"],
)
def test_case_12_a_pdf_that_is_none(box: Box, client: NativeClient, data: bytes, warning: str) -> None:
    """Ends: arrived with a warning for the clerk; its bytes as they came."""
    submit(box.bus, incoming(box, data=data))
    assert inbox.fetch_new(box.desk, client)["document"] == 1
    (row,) = box.rows("SELECT state, warnings FROM incoming")
    assert row["state"] == "arrived"
    assert warning in row["warnings"] or "PDF" in row["warnings"]


@pytest.mark.parametrize(
    "data",
    [
        b"<edXML><From></edXML>",
        b"<html>not a package</html>",
        b'<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;">]><edXML>&c;</edXML>',
        b"",
        b"\x00\xff" * 1000,
    ],
    ids=["torn", "html", "bomb", "empty", "noise"],
)
def test_case_12_what_is_no_package(box: Box, client: NativeClient, data: bytes) -> None:
    """Ends: quarantined with its bytes and a reason; what comes behind it arrives."""
    submit(box.bus, data)
    submit(box.bus, incoming(box))
    for _ in range(4):
        inbox.fetch_new(box.desk, client)
    (row,) = box.rows("SELECT sha256, reason FROM inbox WHERE state = 'quarantined'")
    assert row["reason"]
    assert box.desk.blobs.read(row["sha256"]) == data
    assert len(box.rows("SELECT * FROM incoming")) == 1


def test_case_12_a_thousand_recipients(box: Box, client: NativeClient) -> None:
    """Ends: arrived; the long list is read, and is no reason to refuse."""
    many = (Party(UBND, "UBND xã Hòa Bình"), *(Party(f"H99.{n}", f"Đơn vị số {n}") for n in range(1000, 1999)))
    submit(box.bus, incoming(box, recipients=many))
    assert inbox.fetch_new(box.desk, client)["document"] == 1


@pytest.mark.slow
def test_case_12_just_below_and_above_the_limit_of_size(box: Box, client: NativeClient) -> None:
    """Ends: the one accepted, the other refused before it is queued, with the limit in words."""
    limit = client.info.max_bytes
    accepted = box.issue(size=limit * 3 // 4 - 100_000, scanned=True)
    assert until_accepted(box, client, accepted)[-1] == "accepted"
    with pytest.raises(BadInput, match="vượt giới hạn"):
        box.issue(size=limit)
    assert len(box.rows("SELECT * FROM message")) == 1


def test_case_14_certificates_that_are_not_to_be_trusted(box: Box, client: NativeClient) -> None:
    """Ends: nothing leaves, the package waits; with the right certificate it is accepted."""
    message_id = box.issue()
    box.bus.conditions(certificate="other-authority")
    send(box, client)
    assert (box.message(message_id)["state"], at_bus(box, message_id)) == ("waiting", 0)
    box.bus.sound()
    expired = box.bus.ca.client(UBND, days=-5)
    settings = replace(box.settings, link_certificate=expired[0], link_key=expired[1])
    with closing(NativeClient(settings, httpx.Timeout(5))) as outdated:
        send(box, outdated)
    assert (box.message(message_id)["state"], at_bus(box, message_id)) == ("waiting", 0)
    assert until_accepted(box, client, message_id)[-1] == "accepted"


@pytest.mark.slow
def test_case_15_thirty_days_without_a_line_then_five_hundred_documents(box: Box, client: NativeClient) -> None:
    """Ends: all accepted, the urgent ones first, and while the line was dead it was only probed."""
    ids = [box.issue(f"Văn bản {n}", urgency=3 if n % 100 == 99 else 0) for n in range(500)]
    box.bus.line(down=True)
    for _ in range(30):
        box.due_now()
        outbox.send_due(box.desk, client)
    assert len(box.rows("SELECT * FROM attempt")) <= 30
    box.desk.db.execute("UPDATE message SET queued_at = datetime(queued_at, '-30 days')")
    box.bus.perfect_line()
    link.wake(box.desk.db)
    for _ in range(3):
        send(box, client)
    assert {row["state"] for row in box.rows("SELECT state FROM message")} <= {"accepted", "held"}
    order = [row["id"] for row in box.rows("SELECT id FROM message ORDER BY accepted_at, rowid")]
    urgent = {ids[n] for n in range(99, 500, 100)}
    assert set(order[:5]) == urgent
    bus = Counter(message["id"] for message in box.bus.messages())
    assert {bus[message_id] for message_id in ids} == {1}
