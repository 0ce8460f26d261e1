"""What the link brings in: documents, and what cannot be read (statuses: ``status_arrival``). One transaction each.

sync reads the wire; this module makes the office's own record of it. Nothing is acknowledged to the bus before the
function here has returned.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from appliance import clock
from appliance.errors import N_
from appliance.office import addressees, links, messages, recall_requests, verdicts
from appliance.office.desk import SYSTEM, Answered, Business, Desk, Party
from appliance.office.incoming import Incoming, prepare_status
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7


@dataclass(frozen=True)
class BusItem:
    """One entry of the bus's inbox, its content already durable under ``sha256``."""

    bus_doc_id: str
    message_id: str
    kind: str
    seq: int
    to_code: str
    sha256: str
    size: int


@dataclass(frozen=True)
class ReceivedFile:
    """One attachment, durable; ``scan`` is '' (not scanned), 'clean' or the malware's name; ``signatures`` JSON."""

    name: str
    media_type: str
    sha256: str
    size: int
    scan: str
    signatures: str


@dataclass(frozen=True)
class ReceivedDocument:
    """A document package as read. ``dedup_key`` is the business key without the receiving organ.

    ``to``: the codes of the package's own list, for a bus whose inbox does not say which organ an entry is for.
    """

    item: BusItem
    dedup_key: str
    sender: Party
    document_code: str
    number: str
    notation: str
    issue_date: str
    type_name: str
    subject: str
    urgency: int
    signer_name: str
    signer_position: str
    reply_due: str | None
    files: tuple[ReceivedFile, ...]
    warnings: tuple[str, ...]
    business: Business = field(default=Business())
    answers: tuple[Answered, ...] = ()
    to: tuple[str, ...] = ()


def seen(desk: Desk, bus_doc_id: str) -> bool:
    """Whether this inbox entry was already taken in."""
    return desk.db.execute("SELECT 1 FROM inbox WHERE bus_doc_id = ?", [bus_doc_id]).fetchone() is not None


BY_HAND = "usb:"
"""Begins the ids of entries that came on a stick: the bus knows nothing of them."""


def came_the_other_way(desk: Desk, item: BusItem) -> bool:
    """Whether the same status came before on a stick while this one came over the wire, or the other way round."""
    rows = desk.db.execute(
        "SELECT bus_doc_id FROM inbox WHERE kind = 'status' AND state = 'stored' AND bus_doc_id <> ? AND to_code = ?"
        " AND (message_id = ? AND message_id <> '' OR sha256 = ?)",
        [item.bus_doc_id, item.to_code, item.message_id, item.sha256],
    ).fetchall()
    by_hand = item.bus_doc_id.startswith(BY_HAND)
    return any(row[0].startswith(BY_HAND) != by_hand for row in rows)


def repeated(desk: Desk, item: BusItem) -> None:
    """A status that came the other way before: noted, nothing else."""
    now = desk.clock.now()
    with transaction(desk.db):
        enter_item(desk, item, "duplicate", now)
        detail = {"sha256": item.sha256}
        audit.append(desk.db, now, "system", "status.duplicate", f"inbox:{item.bus_doc_id}", detail)


@dataclass(frozen=True)
class _Arrival:
    """What one organ gets: a new record with its status 01, or nothing but a count where it has the document."""

    id: str
    key: str
    row: Incoming | None = None
    status: messages.Prepared | None = None


def receive(desk: Desk, document: ReceivedDocument) -> str:
    """Take a document in: state 'arrived', status 01 queued. Returns its id, also when it came before; '' for a recall.

    Where the bus does not say for which organ, each of this box's organs in the package's own list gets its record, as
    if each had its own delivery; the first one's id is returned. Raises BadInput when it is for no organ of this box.
    """
    db, now, item = desk.db, desk.clock.now(), document.item
    organ_ids = addressees.receivers(db, item.to_code, document.to)
    if document.business.kind == recall_requests.RECALL:
        return _receive_recall(desk, document, organ_ids, now)
    arrivals = [_arrival(desk, document, organ_id, now) for organ_id in organ_ids]
    with transaction(db):
        enter_item(desk, item, "stored" if any(one.row for one in arrivals) else "duplicate", now)
        for one in arrivals:
            _enter(desk, document, one, now)
        clock.raise_floor(db, now)
    return arrivals[0].id


def _arrival(desk: Desk, document: ReceivedDocument, organ_id: str, now: datetime) -> _Arrival:
    """Prepared before the transaction: the status's bytes become durable here."""
    key = f"{document.dedup_key}|{organ_id}"
    known = desk.db.execute("SELECT id FROM incoming WHERE dedup_key = ?", [key]).fetchone()
    if known:
        return _Arrival(str(known[0]), key)
    same_code = desk.db.execute(
        "SELECT 1 FROM incoming WHERE organ_id = ? AND from_code = ? AND document_code = ?",
        [organ_id, document.sender.code, document.document_code],
    ).fetchone()
    row = _row(document, organ_id, now, same_code is not None)
    status = prepare_status(desk, SYSTEM, row, "01", N_("Văn bản đã đến trạm, chờ văn thư tiếp nhận."), now)
    return _Arrival(row.id, key, row, status)


def _enter(desk: Desk, document: ReceivedDocument, one: _Arrival, now: datetime) -> None:
    """The rows of one organ, in the caller's transaction."""
    db, item = desk.db, document.item
    if one.row is None or one.status is None:
        db.execute("UPDATE incoming SET copies = copies + 1 WHERE id = ?", [one.id])
        audit.append(db, now, "system", "incoming.duplicate", f"incoming:{one.id}", {"bus": item.bus_doc_id})
        return
    columns = {name: getattr(one.row, name) for name in Incoming.__dataclass_fields__}
    db.table("incoming").insert({**columns, "dedup_key": one.key})
    for position, file in enumerate(document.files):
        db.table("incoming_file").insert(
            {"incoming_id": one.id, "position": position, **vars(file), "name": nfc(file.name)}
        )
        verdicts.first(db, f"incoming:{one.id}", file.sha256, file.signatures, now)
    links.note_arrival(db, one.id, document.sender.code, document.business, document.answers)
    detail = {
        "bus": item.bus_doc_id,
        "sha256": item.sha256,
        "from": document.sender.code,
        "code": document.document_code,
    }
    audit.append(db, now, "system", "incoming.arrive", f"incoming:{one.id}", detail)
    messages.enqueue(db, one.status, now)


def _receive_recall(desk: Desk, document: ReceivedDocument, organ_ids: Sequence[str], now: datetime) -> str:
    """A package that asks a document back is a request about it, of each organ that it reaches; its bytes are kept."""
    db, item = desk.db, document.item
    code = document.business.document_code or document.document_code
    with transaction(db):
        enter_item(desk, item, "stored", now)
        sender, reason = document.sender.code, document.business.reason
        asked = (item.bus_doc_id, sender, code, reason, now)
        if not sum(recall_requests.note(db, organ_id, *asked) for organ_id in organ_ids):  # every one is asked
            db.execute("UPDATE inbox SET state = 'duplicate' WHERE bus_doc_id = ?", [item.bus_doc_id])
        detail = {"bus": item.bus_doc_id, "from": document.sender.code, "code": code, "sha256": item.sha256}
        audit.append(db, now, "system", "recall.arrive", f"inbox:{item.bus_doc_id}", detail)
        clock.raise_floor(db, now)
    return ""


def _row(document: ReceivedDocument, organ_id: str, now: datetime, same_code: bool) -> Incoming:
    return Incoming(
        id=uuid7(),
        organ_id=organ_id,
        bus_doc_id=document.item.bus_doc_id,
        copies=1,
        same_code_other_content=int(same_code),
        state="arrived",
        from_code=document.sender.code,
        from_name=nfc(document.sender.name),
        document_code=document.document_code,
        code_number=nfc(document.number),
        code_notation=nfc(document.notation),
        issue_date=document.issue_date,
        type_name=nfc(document.type_name),
        subject=nfc(document.subject),
        urgency=min(max(document.urgency, 0), 4),
        signer_name=nfc(document.signer_name),
        signer_position=nfc(document.signer_position),
        reply_due=document.reply_due,
        raw_sha256=document.item.sha256,
        received_at=now.isoformat(),
        warnings=json.dumps(document.warnings, ensure_ascii=False),
        arrival_number=None,
        arrival_date=None,
        refusal_reason="",
        assignee_id=None,
        instruction="",
        task_due=None,
        result="",
        updated_at=now.isoformat(),
    )


def quarantine(desk: Desk, item: BusItem, reason: str, *, polls: int = 0) -> None:
    """Keep what cannot be read, with its bytes and the reason; the clerk and the technician see it.

    ``polls``: how often it has been tried already.
    """
    now = desk.clock.now()
    with transaction(desk.db):
        enter_item(desk, item, "quarantined", now, reason)
        desk.db.execute("UPDATE inbox SET polls = ? WHERE bus_doc_id = ?", [polls, item.bus_doc_id])
        audit.append(
            desk.db,
            now,
            "system",
            "inbox.quarantine",
            f"inbox:{item.bus_doc_id}",
            {"reason": reason, "sha256": item.sha256},
        )


def acknowledged(desk: Desk, bus_doc_id: str, word: bytes = b"") -> None:
    """Remember that the bus knows that we have it, or that we cannot use it; and the signed word that it was given."""
    db, now, kept = desk.db, desk.clock.now(), desk.blobs.put(word) if word else None
    with transaction(db):
        done = db.execute(
            "UPDATE inbox SET acked_at = ?, ack_sha256 = ? WHERE bus_doc_id = ? AND acked_at IS NULL"
            " RETURNING state, sha256",
            [now.isoformat(), kept, bus_doc_id],
        ).fetchone()
        if done:
            detail = {"state": done[0], "sha256": done[1]} | ({"word": kept} if kept else {})
            audit.append(db, now, "system", "inbox.acknowledge", f"inbox:{bus_doc_id}", detail)


def enter_item(desk: Desk, item: BusItem, state: str, now: datetime, reason: str = "") -> None:
    """The transport's own record, in the caller's transaction; one in quarantine is taken out when it can be read."""
    desk.db.execute(
        "INSERT INTO inbox (bus_doc_id, kind, message_id, seq, sha256, size, state, reason, received_at, to_code)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bus_doc_id) DO UPDATE SET kind = excluded.kind,"
        " state = excluded.state, reason = '', again_at = NULL, acked_at = NULL WHERE inbox.state = 'quarantined'",
        [item.bus_doc_id, item.kind, item.message_id, item.seq, item.sha256, item.size, state, reason,
         now.isoformat(), item.to_code],
    )  # fmt: skip


def quarantined(desk: Desk) -> list[dict[str, object]]:
    """What lies in quarantine, newest first."""
    return list(desk.db.query("SELECT * FROM inbox WHERE state = 'quarantined' ORDER BY received_at DESC"))
