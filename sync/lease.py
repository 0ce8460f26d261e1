"""Taking a package out of the queue and knowing how sure we are of it; each step one transaction."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from appliance.clock import boot_id, parse, steady
from appliance.errors import N_, Unavailable
from appliance.office.desk import Desk
from appliance.office.queue_times import FARTHEST, LEASE, PATIENT_AFTER
from appliance.store.database import transaction
from sync.bus.base import Kind, Outbound
from sync.edxml.peek import sender_code

_SENDABLE = "state IN ('ready', 'waiting', 'uncertain')"
_ORDER = "(kind = 'status') DESC, priority DESC, (due_latest IS NULL), due_latest, queued_at, id"
"""Statuses first, then urgency, deadline, age: both words for word as in the index ``message_order``."""


@dataclass
class Lease:
    """One package in our hands. ``doubt``: seconds since a try that may have arrived, None when there is none.

    ``asked``: how often the bus was asked about it since. ``proved_by``: a status that shows that it arrived.
    """

    id: str
    kind: str
    priority: int
    sha256: str
    size: int
    attempts: int
    attempt_id: int
    doubt: float | None
    asked: int = 0
    proved_by: str = ""


def nothing_open(db: Database) -> bool:
    """Whether the queue holds nothing to send."""
    return db.execute(f"SELECT 1 FROM message WHERE {_SENDABLE} LIMIT 1").fetchone() is None


def more_urgent(db: Database, now: datetime, lease: Lease) -> bool:
    """Whether something is due that should not wait behind the upload of ``lease``: a status, or of higher urgency."""
    row = _next(db, now)
    return row is not None and lease.kind != "status" and (row[1] == "status" or row[2] > lease.priority)


def due(db: Database, now: datetime) -> bool:
    """Whether something could be taken at this moment."""
    return _next(db, now) is not None


def recover(desk: Desk) -> int:
    """Whatever still says 'sending' belongs to a process that died: it may have arrived. Returns how many."""
    db, now = desk.db, desk.clock.now().isoformat()
    if db.execute("SELECT 1 FROM message WHERE state = 'sending' LIMIT 1").fetchone() is None:
        return 0
    with transaction(db):
        db.execute("UPDATE attempt SET ended_at = ?, phase = 'died' WHERE ended_at IS NULL", [now])
        return int(
            db.execute(
                "UPDATE message SET state = 'uncertain', next_at = ?, lease_owner = NULL, lease_until = NULL,"
                " doubt_at = ?, doubt_boot = ?, doubt_uptime = ?, asked = 0 WHERE state = 'sending'",
                [now, now, boot_id(), steady()],
            ).rowcount
        )


def take(desk: Desk) -> Lease | None:
    """Lease the most urgent due package with a new attempt row, or None."""
    db, now = desk.db, desk.clock.now()
    with transaction(db):
        row = _next(db, now)
        if row is None:
            return None
        message_id, kind, priority, sha256, size, attempts, asked, proved_by, *doubt = row
        db.execute(
            "UPDATE message SET state = 'sending', lease_owner = ?, lease_until = ?, attempts = ? WHERE id = ?",
            [str(os.getpid()), (now + LEASE).isoformat(), attempts + 1, message_id],
        )
        attempt_id = db.execute(
            "INSERT INTO attempt (message_id, started_at) VALUES (?, ?)", [message_id, now.isoformat()]
        ).lastrowid
        since = _since(db, message_id, now, *doubt)
    return Lease(
        message_id, kind, priority, sha256, size, attempts + 1, int(attempt_id or 0), since, asked, proved_by
    )  # fmt: skip


def outbound(desk: Desk, lease: Lease, stop: Callable[[], bool]) -> Outbound:
    """The package as the client needs it; a long upload makes room at ``stop``, too.

    Raises Unavailable when its bytes are missing or damaged on our disk.
    """
    path = desk.blobs.path(lease.sha256)
    try:
        with path.open("rb") as file:
            intact = hashlib.file_digest(file, "sha256").hexdigest() == lease.sha256
        sender = sender_code(path) if intact else ""
    except (OSError, ValueError, SyntaxError) as error:  # lxml's XMLSyntaxError is a SyntaxError
        raise _lost() from error
    codes = desk.db.execute("SELECT code FROM message_recipient WHERE message_id = ? ORDER BY rowid", [lease.id])
    recipients = tuple(row[0] for row in codes.fetchall())
    if not intact:
        raise _lost()
    kind: Kind = "status" if lease.kind == "status" else "edoc"
    return Outbound(
        lease.id, kind, lease.priority, sender, recipients, path, lease.size, lease.sha256,
        lambda: stop() or more_urgent(desk.db, desk.clock.now(), lease),
    )  # fmt: skip


def release_waiting(db: Database, now: datetime) -> None:
    """The line is back: what only waited for it is due now. What the bus itself put off keeps its pause."""
    with transaction(db):
        db.execute(
            "UPDATE message SET next_at = ? WHERE state IN ('waiting', 'uncertain') AND CASE"
            " (SELECT phase FROM attempt WHERE message_id = message.id ORDER BY attempt.id DESC LIMIT 1)"
            " WHEN 'refused' THEN 0 WHEN 'local' THEN 0 WHEN 'connect' THEN 1"
            " ELSE state = 'uncertain' OR attempts < ? END",
            [now.isoformat(), PATIENT_AFTER],
        )


def release_all(db: Database, now: datetime) -> None:
    """The clock was set: no pause counted by the old time means anything."""
    with transaction(db):
        db.execute(
            "UPDATE message SET next_at = ? WHERE state IN ('waiting', 'uncertain') AND next_at > ?",
            [now.isoformat(), now.isoformat()],
        )


def _next(db: Database, now: datetime) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = db.execute(
        "SELECT id, kind, priority, sha256, size, attempts, asked, proved_by, doubt_at, doubt_boot, doubt_uptime"
        f" FROM message INDEXED BY message_order WHERE {_SENDABLE}"
        " AND (state = 'ready' OR next_at IS NULL OR next_at <= ? OR next_at > ?)"
        f" ORDER BY {_ORDER} LIMIT 1",
        [now.isoformat(), (now + FARTHEST).isoformat()],
    ).fetchone()
    return row


def _since(db: Database, message_id: str, now: datetime, at: str | None, boot: str, uptime: float) -> float | None:
    """Seconds since the last try that may have arrived: by the steady clock within one boot, else by the wall clock.

    A wall clock that went back says nothing: the wait starts anew from now, so that it ends.
    """
    if at is None:
        return None
    passed = steady() - uptime if boot == boot_id() else (now - parse(at)).total_seconds()
    if passed >= 0:
        return passed
    db.execute(
        "UPDATE message SET doubt_at = ?, doubt_boot = ?, doubt_uptime = ? WHERE id = ?",
        [now.isoformat(), boot_id(), steady(), message_id],
    )
    return 0.0


def _lost() -> Unavailable:
    return Unavailable(
        N_("Gói tin bị thiếu hoặc hỏng trong kho của trạm, chưa gửi được."),
        next_step=N_("Báo kỹ thuật viên khôi phục từ bản sao lưu; gói tin vẫn nằm trong hàng đợi."),
    )
