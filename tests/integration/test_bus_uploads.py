"""The bus's resumable uploads: what it tells is what it holds, whatever breaks (IETF draft, bus-link C.3)."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import socket
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from tests.bus_fixtures import BOX, OTHER_BOX, RunningBus, start_bus

pytest_plugins = ["tests.bus_fixtures"]
DATA = random.Random(4).randbytes(300_000)


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def announce(
    client: httpx.Client, message_id: str, data: bytes = DATA, *, sender: str = BOX, body: bytes = b"", **headers: str
) -> httpx.Response:
    usual = {
        "Edoc-Kind": "edoc", "Edoc-Priority": "0", "Edoc-From": sender, "Edoc-To": OTHER_BOX,
        "Repr-Digest": digest(data), "Upload-Complete": "?0", "Upload-Length": str(len(data)),
    }  # fmt: skip
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(f"messages/{message_id}", content=body, headers=usual | given)


def append(
    client: httpx.Client, message_id: str, at: int, piece: bytes, *, last: bool = False, **headers: str
) -> httpx.Response:
    usual = {
        "Content-Type": "application/partial-upload", "Upload-Offset": str(at), "Upload-Complete": f"?{int(last)}",
        "Content-Digest": digest(piece),
    }  # fmt: skip
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.patch(f"uploads/{message_id}", content=piece, headers=usual | given)


def offset(client: httpx.Client, message_id: str) -> int:
    answer = client.head(f"uploads/{message_id}")
    assert answer.status_code == 204
    return int(answer.headers["Upload-Offset"])


@pytest.fixture
def client(bus: RunningBus) -> Iterator[httpx.Client]:
    with bus.client(BOX) as made:
        yield made


def held(bus: RunningBus, message_id: str) -> bytes:
    """What the receiver gets of this message."""
    (item,) = [item for item in bus.inbox(OTHER_BOX) if item["messageId"] == message_id]
    return bus.client(OTHER_BOX).get(f"inbox/{item['docId']}/content").content


def test_a_package_in_pieces_is_one_message_with_one_receipt(bus: RunningBus, client: httpx.Client) -> None:
    message_id = str(uuid.uuid4())
    created = announce(client, message_id)
    assert (created.status_code, created.headers["Upload-Offset"]) == (201, "0")
    assert created.headers["Location"] == f"/v1/uploads/{message_id}"
    assert "max-age=604800" in created.headers["Upload-Limit"]
    first = append(client, message_id, 0, DATA[:100_000])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "100000")
    assert client.get(f"messages/{message_id}").status_code == 404, "not accepted before it is whole"
    last = append(client, message_id, 100_000, DATA[100_000:], last=True)
    assert last.status_code == 201
    assert bus.receipt(last)["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert held(bus, message_id) == DATA
    for again in (
        announce(client, message_id),
        append(client, message_id, 100_000, DATA[100_000:], last=True),
        client.get(f"messages/{message_id}/receipt"),
    ):
        assert (again.status_code, again.content) == (200, last.content)
    assert client.head(f"uploads/{message_id}").headers["Upload-Complete"] == "?1"
    assert len([m for m in bus.messages() if m["id"] == message_id]) == 1


def test_announcing_again_tells_how_much_is_there(client: httpx.Client) -> None:
    message_id = str(uuid.uuid4())
    announce(client, message_id, body=DATA[:50_000])
    again = announce(client, message_id)
    assert (again.status_code, again.headers["Upload-Offset"]) == (200, "50000")
    assert offset(client, message_id) == 50_000


def test_a_piece_at_the_wrong_place_is_told_the_right_one(client: httpx.Client) -> None:
    message_id = str(uuid.uuid4())
    announce(client, message_id, body=DATA[:1000])
    for wrong in (0, 999, 1001, 10**14):
        answer = append(client, message_id, wrong, DATA[:10])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "1000")
        assert answer.json()["type"].endswith("/mismatching-upload-offset")
    assert append(client, message_id, 1000, DATA, last=True).status_code == 409, "more than was announced"


def test_a_damaged_piece_leaves_nothing_and_a_damaged_whole_begins_again(client: httpx.Client) -> None:
    message_id = str(uuid.uuid4())
    announce(client, message_id)
    damaged = append(client, message_id, 0, DATA[:1000], Content_Digest=digest(b"x"))
    assert (damaged.status_code, offset(client, message_id)) == (422, 0)
    whole = append(client, message_id, 0, bytes(len(DATA)), last=True)
    assert whole.status_code == 422
    assert whole.json()["type"].endswith("/digest-mismatch")
    assert client.head(f"uploads/{message_id}").status_code == 404
    assert announce(client, message_id).headers["Upload-Offset"] == "0"


def test_a_no_comes_before_any_byte(bus: RunningBus, client: httpx.Client) -> None:
    message_id = str(uuid.uuid4())
    assert announce(client, message_id, Edoc_To="H99.99").status_code == 422
    assert announce(client, message_id, Upload_Length=str(61 << 20)).status_code == 413
    assert announce(client, message_id, sender=OTHER_BOX).status_code == 403
    assert client.head(f"uploads/{message_id}").status_code == 404
    bus.put(b"something small", id=message_id)
    assert announce(client, message_id).status_code == 409


def test_an_id_under_way_cannot_announce_another_package_nor_be_touched_by_others(
    bus: RunningBus, client: httpx.Client
) -> None:
    message_id = str(uuid.uuid4())
    announce(client, message_id, body=DATA[:1000])
    assert announce(client, message_id, b"other").status_code == 409
    stranger = bus.client(OTHER_BOX)
    assert stranger.head(f"uploads/{message_id}").status_code == 404
    assert append(stranger, message_id, 1000, b"x").status_code == 404
    assert announce(stranger, message_id, sender=OTHER_BOX, Edoc_To=BOX).status_code == 409
    assert offset(client, message_id) == 1000


def test_offsets_count_the_coded_bytes_and_the_receiver_gets_the_plain_ones(
    bus: RunningBus, client: httpx.Client
) -> None:
    message_id, plain = str(uuid.uuid4()), base64.b64encode(DATA)
    coded = gzip.compress(plain)
    headers = {"Content_Encoding": "gzip", "Edoc_Digest": digest(plain)}
    announce(client, message_id, coded, body=coded[:1000], **headers)
    assert offset(client, message_id) == 1000
    anew = gzip.compress(plain, 1)  # the sender lost its coded file: the same package, other bytes
    assert announce(client, message_id, anew, **headers).headers["Upload-Offset"] == "0"
    answer = append(client, message_id, 0, anew, last=True)
    assert bus.receipt(answer)["sha256"] == hashlib.sha256(plain).hexdigest()
    assert held(bus, message_id) == plain


@pytest.mark.parametrize("pieces", [False, True])
def test_a_bomb_is_refused_and_forgotten(bus: RunningBus, client: httpx.Client, pieces: bool) -> None:
    bomb, message_id = gzip.compress(bytes(50 << 20), 9), str(uuid.uuid4())
    if pieces:
        announce(client, message_id, bomb, Content_Encoding="gzip")
        answer = append(client, message_id, 0, bomb, last=True)
        assert client.head(f"uploads/{message_id}").status_code == 404
    else:
        answer = bus.put(bomb, id=message_id, client=client, Content_Encoding="gzip", Repr_Digest=digest(bomb))
    assert answer.status_code == 422
    assert "bom nén" in answer.json()["detail"]


@pytest.mark.parametrize("damage", [lambda c: c[:-5], lambda c: c + b"x", lambda c: b"no gzip at all", lambda c: b""])
def test_broken_code_is_refused_with_a_sentence(bus: RunningBus, damage: object) -> None:
    coded = damage(gzip.compress(DATA))  # type: ignore[operator]
    answer = bus.put(coded, Content_Encoding="gzip", Repr_Digest=digest(coded))
    assert answer.status_code == 422
    assert "nén bị hỏng" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Upload_Offset": "-1"}, 400),
        ({"Upload_Complete": "yes"}, 400),
        ({"Content_Digest": "sha-256=:?:"}, 400),
    ],
)
def test_pieces_that_make_no_sense_are_refused(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    message_id = str(uuid.uuid4())
    announce(client, message_id)
    assert append(client, message_id, 0, b"x", **headers).status_code == status
    assert client.head("uploads/../../bus").status_code in (400, 404)
    assert client.head("uploads/nothing").status_code == 400
    assert offset(client, message_id) == 0


def test_a_stale_request_is_ended_by_a_newer_one_and_its_bytes_count(bus: RunningBus, client: httpx.Client) -> None:
    message_id = str(uuid.uuid4())
    announce(client, message_id)
    stale = _half_sent(bus, message_id, DATA[:70_000])
    try:
        deadline = time.monotonic() + 10
        while (there := offset(client, message_id)) == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        begun = time.monotonic()
        assert 0 < there <= 70_000
        done = append(client, message_id, there, DATA[there:], last=True)
        assert done.status_code == 201
        assert time.monotonic() - begun < 3
        stale.settimeout(5)
        with suppress(ConnectionError):
            assert stale.recv(1) == b"", "the older request was hung up on"
    finally:
        stale.close()
    assert held(bus, message_id) == DATA


def _half_sent(bus: RunningBus, message_id: str, part: bytes) -> ssl.SSLSocket:
    """A PATCH that stops in the middle and keeps its connection open."""
    url = httpx.URL(bus.url)
    context = ssl.create_default_context(cafile=str(bus.ca.certificate))
    context.load_cert_chain(*bus.ca.client(BOX))
    stale = context.wrap_socket(socket.create_connection((url.host, url.port or 0)), server_hostname=url.host)
    stale.sendall(
        f"PATCH /v1/uploads/{message_id} HTTP/1.1\r\nHost: x\r\nContent-Type: application/partial-upload\r\n"
        f"Upload-Offset: 0\r\nUpload-Complete: ?1\r\nContent-Length: {len(DATA)}\r\n\r\n".encode()
        + part
    )
    return stale


@pytest.mark.fault
def test_a_killed_bus_still_has_what_had_come(tmp_path: Path) -> None:
    bus, message_id = start_bus(tmp_path), str(uuid.uuid4())
    client = bus.client(BOX)
    announce(client, message_id)
    append(client, message_id, 0, DATA[:200_000])
    with closing(_half_sent(bus, message_id, b"")):
        bus.kill()
    bus.start()
    try:
        assert offset(client, message_id) == 200_000
        assert append(client, message_id, 200_000, DATA[200_000:], last=True).status_code == 201
        assert held(bus, message_id) == DATA
        assert not list((tmp_path / "data").rglob("*.part"))
    finally:
        bus.stop()
