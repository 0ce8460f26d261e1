"""The sync process: a scheduler for the jobs, one lock for the queue, one second to notice new mail to send."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from appliance.clock import VN, Clock
from appliance.config import Settings
from appliance.errors import N_, ConfigError, TramError, Unavailable
from appliance.office import custody, deadlines, evidence, rechecks
from appliance.office.desk import Desk
from appliance.signing.trust import TrustStore
from appliance.store import facts
from sync import (
    bus_clock,
    content,
    directory,
    inbox,
    link,
    link_certificate,
    outbox,
    receipts,
    recipients,
    reports,
    wake,
)
from sync.bus.base import BusClient, BusError, Fault
from sync.bus.factory import make_client
from sync.courier.bring import work as courier_work
from sync.evidence import lists
from sync.evidence.broker import answering
from sync.evidence.line import DirectLine

_log = logging.getLogger(__name__)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_COURIER = 3
_SEND, _FETCH = "send", "fetch"
_running: set[str] = set()
"""Names of the jobs under way in this process."""
_PATIENCE = 10.0
"""Seconds a stop waits for the jobs."""


def main(settings: Settings, make_desk: Callable[[], Desk]) -> None:
    """Run until SIGTERM or SIGINT. Raises Unavailable when another sync process runs, ConfigError for a bad link."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    trust = TrustStore(settings.trust)
    line = DirectLine(settings, trust, Clock(settings).now)
    with only_one(settings), closing(_client(settings, make_desk)) as client, answering(settings, line):
        scheduler = _scheduler(settings, make_desk, client, stop)
        scheduler.start()
        _notify("READY=1")
        try:
            _watch(settings, scheduler, make_desk, client, stop)
        finally:
            _notify("STOPPING=1")
            _shut_down(scheduler)


def run_once(desk: Desk, client: BusClient) -> Counter[str]:
    """One round of everything that matters, for ``tram sync --once`` and tests. Raises BusError, Unavailable."""
    with only_one(desk.settings):
        report = outbox.send_due(desk, client)
        report += inbox.fetch_new(desk, client)
        report += outbox.send_due(desk, client)  # the arrivals' own statuses 01
        recipients.refresh_recipients(desk, client)
    return report


def _client(settings: Settings, make_desk: Callable[[], Desk]) -> BusClient:
    """The bus client; a link that cannot be set up shows on the page before the process gives up."""
    try:
        return make_client(settings)
    except ConfigError as error:
        desk = make_desk()
        with closing(desk.db):
            link.note_failure(desk.db, desk.clock.now(), str(error))
        raise


def _shut_down(scheduler: BackgroundScheduler) -> None:
    """Let the jobs end; they look at ``stop`` between packages. One stuck on a dead line is left to the next start."""
    waiting = threading.Thread(target=scheduler.shutdown, daemon=True)
    waiting.start()
    waiting.join(_PATIENCE)
    if waiting.is_alive():
        _log.warning("a transfer was still under way; it will be reconciled at the next start")
        logging.shutdown()
        os._exit(0)


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the queue's lock: a package marked 'sending' then always belongs to a dead process. Raises Unavailable."""
    settings.run.mkdir(parents=True, exist_ok=True)
    with (settings.run / "sync.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(
                N_("Một tiến trình đồng bộ khác đang chạy."), next_step=N_("Dừng dịch vụ đồng bộ rồi chạy lại.")
            ) from error
        yield


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Some seconds after the last look, whatever the clock did in between.

    APScheduler's own interval counts every run that was missed, one by one: after a step of ten years ahead, millions.
    """

    def __init__(self, seconds: float) -> None:
        self._pause = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The moment of the next run."""
        return now + self._pause


def _scheduler(
    settings: Settings, make_desk: Callable[[], Desk], client: BusClient, stop: threading.Event
) -> BackgroundScheduler:
    """All jobs. None is ever skipped for being late, piled up, or run beside itself."""
    scheduler = BackgroundScheduler(
        timezone=VN, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )
    jobs: dict[str, tuple[float, Callable[[Desk], object]]] = {
        _SEND: (settings.poll_seconds, lambda desk: outbox.send_due(desk, client, stop=stop.is_set)),
        _FETCH: (settings.poll_seconds, _on_line(lambda desk: inbox.fetch_new(desk, client, stop=stop.is_set))),
        "recipients": (
            4 * settings.poll_seconds,
            _on_line(lambda desk: recipients.refresh_recipients(desk, client, days=1)),
        ),
        "recipients-all": (_HOUR, _on_line(lambda desk: recipients.refresh_recipients(desk, client))),
        "courier": (_COURIER, courier_work),
        "directory": (_DAY, _on_line(lambda desk: directory.refresh_directory(desk, client))),
        "deadlines": (_MINUTE, deadlines.watch),
        "leftovers": (_HOUR, content.clear_leftovers),
        "rechecks": (_MINUTE, rechecks.keep_current),
        # lists before stamps: a file is extended with what has just been fetched
        "lists": (_HOUR, lists.refresh),
        "evidence": (_MINUTE, lambda desk: (evidence.keep_missing(desk), evidence.extend_due(desk))),
        # once an hour: a box that is switched on for part of the day misses no day
        "certificates": (_HOUR, custody.watch),
        # asked each hour, done once a day
        "receipts": (_HOUR, receipts.check_nightly),
        "reports": (_HOUR, lambda desk: reports.report_due(desk, client)),
        "link-certificate": (_HOUR, lambda desk: link_certificate.keep(desk, client)),
        "clock": (_MINUTE, lambda desk: bus_clock.keep_sampled(desk, client)),
    }
    now = datetime.now(VN)
    for name, (seconds, work) in jobs.items():
        arguments = [name, make_desk, work]
        scheduler.add_job(run_job, _Every(seconds), arguments, id=name, next_run_time=now)
    return scheduler


def run_job(name: str, make_desk: Callable[[], Desk], work: Callable[[Desk], object]) -> None:
    """One run with its own desk. Its failure becomes the fact ``job:<name>:error``, which a success clears."""
    desk = make_desk()
    key = f"job:{name}:error"
    _running.add(name)
    try:
        work(desk)
    except TramError as error:
        _log.warning("%s: %s", name, error)
        _remember(desk, key, str(error), error.advice)
    except Exception as error:  # noqa: BLE001 - a mistake of ours must show on the page, the other jobs go on
        _log.exception("%s", name)
        text = f"Lỗi phần mềm trong việc nền “{name}” ({type(error).__name__})."
        _remember(desk, key, text, N_("Báo kỹ thuật viên."))
    else:
        if facts.get(desk.db, key) is not None:
            facts.clear(desk.db, key)
    finally:
        _running.discard(name)
        desk.db.close()


def _on_line(work: Callable[[Desk], object]) -> Callable[[Desk], object]:
    """``work`` only while the line may be used by everything: not paused, and not so broken that only probes go out."""

    def run(desk: Desk) -> object:
        if not link.closed(desk.db):
            return None
        try:
            return work(desk)
        except BusError as error:
            if error.fault is Fault.LINK:
                outbox.note_refusal(desk, error)
            raise

    return run


def _remember(desk: Desk, key: str, message: str, next_step: str) -> None:
    value = {"at": desk.clock.now().isoformat(), "message": message, "next_step": next_step}
    facts.put(desk.db, key, json.dumps(value, ensure_ascii=False))


def _watch(
    settings: Settings,
    scheduler: BackgroundScheduler,
    make_desk: Callable[[], Desk],
    client: BusClient,
    stop: threading.Event,
) -> None:
    """Until ``stop``: whatever ends a pause early starts its job now and not at the next poll."""

    def start(name: str) -> Callable[[], None]:
        def now() -> None:
            if name not in _running:  # a run under way sees what is new by itself
                scheduler.modify_job(name, next_run_time=datetime.now(VN))

        return now

    def clock_stepped() -> None:
        for job in scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(VN))

    send, fetch = start(_SEND), start(_FETCH)
    for work, arguments in (
        (wake.watch_line, (make_desk, settings.bus_url, send, stop)),
        (wake.listen, (make_desk, client, fetch, settings.poll_seconds, stop)),
    ):
        threading.Thread(target=work, args=arguments, name=work.__name__, daemon=True).start()
    desk = make_desk()
    with closing(desk.db):
        wake.watch_queue(desk, send, fetch, clock_stepped, stop)


def _notify(state: str) -> None:
    """Tell systemd (sd_notify(3)); nothing happens without NOTIFY_SOCKET."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else str(Path(address))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), name)
