"""How far accepted documents got: the bus is asked per message, recipients only move forward."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.clock import parse
from appliance.office import organs
from appliance.office.desk import Desk
from appliance.store import audit
from appliance.store.database import transaction
from sync.bus.base import BusClient, BusError, Fault, RecipientState

MOST_FAULTS = 5
"""So often a bus may fail to answer in one round: each failure may take long, and others wait for the line."""
NOT_FETCHED = "Trục báo nơi nhận không nhận được gói tin."


def refresh_recipients(desk: Desk, client: BusClient, *, days: int = 14) -> int:
    """Ask about documents accepted in the last ``days`` with a recipient not yet reached; returns rows changed.

    One message that the bus cannot tell about does not hold up the others. Raises BusError: at once when the line
    fails, after some faults of a bus that is ill, else when all were asked.
    """
    since = (desk.clock.now() - timedelta(days=days)).isoformat()
    rows = desk.db.execute(
        "SELECT id, coalesce(bus_doc_id, '') FROM message"
        " WHERE kind = 'edoc' AND state = 'accepted' AND accepted_at >= ? AND EXISTS ("
        " SELECT 1 FROM message_recipient AS r WHERE r.message_id = message.id"
        # a status may come first: the delivery is asked for all the same, it is evidence of its own
        " AND (r.state IN ('queued', 'accepted') OR r.delivered_at IS NULL))"
        " ORDER BY priority DESC, accepted_at",
        [since],
    ).fetchall()
    changed, faults, failure = 0, 0, None
    for message_id, doc_id in rows:
        try:
            states = client.recipients(message_id, doc_id)
        except BusError as error:
            if error.link or error.fault is Fault.LINK:
                raise
            failure, faults = error, faults + (not error.permanent)
            if faults == MOST_FAULTS:
                break
            continue
        changed += sum(_update(desk, message_id, state) for state in states)
    if failure:
        raise failure
    return changed


def _update(desk: Desk, message_id: str, seen: RecipientState) -> int:
    """Move one recipient forward; 'failed' is said in words, because a later copy may still arrive."""
    code = _our_code(desk, message_id, seen.organ)
    if code is None or seen.state not in ("delivered", "failed"):
        return 0
    now = desk.clock.now()
    change = "state = 'delivered', status_text = ''" if seen.state == "delivered" else "status_text = ?"
    text = [] if seen.state == "delivered" else [NOT_FETCHED]
    word = desk.blobs.put(seen.proof) if seen.proof else ""
    with transaction(desk.db):
        changed = desk.db.execute(
            f"UPDATE message_recipient SET {change}, changed_at = ? WHERE message_id = ? AND code = ?"
            " AND state IN ('queued', 'accepted') AND (? = 'delivered' OR status_text = '')",
            [*text, now.isoformat(), message_id, code, seen.state],
        ).rowcount
        if seen.state == "delivered":
            _delivered(desk, message_id, code, _moment(seen.at, now), word)
        return int(changed)


def _delivered(desk: Desk, message_id: str, code: str, moment: datetime, word: str) -> None:
    """The first news of a delivery at ``moment``, and the recipient's own word when it comes: evidence and journal."""
    db, now, at = desk.db, desk.clock.now(), moment.isoformat()
    first = db.execute(
        "UPDATE message_recipient SET delivered_at = ? WHERE message_id = ? AND code = ? AND delivered_at IS NULL",
        [at, message_id, code],
    ).rowcount
    if word:
        first += db.execute(
            "INSERT INTO delivery_receipt (message_id, code, sha256, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [message_id, code, word, now.isoformat()],
        ).rowcount
    if first:
        detail = {"to": code, "at": at, **({"receipt": word} if word else {})}
        audit.append(db, now, "system", "message.deliver", f"message:{message_id}", detail)


def _moment(text: str, fallback: datetime) -> datetime:
    """The bus's time of a delivery, where it tells one."""
    try:
        return parse(text) if text else fallback
    except (ValueError, OverflowError):
        return fallback


def _our_code(desk: Desk, message_id: str, organ_code: str) -> str | None:
    """The code under which we addressed the organ that the bus calls ``organ_code``."""
    rows = desk.db.execute("SELECT code FROM message_recipient WHERE message_id = ?", [message_id]).fetchall()
    codes = [row[0] for row in rows]
    if organ_code in codes:
        return organ_code
    holder = organs.by_code(desk.db, organ_code)
    for code in codes:
        other = organs.by_code(desk.db, code)
        if holder and other and holder.id == other.id:
            return str(code)
    return None
