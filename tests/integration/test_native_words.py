"""Long poll, and the receiving box's signed word (R2): it comes back to the sender and holds in a dispute."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sync import jws
from sync.bus.native.client import NativeClient
from sync.inbox import fetch_new
from sync.receipts import check_all
from tests import sync_fixtures
from tests.sync_fixtures import NEIGHBOUR, UBND, Box, incoming, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


@pytest.fixture
def neighbour(box: Box) -> Iterator[NativeClient]:
    """The sender's own client."""
    certificate, key = box.bus.ca.client(NEIGHBOUR)
    with closing(NativeClient(replace(box.settings, link_certificate=certificate, link_key=key))) as made:
        yield made


def cursor(client: NativeClient) -> str:
    """Behind everything in the inbox."""
    found = ""
    while (page := client.list_incoming(found)).items:
        found = page.cursor
    return found


# ------------------------------------------------------------------------------------------------------ the signed word
def test_the_sender_gets_the_receivers_signed_word_of_exactly_these_bytes(box: Box, neighbour: NativeClient) -> None:
    receipt = submit(box.bus, incoming(box))
    with closing(box.client()) as client:
        fetch_new(box.desk, client)
    (state,) = neighbour.recipients(receipt["messageId"])
    assert (state.organ, state.state) == (UBND, "delivered")
    trusted = x509.load_pem_x509_certificates(box.bus.ca.certificate.read_bytes())
    word = jws.verify(state.proof, trusted, jws.HANDOVER)
    said = {key: word.payload[key] for key in ("messageId", "organ", "outcome", "sha256")}
    assert said == {
        "messageId": receipt["messageId"], "organ": UBND, "outcome": "done", "sha256": receipt["sha256"]
    }  # fmt: skip
    assert UBND in jws.organ_codes(word.certificate)
    (own,) = box.rows("SELECT ack_sha256 FROM inbox WHERE message_id = ?", receipt["messageId"])
    assert box.desk.blobs.read(own["ack_sha256"]) == state.proof, "the box keeps what it said"
    assert check_all(box.desk).counts["R2"] == 1
    box.desk.db.execute("UPDATE inbox SET sha256 = ack_sha256")
    assert [why for _, why in check_all(box.desk).bad] == ["nói về gói tin khác"]


def test_a_box_that_was_restarted_before_it_acknowledged_signs_all_the_same(box: Box, neighbour: NativeClient) -> None:
    receipt = submit(box.bus, incoming(box))
    (item,) = [i for i in box.bus.inbox(UBND) if i["messageId"] == receipt["messageId"]]
    with closing(box.client()) as client:  # it has listed nothing
        client.ack(item["docId"], "done", reason="", sha256=item["sha256"])
        client.ack(item["docId"], "done", reason="", sha256=item["sha256"])
    assert neighbour.recipients(receipt["messageId"])[0].proof


def sign(box: Box, pair: tuple[object, object], payload: dict[str, object]) -> bytes:
    key = load_pem_private_key(pair[1].read_bytes(), None)  # type: ignore[attr-defined]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    chain = x509.load_pem_x509_certificates(pair[0].read_bytes())  # type: ignore[attr-defined]
    return jws.sign(payload, key, chain, jws.HANDOVER)


def test_a_word_of_somebody_else_or_about_something_else_is_refused(box: Box) -> None:
    receipt = submit(box.bus, incoming(box))
    (item,) = [i for i in box.bus.inbox(UBND) if i["messageId"] == receipt["messageId"]]
    right = {
        "typ": "R2", "messageId": item["messageId"], "docId": item["docId"], "organ": UBND, "outcome": "done",
        "sha256": item["sha256"], "at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    client, ours, theirs = box.bus.client(UBND), box.bus.ca.client(UBND), box.bus.ca.client(NEIGHBOUR)
    words = [
        sign(box, theirs, right),
        sign(box, box.bus.ca.server(), right),
        sign(box, ours, right | {"docId": "another"}),
        sign(box, ours, right | {"messageId": "another"}),
        sign(box, ours, right | {"at": "2001-01-01T00:00:00Z"}),
        sign(box, ours, right)[:-5],
        b"",
    ]
    for word in words:
        address, headers = f"inbox/{item['docId']}/ack", {"Content-Type": jws.MEDIA_TYPE}
        answer = client.put(address, content=word, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-statement")
    assert box.bus.client(NEIGHBOUR).get(f"messages/{item['messageId']}").json()["recipients"][0]["state"] == "waiting"


def test_a_bus_cannot_pass_off_another_word(box: Box, neighbour: NativeClient) -> None:
    right = {"typ": "R2", "messageId": "m", "organ": UBND, "outcome": "done", "sha256": "0" * 64}
    dated = right | {"at": datetime.now(UTC).isoformat()}
    ours = box.bus.ca.client(UBND)
    words = neighbour._words
    assert words.checked(sign(box, ours, dated).decode(), "m", "0" * 64)
    assert not words.checked(sign(box, ours, dated).decode(), "m2", "0" * 64)
    assert not words.checked(sign(box, ours, dated).decode(), "m", "1" * 64)
    assert not words.checked(sign(box, ours, dated | {"outcome": "fail"}).decode(), "m", "0" * 64)
    assert not words.checked(sign(box, ours, dated | {"organ": NEIGHBOUR}).decode(), "m", "0" * 64)
    assert not words.checked("ẽ.x.y", "m", "0" * 64)


# ----------------------------------------------------------------------------------------------------------- long poll
def test_waiting_ends_with_the_news_and_not_before(box: Box) -> None:
    with closing(box.client()) as client:
        start = cursor(client)
        begun = time.monotonic()
        assert not client.wait(start, 1)
        assert time.monotonic() - begun >= 0.9
        timer = threading.Timer(0.5, lambda: submit(box.bus, incoming(box)))
        timer.start()
        begun = time.monotonic()
        assert client.wait(start, 20)
        assert 0.3 < time.monotonic() - begun < 5
        timer.join()
        assert client.wait(start, 20), "what is there already needs no waiting"


def test_a_sender_hears_that_its_package_was_fetched(box: Box, neighbour: NativeClient) -> None:
    receipt = submit(box.bus, incoming(box))
    start = cursor(neighbour)
    while neighbour.wait(start, 1):
        pass
    (item,) = [i for i in box.bus.inbox(UBND) if i["messageId"] == receipt["messageId"]]
    with closing(box.client()) as client:
        timer = threading.Timer(
            0.3, lambda: client.ack(item["docId"], "done", reason="", sha256=item["sha256"])
        )  # fmt: skip
        timer.start()
        assert neighbour.wait(start, 20)
        timer.join()


def test_those_who_wait_leave_the_bus_free_for_work(box: Box) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(box.client())) for _ in range(24)]
        start = cursor(clients[0])
        waiting = [threading.Thread(target=client.wait, args=(start, 3)) for client in clients]
        for thread in waiting:
            thread.start()
        time.sleep(0.5)
        begun = time.monotonic()
        for _ in range(5):
            clients[0].time()
        assert time.monotonic() - begun < 2
        for thread in waiting:
            thread.join()
