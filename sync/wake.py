"""What ends a pause early: new mail to send, a due moment, a line that is back, and news at the bus.

Nothing here talks to the bus but ``listen``, and that only while the line works; all else is a look at the store, the
routes and one TCP handshake while the line is down.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from appliance.clock import steady
from appliance.errors import TramError
from appliance.office.desk import Desk
from appliance.store import facts
from sync import inbox, link
from sync import lease as leases
from sync.bus.base import BusClient

LOOK_SECONDS = 1.0
LINE_SECONDS = 3.0
STEP_SECONDS = 5.0
"""A wall clock that gained or lost more than this within one look was set, not slewed."""
WAIT_SECONDS = 50.0
_ROUTES = (Path("/proc/net/route"), Path("/proc/net/ipv6_route"))
_log = logging.getLogger(__name__)


def watch_queue(
    desk: Desk, send: Callable[[], None], fetch: Callable[[], None], clock_stepped: Callable[[], None], stop: Event
) -> None:
    """Each second: has something been queued, come due, or has the line come back? Then the work starts now.

    A step of the wall clock ends every pause: what was put off by the old time would wait for that time to come again.
    """
    newest, was_up, ahead = -1, link.read(desk.db).state == "up", _ahead()
    while not stop.wait(LOOK_SECONDS):
        before, ahead = ahead, _ahead()
        if abs(ahead - before) > STEP_SECONDS:
            _log.warning("the clock was set by %+.1f s", ahead - before)
            leases.release_all(desk.db, desk.clock.now())
            link.wake(desk.db)
            clock_stepped()
        now, state = desk.clock.now(), link.read(desk.db)
        (last,) = desk.db.execute("SELECT coalesce(max(rowid), 0) FROM message").fetchone()
        ready = link.may_probe(desk.db, now) and (not state.failures or link.probe_due(desk.db, now))
        if last > newest >= 0 or (ready and (state.failures or leases.due(desk.db, now))):
            send()
        if state.state == "up" and not was_up:
            fetch()
        newest, was_up = last, state.state == "up"


def watch_line(make_desk: Callable[[], Desk], bus_url: str, send: Callable[[], None], stop: Event) -> None:
    """While the line is down: a changed route or an answering port of the bus ends the pause between probes."""
    desk = make_desk()
    routes, answered = _routes(), True
    with closing(desk.db):
        while not stop.wait(LINE_SECONDS):
            if not link.read(desk.db).failures:
                routes, answered = _routes(), True
                continue
            found, answers = _routes(), _answers(bus_url)
            if found != routes or (answers and not answered):
                _log.info("the line may be back")
                link.wake(desk.db)
                send()
            routes, answered = found, answers


def listen(
    make_desk: Callable[[], Desk], client: BusClient, fetch: Callable[[], None], pause: float, stop: Event
) -> None:
    """Wait at the bus for news, where its dialect can, and fetch at once; otherwise the polls every ``pause`` do."""
    desk = make_desk()
    told = None
    with closing(desk.db):
        while not stop.is_set():
            if not link.closed(desk.db) or link.read(desk.db).failures:
                stop.wait(LINE_SECONDS)
                continue
            cursor, start = facts.get(desk.db, inbox.CURSOR) or "", time.monotonic()
            try:
                news = client.wait(cursor, WAIT_SECONDS)
            except TramError:
                stop.wait(pause)
                continue
            if news:
                fetch()
                # the same news again means that it could not be taken in: no faster than by polling
                stop.wait(pause if told == cursor else LOOK_SECONDS)
                told = cursor
            elif time.monotonic() - start < LOOK_SECONDS:
                stop.wait(pause)


def _ahead() -> float:
    """Seconds the wall clock is ahead of the steady one (boot's); changes only when somebody sets the clock."""
    return time.time() - steady()


def _routes() -> str:
    """The kernel's routes as they stand; '' where they cannot be read."""
    try:
        # the columns of use and reference counts change with traffic
        return "\n".join(
            " ".join(line.split()[:4] if path.name == "route" else line.split()[:5])
            for path in _ROUTES
            if path.exists()
            for line in path.read_text("ascii").splitlines()
        )
    except OSError:
        return ""


def _answers(url: str) -> bool:
    """Whether the bus's port takes a connection: name and route included, TLS not."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), timeout=LINE_SECONDS):
            return True
    except (OSError, ValueError):
        return False
