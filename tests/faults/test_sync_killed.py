"""SIGKILL of the sync process around sending: the bus holds the document exactly once, the box has its receipt."""

from __future__ import annotations

import random
import time

import pytest

from appliance.store.database import open_database
from tests.live_fixtures import Live

KILLS = 10


@pytest.mark.fault
@pytest.mark.slow
def test_ten_kills_around_sending_lose_nothing_and_double_nothing(live: Live) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    db = open_database(live.world.settings.database)
    live.line(down=True)
    try:
        path = live.issue_document(f"Thử ngắt điện quanh lúc gửi (hạt giống {seed})")
        outgoing_id = path.rsplit("/", 1)[1]
        message_id = db.execute("SELECT id FROM message WHERE outgoing_id = ?", [outgoing_id]).fetchone()[0]
        live.line(down=False, latency_ms=40, bytes_per_second=60_000)
        for _ in range(KILLS):
            live.programs.restart("sync")
            time.sleep(chance.uniform(0.4, 3.5))
            live.programs.kill("sync")
            assert len(live.at_bus(message_id)) <= 1, f"doubled at the bus, seed {seed}"
        live.line(latency_ms=0, bytes_per_second=0)
        live.programs.restart("sync")
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            state, receipt = db.execute(
                "SELECT state, receipt_sha256 FROM message WHERE id = ?", [message_id]
            ).fetchone()
            if state == "accepted":
                break
            time.sleep(0.5)
        assert (state, bool(receipt)) == ("accepted", True), f"seed {seed}"
        assert live.world.settings.blobs.joinpath(receipt[:2], receipt).is_file()
        assert len(live.at_bus(message_id)) == 1, f"seed {seed}"
    finally:
        live.line(down=False, latency_ms=0, bytes_per_second=0)
        if not live.programs.running("sync"):
            live.programs.restart("sync")
