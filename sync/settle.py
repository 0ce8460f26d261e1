"""How an attempt ends in the store: accepted, rejected, split, or back into the queue; each one transaction.

The named end states of a package: ``accepted`` (receipt, or a status as proof), ``rejected`` (a person corrects it),
``superseded`` (rejected or held, with a successor), ``held`` (by a person or a rule); all others are on their way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance import clock
from appliance.errors import N_
from appliance.office import messages, notices, organs, successors
from appliance.office.desk import Desk
from appliance.store import audit
from appliance.store.database import transaction
from sync.bus.base import BusError, Fault, SendResult
from sync.lease import Lease

SENDER_NOTICE = N_("Trục không nhận văn bản do %(organ)s gửi, các văn bản đó đang đợi: %(reason)s")
_CERTAIN = "doubt_at = NULL, doubt_boot = '', doubt_uptime = 0, asked = 0"
_FREE = "lease_owner = NULL, lease_until = NULL"


@dataclass(frozen=True)
class Ended:
    """How one attempt ended without a result: what is shown, where it stopped, and how much of the package left."""

    error: str
    phase: str
    bytes_sent: int = 0
    http_status: int | None = None


def accepted(desk: Desk, lease: Lease, result: SendResult) -> str:
    """The bus has it: receipt kept, recipients moved, evidence in the journal."""
    db, now = desk.db, desk.clock.now()
    receipt = desk.blobs.put(result.receipt)
    with transaction(db):
        db.execute(
            "UPDATE message SET state = 'accepted', bus_doc_id = ?, accepted_at = ?, receipt_sha256 = ?,"
            f" last_error = '', next_at = NULL, {_CERTAIN}, {_FREE} WHERE id = ?",
            [result.doc_id, _moment(result.accepted_at, now), receipt, lease.id],
        )
        db.execute(
            "UPDATE message_recipient SET state = 'accepted', changed_at = ? WHERE message_id = ? AND state = 'queued'",
            [now.isoformat(), lease.id],
        )
        _end_attempt(desk, lease, now, Ended("", "done", result.bytes_sent, result.http_status))
        detail = {"bus": result.doc_id, "sha256": lease.sha256, "receipt": receipt, "attempts": lease.attempts}
        audit.append(db, now, "system", "message.accept", f"message:{lease.id}", detail)
        clock.raise_floor(db, now)
    return "accepted"


def accepted_by_hand(desk: Desk, row: dict[str, Any], receipt: bytes, doc_id: str, accepted_at: str) -> bool:
    """The bus's receipt for the message ``row`` came back on a stick; False when it is accepted already. Repeatable.

    One under way is left to its attempt: the bus gives the same receipt again.
    """
    db, now, kept = desk.db, desk.clock.now(), desk.blobs.put(receipt)
    with transaction(db):
        changed = db.execute(
            "UPDATE message SET state = 'accepted', bus_doc_id = ?, accepted_at = ?, receipt_sha256 = ?,"
            f" last_error = '', next_at = NULL, held_by = '', held_reason = '', {_CERTAIN} WHERE id = ?"
            " AND state NOT IN ('accepted', 'sending') AND superseded_by IS NULL",
            [doc_id, _moment(accepted_at, now), kept, row["id"]],
        ).rowcount
        if not changed:
            return False
        db.execute(
            "UPDATE message_recipient SET state = 'accepted', changed_at = ? WHERE message_id = ? AND state = 'queued'",
            [now.isoformat(), row["id"]],
        )
        detail = {"bus": doc_id, "sha256": row["sha256"], "receipt": kept, "attempts": row["attempts"]}
        audit.append(db, now, "system", "message.accept", f"message:{row['id']}", detail)
        clock.raise_floor(db, now)
    return True


def proved(desk: Desk, lease: Lease) -> str:
    """A status of a recipient has come for it meanwhile: it arrived, with that status as the proof."""
    now = desk.clock.now()
    with transaction(desk.db):
        _end_attempt(desk, lease, now, Ended("", "proved"))
        messages.accept_by_proof(desk.db, lease.id, lease.proved_by, now)
    return "accepted"


def rejected(desk: Desk, lease: Lease, result: SendResult) -> str:
    """The bus will never take it as it is: a person has to look, or it goes on in parts that do not block each other.

    Where an organ is at fault and there are others, the package is split (``successors.split``).
    """
    parts = successors.parts(desk, lease.id, result.organs) if result.fault is Fault.ORGAN else ()
    db, now = desk.db, desk.clock.now()
    with transaction(db):
        db.execute(
            "UPDATE message SET state = 'rejected', last_error = ?, fault = ?,"
            f" next_at = NULL, {_CERTAIN}, {_FREE} WHERE id = ?",
            [result.reason, result.fault.value, lease.id],
        )
        _end_attempt(desk, lease, now, Ended(result.reason, "rejected", result.bytes_sent, result.http_status))
        detail = {"reason": result.reason, "http": result.http_status, "fault": result.fault.value}
        audit.append(db, now, "system", "message.reject", f"message:{lease.id}", detail)
        successors.enter(db, lease.id, parts, now, reason=result.reason)
    return "split" if parts else "rejected"


def postpone(desk: Desk, lease: Lease, ended: Ended, seconds: float) -> str:
    """Back into the queue for ``seconds``: 'uncertain' where an earlier try may have arrived, else 'waiting'."""
    db, now = desk.db, desk.clock.now()
    state, certain = ("waiting", _CERTAIN) if lease.doubt is None else ("uncertain", f"asked = {lease.asked:d}")
    with transaction(db):
        db.execute(
            f"UPDATE message SET state = ?, next_at = ?, last_error = ?, {certain}, {_FREE} WHERE id = ?",
            [state, (now + timedelta(seconds=seconds)).isoformat(), ended.error, lease.id],
        )
        _end_attempt(desk, lease, now, ended)
    return state


def keep_back(desk: Desk, lease: Lease, error: BusError, seconds: float) -> None:
    """The bus does not let the organ of ``lease`` speak: nothing else of it is tried for ``seconds``; staff is told.

    What is in doubt stays so: it is asked about all the same.
    """
    db, now = desk.db, desk.clock.now()
    (organ_id,) = db.execute("SELECT organ_id FROM message WHERE id = ?", [lease.id]).fetchone()
    with transaction(db):
        db.execute(
            "UPDATE message SET state = 'waiting', next_at = ?, last_error = ? WHERE organ_id = ?"
            " AND state IN ('ready', 'waiting')",
            [(now + timedelta(seconds=seconds)).isoformat(), str(error), organ_id],
        )
        organ = organs.get(db, organ_id)
        text = SENDER_NOTICE % {"organ": organ.name, "reason": f"{error} {error.advice}"}
        mark = f"{organ_id} {now.date().isoformat()}"  # said again each day that it lasts
        notices.tell_staff(db, "link:bus", kind="sender_refused", mark=mark, text=text, at=now)


def doubtful(desk: Desk, lease: Lease, ended: Ended, seconds: float) -> str:
    """The last byte left and nobody knows: from this moment it may have arrived, and is asked about in ``seconds``."""
    db, now = desk.db, desk.clock.now()
    with transaction(db):
        db.execute(
            "UPDATE message SET state = 'uncertain', next_at = ?, last_error = ?, asked = 0,"
            f" doubt_at = ?, doubt_boot = ?, doubt_uptime = ?, {_FREE} WHERE id = ?",
            [(now + timedelta(seconds=seconds)).isoformat(), ended.error, now.isoformat(), clock.boot_id(),
             clock.steady(), lease.id],
        )  # fmt: skip
        _end_attempt(desk, lease, now, ended)
    return "uncertain"


def _end_attempt(desk: Desk, lease: Lease, now: datetime, ended: Ended) -> None:
    desk.db.execute(
        "UPDATE attempt SET ended_at = ?, phase = ?, bytes_sent = ?, http_status = ?, error = ? WHERE id = ?",
        [now.isoformat(), ended.phase, ended.bytes_sent, ended.http_status, ended.error, lease.attempt_id],
    )


def _moment(text: str, fallback: datetime) -> str:
    """The bus's time as the store writes times."""
    try:
        return clock.parse(text).isoformat()
    except (ValueError, OverflowError):
        return fallback.isoformat()
