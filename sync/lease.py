"""The queue's steps in the store: take a package, put it back, or close it; each one transaction."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from appliance import clock
from appliance.errors import N_, Unavailable
from appliance.office.desk import Desk
from appliance.store import audit
from appliance.store.database import transaction
from sync.bus.base import Kind, Outbound, SendResult
from sync.edxml.peek import sender_code

LEASE = timedelta(hours=1)
_FARTHEST = timedelta(hours=2)
"""No pause is longer; a later ``next_at`` was written while the clock ran ahead and counts as due."""

_PATIENT_AFTER = 5
"""A package cut off this often waits out its pause even when the line is back: it may be what breaks the line."""


@dataclass
class Lease:
    """One package in our hands. ``uncertain``: an earlier try may have reached the bus."""

    id: str
    kind: str
    priority: int
    sha256: str
    size: int
    attempts: int
    attempt_id: int
    uncertain: bool


def nothing_open(db: Database) -> bool:
    """Whether the queue holds nothing to send."""
    query = "SELECT 1 FROM message WHERE state IN ('ready', 'waiting', 'uncertain') LIMIT 1"
    return db.execute(query).fetchone() is None


def recover(desk: Desk) -> int:
    """Whatever still says 'sending' belongs to a process that died: it may have arrived. Returns how many."""
    db, now = desk.db, desk.clock.now().isoformat()
    if db.execute("SELECT 1 FROM message WHERE state = 'sending' LIMIT 1").fetchone() is None:
        return 0
    with transaction(db):
        db.execute("UPDATE attempt SET ended_at = ?, phase = 'died' WHERE ended_at IS NULL", [now])
        return int(
            db.execute(
                "UPDATE message SET state = 'uncertain', next_at = ?, lease_owner = NULL, lease_until = NULL"
                " WHERE state = 'sending'",
                [now],
            ).rowcount
        )


def take(desk: Desk) -> Lease | None:
    """Lease the most urgent due package with a new attempt row, or None."""
    db, now = desk.db, desk.clock.now()
    with transaction(db):
        row = db.execute(
            "SELECT id, kind, priority, sha256, size, attempts, state FROM message"
            " WHERE state = 'ready'"
            " OR (state IN ('waiting', 'uncertain') AND (next_at IS NULL OR next_at <= ? OR next_at > ?))"
            " ORDER BY kind = 'status' DESC, priority DESC, due_latest IS NULL, due_latest, queued_at, id LIMIT 1",
            [now.isoformat(), (now + _FARTHEST).isoformat()],
        ).fetchone()
        if row is None:
            return None
        message_id, kind, priority, sha256, size, attempts, state = row
        db.execute(
            "UPDATE message SET state = 'sending', lease_owner = ?, lease_until = ?, attempts = ? WHERE id = ?",
            [str(os.getpid()), (now + LEASE).isoformat(), attempts + 1, message_id],
        )
        attempt_id = db.execute(
            "INSERT INTO attempt (message_id, started_at) VALUES (?, ?)", [message_id, now.isoformat()]
        ).lastrowid
    return Lease(message_id, kind, priority, sha256, size, attempts + 1, int(attempt_id or 0), state == "uncertain")


def outbound(desk: Desk, lease: Lease) -> Outbound:
    """The package as the client needs it. Raises Unavailable when its bytes are missing or damaged on our disk."""
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
    return Outbound(lease.id, kind, lease.priority, sender, recipients, path, lease.size, lease.sha256)


def accepted(desk: Desk, lease: Lease, result: SendResult) -> str:
    """The bus has it: receipt kept, recipients moved, evidence in the journal."""
    db, now = desk.db, desk.clock.now()
    receipt = desk.blobs.put(result.receipt)
    with transaction(db):
        db.execute(
            "UPDATE message SET state = 'accepted', bus_doc_id = ?, accepted_at = ?, receipt_sha256 = ?,"
            " last_error = '', next_at = NULL, lease_owner = NULL, lease_until = NULL WHERE id = ?",
            [result.doc_id, _moment(result.accepted_at, now), receipt, lease.id],
        )
        db.execute(
            "UPDATE message_recipient SET state = 'accepted', changed_at = ? WHERE message_id = ? AND state = 'queued'",
            [now.isoformat(), lease.id],
        )
        _end_attempt(db, lease, now, "done", result.bytes_sent, result.http_status, "")
        detail = {"bus": result.doc_id, "sha256": lease.sha256, "receipt": receipt, "attempts": lease.attempts}
        audit.append(db, now, "system", "message.accept", f"message:{lease.id}", detail)
        clock.raise_floor(db, now)
    return "accepted"


def rejected(desk: Desk, lease: Lease, result: SendResult) -> str:
    """The bus will never take it as it is: a person has to look."""
    db, now = desk.db, desk.clock.now()
    with transaction(db):
        db.execute(
            "UPDATE message SET state = 'rejected', last_error = ?,"
            " next_at = NULL, lease_owner = NULL, lease_until = NULL WHERE id = ?",
            [result.reason, lease.id],
        )
        _end_attempt(db, lease, now, "rejected", result.bytes_sent, result.http_status, result.reason)
        detail = {"reason": result.reason, "http": result.http_status}
        audit.append(db, now, "system", "message.reject", f"message:{lease.id}", detail)
    return "rejected"


def postpone(
    desk: Desk,
    lease: Lease,
    error: str,
    phase: str,
    seconds: float,
    bytes_sent: int = 0,
    http_status: int | None = None,
) -> str:
    """Back into the queue for ``seconds``: 'uncertain' where it may have arrived, else 'waiting'."""
    db, now = desk.db, desk.clock.now()
    state = "uncertain" if lease.uncertain else "waiting"
    with transaction(db):
        db.execute(
            "UPDATE message SET state = ?, next_at = ?, last_error = ?,"
            " lease_owner = NULL, lease_until = NULL WHERE id = ?",
            [state, (now + timedelta(seconds=seconds)).isoformat(), error, lease.id],
        )
        _end_attempt(db, lease, now, phase, bytes_sent, http_status, error)
    return state


def release_waiting(db: Database, now: datetime) -> None:
    """The line is back: what only waited for it is due now. What the bus itself put off keeps its pause."""
    with transaction(db):
        db.execute(
            "UPDATE message SET next_at = ? WHERE state IN ('waiting', 'uncertain') AND CASE"
            " (SELECT phase FROM attempt WHERE message_id = message.id ORDER BY attempt.id DESC LIMIT 1)"
            " WHEN 'refused' THEN 0 WHEN 'local' THEN 0 WHEN 'connect' THEN 1"
            " ELSE state = 'uncertain' OR attempts < ? END",
            [now.isoformat(), _PATIENT_AFTER],
        )


def _end_attempt(
    db: Database, lease: Lease, now: datetime, phase: str, bytes_sent: int, http_status: int | None, error: str
) -> None:
    db.execute(
        "UPDATE attempt SET ended_at = ?, phase = ?, bytes_sent = ?, http_status = ?, error = ? WHERE id = ?",
        [now.isoformat(), phase, bytes_sent, http_status, error, lease.attempt_id],
    )


def _moment(text: str, fallback: datetime) -> str:
    """The bus's time as the store writes times."""
    try:
        return clock.parse(text).isoformat()
    except ValueError:
        return fallback.isoformat()


def _lost() -> Unavailable:
    return Unavailable(
        N_("Gói tin bị thiếu hoặc hỏng trong kho của trạm, chưa gửi được."),
        next_step=N_("Báo kỹ thuật viên khôi phục từ bản sao lưu; gói tin vẫn nằm trong hàng đợi."),
    )
