"""SIGKILL at random moments, a line that drops answers: at the end everything is at the other end exactly once."""

from __future__ import annotations

import random
import socket
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from appliance.store import audit
from sync.worker import run_once
from tests import sync_fixtures
from tests.integration.test_sync_worker import running, within
from tests.sync_fixtures import Box, incoming, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
ROUNDS = 12


@pytest.mark.slow
@pytest.mark.fault
def test_killed_again_and_again_nothing_is_lost_or_doubled(box: Box, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(address)
    notify.settimeout(60)
    dice = random.Random(20261122)
    sent = [box.issue(f"Văn bản đi {n}", size=120_000 + n * 40_000, scanned=True) for n in range(6)]
    received = 0
    box.bus.line(bytes_per_second=150_000)  # so that every kill falls into a transfer
    for turn in range(ROUNDS):
        box.bus.line(drop_answer="off")  # the other office's own letters below are not what is tested
        if turn < 6:
            submit(box.bus, incoming(box, subject=f"Văn bản đến {turn}", document_code=f"H99.22,2026/11/20,{turn}/TB"))
            received += 1
            sent.append(box.issue(f"Văn bản đi thêm {turn}", urgency=turn % 3))
        if turn % 3 == 2:
            box.bus.line(drop_answer="once", drop_answer_from=4000)
        with running(box, NOTIFY_SOCKET=address) as process:
            assert notify.recv(100) == b"READY=1"
            if turn % 2:
                time.sleep(dice.uniform(0, 1.5))
            else:  # in the middle of a transfer
                within(20, lambda: bool(box.rows("SELECT 1 FROM message WHERE state = 'sending'")))
                time.sleep(dice.uniform(0, 0.2))
            process.kill()
            process.wait(timeout=10)
    notify.close()
    assert box.rows("SELECT 1 FROM attempt WHERE phase = 'died'")
    box.bus.perfect_line()
    box.due_now()
    with closing(box.client()) as client:
        run_once(box.desk, client)
        box.due_now()
        run_once(box.desk, client)
    at_bus = Counter(message["id"] for message in box.bus.messages())
    assert {message_id: at_bus[message_id] for message_id in sent} == dict.fromkeys(sent, 1)
    assert {row["state"] for row in box.rows("SELECT state FROM message")} == {"accepted"}
    assert len(box.rows("SELECT 1 FROM incoming")) == received
    assert len(box.rows("SELECT 1 FROM message WHERE status_code = '01'")) == received
    assert not box.rows("SELECT 1 FROM inbox WHERE acked_at IS NULL")
    assert box.rows("SELECT max(copies) AS most FROM incoming") == [{"most": 1}]
    assert audit.verify(box.desk.db) > 0
