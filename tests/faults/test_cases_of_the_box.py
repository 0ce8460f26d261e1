"""Fault cases of bus-link C.9 in which the box itself is hit: it dies (5), its disk is full (7), its clock lies (13),
its line is hardly one (17). Each ends in a named state, and in the end everything is at the other end once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from appliance.errors import Unavailable
from appliance.office.desk import Party
from appliance.store import facts
from appliance.store.text import uuid7
from sync.worker import run_once
from tests import dying, sync_fixtures
from tests.bench.exchange import shaped
from tests.bench.exchange.emulator import Shape
from tests.edxml_fixtures import document, file_in, package_bytes
from tests.integration.test_sync_worker import write_settings
from tests.link_scene import BOX, PROVINCE, make_box, make_bus
from tests.link_scene import Box as Office
from tests.sync_fixtures import Box, incoming, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
pytestmark = [pytest.mark.fault, pytest.mark.slow]
AFTER_DEATH = {
    "before anything is sent": ("sending", 0, None),
    "after the spool": ("sending", 0, None),
    "in the middle of a PATCH": ("sending", 0, None),
    "after the bus has committed, before we have": ("sending", 1, None),
    "after fetching, before our commit": ("accepted", 1, None),
    "after our commit, before the acknowledgement": ("accepted", 1, False),
    "after the acknowledgement, before we note it": ("accepted", 1, False),
}
"""Point of death → (state of what we send, how often the bus has it, whether what came is noted as acknowledged)."""


def round_of(box: Box) -> None:
    box.due_now()
    with closing(box.client()) as client:
        run_once(box.desk, client)


def at_bus(box: Box, message_id: str) -> int:
    return Counter(message["id"] for message in box.bus.messages())[message_id]


@pytest.mark.parametrize("point", dying.POINTS)
def test_case_5_killed_at_an_exact_point(box: Box, point: str) -> None:
    """Ends: accepted once, arrived once, acknowledged."""
    large = point in ("after the spool", "in the middle of a PATCH")
    message_id = box.issue(size=1_000_000 if large else 1_000, scanned=True)
    submit(box.bus, incoming(box))
    box.settings.run.mkdir(exist_ok=True)
    box.settings.clamd_socket.symlink_to(box.desk.scanner._socket)  # the session's scanner lives elsewhere
    command = [sys.executable, "-m", "tests.dying", point, str(write_settings(box))]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == -9
    state, copies, acknowledged = AFTER_DEATH[point]
    assert (box.message(message_id)["state"], at_bus(box, message_id)) == (state, copies)
    assert [row["acked_at"] is not None for row in box.rows("SELECT acked_at FROM inbox")] == (
        [] if acknowledged is None else [acknowledged]
    )
    assert bool(list((box.settings.data / "spool").glob("*.gz"))) == large
    round_of(box)
    assert (box.message(message_id)["state"], at_bus(box, message_id)) == ("accepted", 1)
    assert box.rows("SELECT copies FROM incoming") == [{"copies": 1}]
    assert not box.rows("SELECT 1 FROM inbox WHERE acked_at IS NULL")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of that size at ``folder``. Needs root."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(folder: Path, leave: int = 0) -> Path:
    """Leave only ``leave`` bytes."""
    path = folder / "filler"
    free = os.statvfs(folder)
    with path.open("wb") as file:
        left = free.f_bavail * free.f_frsize - leave
        try:
            while left > 0:
                left -= file.write(b"x" * min(left, 1 << 20))
                file.flush()
        except OSError:
            pass  # full is what was wanted
    return path


@pytest.fixture
def on_small_disk() -> Iterator[Office]:
    """A box whose data lie on a disk of 24 MB, and its bus elsewhere."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short, small_disk(Path(short) / "disk", 24) as disk:
        bus = make_bus(Path(short) / "bus")
        bus.start()
        made = make_box(disk / "office", bus)
        yield made
        made.stop()
        made.desk.db.close()
        bus.stop()


def test_case_7_disk_full_when_a_document_is_queued(on_small_disk: Office) -> None:
    """Ends: refused with a sentence, nothing queued; with room again it is queued and accepted."""
    filler = fill_up(on_small_disk.desk.settings.data)
    with pytest.raises(Unavailable, match=r"[đĐ]ĩa của trạm"):
        on_small_disk.queue(b"x" * 500_000)
    assert on_small_disk.desk.db.execute("SELECT count(*) FROM message").fetchone() == (0,)
    filler.unlink()
    message_id = on_small_disk.queue(b"x" * 500_000)
    on_small_disk.start()
    assert on_small_disk.wait_accepted(message_id, 30)


def test_case_7_disk_full_when_the_bus_has_accepted(on_small_disk: Office) -> None:
    """Ends: the receipt cannot be written, so the package stays open; with room again it is accepted, once."""
    message_id = on_small_disk.queue(b"x" * 100_000)
    filler = fill_up(on_small_disk.desk.settings.data)
    on_small_disk.start()
    time.sleep(6)
    assert on_small_disk.row(message_id)["state"] != "accepted"
    filler.unlink()
    assert on_small_disk.wait_accepted(message_id, 60)
    assert [message["id"] for message in on_small_disk.bus.messages()] == [message_id]


def test_case_7_disk_full_when_a_document_comes(on_small_disk: Office) -> None:
    """Ends: neither taken in nor acknowledged, and said so; with room again it arrives, once."""
    office, bus = on_small_disk, on_small_disk.bus
    package = document(
        sender=Party(PROVINCE, "Văn phòng"), recipients=(Party(BOX, "UBND xã Hòa Bình"),),
        files=(file_in(office.desk.blobs, os.urandom(1_000_000)),),
    )  # fmt: skip
    data = package_bytes(package, office.desk.blobs)
    filler = fill_up(office.desk.settings.data, leave=300_000)
    assert bus.put(data, sender=PROVINCE, to=BOX, message_id=uuid7(), certificate=bus.ca.client(PROVINCE))
    office.start()
    time.sleep(5)
    assert not list(office.desk.db.query("SELECT 1 FROM incoming"))
    assert [one["state"] for one in bus.messages()[0]["deliveries"]] == ["waiting"]
    filler.unlink()
    assert within(60, lambda: bool(list(office.desk.db.query("SELECT 1 FROM incoming"))))
    assert [row["copies"] for row in office.desk.db.query("SELECT copies FROM incoming")] == [1]


def test_case_13_a_clock_ten_years_back_sends_nothing_and_loses_nothing(real_office: Office) -> None:
    """Ends: waiting (TLS refuses a certificate of the future); with the clock right again, accepted."""
    message_id = real_office.queue(b"x" * 1000)
    real_office.start(FAKETIME="-3650d")
    assert within(20, real_office.link_failed)
    assert within(20, lambda: "chưa có hiệu lực" in (hint := clock_error(real_office)) and "chưa được xác thực" in hint)
    real_office.stop()
    assert real_office.row(message_id)["state"] in ("ready", "waiting")
    assert real_office.bus.messages() == []
    real_office.start()
    assert real_office.wait_accepted(message_id, 30)


def test_case_13_a_day_ahead_and_back_again(real_office: Office) -> None:
    """Ends: accepted; what was put off by a clock a day ahead does not wait for that day."""
    real_office.bus.line(down=True)
    message_id = real_office.queue(b"x" * 1000)
    real_office.start(FAKETIME="+1d")
    assert within(20, real_office.link_failed)
    time.sleep(3)
    real_office.stop()
    real_office.bus.line(down=False)
    real_office.start()
    assert real_office.wait_accepted(message_id, 30)


def test_case_13_a_step_back_while_running(real_office: Office) -> None:
    """Ends: accepted, although the clock goes back by an hour in the middle."""
    times = real_office.folder / "faketime"
    times.write_text("+0", "ascii")
    real_office.bus.line(down=True)
    message_id = real_office.queue(b"x" * 1000)
    real_office.start(FAKETIME_TIMESTAMP_FILE=str(times), FAKETIME_NO_CACHE="1")
    assert within(20, real_office.link_failed)
    times.write_text("-3600", "ascii")
    time.sleep(2)
    real_office.bus.line(down=False)
    assert real_office.wait_accepted(message_id, 60)


def clock_error(office: Office) -> str:
    """What the page of the system says about the clock."""
    return facts.get(office.desk.db, "job:clock:error") or ""


@pytest.fixture
def real_office() -> Iterator[Office]:
    """A box and a bus of its own; the link process is the real one."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short:
        bus = make_bus(Path(short) / "bus")
        bus.start()
        made = make_box(Path(short) / "office", bus)
        yield made
        made.stop()
        made.desk.db.close()
        bus.stop()


def test_case_18_the_code_of_the_receiver_is_replaced_while_a_message_waits(real_office: Office) -> None:
    """Ends: accepted and in the inbox of the organ under its new code, which the box learns."""
    office, bus = real_office, real_office.bus
    message_id = office.queue(b"x" * 1000)
    bus.change_organ(before=PROVINCE, code="H99.71", name="Văn phòng Ủy ban nhân dân tỉnh", virtual=True)
    office.start()
    assert office.wait_accepted(message_id, 30)
    ((delivery,),) = [message["deliveries"] for message in bus.messages() if message["id"] == message_id]
    assert delivery["organ"] == "H99.71"
    bus.answer(delivery["doc_id"], "03")
    heard = "SELECT from_code, status_code FROM status_in"
    told = {"from_code": "H99.71", "status_code": "03"}
    assert within(20, lambda: list(office.desk.db.query(heard)) == [told])
    codes = "SELECT b.value FROM organ_code a JOIN organ_code b USING (organ_id) WHERE a.value = ?"
    assert within(20, lambda: {"value": "H99.71"} in list(office.desk.db.query(codes, [PROVINCE])))


@pytest.mark.skipif(not shaped.possible(), reason="needs root and /dev/net/tun for network namespaces")
def test_case_17_one_kilobit_a_third_lost_five_seconds_and_flapping(tmp_path: Path) -> None:
    """Ends: still open and nothing at the bus twice; over a line that works again, accepted once."""
    awful = Shape(rate=1000, delay=2.5, loss=0.30, up_for=20, down_for=20)
    with shaped.namespaces() as pair:
        bus = make_bus(tmp_path / "bus", address=pair.bus_address, prefix=pair.at_bus())
        bus.start()
        office = make_box(tmp_path / "office", bus, pair.at_box())
        try:
            message_id = office.queue(b"x" * 1000)
            with shaped.line(pair, awful, tmp_path):
                office.start()
                time.sleep(45)
                assert office.row(message_id)["state"] in ("ready", "sending", "waiting", "uncertain")
                office.stop()
            with shaped.line(pair, Shape(rate=1e6, delay=0.05), tmp_path):
                office.start()
                assert office.wait_accepted(message_id, 60)
                office.stop()
            assert [message["id"] for message in bus.messages()] == [message_id]
        finally:
            office.stop()
            office.desk.db.close()
            bus.stop()


def within(seconds: float, happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
