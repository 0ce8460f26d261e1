"""The client of the native profile: who it trusts, what it says when the other end is wrong, clock and directory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.errors import ConfigError, Unavailable
from appliance.office import organs
from sync.bus.base import BusError, Outbound, Outcome
from sync.bus.native.client import NativeClient
from sync.bus_clock import keep_sampled, sample_clock
from sync.directory import refresh_directory
from tests import sync_fixtures
from tests.bus_fixtures import Authority
from tests.scripted_bus import HTML, Answer, as_json, problem, scripted_bus
from tests.sync_fixtures import NEIGHBOUR, UBND, Box

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
TIME = as_json({"utc": "2026-11-20T01:02:03.500Z", "tz": "Asia/Ho_Chi_Minh", "uncertaintyMs": 20})


def server_for(ca: Authority, *names: x509.GeneralName, days: int = 365) -> tuple[Path, Path]:
    """A server certificate with other names or dates than the right ones."""
    return ca._issue("odd-server", list(names), ExtendedKeyUsageOID.SERVER_AUTH, days)


LOCALHOST = x509.DNSName("localhost")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda ours, other: other.server(), "không do CA của tỉnh cấp"),
        (lambda ours, other: server_for(ours, LOCALHOST, days=-2), "Chứng thư của trục đã hết hạn"),
        (lambda ours, other: server_for(ours, x509.DNSName("truc.example")), "mang tên khác với địa chỉ"),
    ],
    ids=["another authority", "expired", "another name"],
)
def test_a_bus_with_a_wrong_certificate_is_named_and_never_spoken_to(
    box: Box, tmp_path: Path, make: Callable[[Authority, Authority], tuple[Path, Path]], words: str
) -> None:
    heard: list[str] = []

    def script(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        heard.append(path)
        return TIME

    certificate, key = make(box.bus.ca, Authority(tmp_path / "other"))
    with scripted_bus(script, certificate, key, box.bus.ca.certificate) as url:
        client = NativeClient(replace(box.settings, bus_url=url))
        with closing(client), pytest.raises(BusError, match=words) as caught:
            client.time()
    assert heard == []
    assert caught.value.link
    assert not caught.value.permanent
    assert "chứng thư" in caught.value.next_step.lower()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda ours, other: ours.client(UBND, days=-2), "chứng thư kết nối của trạm đã hết hạn"),
        (lambda ours, other: other.client(UBND), "chứng thư kết nối của trạm"),
    ],
    ids=["expired", "another authority"],
)
def test_our_own_certificate_refused_by_the_bus_is_said_so(
    box: Box, tmp_path: Path, make: Callable[[Authority, Authority], tuple[Path, Path]], words: str
) -> None:
    certificate, key = make(Authority(tmp_path / "x"), Authority(tmp_path / "other"))
    if "hết hạn" in words:
        certificate, key = box.bus.ca.client("H99.21.9", days=-2)
    settings = replace(box.settings, link_certificate=certificate, link_key=key)
    with closing(NativeClient(settings)) as client:
        with pytest.raises(BusError, match=words) as caught:
            client.time()
        assert caught.value.link
        path = tmp_path / "package"
        path.write_bytes(b"x")
        message = Outbound("0199f2c4-0000-7000-8000-000000000000", "edoc", 0, UBND, (NEIGHBOUR,), path, 1, "0" * 64)
        with pytest.raises(BusError, match=words):  # and a send is certainly not taken, so it is not "unknown"
            client.send(message)


def test_a_certificate_that_names_no_known_organ_is_an_error_that_waits(box: Box) -> None:
    certificate, key = box.bus.ca.client("H99.98")
    client = NativeClient(replace(box.settings, link_certificate=certificate, link_key=key))
    with closing(client), pytest.raises(BusError, match="không nêu đơn vị") as caught:
        client.list_incoming("")
    assert (caught.value.http_status, caught.value.permanent) == (403, False)


@pytest.mark.parametrize("key", ["bus_ca", "link_certificate", "link_key"])
def test_a_link_that_is_half_configured_refuses_to_start(box: Box, key: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=key):
        NativeClient(replace(box.settings, **{key: None}))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="chứng thư kết nối"):
        NativeClient(replace(box.settings, **{key: tmp_path / "missing.pem"}))  # type: ignore[arg-type]


def test_a_plain_http_address_refuses_to_start(box: Box) -> None:
    with pytest.raises(ConfigError, match="https"):
        NativeClient(replace(box.settings, bus_url="http://localhost:1/v1"))


def test_nobody_at_the_address_is_a_link_error(box: Box) -> None:
    client = NativeClient(replace(box.settings, bus_url="https://localhost:9/v1"))
    with closing(client), pytest.raises(BusError, match="trục từ chối kết nối") as caught:
        client.time()
    assert caught.value.link
    assert not caught.value.connected


def scripted(box: Box, *answers: Answer) -> Iterator[NativeClient]:
    certificate, key = box.bus.ca.server()
    queue = list(answers)

    def script(method: str, path: str, body: bytes) -> Answer:
        return queue.pop(0) if len(queue) > 1 else queue[0]

    with (
        scripted_bus(script, certificate, key, box.bus.ca.certificate) as url,
        closing(NativeClient(replace(box.settings, bus_url=url), httpx.Timeout(5))) as made,
    ):
        yield made


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.time(),
        lambda client: client.directory(),
        lambda client: client.list_incoming(""),
        lambda client: client.recipients("x"),
    ],
    ids=["time", "directory", "inbox", "recipients"],
)
def test_a_captive_portal_is_told_from_the_bus(box: Box, ask: Callable[[NativeClient], object]) -> None:
    for client in scripted(box, HTML):
        with pytest.raises(BusError, match="không phải của trục liên thông") as caught:
            ask(client)
        assert "cổng Wi-Fi" in caught.value.next_step


def test_not_having_a_message_must_come_from_the_bus_itself(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "package"
    path.write_bytes(b"x")
    message = Outbound("0199f2c4-0000-7000-8000-000000000000", "edoc", 0, UBND, (NEIGHBOUR,), path, 1, "0" * 64)
    for client in scripted(box, (404, {"Content-Type": "text/html"}, b"not here")):
        with pytest.raises(BusError, match="không phải của trục"):
            client.find_sent(message)
    for client in scripted(box, problem(404, "Chưa nhận")):
        assert client.find_sent(message) is None
    for client in scripted(box, as_json({"sha256": "f" * 64})):
        found = client.find_sent(message)
        assert found is not None
        assert found.outcome is Outcome.REJECTED


def test_a_connection_the_bus_closed_meanwhile_is_simply_opened_again(box: Box) -> None:
    for client in scripted(box, (*TIME[:1], {**TIME[1], "Connection": "close"}, TIME[2]), TIME):
        assert client.time().utc == client.time().utc


def test_the_clock_sample_knows_its_error(box: Box) -> None:
    with closing(box.client()) as client:
        best = sample_clock(box.desk, client)
    assert abs((best.utc - datetime.now(UTC)).total_seconds()) < 5
    assert abs(best.offset) < 1
    assert 0.05 <= best.error < 1  # the bus admits 50 ms
    (row,) = box.rows("SELECT * FROM clock_sample")
    assert (row["offset"], row["error"]) == (best.offset, best.error)


def test_the_clock_is_sampled_at_every_run_until_it_can_be_trusted(box: Box) -> None:
    with closing(box.client()) as client:
        assert keep_sampled(box.desk, client)
        assert not keep_sampled(box.desk, client), "a fresh, trusted sample is enough"
        box.desk.db.execute("UPDATE clock_sample SET boot_id = 'another boot'")
        assert keep_sampled(box.desk, client)


def test_a_bus_that_cannot_tell_its_time_still_dates_its_answers(box: Box) -> None:
    for status in (404, 503):
        for client in scripted(box, problem(status, "Không có giờ")):
            seen = client.time()
            assert abs(seen.offset) < 3
            assert seen.error >= 0.5
    for client in scripted(box, problem(403, "Không được hỏi"), HTML):
        for _ in range(2):
            with pytest.raises(BusError):
                client.time()


def test_clocks_more_than_five_minutes_apart_are_an_alarm_told_once_a_day(box: Box) -> None:
    late = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    for client in scripted(box, as_json({"utc": late, "uncertaintyMs": 1})):
        for _ in range(2):
            with pytest.raises(Unavailable, match="lệch quá 5 phút: trục báo") as caught:
                keep_sampled(box.desk, client)
        assert "đặt lại đồng hồ" in caught.value.next_step
    told = box.rows("SELECT account_id, organ_id FROM notice WHERE kind = 'clock'")
    assert len(told) == len({tuple(row.values()) for row in told}) > 0
    reading = box.desk.clock.read(box.desk.db)
    assert not reading.trusted
    assert "lệch quá 5 phút" in reading.reason


def test_where_the_dates_of_the_bus_do_not_fit_its_unproved_date_is_shown_and_never_believed(
    box: Box, tmp_path: Path
) -> None:
    certificate, key = server_for(box.bus.ca, LOCALHOST, days=-2)
    with scripted_bus(lambda *_: TIME, certificate, key, box.bus.ca.certificate) as url:
        client = NativeClient(replace(box.settings, bus_url=url))
        with closing(client), pytest.raises(Unavailable, match=r"đã hết hạn.*chưa được xác thực\) báo \d\d:") as caught:
            keep_sampled(box.desk, client)
    assert "đặt lại đồng hồ" in caught.value.next_step
    assert not box.rows("SELECT * FROM clock_sample")


def test_a_bus_in_another_decade_is_measured_not_believed(box: Box) -> None:
    for client in scripted(box, as_json({"utc": "2016-01-01T00:00:00Z", "uncertaintyMs": 1})):
        assert client.time().offset < -3e8
    for client in scripted(box, as_json({"utc": "gần trưa"})):
        with pytest.raises(BusError, match="không phải của trục"):
            client.time()


def test_the_directory_adds_renames_and_recodes_but_deletes_nothing(box: Box) -> None:
    first = {"code": "H99.30", "oldCodes": [], "name": "Ủy ban nhân dân xã Tân Lập"}
    renamed = {"code": "H99.22", "oldCodes": [], "name": "Ủy ban nhân dân phường Đông Hải"}
    recoded = {"code": "H99.05.9", "oldCodes": ["H99.05"], "name": "Sở Nội vụ tỉnh Hải Vân"}
    ours = {"code": "H99.21", "oldCodes": [], "name": "Tên do trục đặt"}
    odd = {"code": "../x", "oldCodes": [], "name": "Mã lạ"}
    for client in scripted(box, as_json({"organs": [first, renamed, recoded, ours, odd]})):
        assert refresh_directory(box.desk, client) == 3
        assert refresh_directory(box.desk, client) == 0
    db = box.desk.db
    added = organs.by_code(db, "H99.30")
    assert added is not None
    assert (added.name, added.local) == ("Ủy ban nhân dân xã Tân Lập", False)
    assert organs.get(db, "ubnd-dong-hai").name == "Ủy ban nhân dân phường Đông Hải"
    assert organs.get(db, "ubnd-hoa-binh").name == "Ủy ban nhân dân xã Hòa Bình"
    for code in ("H99.05", "H99.05.9"):
        known = organs.by_code(db, code)
        assert known is not None
        assert known.id == "so-noi-vu"
    assert organs.code_on(db, "so-noi-vu", box.desk.clock.now().date()) == "H99.05.9"
    assert organs.by_code(db, "../x") is None


def test_two_threads_may_share_a_client(box: Box) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(10):
                client.time()
        except BusError as error:
            failures.append(error)

    with closing(box.client()) as client:
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
