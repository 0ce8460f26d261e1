"""Large packages over lines that break: they go on where they were, arrive once, and waste next to nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from appliance.store.text import uuid7
from sync.bus.base import BusError, Outbound, Outcome
from sync.bus.native.client import NativeClient
from tests import sync_fixtures
from tests.bus_fixtures import start_bus
from tests.scripted_bus import Answer, as_json, problem
from tests.sync_fixtures import NEIGHBOUR, UBND, Box, make_box, on_script

pytestmark = pytest.mark.usefixtures("perfect_line")
box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
perfect_line = sync_fixtures.perfect_line
IMPATIENT = httpx.Timeout(3)


def package(folder: Path, size: int = 2_000_000, data: bytes = b"") -> Outbound:
    """A package that does not compress."""
    data = data or random.Random(size).randbytes(size)
    path = folder / f"package-{len(data)}"
    path.write_bytes(data)
    return Outbound(
        uuid7(), "edoc", 0, UBND, (NEIGHBOUR,), path, len(data), hashlib.sha256(data).hexdigest()
    )  # fmt: skip


def at_bus(box: Box, message: Outbound) -> list[bytes]:
    """The package as the receiver gets it, once per copy."""
    client = box.bus.client(NEIGHBOUR)
    items = [item for item in box.bus.inbox(NEIGHBOUR) if item["messageId"] == message.id]
    return [client.get(f"inbox/{item['docId']}/content").content for item in items]


def client_of(box: Box, **options: float) -> NativeClient:
    return NativeClient(box.settings, IMPATIENT, **options)


def test_a_line_cut_again_and_again_costs_little_and_the_package_arrives_once(box: Box, tmp_path: Path) -> None:
    message = package(tmp_path)
    before = box.bus.control("GET", "state")["line"]["traffic"]
    box.bus.line(cut_after=300_000, bytes_per_second=1_000_000)
    with closing(client_of(box)) as client:
        result = client.send(message)
    assert result.outcome is Outcome.ACCEPTED
    after = box.bus.control("GET", "state")["line"]["traffic"]
    assert at_bus(box, message) == [message.path.read_bytes()]
    # counted where the line lets go: what this machine's own buffers still held never was on a line
    assert after["cut"] - before["cut"] >= 5
    assert after["bytes_up"] - before["bytes_up"] < 1.3 * message.size


def test_a_lost_answer_to_the_last_byte_is_asked_for_and_not_sent_again(box: Box, tmp_path: Path) -> None:
    message = package(tmp_path, 200_000)
    with closing(client_of(box)) as client:
        box.bus.line(drop_answer="once", drop_answer_from=100_000)
        result = client.send(message)
    assert (result.outcome, result.bytes_sent) == (Outcome.ACCEPTED, message.size)
    assert len(at_bus(box, message)) == 1


def test_a_line_that_stays_dead_is_the_engines_and_the_next_send_goes_on(box: Box, tmp_path: Path) -> None:
    message = package(tmp_path, 24_000_000)  # more than the buffers of a loopback connection take
    box.bus.line(bytes_per_second=4_000_000)
    with closing(client_of(box, patience=1)) as client:
        timer = threading.Timer(1.5, lambda: box.bus.line(down=True))
        timer.start()
        with pytest.raises(BusError) as caught:
            client.send(message)
        timer.join()
    assert caught.value.link
    assert 0 < caught.value.bytes_sent < message.size
    box.bus.perfect_line()
    with closing(client_of(box)) as another:  # as after a restart of the box
        result = another.send(message)
    assert result.outcome is Outcome.ACCEPTED
    assert result.bytes_sent < message.size, "what the bus had was not sent again"
    assert at_bus(box, message) == [message.path.read_bytes()]


@pytest.mark.fault
def test_a_bus_killed_in_the_middle_is_waited_for(box: Box, tmp_path: Path) -> None:
    organs = f'[[organs]]\ncode = "{UBND}"\nname = "A"\n[[organs]]\ncode = "{NEIGHBOUR}"\nname = "B"\n'
    bus = start_bus(tmp_path / "bus", auto_answer=False, organs=organs)
    try:
        own = make_box(box.office, bus)
        message = package(tmp_path, 4_000_000)
        bus.line(bytes_per_second=1_500_000)

        def restart() -> None:
            time.sleep(1.0)
            bus.kill()
            bus.start()

        killer = threading.Thread(target=restart)
        killer.start()
        with closing(client_of(own)) as client:
            result = client.send(message)
        killer.join()
        assert result.outcome is Outcome.ACCEPTED
        assert at_bus(own, message) == [message.path.read_bytes()]
        assert len(bus.messages()) == 1
    finally:
        bus.stop()


def test_text_travels_coded_and_base64_costs_nothing(box: Box, tmp_path: Path) -> None:
    text = package(tmp_path, data="Ủy ban nhân dân xã Hòa Bình. ".encode() * 20_000)
    with closing(client_of(box)) as client:
        client.time()
        result = client.send(text)
        assert result.outcome is Outcome.ACCEPTED
        assert result.bytes_sent < text.size / 20
        assert at_bus(box, text) == [text.path.read_bytes()]
        random_file = random.Random(1).randbytes(900_000)
        encoded = package(tmp_path, data=b"<x>" + base64.b64encode(random_file) + b"</x>")
        assert client.send(encoded).bytes_sent < 1.02 * len(random_file)
    assert not list((box.settings.data / "spool").glob("*")), "coded files go when the receipt is there"


def fails(box: Box, message: Outbound) -> None:
    """One send without patience; whether the end had left for the buffers of this machine is chance."""
    with closing(client_of(box, patience=0)) as client, suppress(BusError):
        assert client.send(message).outcome is Outcome.UNKNOWN


def test_the_coded_bytes_outlive_the_process(box: Box, tmp_path: Path) -> None:
    message = package(tmp_path, data=random.Random(3).randbytes(300_000).hex().encode())
    box.bus.line(cut_after=20_000)
    fails(box, message)
    (coded,) = (box.settings.data / "spool").glob("*.gz")
    before = (coded.read_bytes(), coded.stat().st_mtime_ns)
    assert gzip.decompress(before[0]) == message.path.read_bytes()
    fails(box, message)
    assert (coded.read_bytes(), coded.stat().st_mtime_ns) == before


# ------------------------------------------------------------------------------------- a bus that behaves strangely
class Scripted:
    """A bus that holds one upload in memory and misbehaves as told; ``log`` are the requests it saw."""

    def __init__(self, message: Outbound, wrong: Callable[[Scripted, str], Answer | None]) -> None:
        self.message, self.wrong, self.data, self.log = message, wrong, b"", []  # type: ignore[var-annotated]

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        self.log.append(method)
        strange = self.wrong(self, method)
        if strange is not None:
            return strange
        if method == "GET":
            return as_json({"utc": "2026-11-20T01:02:03.500Z"})
        if method == "PATCH":
            self.data += body
        return self.at(204 if method != "PUT" else 201, len(self.data))

    def at(self, status: int, offset: object) -> Answer:
        return status, {"Upload-Offset": str(offset), "Upload-Complete": "?0"}, b""


@contextmanager
def strange_bus(
    box: Box, message: Outbound, wrong: Callable[[Scripted, str], Answer | None]
) -> Iterator[tuple[NativeClient, Scripted]]:
    bus = Scripted(message, wrong)
    with on_script(box, bus, IMPATIENT, patience=2) as client:
        yield client, bus


@pytest.mark.parametrize(
    "wrong",
    [
        lambda bus, method: bus.at(204, 99_999_999) if method == "PATCH" else None,
        lambda bus, method: bus.at(409, 0) if method == "PATCH" else None,
        lambda bus, method: bus.at(409, "-1") if method == "PATCH" else None,
        lambda bus, method: bus.at(204, 0) if method == "PATCH" else None,
        lambda bus, method: problem(404, "Không giữ") if method == "PATCH" else None,
    ],
    ids=["beyond the end", "always 409", "nonsense", "never moves", "always expired"],
)
def test_a_bus_that_contradicts_itself_is_left_for_later(
    box: Box, tmp_path: Path, wrong: Callable[[Scripted, str], Answer | None]
) -> None:
    message = package(tmp_path, 150_000)
    with strange_bus(box, message, wrong) as (client, bus), pytest.raises(BusError, match="không giữ được") as caught:
        client.send(message)
    assert not caught.value.permanent
    assert len(bus.log) < 20


def test_an_offset_that_goes_back_is_followed(box: Box, tmp_path: Path) -> None:
    message = package(tmp_path, 150_000)

    def wrong(bus: Scripted, method: str) -> Answer | None:
        if method == "PATCH" and bus.log.count("PATCH") == 1:
            bus.data = bus.message.path.read_bytes()[:1000]
            return bus.at(204, 1000)
        if method == "PATCH" and bus.log.count("PATCH") == 2:
            bus.data = bus.data[:500]
            return bus.at(409, 500)
        return problem(503, "Bận") if method == "PATCH" and bus.log.count("PATCH") > 3 else None

    with strange_bus(box, message, wrong) as (client, bus), pytest.raises(BusError):
        client.send(message)
    assert bus.data == message.path.read_bytes()


def test_an_expired_upload_is_announced_again_with_the_same_id(box: Box, tmp_path: Path) -> None:
    message = package(tmp_path, 150_000)

    def wrong(bus: Scripted, method: str) -> Answer | None:
        return problem(410, "Hết hạn") if method == "PATCH" and bus.log.count("PATCH") == 1 else None

    with strange_bus(box, message, wrong) as (client, bus), pytest.raises(BusError):
        client.send(message)  # the scripted bus has no receipt to give
    assert [m for m in bus.log if m != "GET"][:4] == ["PUT", "PATCH", "PUT", "PATCH"]
    assert bus.data[: message.size] == message.path.read_bytes()


@pytest.mark.parametrize("interim", ["100", "103", "104", "103 104 100 104"])
@pytest.mark.parametrize("size", [2_000, 150_000], ids=["in one", "in pieces"])
def test_interim_answers_are_no_answers(box: Box, tmp_path: Path, interim: str, size: int) -> None:
    message = package(tmp_path, size)

    def wrong(bus: Scripted, method: str) -> Answer | None:
        status, headers, body = problem(413, "Gói tin quá lớn")
        return (status, {**headers, "Interim": interim}, body) if bus.log.count("PATCH") or size < 64_000 else None

    with strange_bus(box, message, wrong) as (client, _):
        result = client.send(message)
    assert (result.outcome, result.http_status) == (Outcome.REJECTED, 413)
    assert "quá lớn" in result.reason


def test_a_portal_that_answers_the_announcement_gets_no_byte(box: Box, tmp_path: Path) -> None:
    message = package(tmp_path, 150_000)
    portal = (200, {"Content-Type": "text/html"}, b"<html>")
    with (
        strange_bus(box, message, lambda bus, method: portal if method == "PUT" else None) as (client, bus),
        pytest.raises(BusError, match="không phải của trục"),
    ):
        client.send(message)
    assert "PATCH" not in bus.log
