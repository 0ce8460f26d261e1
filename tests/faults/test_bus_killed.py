"""The bus dies without warning around its commits: nothing it has acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import hashlib
import random
import threading
import time
import uuid
from pathlib import Path

import httpx
import pytest

from tests.bus_fixtures import BOX, OTHER_BOX, PROVINCE, start_bus

KILLS = 6


@pytest.mark.fault
@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_that_has_a_receipt(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    bus = start_bus(tmp_path)
    receipts: dict[str, bytes] = {}
    tried: dict[str, bytes] = {}
    stop = threading.Event()

    def send() -> None:
        client = bus.client(BOX, timeout=5)
        while not stop.is_set():
            message_id, data = str(uuid.uuid4()), uuid.uuid4().bytes * chance.randrange(1, 20_000)
            tried[message_id] = data
            try:
                answer = bus.put(data, id=message_id, to=f"{OTHER_BOX},{PROVINCE}", client=client)
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if answer.status_code == 201:
                receipts[message_id] = answer.content

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 0.6))
            bus.kill()
            bus.start()
    finally:
        stop.set()
        for sender in senders:
            sender.join(timeout=20)
    assert len(receipts) > KILLS, f"seed {seed}"
    client = bus.client(BOX)
    for message_id, receipt in receipts.items():
        assert client.get(f"messages/{message_id}/receipt").content == receipt, f"seed {seed}"
    unsure = [message_id for message_id in tried if message_id not in receipts]
    for message_id in unsure:
        again = bus.put(tried[message_id], id=message_id, to=f"{OTHER_BOX},{PROVINCE}", client=client)
        assert again.status_code in (200, 201), f"seed {seed}"
    held = [message for message in bus.messages() if message["kind"] == "edoc"]
    assert sorted(message["id"] for message in held) == sorted(tried), f"seed {seed}"
    assert all(sorted(d["organ"] for d in m["deliveries"]) == [PROVINCE, OTHER_BOX] for m in held)
    reader = bus.client(OTHER_BOX)
    for item in bus.inbox(OTHER_BOX):
        content = reader.get(f"inbox/{item['docId']}/content").content
        assert hashlib.sha256(content).hexdigest() == item["sha256"], f"seed {seed}"
    assert bus.stop() == 0
    assert not list((tmp_path / "data" / "blobs" / "tmp").glob("*")), "torn uploads are left behind"


@pytest.mark.fault
def test_a_stopped_bus_ends_cleanly_and_comes_back_with_everything(tmp_path: Path) -> None:
    bus = start_bus(tmp_path)
    answer = bus.put(b"before the stop")
    message_id = bus.receipt(answer)["messageId"]
    httpx.post(f"{bus.operator}/control/settings", json={"auto_answer": False}, trust_env=False).raise_for_status()
    bus.line(latency_ms=5)
    assert bus.stop() == 0
    bus.start()
    try:
        assert bus.client(BOX).get(f"messages/{message_id}/receipt").content == answer.content
        state = httpx.get(f"{bus.operator}/control/state", trust_env=False).json()
        assert state["auto_answer"] is False
        assert state["line"]["latency_ms"] == 0
    finally:
        assert bus.stop() == 0
