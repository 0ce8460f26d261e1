"""What sync learns about the line: every success and failure goes through here, and so does the breaker.

After a failure the bus's clock is asked before any package is risked; after several (``BREAKER_AFTER``) even that
only at growing, jittered pauses. ``wake`` ends such a pause when a route or the bus's port has come back.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from appliance.clock import parse
from appliance.office.line import KEY, LinkState, paused, read
from appliance.office.queue_times import BREAKER_AFTER, FARTHEST, PROBE_BASE, PROBE_CAP
from appliance.store import facts
from sync.lease import release_waiting

__all__ = ["LinkState", "closed", "fresh", "may_probe", "note_failure", "note_ok", "probe_due", "read", "wake"]
_REMEMBER_SECONDS = 60.0
_jitter = random.SystemRandom()


def fresh(db: Database, now: datetime) -> bool:
    """Whether the bus answered within the last two minutes."""
    return _age(read(db).last_ok, now) < 2 * _REMEMBER_SECONDS


def closed(db: Database) -> bool:
    """Whether everything may use the line: neither paused nor so broken that only probes go out."""
    return paused(db) is None and read(db).failures < BREAKER_AFTER


def may_probe(db: Database, now: datetime) -> bool:
    """Whether the line may be tried at all at this moment."""
    return paused(db) is None and (read(db).failures < BREAKER_AFTER or probe_due(db, now))


def probe_due(db: Database, now: datetime) -> bool:
    """Whether the pause after the last failure is over; one that ends too far away was set by a wrong clock."""
    at = read(db).probe_at
    return not at or not now < parse(at) <= now + FARTHEST


def note_ok(db: Database, now: datetime) -> None:
    """The bus answered; if it had not before, what waited for the line is due at once.

    Written at most once a minute while nothing changes: every commit costs a disk flush.
    """
    state = read(db)
    if state.state == "up" and state.failures == 0 and _age(state.last_ok, now) < _REMEMBER_SECONDS:
        return
    since = state.since if state.state == "up" else now.isoformat()
    _write(db, LinkState("up", since, now.isoformat(), "", 0))
    if state.failures:
        release_waiting(db, now)


def note_failure(db: Database, now: datetime, error: str) -> None:
    """The line or its TLS failed."""
    state = read(db)
    since = state.since if state.state == "down" else now.isoformat()
    failures = state.failures + 1
    ceiling = min(PROBE_CAP, PROBE_BASE * 2.0 ** max(0, min(failures - BREAKER_AFTER, 10)))
    probe_at = (now + timedelta(seconds=max(1.0, _jitter.uniform(0, ceiling)))).isoformat()
    changed = replace(state, state="down", since=since, last_error=error, failures=failures, probe_at=probe_at)
    _write(db, changed)


def wake(db: Database) -> None:
    """Something below has changed (a route, an answering port): probe at the next occasion."""
    state = read(db)
    if state.probe_at:
        _write(db, replace(state, probe_at=""))


def _age(last_ok: str, now: datetime) -> float:
    return abs((now - parse(last_ok)).total_seconds()) if last_ok else float("inf")


def _write(db: Database, state: LinkState) -> None:
    facts.put(db, KEY, json.dumps(asdict(state), ensure_ascii=False))
