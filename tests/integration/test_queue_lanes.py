"""What happens to a message that cannot simply go: split, held, corrected, in doubt, paused; on the real bus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.clock import parse
from appliance.errors import BadInput, NotAllowed, WrongState
from appliance.office import ladder, line, messages, people, queue_actions
from appliance.office.desk import Actor, Correction, Party
from appliance.store import audit
from appliance.store.database import transaction
from sync import inbox, lease, outbox
from sync.bus.base import BusError, BusInfo, Fault, Outbound, Outcome, SendResult
from sync.bus.native.client import NativeClient
from sync.edxml.model import ReadDocument
from sync.edxml.packer import EdxmlPacker
from sync.edxml.reader import read_package
from tests import sync_fixtures
from tests.bus_fixtures import start_bus
from tests.edxml_fixtures import status
from tests.office_fixtures import Office
from tests.sync_fixtures import HDND, NEIGHBOUR, PROVINCE, Box, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
UNKNOWN_ORGAN = "H99.77"


class Wrapped(NativeClient):
    """The real client of the real bus, whose answers a test may bend on the way back."""

    find: Any = None
    sent: Any = None

    def find_sent(self, message: Outbound) -> SendResult | None:
        """As scripted, else the bus's word."""
        return self.find(message) if self.find else super().find_sent(message)

    def send(self, message: Outbound) -> SendResult:
        """As scripted, else the bus's word."""
        found: SendResult = self.sent(message, super().send) if self.sent else super().send(message)
        return found


@pytest.fixture
def client(box: Box) -> Iterator[Wrapped]:
    with closing(Wrapped(box.settings, httpx.Timeout(3))) as made:
        yield made


@pytest.fixture
def clerk(box: Box) -> Actor:
    return people.actor(box.desk.db, box.office.accounts["vanthu"], "ubnd-hoa-binh")


def issue_to(box: Box, *codes: str) -> str:
    """A document to several organs."""
    message_id = box.issue(to=codes[0])
    row = box.message(message_id)
    change = Correction(tuple(Party(code, f"Nơi nhận {code}") for code in codes))
    sha256, size = box.desk.packages.corrected(row["sha256"], change, box.desk.blobs)
    box.desk.db.execute("UPDATE message SET sha256 = ?, size = ? WHERE id = ?", [sha256, size, message_id])
    box.desk.db.execute("DELETE FROM message_recipient WHERE message_id = ?", [message_id])
    for party in change.recipients:
        box.desk.db.execute(
            "INSERT INTO message_recipient (message_id, code, name) VALUES (?, ?, ?)",
            [message_id, party.code, party.name],
        )
    return message_id


def package(box: Box, message_id: str) -> ReadDocument:
    found = read_package(box.desk.blobs.path(box.message(message_id)["sha256"]), box.desk.blobs)
    assert isinstance(found, ReadDocument)
    return found


def settled(box: Box, client: Wrapped) -> None:
    for _ in range(6):
        outbox.send_due(box.desk, client)


@pytest.mark.parametrize("named", [True, False], ids=["the bus names it", "the bus names nobody"])
def test_one_bad_receiver_does_not_block_the_others(box: Box, client: Wrapped, named: bool) -> None:
    if not named:
        client.sent = lambda message, send: (
            replace(result, organs=()) if (result := send(message)).outcome is Outcome.REJECTED else result
        )
    whole = issue_to(box, NEIGHBOUR, UNKNOWN_ORGAN, PROVINCE)
    settled(box, client)
    old = box.message(whole)
    assert old["state"] == "rejected"
    assert old["superseded_by"]
    live = box.rows("SELECT * FROM message WHERE superseded_by IS NULL ORDER BY id")
    ends = {row["code"]: row["state"] for row in box.rows(
        "SELECT code, message.state FROM message_recipient JOIN message ON message.id = message_id"
        " WHERE superseded_by IS NULL")}  # fmt: skip
    assert ends == {NEIGHBOUR: "accepted", PROVINCE: "accepted", UNKNOWN_ORGAN: "rejected"}
    shown = {one.code: one for one in ladder.standings(box.desk, [old["outgoing_id"]])[old["outgoing_id"]]}
    assert {code: one.level for code, one in shown.items()} == {NEIGHBOUR: 1, PROVINCE: 1, UNKNOWN_ORGAN: 0}
    assert (shown[UNKNOWN_ORGAN].words, shown[UNKNOWN_ORGAN].tone) == (ladder.STOPPED, "bad")
    assert UNKNOWN_ORGAN in shown[UNKNOWN_ORGAN].note
    ids = [row["id"] for row in live if row["state"] == "accepted"]
    taken = [message for message in box.bus.messages() if message["id"] in ids]
    assert sorted(code for message in taken for code in message["to"]) == sorted([NEIGHBOUR, PROVINCE])
    files = {file.sha256 for row in live for file in package(box, row["id"]).files}
    assert len(files) == 1
    for row in live:
        to = [party["code"] for party in messages.recipients_in_order(box.desk.db, row["id"])]
        assert [organ.code for organ in package(box, row["id"]).recipients] == to
    assert audit.verify(box.desk.db) > 0


def test_a_bus_that_shows_it_late_is_asked_until_it_does_and_gets_it_once(box: Box, client: Wrapped) -> None:
    client.info = BusInfo("late", 1 << 26, absent_after=1800)
    client.sent = lambda message, send: (send(message), SendResult(Outcome.UNKNOWN, reason="mất trả lời"))[1]
    message_id = box.issue()
    assert outbox.send_due(box.desk, client) == {"uncertain": 1}
    client.sent, client.find = None, lambda message: None  # denied: it is on its way behind the bus
    for _ in range(3):
        box.due_now()
        assert outbox.send_due(box.desk, client) == {"uncertain": 1}
    client.find = None
    box.due_now()
    assert outbox.send_due(box.desk, client) == {"accepted": 1}
    assert sum(message["id"] == message_id for message in box.bus.messages()) == 1


def test_asking_follows_the_plan_and_a_late_denial_lets_the_same_bytes_go_again(box: Box, client: Wrapped) -> None:
    client.info = BusInfo("slow", 1 << 26, absent_after=1800)
    client.sent = lambda message, send: SendResult(Outcome.UNKNOWN, reason="mất trả lời")
    message_id = box.issue()
    outbox.send_due(box.desk, client)
    client.sent, client.find = None, lambda message: None
    for passed, following in ((5, 120), (121, 600), (601, 1800)):
        box.desk.db.execute("UPDATE message SET doubt_uptime = doubt_uptime - ?, next_at = NULL", [passed])
        outbox.send_due(box.desk, client)
        row = box.message(message_id)
        wait = (parse(row["next_at"]) - box.desk.clock.now()).total_seconds()
        assert abs(wait - (following - passed)) < 5
        box.desk.db.execute("UPDATE message SET doubt_uptime = doubt_uptime + ?", [passed])
    assert box.message(message_id)["asked"] == 3
    box.desk.db.execute("UPDATE message SET doubt_uptime = doubt_uptime - 1801, next_at = NULL")
    assert outbox.send_due(box.desk, client) == {"accepted": 1}
    assert [message["sha256"] for message in box.bus.messages() if message["id"] == message_id] == [
        box.message(message_id)["sha256"]
    ]


def test_a_bus_that_cannot_be_asked_gets_it_again_after_an_hour_only(box: Box, client: Wrapped) -> None:
    client.info = BusInfo("blind", 1 << 26, can_find_sent=False)
    client.find = lambda message: SendResult(Outcome.UNKNOWN, reason="Trục này không tra được gói đã gửi.")
    client.sent = lambda message, send: SendResult(Outcome.UNKNOWN, reason="mất trả lời")
    message_id = box.issue()
    outbox.send_due(box.desk, client)
    client.sent = None
    box.due_now()
    assert outbox.send_due(box.desk, client) == {"uncertain": 1}
    wait = parse(box.message(message_id)["next_at"]) - box.desk.clock.now()
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)
    box.desk.db.execute("UPDATE message SET doubt_uptime = doubt_uptime - 3601, next_at = NULL")
    assert outbox.send_due(box.desk, client) == {"accepted": 1}


def test_a_status_of_the_receiver_proves_that_the_doubtful_one_arrived(box: Box, client: Wrapped) -> None:
    client.info = BusInfo("blind", 1 << 26, can_find_sent=False)
    client.sent = lambda message, send: (send(message), SendResult(Outcome.UNKNOWN, reason="mất trả lời"))[1]
    message_id = box.issue()
    outbox.send_due(box.desk, client)
    (code,) = box.desk.db.execute("SELECT document_code FROM outgoing").fetchone()
    about = status(status_code="01", document_code=code, sender=Party(NEIGHBOUR, "UBND xã Đông Hải"))
    submit(box.bus, EdxmlPacker().status(about), kind="status")
    inbox.fetch_new(box.desk, client)
    row = box.message(message_id)
    assert (row["state"], row["doubt_at"], bool(row["proved_by"])) == ("accepted", None, True)
    assert box.rows("SELECT 1 FROM audit WHERE action = 'message.prove'")
    assert outbox.send_due(box.desk, client) == {}


def test_a_wrong_secret_pauses_everything_until_a_technician_resumes(box: Box, client: Wrapped) -> None:
    def locked(message: Outbound, send: object) -> SendResult:
        raise BusError("Trục báo sai khóa bí mật.", next_step="Xin lại khóa.", http_status=401, fault=Fault.LINK)

    client.sent = locked
    first, _second = box.issue(), box.issue()
    assert outbox.send_due(box.desk, client) == {"waiting": 1}
    client.sent = None
    found = line.paused(box.desk.db)
    assert found is not None
    assert "sai khóa" in found.reason
    for _ in range(3):
        assert outbox.send_due(box.desk, client) == {}
    assert len(box.attempts(first)) == 1
    clerk = people.actor(box.desk.db, box.office.accounts["vanthu"], "ubnd-hoa-binh")
    with pytest.raises(NotAllowed):
        line.resume(box.desk, clerk)
    line.resume(box.desk, replace(clerk, roles=frozenset({"technician"})))
    assert outbox.send_due(box.desk, client) == {"accepted": 2}


def test_a_held_message_waits_for_its_release_and_keeps_its_doubt(box: Box, client: Wrapped, clerk: Actor) -> None:
    message_id = box.issue()
    queue_actions.hold(box.desk, clerk, message_id, reason="Chờ Chủ tịch xem lại")
    assert outbox.send_due(box.desk, client) == {}
    queue_actions.release(box.desk, clerk, message_id)
    client.sent = lambda message, send: (send(message), SendResult(Outcome.UNKNOWN, reason="mất trả lời"))[1]
    outbox.send_due(box.desk, client)
    client.sent = None
    queue_actions.hold(box.desk, clerk, message_id, reason="Chờ rõ")
    with pytest.raises(WrongState, match="hai văn bản"):
        queue_actions.correct(box.desk, clerk, message_id, Correction((Party(PROVINCE, "T"),)), reason="sai nơi nhận")
    queue_actions.release(box.desk, clerk, message_id)
    assert box.message(message_id)["state"] == "uncertain"
    assert outbox.send_due(box.desk, client) == {"accepted": 1}
    assert box.attempts(message_id)[-1]["bytes_sent"] == 0  # asked, not sent again


def test_a_rejected_one_goes_on_as_another_with_its_receivers_put_right(
    box: Box, client: Wrapped, clerk: Actor
) -> None:
    wrong = box.issue(to=UNKNOWN_ORGAN)
    assert outbox.send_due(box.desk, client) == {"rejected": 1}
    with pytest.raises(BadInput, match="danh bạ"):
        queue_actions.receivers(box.desk, [UNKNOWN_ORGAN])
    to = queue_actions.receivers(box.desk, [HDND])
    new = queue_actions.correct(box.desk, clerk, wrong, Correction(to, urgency=2), reason="Ghi nhầm mã nơi nhận")
    assert box.message(wrong)["superseded_by"] == new
    assert package(box, new).urgency == 2
    assert [file.sha256 for file in package(box, new).files] == [file.sha256 for file in package(box, wrong).files]
    with pytest.raises(WrongState):
        queue_actions.correct(box.desk, clerk, wrong, Correction(to), reason="lần nữa")
    assert outbox.send_due(box.desk, client) == {"accepted": 1}
    shown = messages.for_outgoing(box.desk.db, box.message(wrong)["outgoing_id"])
    assert shown is not None
    assert shown["id"] == new
    outgoing_id = box.message(wrong)["outgoing_id"]
    assert [one.code for one in ladder.standings(box.desk, [outgoing_id])[outgoing_id]] == [HDND]


@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_after_seven_days_offline_the_most_urgent_goes_first_and_taking_is_fast(box: Box, count: int) -> None:
    db, now = box.desk.db, box.desk.clock.now()
    rows = []
    for number in range(count):
        queued = now - timedelta(days=7) + timedelta(seconds=number)
        rows.append((f"m{number:06}", number % 3, "waiting" if number % 2 else "ready", queued.isoformat(),
                     (queued + timedelta(days=1)).isoformat(), (now - timedelta(seconds=1)).isoformat()))  # fmt: skip
    with transaction(db):
        db.conn.executemany(
            "INSERT INTO message (id, kind, organ_id, title, priority, sha256, size, state, queued_at, due_latest,"
            " next_at) VALUES (?, 'edoc', 'ubnd-hoa-binh', 'Văn bản', ?, '', 1, ?, ?, ?, ?)",
            rows,
        )
    db.execute("UPDATE message SET priority = 4 WHERE id = ?", [f"m{count - 2:06}"])
    first = lease.take(box.desk)
    assert first is not None
    assert (first.id, first.priority) == (f"m{count - 2:06}", 4)
    start = time.perf_counter()
    for _ in range(200):
        assert lease.due(db, now)
    assert (time.perf_counter() - start) / 200 < 0.002  # the index gives the order; sorting 20,000 took 24 ms


def test_a_box_that_may_not_speak_for_its_organ_pauses_and_tells_the_technician(box: Box) -> None:
    message_id = issue_to(box, NEIGHBOUR, PROVINCE)
    certificate, key = box.bus.ca.client(NEIGHBOUR)
    settings = replace(box.settings, link_certificate=certificate, link_key=key)
    with closing(NativeClient(settings)) as stranger:
        outbox.send_due(box.desk, stranger)
        row, pause = box.message(message_id), line.paused(box.desk.db)
        assert row["state"] == "waiting"
        assert row["superseded_by"] is None, "nothing is wrong with the package"
        assert pause is not None
        assert "chứng thư" in pause.next_step
        box.due_now()
        assert outbox.send_due(box.desk, stranger) == {}
    assert len(box.attempts(message_id)) == 1


def test_what_the_bus_does_not_carry_is_refused_when_queued_once_the_bus_has_said_so(
    office: Office, tmp_path: Path
) -> None:
    bus = start_bus(tmp_path / "bus", auto_answer=False, organs=sync_fixtures.ORGANS, more="max_message_mb = 1\n")
    try:
        box = sync_fixtures.make_box(office, bus)
        large = box.issue(size=1 << 20)
        with closing(box.client()) as client:
            assert outbox.send_due(box.desk, client) == {"rejected": 1}
        assert (box.message(large)["state"], box.message(large)["fault"]) == ("rejected", "package")
        with pytest.raises(BadInput, match="1,0 MB") as refused:
            box.issue(size=1 << 20)
        assert "Giảm dung lượng" in refused.value.next_step
        small = box.issue()
        with closing(box.client()) as client:
            assert outbox.send_due(box.desk, client) == {"accepted": 1}
        assert box.message(small)["state"] == "accepted"
        box.desk.db.close()
    finally:
        bus.stop()
