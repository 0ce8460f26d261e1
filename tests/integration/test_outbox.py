"""The queue on a real bus behind a faulty line: everything leaves, once, in the right order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from appliance.office import messages
from appliance.office.queue_times import BREAKER_AFTER
from appliance.store import audit
from sync import jws, link, outbox
from sync.bus.native.client import NativeClient
from sync.inbox import fetch_new
from sync.lease import Lease
from sync.recipients import refresh_recipients
from sync.worker import run_once
from tests import sync_fixtures
from tests.scripted_bus import HTML, Answer, as_json, problem
from tests.sync_fixtures import NEIGHBOUR, UBND, Box, incoming, on_script, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
IMPATIENT = httpx.Timeout(3)


@pytest.fixture
def client(box: Box) -> Iterator[NativeClient]:
    with closing(box.client(IMPATIENT)) as made:
        yield made


def arrivals(box: Box, message_id: str) -> int:
    return sum(1 for message in box.bus.messages() if message["id"] == message_id)


def test_a_document_leaves_once_and_its_receipt_is_kept(box: Box, client: NativeClient) -> None:
    message_id = box.issue()
    assert outbox.send_due(box.desk, client) == {"accepted": 1}
    row = box.message(message_id)
    assert row["state"] == "accepted"
    assert row["accepted_at"].endswith("+07:00")
    assert row["bus_doc_id"]
    receipt = jws.content(box.desk.blobs.read(row["receipt_sha256"]))
    assert (receipt["typ"], receipt["messageId"], receipt["sha256"]) == ("R1", message_id, row["sha256"])
    assert receipt["to"] == [NEIGHBOUR]
    (attempt,) = box.attempts(message_id)
    assert (attempt["phase"], attempt["bytes_sent"], attempt["http_status"]) == ("done", row["size"], 201)
    (recipient,) = messages.recipients(box.desk.db, message_id)
    assert recipient["state"] == "accepted"
    assert "message.accept" in [entry["action"] for entry in box.rows("SELECT action FROM audit")]
    assert audit.verify(box.desk.db) > 0
    assert outbox.send_due(box.desk, client) == {}
    assert arrivals(box, message_id) == 1


def test_statuses_go_first_then_urgency_then_age(box: Box, client: NativeClient) -> None:
    submit(box.bus, incoming(box))
    ordinary, later, urgent = box.issue("Thường"), box.issue("Thường, sau"), box.issue("Hỏa tốc", urgency=3)
    fetch_new(box.desk, client)  # queues status 01
    (status,) = box.rows("SELECT id FROM message WHERE kind = 'status'")
    outbox.send_due(box.desk, client)
    order = [row["message_id"] for row in box.rows("SELECT message_id FROM attempt ORDER BY id")]
    assert order == [status["id"], urgent, ordinary, later]


def test_a_lost_answer_is_asked_for_and_never_sent_twice(box: Box, client: NativeClient) -> None:
    box.bus.line(drop_answer="once", drop_answer_from=5000)
    message_id = box.issue()
    assert outbox.send_due(box.desk, client) == {"uncertain": 1}
    row = box.message(message_id)
    assert row["state"] == "uncertain"
    assert row["last_error"]
    box.due_now()
    assert outbox.send_due(box.desk, client) == {"accepted": 1}
    first, second = box.attempts(message_id)
    assert (first["phase"], first["bytes_sent"]) == ("answer", row["size"])
    assert (second["phase"], second["bytes_sent"]) == ("done", 0)
    assert arrivals(box, message_id) == 1
    assert box.message(message_id)["receipt_sha256"]


def test_a_line_cut_within_the_package_means_an_ordinary_retry(box: Box) -> None:
    box.bus.line(cut_after=1_000_000)
    message_id = box.issue(size=8_000_000)  # more than the buffers of both ends take
    with closing(NativeClient(box.settings, IMPATIENT, patience=0)) as impatient:
        assert outbox.send_due(box.desk, impatient) == {"waiting": 1}
    (attempt,) = box.attempts(message_id)
    assert attempt["phase"] == "body"
    assert 0 < attempt["bytes_sent"] < box.message(message_id)["size"]
    assert arrivals(box, message_id) == 0
    box.bus.perfect_line()
    client = box.client()
    assert outbox.send_due(box.desk, client) == {"accepted": 1}  # the probe finds the line working: no pause
    assert arrivals(box, message_id) == 1


def test_a_dead_line_stops_the_round_and_its_return_starts_everything_at_once(
    box: Box,
    client: NativeClient,
) -> None:
    ids = [box.issue(f"Văn bản {n}") for n in range(5)]
    box.bus.line(down=True)
    assert outbox.send_due(box.desk, client) == {"waiting": 1}
    assert [len(box.attempts(message_id)) for message_id in ids] == [1, 0, 0, 0, 0]
    for _ in range(6):
        assert outbox.send_due(box.desk, client) == {}  # only probes, and after five failures not even those at once
    state = link.read(box.desk.db)
    assert (state.state, state.failures) == ("down", BREAKER_AFTER)
    assert state.last_error
    box.desk.db.execute("UPDATE message SET next_at = '2999-01-01T00:00:00+07:00' WHERE state = 'waiting'")
    box.bus.perfect_line()
    link.wake(box.desk.db)
    assert outbox.send_due(box.desk, client) == {"accepted": 5}
    assert link.read(box.desk.db).state == "up"


def test_a_good_answer_to_the_inbox_also_frees_the_queue(box: Box, client: NativeClient) -> None:
    message_id = box.issue()
    box.bus.line(down=True)
    outbox.send_due(box.desk, client)
    box.desk.db.execute("UPDATE message SET next_at = ?", [box.desk.clock.now().replace(year=2998).isoformat()])
    box.bus.perfect_line()
    fetch_new(box.desk, client)
    assert box.message(message_id)["next_at"] <= box.desk.clock.now().isoformat()


def test_an_unknown_recipient_is_rejected_with_the_reason_of_the_bus(box: Box, client: NativeClient) -> None:
    wrong, right = box.issue(to="H99.77", urgency=2), box.issue()
    assert outbox.send_due(box.desk, client) == {"rejected": 1, "accepted": 1}
    row = box.message(wrong)
    assert row["state"] == "rejected"
    assert "H99.77" in row["last_error"]
    assert box.message(right)["state"] == "accepted"
    assert outbox.send_due(box.desk, client) == {}


def test_an_id_that_names_other_bytes_is_rejected(box: Box, client: NativeClient) -> None:
    message_id = box.issue()
    submit(box.bus, b"something else", sender=UBND, to=NEIGHBOUR, id=message_id)
    outbox.send_due(box.desk, client)
    assert box.message(message_id)["state"] == "rejected"


@pytest.mark.parametrize("arrived", [True, False], ids=["it arrived", "it did not"])
def test_what_was_under_way_when_the_process_died_is_reconciled(box: Box, client: NativeClient, arrived: bool) -> None:
    message_id = box.issue()
    row = box.message(message_id)
    if arrived:
        submit(box.bus, box.desk.blobs.read(row["sha256"]), sender=UBND, to=NEIGHBOUR, id=message_id)
    box.desk.db.execute("UPDATE message SET state = 'sending', lease_owner = 'dead'")
    box.desk.db.execute("INSERT INTO attempt (message_id, started_at) VALUES (?, ?)", [message_id, row["queued_at"]])
    assert outbox.send_due(box.desk, client) == {"accepted": 1}
    died, last = box.attempts(message_id)
    assert died["phase"] == "died"
    assert (last["bytes_sent"] == 0) is arrived
    assert arrivals(box, message_id) == 1


def test_while_asking_fails_nothing_is_sent_again(box: Box, client: NativeClient) -> None:
    message_id = box.issue()
    box.desk.db.execute("UPDATE message SET state = 'uncertain', doubt_at = queued_at")
    box.bus.line(down=True)
    assert outbox.send_due(box.desk, client) == {"uncertain": 1}
    assert box.message(message_id)["state"] == "uncertain"
    assert box.attempts(message_id)[0]["bytes_sent"] == 0


def test_a_damaged_package_waits_for_a_restore_and_holds_nobody_up(box: Box, client: NativeClient) -> None:
    damaged, whole = box.issue("Hỏng", urgency=4), box.issue("Lành")
    path = box.desk.blobs.path(box.message(damaged)["sha256"])
    data = path.read_bytes()
    path.chmod(0o640)
    path.write_bytes(data[:-1] + b"!")
    assert outbox.send_due(box.desk, client) == {"waiting": 1, "accepted": 1}
    assert "hỏng" in box.message(damaged)["last_error"]
    path.write_bytes(data)
    box.due_now()
    assert outbox.send_due(box.desk, client) == {"accepted": 1}
    assert box.message(whole)["state"] == "accepted"


def test_a_pause_written_by_a_clock_that_ran_ahead_does_not_count(box: Box, client: NativeClient) -> None:
    box.issue()
    box.desk.db.execute("UPDATE message SET state = 'waiting', next_at = '2036-01-01T00:00:00+07:00'")
    assert outbox.send_due(box.desk, client) == {"accepted": 1}


def test_with_nothing_to_send_the_line_is_still_looked_at(box: Box, client: NativeClient) -> None:
    assert outbox.send_due(box.desk, client) == {}
    assert link.read(box.desk.db).state == "up"
    box.desk.db.execute(
        "UPDATE fact SET value = replace(value, ?, '2020') WHERE key = 'link:state'", [f"{box.desk.clock.now():%Y}"]
    )
    box.bus.line(down=True)
    outbox.send_due(box.desk, client)
    assert link.read(box.desk.db).state == "down"


def test_a_held_message_stays(box: Box, client: NativeClient) -> None:
    message_id = box.issue()
    box.desk.db.execute("UPDATE message SET state = 'held'")
    assert outbox.send_due(box.desk, client) == {}
    assert box.message(message_id)["attempts"] == 0


def test_a_stop_is_obeyed_between_two_messages(box: Box, client: NativeClient) -> None:
    box.issue()
    box.issue()
    answers = iter([False, True])
    assert outbox.send_due(box.desk, client, stop=lambda: next(answers)) == {"accepted": 1}


def test_delivery_at_the_other_end_shows_at_the_recipient(box: Box, client: NativeClient) -> None:
    message_id = box.issue()
    outbox.send_due(box.desk, client)
    assert refresh_recipients(box.desk, client) == 0
    with box.bus.client(NEIGHBOUR) as other:
        doc_id = other.get("inbox", params={"limit": 200}).json()["items"][-1]["docId"]
        other.put(f"inbox/{doc_id}/ack", json={"outcome": "fail", "reason": "hỏng"}).raise_for_status()
        assert refresh_recipients(box.desk, client) == 1
        assert "không nhận được" in messages.recipients(box.desk.db, message_id)[0]["status_text"]
        assert refresh_recipients(box.desk, client) == 0
        other.put(f"inbox/{doc_id}/ack", json={"outcome": "done"}).raise_for_status()
    assert refresh_recipients(box.desk, client) == 1
    (recipient,) = messages.recipients(box.desk.db, message_id)
    assert (recipient["state"], recipient["status_text"]) == ("delivered", "")
    assert refresh_recipients(box.desk, client) == 0


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (HTML, "uncertain", "không phải của trục"),
        ((302, {"Location": "http://portal/"}, b""), "uncertain", "không phải của trục"),
        (as_json({"code": 500}), "uncertain", "không phải của trục"),
        (
            as_json({"messageId": "x", "docId": "y", "acceptedAt": "z", "sha256": "w"}),
            "uncertain",
            "không phải của trục",
        ),
        ((502, {"Content-Type": "text/html"}, b"bad gateway"), "uncertain", "không phải của trục"),
        (problem(500, "Lỗi trong trục"), "uncertain", "Lỗi trong trục"),
        (problem(503, "Trục bảo trì"), "waiting", "Trục bảo trì"),
        (problem(429, "Gửi quá nhanh"), "waiting", "Gửi quá nhanh"),
        (problem(403, "Chứng thư không có quyền"), "waiting", "không có quyền"),
        (problem(413, "Gói tin quá lớn"), "rejected", "quá lớn"),
        (problem(422, "Đơn vị bị khóa"), "rejected", "bị khóa"),
    ],
    ids=["portal", "redirect", "code 500", "unsigned receipt", "gateway", "500", "503", "429", "403", "413", "422"],
)
def test_only_a_receipt_for_this_package_counts_as_accepted(box: Box, answer: Answer, state: str, words: str) -> None:
    message_id = box.issue()
    with on_script(box, lambda *_: answer) as client:
        outbox.send_due(box.desk, client)
    row = box.message(message_id)
    assert row["state"] == state
    assert words in row["last_error"]
    assert row["attempts"] == 1


def test_the_pause_the_bus_asks_for_is_kept_even_when_the_line_returns(box: Box) -> None:
    message_id = box.issue()
    busy = problem(503, "Trục bảo trì", **{"Retry-After": "1800"})
    time = as_json({"utc": "2026-11-20T00:00:00Z", "uncertaintyMs": 10})
    with on_script(box, lambda method, path, body: time if path.endswith("/time") else busy) as client:
        outbox.send_due(box.desk, client)
        link.note_failure(box.desk.db, box.desk.clock.now(), "x")
        assert outbox.send_due(box.desk, client) == {}
    assert len(box.attempts(message_id)) == 1


def test_five_hundred_failures_do_not_kill_a_message(box: Box) -> None:
    message_id = box.issue()
    with on_script(box, lambda *_: problem(503, "Trục bảo trì")) as client:
        for _ in range(30):
            box.due_now()
            outbox.send_due(box.desk, client)
    box.desk.db.execute("UPDATE message SET attempts = 500")
    box.due_now()
    with on_script(box, lambda *_: problem(503, "Trục bảo trì")) as client:
        outbox.send_due(box.desk, client)
    assert box.message(message_id)["state"] == "waiting"
    with closing(box.client()) as real:
        box.due_now()
        assert outbox.send_due(box.desk, real) == {"accepted": 1}


def test_run_once_answers_what_came_and_refuses_to_run_twice(box: Box, client: NativeClient) -> None:
    submit(box.bus, incoming(box))
    assert run_once(box.desk, client) == {"document": 1, "accepted": 1}
    assert box.message(box.rows("SELECT id FROM message")[0]["id"])["status_code"] == "01"


def test_pauses_double_from_fifteen_seconds_and_urgent_ones_stay_short() -> None:
    def longest(attempts: int, priority: int) -> float:
        lease = Lease("", "edoc", priority, "", 0, attempts, 0, None)
        return max(outbox.backoff(lease) for _ in range(300))

    assert longest(1, 0) <= 15
    assert 15 < longest(2, 0) <= 30
    assert 450 < longest(50, 0) <= 900
    assert 60 < longest(50, 1) <= 120
