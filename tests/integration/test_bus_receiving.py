"""The receivers' side of the bus's native profile: content, inbox, acknowledgement, and what no store takes."""

from __future__ import annotations

import base64
import gzip
import json
import random

import pytest

from tests.bus_fixtures import (
    BOX,
    OTHER_BOX,
    RunningBus,
    detail_of,
    on_both_stores,
)

pytest_plugins = ["tests.bus_fixtures"]
pytestmark = on_both_stores


def _received(bus: RunningBus, data: bytes) -> dict[str, object]:
    message_id = bus.receipt(bus.put(data))["messageId"]
    (item,) = bus.entries(OTHER_BOX, message_id)
    return item


def test_the_content_comes_whole_and_in_ranges(bus: RunningBus) -> None:
    data = bytes(range(256)) * 40
    item = _received(bus, data)
    client, address = bus.client(OTHER_BOX), f"inbox/{item['docId']}/content"
    plain = {"Accept-Encoding": "identity"}
    whole = client.get(address, headers=plain)
    etag = whole.headers["ETag"]
    assert whole.content == data
    assert etag == f'"sha256-{item["sha256"]}"'
    rest = client.get(address, headers=plain | {"Range": "bytes=4000-", "If-Range": etag})
    assert (rest.status_code, rest.content) == (206, data[4000:])
    assert rest.headers["Content-Range"] == f"bytes 4000-{len(data) - 1}/{len(data)}"
    changed = client.get(address, headers=plain | {"Range": "bytes=4000-", "If-Range": '"sha256-other"'})
    assert (changed.status_code, changed.content) == (200, data)
    assert client.get(address, headers=plain | {"Range": f"bytes={len(data)}-"}).status_code == 416


@pytest.mark.parametrize("size", [20_000, 400_000])
def test_the_content_comes_coded_and_in_ranges_of_the_coded_form(bus: RunningBus, size: int) -> None:
    data = base64.b64encode(random.Random(size).randbytes(size))
    item = _received(bus, data)
    client, address = bus.client(OTHER_BOX), f"inbox/{item['docId']}/content"
    coded: list[bytes] = []
    for ask in ({}, {"Range": "bytes=9000-", "If-Range": f'"sha256-{item["sha256"]}-gzip"'}):
        with client.stream("GET", address, headers={"Accept-Encoding": "gzip", **ask}) as answer:
            coded.append(b"".join(answer.iter_raw()))
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["ETag"] == f'"sha256-{item["sha256"]}-gzip"'
            assert "Accept-Encoding" in answer.headers["Vary"]
            assert answer.status_code == (206 if ask else 200)
    assert gzip.decompress(coded[0]) == data
    assert coded[1] == coded[0][9000:]
    assert len(coded[0]) < 1.02 * size, "what base64 adds is taken back"
    # a beginning of the plain form is no beginning of the coded one
    with client.stream(
        "GET", address, headers={"Accept-Encoding": "gzip", "Range": "bytes=9000-",
                                 "If-Range": f'"sha256-{item["sha256"]}"'}
    ) as answer:  # fmt: skip
        assert (answer.status_code, b"".join(answer.iter_raw())) == (200, coded[0])


def test_long_lists_come_coded_to_who_asks(bus: RunningBus) -> None:
    for number in range(8):
        _received(bus, b"list %d" % number)
    sizes = {}
    for coding in ("gzip", "identity"):
        with bus.client(OTHER_BOX).stream("GET", "inbox", headers={"Accept-Encoding": coding}) as answer:
            assert answer.headers.get("Content-Encoding", "identity") == coding
            sizes[coding] = len(b"".join(answer.iter_raw()))
    assert sizes["gzip"] < sizes["identity"] / 2


def test_another_organ_cannot_read_or_acknowledge_it(bus: RunningBus) -> None:
    item = _received(bus, b"not yours")
    stranger = bus.client(BOX)
    assert stranger.get(f"inbox/{item['docId']}/content").status_code == 404
    assert stranger.put(f"inbox/{item['docId']}/ack", json={"outcome": "done"}).status_code == 404


def test_an_acknowledgement_can_be_repeated_and_the_sender_sees_it(bus: RunningBus) -> None:
    item = _received(bus, b"to acknowledge")
    client, address = bus.client(OTHER_BOX), f"inbox/{item['docId']}/ack"
    first = client.put(address, json={"outcome": "done", "sha256": item["sha256"]})
    again = client.put(address, json={"outcome": "done", "sha256": item["sha256"]})
    late = client.put(address, json={"outcome": "fail", "reason": "too late"})
    assert first.json() == again.json() == late.json()
    (recipient,) = bus.client(BOX).get(f"messages/{item['messageId']}").json()["recipients"]
    assert (recipient["organ"], recipient["state"]) == (OTHER_BOX, "delivered")
    assert recipient["at"] == first.json()["at"]


def test_a_failure_can_become_done_later(bus: RunningBus) -> None:
    item = _received(bus, b"unreadable at first")
    client, address = bus.client(OTHER_BOX), f"inbox/{item['docId']}/ack"
    assert client.put(address, json={"outcome": "fail", "reason": "hỏng"}).json()["state"] == "failed"
    assert client.put(address, json={"outcome": "done"}).json()["state"] == "delivered"


def test_an_acknowledgement_of_other_bytes_is_refused(bus: RunningBus) -> None:
    item = _received(bus, b"exactly these")
    answer = bus.client(OTHER_BOX).put(f"inbox/{item['docId']}/ack", json={"outcome": "done", "sha256": "0" * 64})
    assert answer.status_code == 422
    (recipient,) = bus.client(BOX).get(f"messages/{item['messageId']}").json()["recipients"]
    assert recipient["state"] == "waiting"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", json.dumps({"outcome": "maybe"}).encode()])
def test_an_acknowledgement_that_says_nothing_is_refused(bus: RunningBus, body: bytes) -> None:
    item = _received(bus, b"hm")
    address, headers = f"inbox/{item['docId']}/ack", {"Content-Type": "application/json"}
    assert bus.client(OTHER_BOX).put(address, content=body, headers=headers).status_code == 400


def test_the_inbox_is_read_in_pages_and_from_a_point(bus: RunningBus) -> None:
    ids = [bus.receipt(bus.put(b"page"))["messageId"] for _ in range(3)]
    start = int(str(bus.entries(OTHER_BOX, ids[0])[0]["seq"])) - 1
    client = bus.client(OTHER_BOX)
    first = client.get("inbox", params={"after": start, "limit": 2}).json()
    rest = client.get("inbox", params={"after": first["next"], "limit": 2}).json()
    assert [item["messageId"] for item in first["items"] + rest["items"]] == ids
    empty = client.get("inbox", params={"after": rest["next"]}).json()
    assert empty == {"items": [], "next": rest["next"]}
    assert client.get("inbox", params={"after": "-1"}).status_code == 400


def test_what_is_acknowledged_is_still_listed_for_a_box_that_was_restored(bus: RunningBus) -> None:
    item = _received(bus, b"listed for ever")
    bus.client(OTHER_BOX).put(f"inbox/{item['docId']}/ack", json={"outcome": "done"})
    (again,) = bus.entries(OTHER_BOX, str(item["messageId"]))
    assert again["acked"] is True


@pytest.mark.parametrize(
    ("reason", "status"),
    [("\\u0000", 400), ("\\ud800", 400), ("[" * 100_000, 400), ("x" * (1 << 20), 413)],
    ids=["no text for a database", "half a character", "nested without end", "endless"],
)
def test_an_acknowledgement_that_no_store_takes_is_a_refusal_and_no_fault(
    bus: RunningBus, reason: str, status: int
) -> None:
    item = _received(bus, b"hostile words")
    body = f'{{"outcome": "fail", "reason": "{reason}"}}'.encode()
    if reason[0] == "[":
        body = reason.encode()
    address, headers = f"inbox/{item['docId']}/ack", {"Content-Type": "application/json"}
    answer = bus.client(OTHER_BOX).put(address, content=body, headers=headers)
    assert answer.status_code == status
    assert detail_of(answer)
    assert bus.client(OTHER_BOX).put(f"inbox/{item['docId']}/ack", json={"outcome": "done"}).status_code == 200


@pytest.mark.parametrize("address", ["inbox/%00", "inbox/%00/content", "messages/%00", "messages/%00/receipt"])
def test_an_address_with_a_character_that_no_store_takes_names_nothing(bus: RunningBus, address: str) -> None:
    assert bus.client(BOX).get(address).status_code in (400, 404)


@pytest.mark.parametrize("said", ['{"n": "\\ud800"}', "[" * 100_000, "{" + " " * (1 << 20) + "}"])
def test_statistics_that_no_store_takes_are_refused(bus: RunningBus, said: str) -> None:
    answer = bus.client(BOX).put(
        f"statistics/{BOX}/2026-10", content=said.encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize("asked", [b"", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", b"x" * 20_000])
def test_a_request_for_a_certificate_that_is_none_is_refused(bus: RunningBus, asked: bytes) -> None:
    assert bus.client(BOX).post("certificate", content=asked).status_code in (400, 404, 413)
