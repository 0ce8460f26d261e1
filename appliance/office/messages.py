"""The queue's door: a package gets its id and its exact bytes once, and enters the queue in its change's transaction.

Sending itself is sync's work (sync.outbox); here a message is put in and looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from appliance.errors import N_
from appliance.office import bus_limit
from appliance.office.desk import Desk, DocumentPackage, Party, StatusPackage
from appliance.regulation.calendar import send_deadline
from appliance.store import audit
from appliance.store.text import fold, nfc, uuid7

OPEN_STATES = ("ready", "sending", "waiting", "uncertain", "held", "rejected")


@dataclass(frozen=True)
class Prepared:
    """A package whose bytes are durable but that is not yet queued."""

    id: str
    kind: str
    sha256: str
    size: int
    title: str
    priority: int
    organ_id: str
    recipients: tuple[Party, ...]
    outgoing_id: str | None = None
    incoming_id: str | None = None
    status_code: str | None = None
    issued: datetime | None = None


def prepare_document(
    desk: Desk, package: DocumentPackage, *, organ_id: str, outgoing_id: str, issued: datetime
) -> Prepared:
    """Write and keep the bytes of a document package. Raises BadInput when a field or the whole is too large."""
    sha256, size = desk.packages.document(package, desk.blobs)
    bus_limit.check(desk.db, size)
    return Prepared(
        id=package.message_id,
        kind="edoc",
        sha256=sha256,
        size=size,
        title=package.subject,
        priority=package.urgency,
        organ_id=organ_id,
        recipients=package.recipients,
        outgoing_id=outgoing_id,
        issued=issued,
    )


def prepare_status(desk: Desk, package: StatusPackage, *, organ_id: str, incoming_id: str, title: str) -> Prepared:
    """Write and keep the bytes of a status package about an incoming document."""
    data = desk.packages.status(package)
    return Prepared(
        id=package.message_id,
        kind="status",
        sha256=desk.blobs.put(data),
        size=len(data),
        title=title,
        priority=0,
        organ_id=organ_id,
        recipients=(Party(package.addressee_code, ""),),
        incoming_id=incoming_id,
        status_code=package.status_code,
    )


def enqueue(db: Database, prepared: Prepared, now: datetime) -> None:
    """Put a prepared package into the queue; inside the transaction of the change it reports.

    A status that was already queued for this document is not queued twice; each request to recall has its own answer.
    """
    if not db.conn.in_transaction:
        raise RuntimeError("a message is queued in the transaction of its change")
    deadline = send_deadline(prepared.issued, prepared.priority) if prepared.issued else None
    inserted = db.execute(
        "INSERT INTO message (id, kind, organ_id, outgoing_id, incoming_id, status_code, title, priority,"
        " sha256, size, state,"
        " queued_at, due_target, due_latest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'ready', ?, ?, ?)"
        " ON CONFLICT (incoming_id, status_code) WHERE kind = 'status' AND supersedes IS NULL"
        " AND status_code NOT IN ('15', '16') DO NOTHING",
        [
            prepared.id,
            prepared.kind,
            prepared.organ_id,
            prepared.outgoing_id,
            prepared.incoming_id,
            prepared.status_code,
            prepared.title,
            prepared.priority,
            prepared.sha256,
            prepared.size,
            now.isoformat(),
            deadline.target.isoformat() if deadline else None,
            deadline.latest.isoformat() if deadline else None,
        ],
    ).rowcount
    if inserted:
        for recipient in prepared.recipients:
            db.execute(
                "INSERT INTO message_recipient (message_id, code, name) VALUES (?, ?, ?)",
                [prepared.id, recipient.code, recipient.name],
            )


def new_id() -> str:
    """An id for a message, for life."""
    return uuid7()


LANES: dict[str, str] = {
    "": N_("Tất cả"),
    "open": N_("Chưa gửi xong"),
    "late": N_("Quá hạn gửi"),
    "uncertain": N_("Chưa chắc chắn"),
    "held": N_("Tạm giữ"),
    "rejected": N_("Trục từ chối"),
    "accepted": N_("Trục đã nhận"),
}
"""The lists into which people look; each a name of ``queue``'s ``lane``."""


def queue(
    db: Database,
    organ_id: str,
    *,
    kind: str = "",
    lane: str = "",
    query: str = "",
    now: str = "",
    page: int = 1,
    per_page: int = 50,
) -> tuple[list[dict[str, Any]], int]:
    """The queue as people see it, in sending order, then newest first; (rows, total). Rows are ``message`` columns.

    ``organ_id`` '' looks at every organ of the box; ``now`` (ISO 8601) is what lane 'late' compares with.
    """
    where, values = "1", []
    for column, value in (("organ_id", organ_id), ("kind", kind)):
        if value:
            where += f" AND {column} = ?"
            values.append(value)
    if lane:
        where += " AND superseded_by IS NULL"
    if lane in ("open", "late"):
        where += f" AND state IN ({', '.join('?' * len(OPEN_STATES))})"
        values.extend(OPEN_STATES)
    elif lane:
        where += " AND state = ?"
        values.append(lane)
    if lane == "late":
        where += " AND due_latest < ?"
        values.append(now)
    if query:
        where += " AND (instr(fold(title), ?) OR id = ? OR bus_doc_id = ?)"
        values.extend([fold(nfc(query)), query.strip(), query.strip()])
    total = db.execute(f"SELECT count(*) FROM message WHERE {where}", values).fetchone()[0]
    rows = db.query(
        f"SELECT * FROM message WHERE {where} ORDER BY state = 'accepted' OR superseded_by IS NOT NULL,"
        " CASE WHEN state <> 'accepted' THEN -priority END, CASE WHEN state <> 'accepted' THEN due_latest"
        " END, queued_at DESC, id"
        " LIMIT ? OFFSET ?",
        [*values, str(per_page), str((page - 1) * per_page)],
    )
    return list(rows), total


def recipients(db: Database, message_id: str) -> list[dict[str, Any]]:
    """The state per recipient of one message."""
    return list(db.query("SELECT * FROM message_recipient WHERE message_id = ? ORDER BY name, code", [message_id]))


def attempts(db: Database, message_id: str, limit: int = 50) -> list[dict[str, Any]]:
    """The newest attempts first."""
    return list(db.query("SELECT * FROM attempt WHERE message_id = ? ORDER BY id DESC LIMIT ?", [message_id, limit]))


def for_outgoing(db: Database, outgoing_id: str) -> dict[str, Any] | None:
    """The message that carries an issued document; of several (split, corrected) the one that needs most looking at."""
    rows = db.query(
        "SELECT * FROM message WHERE outgoing_id = ? AND kind = 'edoc' AND superseded_by IS NULL"
        " ORDER BY state = 'accepted', queued_at, id LIMIT 1",
        [outgoing_id],
    )
    return next(iter(rows), None)


def prove_arrival(db: Database, outgoing_id: str, organ_codes: Sequence[str], bus_doc_id: str, now: datetime) -> None:
    """A status from a receiver (all its codes) shows that the document reached it (bus-link C.2 rule 2).

    Settles the first message to that organ when it is in doubt; one under way is settled at its attempt's end. Inside
    the transaction that takes the status in.
    """
    marks = ", ".join("?" * len(organ_codes))
    row = db.execute(
        "SELECT id, state, doubt_at FROM message WHERE outgoing_id = ? AND kind = 'edoc' AND superseded_by IS NULL AND"
        f" id IN (SELECT message_id FROM message_recipient WHERE code IN ({marks})) ORDER BY queued_at, id LIMIT 1",
        [outgoing_id, *organ_codes],
    ).fetchone()
    if row is None or row[1] in ("accepted", "rejected"):
        return
    message_id, state, doubt = row
    db.execute("UPDATE message SET proved_by = ? WHERE id = ?", [bus_doc_id, message_id])
    if state == "uncertain" or (state == "held" and doubt):
        accept_by_proof(db, message_id, bus_doc_id, now)


def accept_by_proof(db: Database, message_id: str, bus_doc_id: str, now: datetime) -> None:
    """The message arrived, with an incoming status as the proof and no receipt; inside a transaction."""
    db.execute(
        "UPDATE message SET state = 'accepted', accepted_at = ?, proved_by = ?, last_error = '', next_at = NULL,"
        " doubt_at = NULL, asked = 0, held_by = '', held_reason = '', lease_owner = NULL, lease_until = NULL"
        " WHERE id = ?",
        [now.isoformat(), bus_doc_id, message_id],
    )
    db.execute(
        "UPDATE message_recipient SET state = 'accepted', changed_at = ? WHERE message_id = ? AND state = 'queued'",
        [now.isoformat(), message_id],
    )
    audit.append(db, now, "system", "message.prove", f"message:{message_id}", {"status": bus_doc_id})


def statuses_of(db: Database, outgoing_id: str) -> list[dict[str, Any]]:
    """Every status that came for an issued document, oldest first."""
    return list(db.query("SELECT * FROM status_in WHERE outgoing_id = ? ORDER BY id", [outgoing_id]))


def recipients_in_order(db: Database, message_id: str) -> list[dict[str, Any]]:
    """The receivers of one message in the order of the package."""
    return list(db.query("SELECT * FROM message_recipient WHERE message_id = ? ORDER BY rowid", [message_id]))


def chain(db: Database, row: dict[str, Any]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """(the message that ``row`` stands for, its own successors)."""
    before = next(iter(db.query("SELECT * FROM message WHERE id = ?", [row["supersedes"]])), None)
    return before, list(db.query("SELECT * FROM message WHERE supersedes = ? ORDER BY id", [row["id"]]))
