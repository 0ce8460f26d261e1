"""The line's state as one durable fact, so that the pages can show it and a restart remembers it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from appliance.clock import parse
from appliance.store import facts
from sync.lease import release_waiting

KEY = "link:state"
_REMEMBER_SECONDS = 60.0


@dataclass(frozen=True)
class LinkState:
    """``state`` 'up', 'down' or 'new' (never tried); times ISO 8601; ``failures`` in a row; the error in Vietnamese."""

    state: str = "new"
    since: str = ""
    last_ok: str = ""
    last_error: str = ""
    failures: int = 0


def read(db: Database) -> LinkState:
    """The state as last written."""
    text = facts.get(db, KEY)
    return LinkState(**json.loads(text)) if text else LinkState()


def fresh(db: Database, now: datetime) -> bool:
    """Whether the bus answered within the last two minutes."""
    return _age(read(db).last_ok, now) < 2 * _REMEMBER_SECONDS


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
    _write(db, replace(state, state="down", since=since, last_error=error, failures=state.failures + 1))


def _age(last_ok: str, now: datetime) -> float:
    return abs((now - parse(last_ok)).total_seconds()) if last_ok else float("inf")


def _write(db: Database, state: LinkState) -> None:
    facts.put(db, KEY, json.dumps(asdict(state), ensure_ascii=False))
