"""On a thin line nothing urgent waits behind a large upload, which goes on later where it stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from provisioning.box import make_desk
from sync import outbox
from sync.bus.native import upload
from tests import sync_fixtures
from tests.bench.exchange import shaped
from tests.bench.exchange.emulator import Shape
from tests.bench.exchange.goodput import both_ends, coded, incompressible
from tests.sync_fixtures import Box

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
LARGE = 2_500_000


def test_an_urgent_document_overtakes_a_large_upload_that_then_goes_on(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    # loopback's buffers before the slow line swallow megabytes at once; a real thin line has none such
    monkeypatch.setattr(upload, "_MOST", 256 << 10)
    large = box.issue("Quy hoạch kèm bản đồ", size=LARGE, scanned=True)
    box.bus.line(bytes_per_second=250_000)
    sending = threading.Thread(target=_send_all, args=(box,))
    sending.start()
    _wait(lambda: box.message(large)["state"] == "sending")
    time.sleep(3)  # well on its way
    urgent = box.issue("Công điện hỏa tốc về bão số 9", urgency=3)
    queued = time.monotonic()
    _wait(lambda: box.message(urgent)["state"] == "accepted")
    assert time.monotonic() - queued < 8
    assert box.message(large)["state"] != "accepted"
    sending.join(timeout=60)
    assert box.message(large)["state"] == "accepted"
    assert box.message(large)["accepted_at"] > box.message(urgent)["accepted_at"]

    tries = box.attempts(large)
    assert [one["phase"] for one in tries] == ["yielded", "done"]
    assert "nhường" in tries[0]["error"]
    assert sum(one["bytes_sent"] for one in tries) <= 1.05 * (LARGE + 20_000)
    copies = [one for one in box.bus.messages() if one["id"] == large]
    assert len(copies) == 1
    assert copies[0]["sha256"] == box.message(large)["sha256"]


def test_a_large_one_makes_no_room_for_its_equals(box: Box) -> None:
    large = box.issue("Quy hoạch", size=LARGE // 4, scanned=True)
    box.bus.line(bytes_per_second=300_000)
    sending = threading.Thread(target=_send_all, args=(box,))
    sending.start()
    _wait(lambda: box.message(large)["state"] == "sending")
    other = box.issue("Báo cáo tuần")
    sending.join(timeout=60)
    assert [one["phase"] for one in box.attempts(large)] == ["done"]
    assert box.message(other)["state"] == "accepted"


def _send_all(box: Box) -> None:
    desk = make_desk(box.settings)
    with closing(desk.db), closing(box.client()) as client:
        outbox.send_due(desk, client)


def _wait(until: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            pytest.fail("it did not come about")
        time.sleep(0.1)


@pytest.mark.skipif(not shaped.possible(), reason="needs root and /dev/net/tun for network namespaces")
def test_over_a_thin_line_an_urgent_document_passes_a_large_one_within_its_piece(tmp_path: Path) -> None:
    """256 kbit/s, 300 ms: no buffer of loopback hides what is still to be sent."""
    with both_ends(tmp_path) as (pair, office):
        large = office.queue(incompressible(700_000))
        with shaped.line(pair, Shape(256e3, 0.15), office.folder):
            office.start()
            try:
                time.sleep(8)
                urgent = office.queue(incompressible(5_000, 2), urgency=3)
                assert office.wait_accepted(urgent, 15)
                assert office.row(large)["state"] != "accepted"
                assert office.wait_accepted(large, 60)
            finally:
                office.stop()
        _seconds, body, tries = office.took(large)
        assert tries == 2
        assert body <= 1.05 * len(coded(office.package(large)))
