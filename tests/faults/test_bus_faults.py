"""The bus's fault switches do what they say: to the request that they strike, and to nothing else."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from tests.bus_fixtures import BOX, OTHER_BOX, Authority, RunningBus, on_both_stores, start_bus

pytest_plugins = ["tests.bus_fixtures"]
pytestmark = pytest.mark.fault


@pytest.fixture
def sound(bus: RunningBus) -> Iterator[RunningBus]:
    """The session's bus, sound again afterwards."""
    yield bus
    bus.sound()


def _at_the_bus(bus: RunningBus, message_id: str) -> int:
    return sum(message["id"] == message_id for message in bus.messages())


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("drop-before-body", 0), ("drop-after-body", 0), ("drop-answer", 1)],
    ids=lambda value: str(value),
)
def test_a_dropped_request_leaves_at_the_bus_what_the_switch_says(sound: RunningBus, kind: str, kept: int) -> None:
    message_id, data = str(uuid.uuid4()), kind.encode() * 5000
    sound.fault(kind, method="PUT", path="/v1/messages/*")
    with pytest.raises(httpx.TransportError):
        sound.put(data, id=message_id)
    assert _at_the_bus(sound, message_id) == kept
    assert sound.put(data, id=message_id).status_code == (200 if kept else 201), "the switch struck once only"
    assert _at_the_bus(sound, message_id) == 1


@pytest.mark.parametrize(
    ("kind", "value", "status"),
    [("error", 503, 503), ("error", 429, 429), ("refused-inside-200", -1, 200), ("captive-portal", 302, 302),
     ("captive-portal", 200, 200)],
)  # fmt: skip
def test_an_answer_that_is_none_of_the_bus_changes_nothing_there(
    sound: RunningBus, kind: str, value: int, status: int
) -> None:
    message_id = str(uuid.uuid4())
    sound.fault(kind, method="PUT", value=value)
    answer = sound.put(b"<x/>" * 5000, id=message_id)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json" if kind.startswith("refused") else "text/html")
    assert _at_the_bus(sound, message_id) == 0


def test_bytes_damaged_on_their_way_up_are_refused_and_not_kept(sound: RunningBus) -> None:
    data = b"way up" * 1000
    sound.fault("corrupt-body", method="PUT")
    answer = sound.put(data)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/digest-mismatch")
    flipped = data[:3000] + bytes([data[3000] ^ 1]) + data[3001:]
    digest = hashlib.sha256(flipped).hexdigest()
    assert not (sound.folder / "data" / "blobs" / digest[:2] / digest).exists()


def test_content_is_damaged_or_cut_once_and_then_comes_whole(sound: RunningBus) -> None:
    data = bytes(range(256)) * 100
    message_id = sound.receipt(sound.put(data))["messageId"]
    doc_id = next(item["docId"] for item in sound.inbox(OTHER_BOX) if item["messageId"] == message_id)
    path = f"inbox/{doc_id}/content"
    with sound.client(OTHER_BOX) as client:
        client.headers["Accept-Encoding"] = "identity"
        sound.fault("corrupt-answer", path="/v1/inbox/*/content")
        damaged = client.get(path).content
        assert len(damaged) == len(data)
        assert sum(a != b for a, b in zip(damaged, data, strict=True)) == 1
        sound.fault("cut-answer", path="/v1/inbox/*/content", value=5000)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(path)
        assert client.get(path).content == data


def test_a_list_comes_twice_or_backwards(sound: RunningBus) -> None:
    for number in range(3):
        sound.put(b"list %d" % number)
    with sound.client(OTHER_BOX) as client:
        usual = [item["docId"] for item in client.get("inbox").json()["items"]]
        sound.fault("list-twice", path="/v1/inbox")
        twice = [item["docId"] for item in client.get("inbox").json()["items"]]
        sound.fault("list-backwards", path="/v1/inbox")
        backwards = [item["docId"] for item in client.get("inbox").json()["items"]]
    assert len(usual) >= 3
    assert twice == [id for id in usual for _ in range(2)]
    assert backwards == usual[::-1]


def test_a_stalled_request_goes_on_when_the_faults_are_switched_off(sound: RunningBus) -> None:
    sound.fault("stall", method="GET", path="/v1/time", value=60)
    with sound.client(BOX, timeout=1) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("time")
        assert client.get("time").status_code == 200
    sound.control("DELETE", "faults")


def test_a_fault_waits_for_the_request_that_is_meant(sound: RunningBus) -> None:
    sound.fault("error", method="PUT", path="/v1/messages/*", skip=1, at_least=1000)
    answers = [sound.put(data).status_code for data in (b"small", b"large" * 1000, b"Large" * 1000, b"lArge" * 1000)]
    assert answers == [201, 201, 503, 201]


@pytest.mark.parametrize("bus", ["sqlite", "postgresql"], indirect=True)
def test_a_package_handed_out_again_has_other_ids_and_the_same_bytes(sound: RunningBus) -> None:
    message_id = sound.receipt(sound.put(b"once more"))["messageId"]
    (first,) = [item for item in sound.inbox(OTHER_BOX) if item["messageId"] == message_id]
    doc_id = sound.control("POST", "redeliver", {"doc_id": first["docId"]})["doc_id"]
    again = next(item for item in sound.inbox(OTHER_BOX) if item["docId"] == doc_id)
    assert again["seq"] > first["seq"]
    assert again["sha256"] == first["sha256"]
    assert again["messageId"] != message_id


def test_a_wrong_clock_shows_in_the_time_the_date_and_the_receipt(sound: RunningBus) -> None:
    sound.conditions(clock_offset_seconds=86_400)
    with sound.client(BOX) as client:
        answer = client.get("time")
    told = datetime.fromisoformat(answer.json()["utc"].replace("Z", "+00:00"))
    accepted = datetime.fromisoformat(sound.receipt(sound.put(b"tomorrow"))["acceptedAt"])
    for moment in (told, parsedate_to_datetime(answer.headers["date"]), accepted):
        assert 86_300 < (moment - datetime.now(UTC)).total_seconds() < 86_500


@on_both_stores
@pytest.mark.parametrize("full", [{"room_bytes": 1000}, {"commits": False}], ids=["files", "database"])
def test_a_full_disk_is_told_and_nothing_is_accepted(sound: RunningBus, full: dict[str, object]) -> None:
    message_id, data = str(uuid.uuid4()), b"no room" * 1000
    sound.conditions(**full)
    assert sound.put(data, id=message_id).status_code == 503
    assert _at_the_bus(sound, message_id) == 0
    sound.sound()
    assert sound.put(data, id=message_id).status_code == 201


@pytest.mark.slow
def test_wrong_certificates_are_shown_to_new_connections(tmp_path: Path) -> None:
    """One that is always at hand, and one out of a folder; switched off, the right one is back."""
    folder = tmp_path / "wrong"
    folder.mkdir()
    bus = start_bus(tmp_path, more=f'wrong_certificates = "{folder}"')
    certificate, key = Authority(tmp_path / "other").server()
    certificate.rename(folder / "by-another.pem")
    key.rename(folder / "by-another.key")
    try:
        for name in ("other-authority", "by-another"):
            bus.conditions(certificate=name)
            with pytest.raises(httpx.ConnectError) as refused:
                bus.client(BOX).get("time")
            assert isinstance(refused.value.__context__.__context__, ssl.SSLCertVerificationError)  # type: ignore[union-attr]
        bus.conditions(certificate="")
        assert bus.client(BOX).get("time").status_code == 200
    finally:
        bus.stop()


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "magic"},
        {"kind": "error", "value": 200},
        {"kind": "stall", "colour": 1},
        {"kind": "error", "times": "1"},
        {"kind": "captive-portal", "value": 303},
        {"kind": "error", "skip": -1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(bus: RunningBus, body: dict[str, object]) -> None:
    answer = httpx.post(f"{bus.operator}/control/faults", json=body, trust_env=False)
    assert (answer.status_code, bool(answer.json()["error"])) == (422, True)
    assert bus.control("GET", "faults")["faults"] == []


@pytest.mark.parametrize(
    "body", [{"certificate": "../x"}, {"clock_offset_seconds": "1"}, {"room_bytes": -2}, {"commits": 1}, {"x": 1}]
)
def test_a_condition_that_makes_no_sense_is_refused(bus: RunningBus, body: dict[str, object]) -> None:
    before = bus.control("GET", "state")["conditions"]
    assert httpx.post(f"{bus.operator}/control/conditions", json=body, trust_env=False).status_code == 422
    assert bus.control("GET", "state")["conditions"] == before


def test_the_page_switches_faults_on_and_off(sound: RunningBus) -> None:
    with httpx.Client(base_url=sound.operator, trust_env=False, follow_redirects=True) as page:
        assert "Không có lỗi nào đang bật" in page.get("/faults").text
        shown = page.post("/faults", data={"kind": "drop-answer", "place": "send", "times": "2"}).text
        assert "còn 2 lần" in shown
        form = {"clock_offset_seconds": "-90", "room_bytes": "-1", "commits": "1", "certificate": ""}
        assert "lệch -90 giây" in page.post("/faults/conditions", data=form).text
        assert "Đang bật 2 lỗi" in page.get("/").text
        assert page.post("/faults", data={"kind": "error", "place": "nowhere", "times": "1"}).status_code == 422
        assert "Không có lỗi nào đang bật" in page.post("/faults/clear").text


@pytest.mark.slow
def test_hundreds_of_boxes_wait_for_news_while_others_are_served(tmp_path: Path) -> None:
    """Each holds three of the bus's files: together more than select() could watch."""
    bus = start_bus(tmp_path, more="api_threads = 440")
    bus.fault("stall", path="/v1/time", times=0, value=600)
    context = ssl.create_default_context(cafile=str(bus.ca.certificate))
    context.load_cert_chain(*bus.ca.client(BOX))
    url, waiting = httpx.URL(bus.url), []
    try:
        for _ in range(400):
            raw = socket.create_connection(("127.0.0.1", url.port or 0), timeout=60)
            waiting.append(context.wrap_socket(raw, server_hostname="localhost"))
            waiting[-1].sendall(b"GET /v1/time HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert bus.put(b"not kept waiting").status_code == 201
        assert bus.control("GET", "state")["line"]["traffic"]["open"] >= 400
        bus.control("DELETE", "faults")
        assert {one.recv(12) for one in waiting} == {b"HTTP/1.1 200"}
    finally:
        for one in waiting:
            one.close()
        assert bus.stop() == 0


def test_a_stop_does_not_wait_for_what_stalls(tmp_path: Path) -> None:
    bus = start_bus(tmp_path)
    bus.fault("stall", path="/v1/time", value=600)
    with bus.client(BOX, timeout=0.5) as client, pytest.raises(httpx.ReadTimeout):
        client.get("time")
    began = time.monotonic()
    assert bus.stop() == 0
    assert time.monotonic() - began < 10


def test_a_stop_sends_home_who_waits_for_news_and_logs_no_traceback(tmp_path: Path) -> None:
    bus = start_bus(tmp_path)
    with bus.client(BOX, timeout=60) as client:

        def listen() -> None:
            with suppress(httpx.HTTPError):
                client.get("events", params={"after": 99}, headers={"Prefer": "wait=30"})

        waiting = threading.Thread(target=listen)
        waiting.start()
        time.sleep(1)
        began = time.monotonic()
        assert bus.process is not None
        bus.process.terminate()  # the client stays on the line, unlike in bus.stop()
        assert bus.process.wait(timeout=20) == 0
        assert time.monotonic() - began < 10
        waiting.join(10)
    assert not waiting.is_alive()
    assert "Traceback" not in (tmp_path / "bus.log").read_text("utf-8")
