"""Statuses that the link brings in about what we sent: kept for ever, shown at their receiver, never downwards."""

from __future__ import annotations

from dataclasses import dataclass

from appliance import clock
from appliance.office import addressees, messages, organs, recall_requests
from appliance.office.arrival import BusItem, enter_item
from appliance.office.desk import Desk, Party
from appliance.regulation.document_types import STATUS_RANK
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc

_ANSWERS = (recall_requests.AGREED, recall_requests.REFUSED)


@dataclass(frozen=True)
class ReceivedStatus:
    """A status package as read; ``at`` ISO 8601; ``to`` the organ it is for by its own word."""

    item: BusItem
    sender: Party
    document_code: str
    status_code: str
    description: str
    staff: str
    at: str
    to: str = ""


def receive_status(desk: Desk, status: ReceivedStatus) -> None:
    """Take a status in: appended for ever; the recipient's shown state moves only upwards in rank."""
    db, now, item = desk.db, desk.clock.now(), status.item
    found = db.execute("SELECT id FROM outgoing WHERE document_code = ?", [status.document_code]).fetchone()
    outgoing_id = found[0] if found else None
    with transaction(db):
        enter_item(desk, item, "stored", now)
        db.table("status_in").insert(
            {
                "bus_doc_id": item.bus_doc_id,
                "outgoing_id": outgoing_id,
                "from_code": status.sender.code,
                "from_name": nfc(status.sender.name),
                "document_code": status.document_code,
                "status_code": status.status_code,
                "description": nfc(status.description),
                "staff": nfc(status.staff),
                "at": status.at,
                "received_at": now.isoformat(),
                "sha256": item.sha256,
            }
        )
        if status.status_code == recall_requests.ASKED:
            about = (status.sender.code, status.document_code)
            for organ_id in addressees.asked(db, item.to_code, status.to, *about):
                recall_requests.note(db, organ_id, item.bus_doc_id, *about, status.description, now)
        if outgoing_id:
            _raise_recipient(desk, outgoing_id, status)
            codes = organs.codes_of(db, status.sender.code)
            messages.prove_arrival(db, outgoing_id, codes, item.bus_doc_id, now)
        detail = {
            "bus": item.bus_doc_id,
            "code": status.status_code,
            "from": status.sender.code,
            "sha256": item.sha256,
        }
        audit.append(db, now, "system", "status.arrive", f"outgoing:{outgoing_id or status.document_code}", detail)
        clock.raise_floor(db, now)


def _raise_recipient(desk: Desk, outgoing_id: str, status: ReceivedStatus) -> None:
    """Show the status at its recipient, found by any code the sender has or had, unless a higher one came before."""
    rows = desk.db.execute(
        "SELECT message_id, code, status_code FROM message_recipient WHERE message_id IN"
        " (SELECT id FROM message WHERE outgoing_id = ?)",
        [outgoing_id],
    ).fetchall()
    if status.status_code in _ANSWERS and not _recalled(desk, outgoing_id):
        return  # the answer to an update: its place is beside that update, and the work on the document goes on
    sender = organs.by_code(desk.db, status.sender.code)
    for message_id, code, shown in rows:
        holder = organs.by_code(desk.db, code)
        same = code == status.sender.code or (sender is not None and holder is not None and sender.id == holder.id)
        if same and STATUS_RANK.get(status.status_code, 0) > STATUS_RANK.get(shown or "", -1):
            desk.db.execute(
                "UPDATE message_recipient SET state = 'status', status_code = ?, status_text = ?, changed_at = ?"
                " WHERE message_id = ? AND code = ?",
                [status.status_code, nfc(status.description), status.at, message_id, code],
            )


def _recalled(desk: Desk, outgoing_id: str) -> bool:
    query = "SELECT 1 FROM follow_up WHERE outgoing_id = ? AND kind = 'recall' LIMIT 1"
    return desk.db.execute(query, [outgoing_id]).fetchone() is not None
