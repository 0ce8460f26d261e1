"""One entry, package or answer that goes wrong for ever: it is said, and everything else goes on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from appliance.antivirus import Verdict
from appliance.errors import N_, Unavailable
from appliance.office import people, quarantine
from appliance.store import facts
from sync import inbox, outbox, recipients
from sync.bus.base import BusError, InboxItem, Outbound, Outcome, RecipientState
from sync.bus.native.client import NativeClient
from sync.recipients import refresh_recipients
from tests import sync_fixtures
from tests.integration.test_native_uploads import package
from tests.scripted_bus import Answer, as_json, problem
from tests.sync_fixtures import PDF, UBND, Box, incoming, on_script, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


@pytest.fixture
def client(box: Box) -> Iterator[NativeClient]:
    with closing(box.client()) as made:
        yield made


def doc_ids(box: Box) -> list[str]:
    return [row["bus_doc_id"] for row in box.rows("SELECT bus_doc_id FROM inbox ORDER BY seq")]


def test_an_acknowledgement_that_the_bus_cannot_take_holds_up_nothing_else(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(box.bus, incoming(box))
    ack, refused = client.ack, []

    def broken(item_id: str, *args: Any, **more: Any) -> bytes:
        if not refused or item_id == refused[0]:
            refused[:] = [item_id]
            raise BusError("Trục lỗi với gói này.", connected=True, http_status=500)
        return ack(item_id, *args, **more)

    monkeypatch.setattr(client, "ack", broken)
    with pytest.raises(BusError, match="Trục lỗi"):
        inbox.fetch_new(box.desk, client)
    submit(box.bus, incoming(box, number="8"))
    with pytest.raises(BusError, match="Trục lỗi"):  # still said
        inbox.fetch_new(box.desk, client)
    rows = box.rows("SELECT bus_doc_id, acked_at FROM inbox ORDER BY seq")
    assert [(row["bus_doc_id"] == refused[0], bool(row["acked_at"])) for row in rows] == [(True, False), (False, True)]


def test_an_entry_that_breaks_the_line_each_time_lets_the_others_pass(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = submit(box.bus, incoming(box))
    submit(box.bus, incoming(box, number="8", data=PDF * 20))
    fetch = client.fetch

    def torn(item: InboxItem, target: Path) -> None:
        if item.message_id == small["messageId"]:
            raise BusError("Đường truyền bị ngắt giữa chừng.", link=True, connected=True)
        fetch(item, target)

    monkeypatch.setattr(client, "fetch", torn)
    for _ in range(inbox.TRIES):
        with pytest.raises(BusError, match="bị ngắt"):
            inbox.fetch_new(box.desk, client)
    assert len(box.rows("SELECT 1 FROM incoming")) == 1
    monkeypatch.setattr(client, "fetch", fetch)
    assert inbox.fetch_new(box.desk, client) == {"document": 1}
    assert inbox.fetch_new(box.desk, client) == {}
    assert not facts.starting_with(box.desk.db, "inbox:broke:")


def test_reading_again_what_never_came_is_answered_and_stops_nothing(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(box.bus, incoming(box))

    def gone(item: InboxItem, target: Path) -> None:
        raise BusError("Trục không còn nội dung.", permanent=True, connected=True, http_status=410)

    with monkeypatch.context() as without:
        without.setattr(client, "fetch", gone)
        for _ in range(inbox.TRIES - 1):
            with pytest.raises(BusError, match="không còn"):
                inbox.fetch_new(box.desk, client)
        assert inbox.fetch_new(box.desk, client) == {"quarantined": 1}
    (entry,) = box.rows("SELECT * FROM inbox")
    clerk = people.actor(box.desk.db, box.office.accounts["vanthu"], "ubnd-hoa-binh")
    quarantine.read_again(box.desk, clerk, entry["bus_doc_id"])
    submit(box.bus, incoming(box, number="8"))
    assert inbox.fetch_new(box.desk, client) == {"document": 1}
    (entry,) = box.rows("SELECT * FROM inbox WHERE state = 'quarantined'")
    assert (entry["again_at"], "kho" in entry["reason"]) == (None, True)


def test_a_file_that_the_scanner_cannot_finish_does_not_keep_it_from_the_next(box: Box, client: NativeClient) -> None:
    class Choosy:
        """Cannot look at one file, as clamd says of one over its limits; at first it is away for all."""

        away = True

        def scan(self, path: Path) -> Verdict:
            if self.away or path.stat().st_size > 2 * len(PDF):
                raise Unavailable(N_("Bộ quét mã độc không quét được tệp (%(answer)s)."), answer="size limit")
            return Verdict("clean", "", "x")

        def version(self) -> str:
            if self.away:
                raise Unavailable(N_("Bộ quét mã độc không hoạt động nên tệp chưa được quét (Điều 19 khoản 1)."))
            return "x"

    scanner = box.desk.scanner = Choosy()  # type: ignore[assignment]
    for came in (incoming(box, data=PDF * 4), incoming(box, number="8")):
        submit(box.bus, came)
        assert inbox.fetch_new(box.desk, client) == {"document": 1}
    scanner.away = False  # type: ignore[attr-defined]
    inbox.fetch_new(box.desk, client)
    scans = box.rows("SELECT code_number, scan FROM incoming_file JOIN incoming ON incoming.id = incoming_id")
    assert {row["code_number"]: row["scan"] for row in scans} == {"7": "", "8": "clean"}


def test_the_bus_that_forgot_one_message_is_still_asked_about_the_others(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = box.issue(), box.issue("Về việc khác")
    assert outbox.send_due(box.desk, client) == {"accepted": 2}
    asked = []

    def forgetful(message_id: str, _doc_id: str) -> list[RecipientState]:
        asked.append(message_id)
        if message_id == first:
            raise BusError("Trục không biết gói này.", permanent=True, connected=True, http_status=404)
        return []

    monkeypatch.setattr(client, "recipients", forgetful)
    with pytest.raises(BusError, match="không biết"):
        refresh_recipients(box.desk, client)
    assert asked == [first, second]


def test_a_download_that_is_cut_goes_on_from_there_in_the_same_round(box: Box, client: NativeClient) -> None:
    data = PDF + random.Random(4).randbytes(700_000)
    submit(box.bus, incoming(box, data=data))
    box.bus.fault("cut-answer", path="/v1/inbox/*/content", value=250_000, times=3)
    before = box.bus.control("GET", "state")["line"]["traffic"]["bytes_down"]
    assert inbox.fetch_new(box.desk, client) == {"document": 1}
    down = box.bus.control("GET", "state")["line"]["traffic"]["bytes_down"] - before
    assert down < 1.2 * len(data) * 4 / 3, "base64 of it, once"
    (file,) = box.rows("SELECT sha256 FROM incoming_file")
    assert box.desk.blobs.read(file["sha256"]) == data


def test_a_download_that_brings_nothing_is_left_to_the_next_round(box: Box, client: NativeClient) -> None:
    submit(box.bus, incoming(box, data=PDF * 20))
    box.bus.fault("cut-answer", path="/v1/inbox/*/content", value=1000, times=2)
    for _ in range(2):
        with pytest.raises(BusError):
            inbox.fetch_new(box.desk, client)
    assert inbox.fetch_new(box.desk, client) == {"document": 1}


def test_a_bus_that_is_ill_is_not_asked_about_every_message(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(recipients.MOST_FAULTS + 2):
        box.issue(f"Việc {number}")
    outbox.send_due(box.desk, client)
    asked = []

    def ill(message_id: str, doc_id: str) -> list[RecipientState]:
        asked.append(message_id)
        raise BusError("Trục lỗi.", connected=True, http_status=500)

    monkeypatch.setattr(client, "recipients", ill)
    with pytest.raises(BusError, match="Trục lỗi"):
        refresh_recipients(box.desk, client)
    assert len(asked) == recipients.MOST_FAULTS


def test_a_package_that_brings_out_a_mistake_of_ours_is_in_doubt_and_holds_nobody_up(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = box.issue(urgency=2)
    good = box.issue("Về việc khác")
    send = client.send

    def breaks(message: Outbound) -> object:
        result = send(message)
        if message.id == bad:
            raise KeyError("a mistake of ours")
        return result

    monkeypatch.setattr(client, "send", breaks)
    assert outbox.send_due(box.desk, client) == {"uncertain": 1, "accepted": 1}
    row = box.message(bad)
    assert (row["state"], "KeyError" in row["last_error"], box.message(good)["state"]) == (
        "uncertain",
        True,
        "accepted",
    )
    assert row["next_at"] > box.desk.clock.now().isoformat()
    box.due_now()
    assert outbox.send_due(box.desk, client) == {"accepted": 1}  # the bus is asked, and has it


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
ODD = {"docId": "d1", "messageId": "m", "to": UBND, "size": 5, "sha256": "0" * 64, "seq": 1}


@pytest.mark.parametrize(
    "content",
    [
        DEEP,
        json.dumps({"items": [{**ODD, "seq": 1 << 70}]}).encode(),
        json.dumps({"items": [{**ODD, "size": 1 << 70}]}).encode(),
        json.dumps({"items": [{**ODD, "messageId": "\ud800"}]}).encode(),
    ],
    ids=["deep", "seq", "size", "half a character"],
)
def test_an_inbox_written_by_a_liar_is_a_bus_error_and_no_crash(box: Box, content: bytes) -> None:
    answer: Answer = (200, {"Content-Type": "application/json"}, content)
    with on_script(box, lambda *_: answer) as liar, pytest.raises(BusError, match="không phải của trục"):
        liar.list_incoming("")


@pytest.mark.parametrize("priority", ["khẩn", [2], float("inf"), 1 << 70])
def test_a_priority_that_is_none_holds_no_entry_up(box: Box, priority: object) -> None:
    with on_script(box, lambda *_: as_json({"items": [{**ODD, "priority": priority}]})) as odd:
        (item,) = odd.list_incoming("").items
    assert item.priority == 0


@pytest.mark.parametrize(
    "told",
    [{"uncertaintyMs": 10**400}, {"uncertaintyMs": float("nan")}, {"uncertaintyMs": -1e9}],
    ids=["huge", "nan", "negative"],
)
def test_a_time_without_an_honest_error_is_no_time(box: Box, told: dict[str, object]) -> None:
    answer = as_json({"utc": "2026-11-20T00:00:00Z", **told})
    with on_script(box, lambda *_: answer) as liar, pytest.raises(BusError, match="không phải của trục"):
        liar.time()


def test_a_refusal_nested_without_end_is_an_answer_without_words(box: Box) -> None:
    first, second = box.issue(urgency=2), box.issue("Về việc khác")
    answer: Answer = (503, {"Content-Type": "application/problem+json"}, DEEP)
    with on_script(box, lambda *_: answer) as liar:
        outbox.send_due(box.desk, liar)
    assert {box.message(one)["state"] for one in (first, second)} == {"waiting"}


@pytest.mark.parametrize(
    "where",
    [problem(503, "Trục bảo trì"), problem(500, "Lỗi"), (204, {"Upload-Complete": "?1", "Upload-Offset": "1"}, b"")],
    ids=["503", "500", "complete without a receipt"],
)
def test_once_the_last_byte_has_left_only_a_plain_no_to_it_is_a_no(box: Box, tmp_path: Path, where: Answer) -> None:
    message = package(tmp_path, 150_000)

    def script(method: str, path: str, body: bytes) -> Answer:
        if method == "PUT":
            return 201, {"Upload-Offset": "0", "Upload-Complete": "?0"}, b""
        if method == "PATCH":
            raise ConnectionResetError  # taken whole, the answer is lost
        if method == "GET" and path.endswith("/receipt"):
            return problem(404, "Chưa có biên nhận")
        return where if method == "HEAD" else problem(404, "?")

    with on_script(box, script) as client:
        assert client.send(message).outcome is Outcome.UNKNOWN
