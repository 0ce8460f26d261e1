"""The line's faults, seen from a box: what breaks, what the bus holds afterwards, what a repeat gets."""

from __future__ import annotations

import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.bus_fixtures import BOX, OTHER_BOX, RunningBus

pytest_plugins = ["tests.bus_fixtures"]
pytestmark = pytest.mark.fault

PACKAGE = b"a package of some size " * 2000


@pytest.fixture(autouse=True)
def perfect_afterwards(bus: RunningBus) -> Iterator[None]:
    yield
    bus.perfect_line()


def _held(bus: RunningBus, message_id: str) -> int:
    return sum(message["id"] == message_id for message in bus.messages())


def test_a_line_that_is_down_lets_nobody_through(bus: RunningBus) -> None:
    client = bus.client(BOX, timeout=5)
    bus.line(down=True)
    with pytest.raises(httpx.TransportError):
        client.get("time")
    bus.line(down=False)
    assert client.get("time").status_code == 200


def test_a_line_going_down_breaks_what_is_on_its_way(bus: RunningBus) -> None:
    message_id, broken = str(uuid.uuid4()), []

    def send() -> None:
        try:
            bus.put(PACKAGE, id=message_id)
        except httpx.TransportError as error:
            broken.append(error)

    bus.line(bytes_per_second=10_000)
    sending = threading.Thread(target=send)
    sending.start()
    time.sleep(1.5)
    bus.line(down=True)
    sending.join(timeout=10)
    assert len(broken) == 1
    assert _held(bus, message_id) == 0


def test_a_lost_answer_leaves_the_package_at_the_bus_and_a_repeat_gets_the_receipt(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    bus.line(drop_answer="once")
    with pytest.raises(httpx.TransportError):
        bus.put(PACKAGE, id=message_id)
    assert _held(bus, message_id) == 1
    again = bus.put(PACKAGE, id=message_id)
    assert again.status_code == 200
    assert bus.client(BOX).get(f"messages/{message_id}/receipt").content == again.content
    assert _held(bus, message_id) == 1


def test_answers_are_lost_until_it_is_switched_off(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    bus.line(drop_answer="always")
    for _ in range(3):
        with pytest.raises(httpx.TransportError):
            bus.put(PACKAGE, id=message_id)
    bus.line(drop_answer="off")
    assert bus.put(PACKAGE, id=message_id).status_code == 200
    assert _held(bus, message_id) == 1


def test_small_requests_do_not_use_up_the_lost_answer(bus: RunningBus) -> None:
    bus.line(drop_answer="once", drop_answer_from=8000)
    assert bus.client(BOX).get("inbox").status_code == 200
    with pytest.raises(httpx.TransportError):
        bus.put(PACKAGE)
    assert bus.line()["drop_answer"] == "off"


def test_an_answer_is_lost_on_a_connection_that_was_open_before(bus: RunningBus) -> None:
    with httpx.Client(verify=bus.client(BOX)._transport._pool._ssl_context, trust_env=False) as client:  # type: ignore[attr-defined]
        assert client.get(f"{bus.url}/time").status_code == 200
        bus.line(drop_answer="once")
        with pytest.raises(httpx.TransportError):
            client.get(f"{bus.url}/time")
        assert client.get(f"{bus.url}/time").status_code == 200


def test_a_cut_in_the_middle_leaves_nothing_at_the_bus(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    bus.line(cut_after=20_000)
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            bus.put(PACKAGE, id=message_id)
    assert _held(bus, message_id) == 0
    assert bus.client(BOX).get(f"messages/{message_id}").status_code == 404
    bus.line(cut_after=0)
    assert bus.put(PACKAGE, id=message_id).status_code == 201


def test_a_slow_line_takes_its_time(bus: RunningBus) -> None:
    bus.line(bytes_per_second=40_000, latency_ms=100)
    began = time.monotonic()
    assert bus.put(PACKAGE).status_code == 201
    assert time.monotonic() - began > len(PACKAGE) / 40_000


def test_a_stalled_line_moves_on_when_it_is_released(bus: RunningBus) -> None:
    bus.line(stall=True)
    with pytest.raises(httpx.TimeoutException):
        bus.client(BOX, timeout=1).get("time")
    release = threading.Timer(1, lambda: bus.line(stall=False))
    release.start()
    assert bus.client(BOX, timeout=10).get("time").status_code == 200
    release.join()


def test_a_download_that_breaks_goes_on_where_it_stopped(bus: RunningBus) -> None:
    data = random.Random(1).randbytes(500_000)
    message_id = bus.receipt(bus.put(data))["messageId"]
    (item,) = [i for i in bus.inbox(OTHER_BOX) if i["messageId"] == message_id]
    address, got = f"inbox/{item['docId']}/content", b""
    bus.line(bytes_per_second=200_000)
    with pytest.raises(httpx.TransportError), bus.client(OTHER_BOX).stream("GET", address) as answer:
        etag = answer.headers["ETag"]
        for chunk in answer.iter_bytes(10_000):
            got += chunk
            if len(got) >= 50_000:
                bus.line(down=True)
    bus.perfect_line()
    rest = bus.client(OTHER_BOX).get(address, headers={"Range": f"bytes={len(got)}-", "If-Range": etag})
    assert rest.status_code == 206
    assert got + rest.content == data


def test_noise_that_is_no_tls_harms_nobody(bus: RunningBus) -> None:
    address = ("127.0.0.1", httpx.URL(bus.url).port or 0)
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(70_000), b"\x00" * 4):
        with socket.create_connection(address, timeout=5) as connection:
            connection.sendall(noise)
    assert bus.client(BOX, timeout=5).get("time").status_code == 200


def test_the_line_counts_what_it_did(bus: RunningBus) -> None:
    before = bus.line(drop_answer="once")["traffic"]
    with pytest.raises(httpx.TransportError):
        bus.put(PACKAGE)
    after = bus.line()["traffic"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after["answers_dropped"] == before["answers_dropped"] + 1
    assert after["bytes_up"] >= before["bytes_up"] + len(PACKAGE)
