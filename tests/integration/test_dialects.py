"""A day at a bus of another dialect: the box with its account over TLS, the neighbour on the native profile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.antivirus import Scanner
from appliance.clock import VN
from appliance.office import messages, recall_requests
from appliance.office.desk import Business, Party
from appliance.store.text import uuid7
from sync import inbox, outbox
from sync.bus import body
from sync.bus.base import BusClient, BusError, Fault, InboxPage, Outcome
from sync.bus.factory import make_client
from sync.edxml.packer import EdxmlPacker
from sync.recipients import refresh_recipients
from tests import sync_fixtures, vxp_fixtures
from tests.edxml_fixtures import status
from tests.office_fixtures import Office
from tests.sync_fixtures import HDND, NEIGHBOUR, UBND, Box, incoming, submit
from tests.vxp_fixtures import Door, account_box, open_bus

clamd, door = sync_fixtures.clamd, vxp_fixtures.door
SEND = {"vxp": "/sendEdoc", "lgsp": "/v1/sendEdoc"}
DIALECTS = ["vxp", "lgsp"]


@dataclass
class Post:
    """A box, its client, its dialect."""

    box: Box
    client: BusClient
    dialect: str

    def fail(self, kind: str, path: str = "", **more: Any) -> None:
        """Let the next request that sends a package fail on purpose."""
        body = {"kind": kind, "path": path or SEND[self.dialect], **more}
        httpx.post(f"{self.box.bus.operator}/control/faults", json=body, trust_env=False).raise_for_status()

    def at_bus(self, message_id: str) -> int:
        """How many packages with these bytes the bus has."""
        sha256 = self.box.message(message_id)["sha256"]
        return sum(1 for message in self.box.bus.messages() if message["sha256"] == sha256)

    def pass_by(self, seconds: int) -> None:
        """Let this much time pass for every doubt, and every pause be over."""
        self.box.desk.db.execute("UPDATE message SET doubt_uptime = doubt_uptime - ?, next_at = NULL", [seconds])


@pytest.fixture(params=DIALECTS)
def post(request: pytest.FixtureRequest, office: Office, door: Door, clamd: Scanner, tmp_path: Path) -> Iterator[Post]:
    """A box whose inbox at the bus is empty."""
    box, client = account_box(office, door, clamd, request.param, tmp_path)
    with closing(client):
        while items := client.list_incoming("").items:
            for item in items:
                client.ack(item.doc_id, "done", reason="", sha256="")
        yield Post(box, client, request.param)
    httpx.delete(f"{door.bus.operator}/control/faults", trust_env=False)
    box.desk.db.close()


def test_a_day_goes_there_and_back(post: Post) -> None:
    box = post.box
    message_id = box.issue(f"Về phòng, chống thiên tai ở Đầm Dơi {uuid7()}")
    assert outbox.send_due(box.desk, post.client) == {"accepted": 1}
    row = box.message(message_id)
    assert row["bus_doc_id"]
    assert box.desk.blobs.read(row["receipt_sha256"])
    there = next(item for item in reversed(box.bus.inbox(NEIGHBOUR)) if item["sha256"] == row["sha256"])
    assert there["from"] == UBND

    (code,) = box.desk.db.execute("SELECT document_code FROM outgoing").fetchone()
    for status_code in ("03", "01"):  # the order is not promised
        data = EdxmlPacker().status(status(status_code=status_code, document_code=code, addressee_code=UBND))
        submit(box.bus, data, kind="status")
    assert inbox.fetch_new(box.desk, post.client) == {"status": 2}
    (reached,) = box.rows("SELECT * FROM message_recipient WHERE message_id = ?", message_id)
    assert reached["status_code"] == "03"

    package = incoming(box, subject="Giấy mời họp về đê điều")
    receipt = submit(box.bus, package)
    assert inbox.fetch_new(box.desk, post.client) == {"document": 1}
    (arrived,) = box.rows("SELECT * FROM incoming")
    assert box.desk.blobs.read(arrived["raw_sha256"]) == package
    (entry,) = box.rows("SELECT * FROM inbox WHERE kind = 'edoc'")
    assert entry["size"] == len(package)
    (delivery,) = next(m for m in box.bus.messages() if m["doc_id"] == receipt["docId"])["deliveries"]
    assert delivery["state"] == "delivered"
    assert outbox.send_due(box.desk, post.client) == {"accepted": 1}  # our own 01
    answers = [item for item in box.bus.inbox(NEIGHBOUR) if item["kind"] == "status"]
    assert answers
    assert inbox.fetch_new(box.desk, post.client) == {}


def test_what_never_arrived_goes_again_with_the_same_bytes(post: Post) -> None:
    message_id = post.box.issue(uuid7())
    post.fail("drop-after-body")
    assert outbox.send_due(post.box.desk, post.client) == {"uncertain": 1}
    assert post.at_bus(message_id) == 0
    post.pass_by(5)
    outbox.send_due(post.box.desk, post.client)
    assert post.box.message(message_id)["state"] == "uncertain", "denied, but not for long enough"
    assert post.at_bus(message_id) == 0
    post.pass_by(4000)
    assert outbox.send_due(post.box.desk, post.client) == {"accepted": 1}
    assert post.at_bus(message_id) == 1


@pytest.mark.parametrize("kind", ["captive-portal", "refused-inside-200"])
def test_an_answer_that_is_none_leaves_a_doubt_and_no_acceptance(post: Post, kind: str) -> None:
    message_id = post.box.issue(uuid7())
    post.fail(kind)
    outbox.send_due(post.box.desk, post.client)
    assert post.box.message(message_id)["state"] in ("uncertain", "waiting")
    post.pass_by(4000)
    assert outbox.send_due(post.box.desk, post.client) == {"accepted": 1}
    assert post.at_bus(message_id) == 1


def test_a_wrong_secret_is_nobody_elses_fault_and_never_shown(post: Post, tmp_path: Path) -> None:
    secret = tmp_path / "wrong.toml"
    secret.write_text('secret = "sai bét"\nusername = "xa"\npassword = "sai bét"\napplication_code = "QLVB"\n', "utf-8")
    secret.chmod(0o600)
    message_id = post.box.issue(uuid7())
    with closing(make_client(replace(post.box.settings, bus_secret_file=secret))) as client:
        with pytest.raises(BusError) as caught:
            client.list_incoming("")
        assert caught.value.fault is Fault.LINK
        assert "sai bét" not in str(caught.value) + caught.value.next_step
        outbox.send_due(post.box.desk, client)
    assert post.box.message(message_id)["state"] not in ("rejected", "accepted", "uncertain")
    assert post.at_bus(message_id) == 0


def test_an_organ_that_is_not_there_is_the_organs_fault(post: Post) -> None:
    message_id = post.box.issue(uuid7(), to="H99.77")
    assert outbox.send_due(post.box.desk, post.client) == {"rejected": 1}
    (attempt,) = post.box.attempts(message_id)
    assert "18" in attempt["error"]


def test_the_buss_clock_is_read_from_its_answers(post: Post) -> None:
    assert abs(post.client.time().offset) < 2
    assert post.client.time().error < 2


def test_the_directory_comes_with_old_codes(post: Post) -> None:
    entries = {entry.code: entry for entry in post.client.directory().entries}
    assert sync_fixtures.OLD_NEIGHBOUR in entries[NEIGHBOUR].old_codes
    assert entries[NEIGHBOUR].name == "Ủy ban nhân dân xã Đông Hải"


def test_a_lost_answer_is_found_on_the_list_of_what_was_sent(
    office: Office, door: Door, clamd: Scanner, tmp_path: Path
) -> None:
    box, client = account_box(office, door, clamd, "vxp", tmp_path)
    post = Post(box, client, "vxp")
    with closing(client):
        message_id = box.issue(uuid7())
        post.fail("drop-answer")
        assert outbox.send_due(box.desk, client) == {"uncertain": 1}
        assert post.at_bus(message_id) == 1
        post.pass_by(5)
        assert outbox.send_due(box.desk, client) == {"accepted": 1}
        assert post.at_bus(message_id) == 1
        assert len(box.attempts(message_id)) == 2
    box.desk.db.close()


def test_the_national_axis_tells_that_a_receiver_has_taken_a_document_over(
    office: Office, door: Door, clamd: Scanner, tmp_path: Path
) -> None:
    box, client = account_box(office, door, clamd, "vxp", tmp_path)
    with closing(client):
        first, second = box.issue(uuid7()), box.issue(uuid7())
        outbox.send_due(box.desk, client)
        assert refresh_recipients(box.desk, client) == 0
        with box.bus.client(NEIGHBOUR) as other:
            for message_id, outcome in ((first, "done"), (second, "fail")):
                sha256 = box.message(message_id)["sha256"]
                (doc_id,) = (item["docId"] for item in box.bus.inbox(NEIGHBOUR) if item["sha256"] == sha256)
                other.put(f"inbox/{doc_id}/ack", json={"outcome": outcome, "reason": "hỏng"}).raise_for_status()
        assert refresh_recipients(box.desk, client) == 2
        (taken,), (broken,) = (messages.recipients(box.desk.db, one) for one in (first, second))
        assert (taken["state"], broken["state"]) == ("delivered", "accepted")
        assert "không nhận được" in broken["status_text"]
        (kept,) = box.rows("SELECT delivered_at FROM message_recipient WHERE message_id = ?", first)
        assert abs((datetime.fromisoformat(kept["delivered_at"]) - datetime.now(VN)).total_seconds()) < 3600
        assert refresh_recipients(box.desk, client) == 0
        assert client.recipients(first, "") == client.recipients(first, "mã") == ()
    box.desk.db.close()


def tell_no_receiver(post: Post) -> None:
    """Let the bus's lists keep silent about for whom an entry is."""
    listed = post.client.list_incoming

    def untold(cursor: str, limit: int = 50) -> InboxPage:
        page = listed(cursor, limit)
        return replace(page, items=tuple(replace(item, to="") for item in page.items))

    post.client.list_incoming = untold  # type: ignore[method-assign]


BOTH = (Party(UBND, "UBND xã Hòa Bình"), Party(HDND, "HĐND xã Hòa Bình"))
OF_BOTH = ["hdnd-hoa-binh", "ubnd-hoa-binh"]


@pytest.mark.parametrize(("entries", "told"), [(2, True), (2, False), (1, False)])
def test_what_is_for_two_organs_of_one_box_comes_to_each_once(post: Post, entries: int, told: bool) -> None:
    box, desk = post.box, post.box.desk
    if not told:
        tell_no_receiver(post)
    to = f"{UBND}, {HDND}" if entries == 2 else UBND
    code = f"{NEIGHBOUR},2026/11/20,{uuid7()}"
    submit(box.bus, incoming(box, recipients=BOTH, document_code=code), to=to)
    inbox.fetch_new(desk, post.client)
    records = box.rows("SELECT organ_id, state FROM incoming ORDER BY organ_id")
    assert [row["organ_id"] for row in records] == OF_BOTH
    assert outbox.send_due(desk, post.client) == {"accepted": 2}, "each organ says that it has it"

    recall = incoming(box, recipients=BOTH, document_code=code, business=Business(1, "Gửi nhầm", code))
    submit(box.bus, recall, to=to)
    inbox.fetch_new(desk, post.client)
    update = incoming(box, recipients=BOTH, document_code=f"{code}b", business=Business(2, "Sửa giờ", code))
    submit(box.bus, update, to=to)
    inbox.fetch_new(desk, post.client)
    for organ in OF_BOTH:
        found = [(ask.kind, ask.reason) for ask, *_ in recall_requests.waiting(desk.db, organ)]
        assert sorted(found) == [(1, "Gửi nhầm"), (2, "Sửa giờ")], organ

    clerk = {organ: replace(box.office.clerk, organ_id=organ) for organ in OF_BOTH}
    for organ in OF_BOTH:
        for ask, document_id, *_ in recall_requests.waiting(desk.db, organ):
            recall_requests.answer(desk, clerk[organ], document_id, ask.id, agree=True, reason="")
        assert recall_requests.waiting(desk.db, organ) == []
    submit(box.bus, recall, to=to, id=uuid7())  # handed over once more after the answer
    inbox.fetch_new(desk, post.client)
    assert [recall_requests.waiting(desk.db, organ) for organ in OF_BOTH] == [[], []]
    assert {row["state"] for row in box.rows("SELECT state FROM inbox")} <= {"stored", "duplicate"}


def test_a_status_13_asks_the_organ_that_it_names(post: Post) -> None:
    box, desk = post.box, post.box.desk
    tell_no_receiver(post)
    code = f"{NEIGHBOUR},2026/11/20,{uuid7()}"
    submit(box.bus, incoming(box, recipients=BOTH, document_code=code))
    for organ in (UBND, HDND):
        asks = status(status_code="13", document_code=code, addressee_code=organ, description="Gửi nhầm")
        submit(box.bus, EdxmlPacker().status(asks), kind="status", to=organ)
    inbox.fetch_new(desk, post.client)
    assert [len(recall_requests.waiting(desk.db, organ)) for organ in OF_BOTH] == [1, 1]


def test_an_entry_for_no_organ_of_this_box_is_kept_aside_with_its_bytes(post: Post) -> None:
    box = post.box
    tell_no_receiver(post)
    submit(box.bus, incoming(box, subject=f"Giấy mời {uuid7()}", recipients=(Party(NEIGHBOUR, "Nơi khác"),)))
    assert inbox.fetch_new(box.desk, post.client) == {"quarantined": 1}
    (kept,) = box.rows("SELECT * FROM inbox WHERE state = 'quarantined'")
    assert NEIGHBOUR in kept["reason"]
    assert box.desk.blobs.path(kept["sha256"]).exists()


def test_a_send_that_drips_is_given_up_in_its_whole_time(
    office: Office, door: Door, clamd: Scanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "SLOWEST", 16 << 20)
    monkeypatch.setattr(body, "GRACE", 1.0)
    box, client = account_box(office, door, clamd, "vxp", tmp_path)
    client.close()
    message_id = box.issue(uuid7(), size=12 << 20)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)

        def drip() -> None:
            taken, _ = listening.accept()
            with taken:
                while not over.wait(0.05):
                    taken.recv(64 << 10)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        began = time.monotonic()
        with closing(make_client(replace(box.settings, bus_url=url))) as slow, pytest.raises(BusError) as given_up:
            slow.send(_outbound(box))
        assert time.monotonic() - began < 10
        over.set()
        thread.join(timeout=5)
    assert given_up.value.link
    assert box.message(message_id)["state"] == "ready"
    box.desk.db.close()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_package_over_the_buss_limit_is_rejected_by_name(
    office: Office, clamd: Scanner, tmp_path: Path, dialect: str
) -> None:
    door = Door(*open_bus(tmp_path / "bus", max_message_mb=1))
    try:
        box, client = account_box(office, door, clamd, dialect, tmp_path)
        with closing(client):
            box.issue(size=1 << 20)
            assert outbox.send_due(box.desk, client) == {"rejected": 1}
            found = client.send(_outbound(box))
        assert (found.outcome, found.fault, found.http_status) == (Outcome.REJECTED, Fault.PACKAGE, 413)
        box.desk.db.close()
    finally:
        door.bus.stop()


def _outbound(box: Box) -> Any:
    from sync.bus.base import Outbound

    (row,) = box.rows("SELECT * FROM message")
    path = box.desk.blobs.path(row["sha256"])
    return Outbound(row["id"], "edoc", 0, UBND, (NEIGHBOUR,), path, row["size"], row["sha256"])


def test_a_token_refused_once_is_fetched_anew_and_the_package_goes_once(
    office: Office, door: Door, clamd: Scanner, tmp_path: Path
) -> None:
    box, client = account_box(office, door, clamd, "lgsp", tmp_path)
    post = Post(box, client, "lgsp")
    with closing(client):
        message_id = box.issue(uuid7())
        for path in ("/v1/syncReceivedEdocList", "/v1/sendEdoc"):
            post.fail("error", path, value=401)
        client.list_incoming("")
        assert outbox.send_due(box.desk, client) == {"accepted": 1}
        assert post.at_bus(message_id) == 1
        post.fail("error", "/v1/sendEdoc", value=401, times=2)
        second = box.issue(uuid7())
        outbox.send_due(box.desk, client)
        assert box.message(second)["state"] == "waiting", "the account was refused twice: nothing is sent until resumed"
        assert post.at_bus(second) == 0
    box.desk.db.close()


def test_where_nothing_can_be_looked_up_a_lost_answer_stays_a_doubt(
    office: Office, door: Door, clamd: Scanner, tmp_path: Path
) -> None:
    box, client = account_box(office, door, clamd, "lgsp", tmp_path)
    post = Post(box, client, "lgsp")
    with closing(client):
        message_id = box.issue(uuid7())
        post.fail("drop-answer")
        assert outbox.send_due(box.desk, client) == {"uncertain": 1}
        post.pass_by(1800)
        outbox.send_due(box.desk, client)
        assert box.message(message_id)["state"] == "uncertain"
        assert post.at_bus(message_id) == 1
        (code,) = box.desk.db.execute("SELECT document_code FROM outgoing").fetchone()
        data = EdxmlPacker().status(status(status_code="01", document_code=code, addressee_code=UBND))
        submit(box.bus, data, kind="status")
        inbox.fetch_new(box.desk, client)
        post.pass_by(0)
        outbox.send_due(box.desk, client)
        assert box.message(message_id)["state"] == "accepted", "the recipient's own word proves it"
        assert post.at_bus(message_id) == 1
    box.desk.db.close()


def test_clocks_too_far_apart_are_named_and_blamed_on_no_secret(
    office: Office, door: Door, clamd: Scanner, tmp_path: Path
) -> None:
    box, client = account_box(office, door, clamd, "vxp", tmp_path)
    try:
        door.bus.conditions(clock_offset_seconds=3600)
        assert 3590 < client.time().offset < 3610, "the refusal itself says what time it is"
        with pytest.raises(BusError, match="lệch 60 phút") as caught:
            client.list_incoming("")
        assert caught.value.fault is Fault.NONE
    finally:
        door.bus.conditions(clock_offset_seconds=0)
        client.close()
        box.desk.db.close()
