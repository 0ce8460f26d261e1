"""The sync process as it runs on the box: quick to send, quiet when down, gone when told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.clock import VN
from appliance.errors import BadInput, Unavailable
from appliance.store import facts
from provisioning.box import make_desk
from sync import link, worker
from sync.worker import only_one, run_job, run_once
from tests import sync_fixtures
from tests.custody_fixtures import Store
from tests.sync_fixtures import Box, incoming, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
ROOT = Path(__file__).parents[2]
_PROGRAM = """
import sys
from pathlib import Path
from appliance.config import load_settings
from provisioning.box import make_desk
from sync.worker import main
settings = load_settings(Path(sys.argv[1]))
main(settings, lambda: make_desk(settings))
"""


def write_settings(box: Box) -> Path:
    """The box's settings as its TOML file."""
    names = {"data", "bus_url", "bus_ca", "link_certificate", "link_key", "poll_seconds", "chronyc"}
    values = {field.name: getattr(box.settings, field.name) for field in fields(box.settings) if field.name in names}
    lines = [f"{name} = {json.dumps(str(v) if isinstance(v, Path) else v)}" for name, v in values.items()]
    path = box.settings.data / "tram.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


@contextmanager
def running(box: Box, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The real process, ended at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(write_settings(box))],
        cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return holds()


def state(box: Box, message_id: str) -> str:
    return str(box.message(message_id)["state"])


def test_it_sends_fetches_and_stops_cleanly(box: Box, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        notify.settimeout(30)
        first = box.issue("Có sẵn từ trước")
        with running(box, NOTIFY_SOCKET=address) as process:
            assert notify.recv(100) == b"READY=1"
            assert within(20, lambda: state(box, first) == "accepted")
            submit(box.bus, incoming(box))
            assert within(20, lambda: bool(box.rows("SELECT 1 FROM incoming")))
            assert within(
                20, lambda: bool(box.rows("SELECT 1 FROM message WHERE status_code = '01' AND state = 'accepted'"))
            )
            assert within(20, lambda: bool(box.rows("SELECT 1 FROM clock_sample")))
            assert link.read(box.desk.db).state == "up"
            process.send_signal(signal.SIGTERM)
            assert notify.recv(100) == b"STOPPING=1"
            assert process.wait(timeout=20) == 0


def test_new_mail_is_noticed_long_before_the_next_poll(box: Box) -> None:
    box.settings = replace(box.settings, poll_seconds=600.0)
    with running(box):
        assert within(20, lambda: link.read(box.desk.db).state == "up")
        time.sleep(2.5)  # the first look of the watch
        message_id = box.issue()
        assert within(8, lambda: state(box, message_id) == "accepted")


def test_a_hanging_bus_does_not_keep_it_from_stopping_and_the_next_start_reconciles(box: Box) -> None:
    message_id = box.issue(size=500_000)
    with running(box) as process:
        assert within(20, lambda: state(box, message_id) == "accepted")
        box.bus.line(stall=True)
        second = box.issue()
        assert within(20, lambda: state(box, second) == "sending")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=25) == 0
    box.bus.perfect_line()
    with running(box):
        assert within(20, lambda: state(box, second) == "accepted")
    assert [message["id"] for message in box.bus.messages()].count(second) == 1


def test_a_failing_job_shows_until_it_works_again(box: Box) -> None:
    def fail(desk: object) -> None:
        raise BadInput("Không đọc được.", next_step="Gọi kỹ thuật viên.")

    def make() -> object:
        return make_desk(box.settings)

    run_job("thu", make, fail)  # type: ignore[arg-type]
    told = json.loads(facts.get(box.desk.db, "job:thu:error") or "{}")
    assert (told["message"], told["next_step"]) == ("Không đọc được.", "Gọi kỹ thuật viên.")
    run_job("thu", make, lambda desk: 1 / 0)  # type: ignore[arg-type]
    assert "ZeroDivisionError" in json.loads(facts.get(box.desk.db, "job:thu:error") or "{}")["message"]
    run_job("thu", make, lambda desk: None)  # type: ignore[arg-type]
    assert facts.get(box.desk.db, "job:thu:error") is None


def test_people_are_told_of_a_certificate_about_to_end_without_any_line(box: Box, store: Store) -> None:
    store.register(days=20)
    box.settings = replace(box.settings, bus_url="https://127.0.0.1:9/v1")
    with running(box):
        told = "SELECT count(DISTINCT account_id) FROM notice WHERE kind = 'expiry' AND mark = '30'"
        assert within(20, lambda: box.desk.db.execute(told).fetchone()[0] == 2)


def test_two_engines_never_run_at_once(box: Box) -> None:
    with only_one(box.settings), pytest.raises(Unavailable, match="đang chạy"):
        run_once(box.desk, box.client())
    assert run_once(box.desk, box.client()) == {}


def test_a_link_that_cannot_be_set_up_is_on_the_page_before_the_process_gives_up(box: Box) -> None:
    assert box.settings.link_key is not None
    box.settings.link_key.rename(box.settings.link_key.with_suffix(".away"))
    with running(box) as process:
        assert process.wait(timeout=20) != 0
    box.settings.link_key.with_suffix(".away").rename(box.settings.link_key)
    assert "chứng thư kết nối" in link.read(box.desk.db).last_error


def test_no_job_is_ever_dropped_for_being_late(box: Box) -> None:
    scheduler = worker._scheduler(box.settings, lambda: box.desk, box.client(), threading.Event())
    scheduler.start(paused=True)
    try:
        jobs = scheduler.get_jobs()
        assert {job.id for job in jobs} >= {"send", "fetch", "recipients", "directory", "clock"}
        assert all(job.misfire_grace_time is None and job.coalesce and job.max_instances == 1 for job in jobs)
    finally:
        scheduler.shutdown(wait=False)


def test_a_clock_set_years_ahead_is_one_missed_run_and_not_millions(box: Box) -> None:
    with closing(box.client()) as client:
        scheduler = worker._scheduler(box.settings, lambda: box.desk, client, threading.Event())
        scheduler.start(paused=True)
        later = datetime.now(VN) + timedelta(days=3650)
        assert {len(job._get_run_times(later)) for job in scheduler.get_jobs()} == {1}
        scheduler.shutdown()
