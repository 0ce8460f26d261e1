"""A box at a VXP or LGSP bus that keeps to no rule: what can be had comes once, what cannot is said, nothing hangs."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from appliance.antivirus import Scanner
from appliance.clock import VN
from appliance.office import line
from appliance.office.desk import Party
from appliance.store import facts
from sync import inbox, outbox
from sync.bus import body, wire
from sync.bus.base import BusClient, BusError, Fault
from sync.bus.factory import make_client
from sync.bus.lgsp import client as lgsp
from sync.bus.lgsp import session
from sync.bus.vxp.sent import read_moment
from sync.recipients import refresh_recipients
from tests import sync_fixtures, vxp_fixtures
from tests.office_fixtures import Office
from tests.scripted_bus import HTML, Answer, as_json, scripted_bus
from tests.sync_fixtures import HDND, NEIGHBOUR, UBND, Box, incoming, submit
from tests.vxp_fixtures import Door, account_box

clamd, door = sync_fixtures.clamd, vxp_fixtures.door
DIALECTS = ["vxp", "lgsp"]
Talk = Callable[[str, dict[str, str], bytes], object]
"""(verb, query, body) → what to answer: an Answer, or the data in the dialect's own yes."""
LOGIN = as_json({"code": 200, "message": "Success", "data": {"token": "t"}})


@pytest.fixture
def account(
    request: pytest.FixtureRequest, office: Office, door: Door, clamd: Scanner, tmp_path: Path
) -> Iterator[tuple[Box, str]]:
    """A box with an account, set up for the dialect that the test names."""
    dialect = request.param
    box, client = account_box(office, door, clamd, dialect, tmp_path)
    with closing(client):
        while items := client.list_incoming("").items:
            for item in items:
                client.ack(item.doc_id, "done", reason="", sha256="")
    certificate, key = door.bus.ca.client(vxp_fixtures.SYSTEM)
    box.settings = replace(box.settings, link_certificate=certificate, link_key=key)
    yield box, dialect
    box.desk.db.close()


@contextmanager
def speaking(box: Box, dialect: str, talk: Talk) -> Iterator[BusClient]:
    """The box's client at a bus that says what ``talk`` says."""

    def script(_method: str, path: str, content: bytes) -> Answer:
        verb = urlsplit(path).path.rpartition("/")[2]
        if verb == "login":
            return LOGIN
        found = talk(verb, {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}, content)
        if isinstance(found, tuple):
            return found[0], dict(found[1]), found[2]
        yes = {"status": "OK", "ErrorCode": "0"} if dialect == "vxp" else {"code": 200}
        return as_json({**yes, "data": found})

    certificate, key = box.bus.ca.server()
    with scripted_bus(script, certificate, key, box.bus.ca.certificate) as url:
        where = url if dialect == "lgsp" else url.removesuffix("/v1")
        with closing(make_client(replace(box.settings, bus_url=where))) as client:
            yield client


BOTH = pytest.mark.parametrize("account", DIALECTS, indirect=True)
LGSP = pytest.mark.parametrize("account", ["lgsp"], indirect=True)
VXP = pytest.mark.parametrize("account", ["vxp"], indirect=True)


@BOTH
def test_rows_without_an_id_are_told_and_hold_up_no_document(account: tuple[Box, str]) -> None:
    box, dialect = account
    waiting = [incoming(box, subject="Một"), incoming(box, subject="Hai")]
    rows: list[Any] = [{"docId": None}, "?", {"docId": 77, "to": "null"}, {"docId": "a/b.c{2}", "to": ["x", "y"]}, {}]
    acknowledged: list[str] = []

    def talk(verb: str, _query: dict[str, str], _body: bytes) -> object:
        if "List" in verb:
            return [*rows, *rows]
        if verb == "getEdoc":
            return base64.b64encode(waiting.pop(0)).decode()
        acknowledged.append(verb)
        return None

    with speaking(box, dialect, talk) as client:
        for _ in range(2):
            with pytest.raises(BusError, match="không có mã"):
                inbox.fetch_new(box.desk, client)
    found = box.rows("SELECT bus_doc_id, state FROM inbox ORDER BY bus_doc_id")
    assert [tuple(row.values()) for row in found] == [("77", "stored"), ("a/b.c{2}", "stored")]
    assert acknowledged == ["updateStatus"] * 2
    assert {row["organ_id"] for row in box.rows("SELECT organ_id FROM incoming")} == {"ubnd-hoa-binh"}
    assert line.paused(box.desk.db) is None
    assert facts.get(box.desk.db, inbox.CURSOR) is None, "what is not had yet stays in the window that is asked for"


@BOTH
def test_a_number_is_an_id_and_an_error_beside_ok_is_no_acceptance(account: tuple[Box, str]) -> None:
    box, dialect = account
    first, second = box.issue("Một"), box.issue("Hai")
    answers: list[object] = (
        [as_json({"status": "Ok", "ErrorCode": 0, "DocId": 4711, "ErrorDesc": "\ud83d"}),
         as_json({"status": "OK", "ErrorCode": "20", "DocId": "x"})]
        if dialect == "vxp"
        else [{"status": "Ok", "errorCode": 0, "docId": 4711}, {"status": "OK", "errorCode": "99", "docId": "x"}]
    )  # fmt: skip
    with speaking(box, dialect, lambda *_: answers.pop(0) if answers else HTML) as client:
        outbox.send_due(box.desk, client)
    done, doubtful = box.message(first), box.message(second)
    assert (done["state"], done["bus_doc_id"]) == ("accepted", "4711")
    assert doubtful["state"] == "uncertain"


@BOTH
def test_a_proxys_page_with_401_is_the_line_and_pauses_nothing(account: tuple[Box, str]) -> None:
    box, dialect = account
    message_id = box.issue("Một")
    with speaking(box, dialect, lambda *_: (401, {"Content-Type": "text/html"}, HTML[2])) as client:
        outbox.send_due(box.desk, client)
        for ask in (lambda: client.list_incoming(""), client.directory):
            with pytest.raises(BusError) as caught:
                ask()
            assert caught.value.fault is Fault.NONE
    assert line.paused(box.desk.db) is None
    assert box.message(message_id)["state"] in ("uncertain", "waiting")


@LGSP
def test_a_cursor_of_another_dialect_is_none(account: tuple[Box, str]) -> None:
    box, _ = account
    facts.put(box.desk.db, inbox.CURSOR, "57")
    submit(box.bus, incoming(box))
    with closing(make_client(box.settings)) as client:
        assert inbox.fetch_new(box.desk, client) == {"document": 1}
    assert facts.get(box.desk.db, inbox.CURSOR) == f"{datetime.now(VN):%Y-%m-%d}"


@VXP
def test_the_native_bus_is_asked_from_the_start_after_another_dialect(account: tuple[Box, str]) -> None:
    box, _ = account
    facts.put(box.desk.db, inbox.CURSOR, "2026-11-20")
    submit(box.bus, incoming(box))
    settings = replace(box.settings, bus_dialect="native", bus_url=box.bus.url)
    with closing(make_client(settings)) as client:
        client.wait("2026-11-20", 0.1)
        inbox.fetch_new(box.desk, client)
    assert len(box.rows("SELECT 1 FROM incoming")) == 1


@LGSP
@pytest.mark.parametrize("wrong", [timedelta(days=-400), timedelta(days=400)])
@pytest.mark.parametrize("cursor", ["", "2099-01-01"])
def test_a_clock_that_is_years_off_hides_no_document(
    account: tuple[Box, str], monkeypatch: pytest.MonkeyPatch, wrong: timedelta, cursor: str
) -> None:
    box, dialect = account
    asked: list[tuple[str, str]] = []

    def talk(_verb: str, query: dict[str, str], _body: bytes) -> object:
        asked.append((query["fromDate"], query["toDate"]))
        return []

    shown = SimpleNamespace(time=lambda: time.time() + wrong.total_seconds(), monotonic=time.monotonic)
    monkeypatch.setattr(session, "time", shown)
    with speaking(box, dialect, talk) as client:
        page = client.list_incoming(cursor)
    today = datetime.now(VN)
    for first, last in asked:
        assert first <= f"{today - timedelta(days=29):%Y/%m/%d}"
        assert last >= f"{today:%Y/%m/%d}"
    assert page.cursor <= f"{today:%Y-%m-%d}", "the bus's own day at most"


@LGSP
@pytest.mark.parametrize("first", [0, 1])
def test_an_address_book_counted_from_either_number_comes_whole(account: tuple[Box, str], first: int) -> None:
    box, dialect = account

    def talk(_verb: str, query: dict[str, str], _body: bytes) -> object:
        number = max(int(query["page"]), first) - first
        return {
            "content": [{"code": f"H99.{number}", "name": "A"}, {"code": 5, "name": None}, "?"] if number < 3 else []
        }

    with speaking(box, dialect, talk) as client:
        codes = [entry.code for entry in client.directory().entries]
    assert codes == ["H99.0", "5", "H99.1", "H99.2"]


@LGSP
def test_an_address_book_without_end_is_given_up(account: tuple[Box, str], monkeypatch: pytest.MonkeyPatch) -> None:
    box, dialect = account
    monkeypatch.setattr(lgsp, "_MAX_PAGES", 5)
    endless = lambda _verb, query, _body: [{"code": f"H99.{query['page']}", "name": "A"}]  # noqa: E731
    with speaking(box, dialect, endless) as client, pytest.raises(BusError, match="dài không hết"):
        client.directory()
    monkeypatch.setattr(lgsp, "_MAX_ORGANS", 2)
    with speaking(box, dialect, endless) as client, pytest.raises(BusError, match="dài không hết"):
        client.directory()


@BOTH
def test_an_answer_that_drips_is_given_up(account: tuple[Box, str], monkeypatch: pytest.MonkeyPatch) -> None:
    box, dialect = account
    monkeypatch.setattr(body, "SLOWEST", 1 << 40)
    monkeypatch.setattr(body, "GRACE", -1.0)  # every piece comes too late
    box.issue("Một")
    with speaking(box, dialect, lambda *_: []) as client:
        for ask in (lambda: client.list_incoming(""), client.directory, client.time):
            with pytest.raises(BusError, match="thời gian chờ"):
                ask()


@VXP
def test_a_list_of_what_was_sent_with_odd_times_and_ids_leaves_a_doubt_or_proves(account: tuple[Box, str]) -> None:
    box, dialect = account
    message_id = box.issue("Một")
    row: dict[str, Any] = {"notation": "1/BC-UBND", "title": "Một", "fromCode": UBND, "toCode": NEIGHBOUR}
    listed: list[Any] = [None, {**row, "sentTime": 1 << 52}]

    def talk(verb: str, _query: dict[str, str], _body: bytes) -> object:
        return listed if verb == "getSentEdocList" else HTML

    with speaking(box, dialect, talk) as client:
        outbox.send_due(box.desk, client)
        assert box.message(message_id)["state"] == "uncertain"
        box.due_now()
        outbox.send_due(box.desk, client)
        assert "thời điểm" in box.message(message_id)["last_error"]
        listed.append({**row, "sentTime": int(time.time() * 1000) + 60_000, "senderDocId": 12})
        box.due_now()
        outbox.send_due(box.desk, client)
    assert (box.message(message_id)["state"], box.message(message_id)["bus_doc_id"]) == ("accepted", "12")


@VXP
@pytest.mark.parametrize(
    ("change", "denied"),
    [
        ({"fromCode": "000.00.21.H99"}, False),
        ({"notation": "BC-UBND"}, False),
        ({"notation": "2/BC-UBND"}, True),
        ({"notation": "BC-UBND", "title": "Hai"}, True),
        ({"fromCode": "000.00.21.H99", "sentTime": "2020-01-01 00:00:00"}, True),
    ],
)
def test_only_a_list_without_anything_like_it_denies_a_package(
    account: tuple[Box, str], change: dict[str, str], denied: bool
) -> None:
    box, dialect = account
    message_id = box.issue("Một")
    soon = int(time.time() * 1000) + 60_000
    row = {"notation": "1/BC-UBND", "title": "Một", "fromCode": UBND, "toCode": NEIGHBOUR, "sentTime": soon, **change}
    sent: list[str] = []

    def talk(verb: str, *_: object) -> object:
        sent.append(verb)
        return [row] if verb == "getSentEdocList" else HTML

    with speaking(box, dialect, talk) as client:
        outbox.send_due(box.desk, client)
        box.desk.db.execute("UPDATE message SET doubt_uptime = doubt_uptime - 4000, next_at = NULL")
        outbox.send_due(box.desk, client)
    assert box.message(message_id)["state"] == "uncertain"
    assert sent.count("sendEdoc") == (2 if denied else 1)


@BOTH
def test_one_id_listed_for_each_organ_is_one_package_for_both(account: tuple[Box, str]) -> None:
    box, dialect = account
    both = (Party(UBND, "UBND"), Party(HDND, "HĐND"))
    package = base64.b64encode(incoming(box, recipients=both)).decode()
    rows = [{"docId": "d", "to": code, "messageType": "edoc"} for code in (UBND, HDND)]
    with speaking(box, dialect, lambda verb, *_: rows if "List" in verb else package) as client:
        assert inbox.fetch_new(box.desk, client) == {"document": 1}
    found = box.rows("SELECT organ_id, copies FROM incoming ORDER BY organ_id")
    assert [tuple(row.values()) for row in found] == [("hdnd-hoa-binh", 1), ("ubnd-hoa-binh", 1)]


@VXP
def test_states_of_other_packages_or_of_no_calendar_prove_nothing(account: tuple[Box, str]) -> None:
    box, dialect = account
    box.issue("Một")
    row: dict[str, Any] = {"toCode": NEIGHBOUR, "receiveStatus": "DONE"}
    listed: list[Any] = [7, {**row, "senderDocId": "other"}, {**row, "toCode": None, "senderDocId": "d"}]
    said = as_json({"status": "OK", "ErrorCode": "0", "DocId": "d"})
    with speaking(box, dialect, lambda verb, *_: said if verb == "sendEdoc" else listed) as client:
        outbox.send_due(box.desk, client)
        assert refresh_recipients(box.desk, client) == 0
        listed.append({**row, "senderDocId": "d", "receivedTime": "9999-12-31T23:59:59-12:00"})
        assert refresh_recipients(box.desk, client) == 1
    assert box.rows("SELECT state FROM message_recipient") == [{"state": "delivered"}]


@pytest.mark.parametrize("value", [1 << 46, 1 << 52, -5, True, 0.5, "0001-01-01", "9999-12-31T23:59:59-12:00", "24:00"])
def test_no_spelling_of_a_time_is_a_crash(value: object) -> None:
    found = read_moment(value)
    assert found is None or isinstance(found >= datetime.now(UTC), bool)


@pytest.mark.parametrize(
    "text", ["", "?", "Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "1 2 3 4 5", "a, b, c", "0"]
)
def test_no_spelling_of_a_date_header_is_a_crash(text: str) -> None:
    seen = wire.date_of(httpx.Response(200, headers={"Date": text}), 0.0, 0.0)
    assert seen is None or seen.utc.tzinfo is UTC
