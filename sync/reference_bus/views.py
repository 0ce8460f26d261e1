"""What the operator page and the control endpoints show: read-only questions to the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sync.reference_bus.exchange import Exchange
from sync.reference_bus.peek import Header
from sync.reference_bus.problems import NoSuchThing

_DELIVERY = (
    "SELECT delivery.*, message.kind, message.priority, message.sender, message.sha256, message.size,"
    " message.accepted_at, message.header FROM delivery JOIN message ON message.id = delivery.message_id"
)


@dataclass(frozen=True)
class Row:
    """A delivery or a message with the header of its package and the names of both ends."""

    values: dict[str, Any]
    header: Header
    sender_name: str
    organ_name: str = ""

    def __getitem__(self, key: str) -> Any:
        return self.values[key]


def counts(exchange: Exchange) -> list[dict[str, Any]]:
    """Per organ of the directory: documents received, waiting to be fetched, sent."""
    query = (
        "SELECT (SELECT count(*) FROM delivery JOIN message ON message.id = message_id"
        " WHERE organ = ? AND kind = 'edoc') AS received,"
        " (SELECT count(*) FROM delivery WHERE organ = ? AND state = 'waiting') AS waiting,"
        " (SELECT count(*) FROM message WHERE sender = ? AND kind = 'edoc') AS sent"
    )
    return [
        {"code": organ.code, "name": organ.name, "virtual": organ.virtual}
        | exchange.store.db.query(query, [organ.code] * 3)[0]
        for organ in exchange.directory.organs
    ]


def arrived(exchange: Exchange, organ: str, limit: int = 200) -> list[Row]:
    """Documents that came for ``organ``, newest first."""
    query = f"{_DELIVERY} WHERE delivery.organ = ? AND message.kind = 'edoc' ORDER BY delivery.seq DESC LIMIT ?"
    return [_row(exchange, values) for values in exchange.store.db.query(query, [organ, limit])]


def delivery(exchange: Exchange, doc_id: str) -> Row:
    """One delivery; raises NoSuchThing."""
    for values in exchange.store.db.query(f"{_DELIVERY} WHERE delivery.doc_id = ?", [doc_id]):
        return _row(exchange, values)
    raise NoSuchThing("Không có văn bản này trên trục.")


def deliveries_of(exchange: Exchange, message_id: str) -> list[Row]:
    """One message's deliveries, in the order of its recipients."""
    query = f"{_DELIVERY} WHERE delivery.message_id = ? ORDER BY delivery.seq"
    return [_row(exchange, values) for values in exchange.store.db.query(query, [message_id])]


def sent(exchange: Exchange, organ: str | None = None, limit: int = 200) -> list[tuple[Row, list[Row]]]:
    """Documents that ``organ`` (or anybody) sent, newest first, each with its deliveries."""
    where, values = ("AND sender = ?", [organ]) if organ else ("", [])
    query = f"SELECT * FROM message WHERE kind = 'edoc' {where} ORDER BY accepted_at DESC, id DESC LIMIT ?"
    rows = [_row(exchange, row) for row in exchange.store.db.query(query, [*values, limit])]
    return [(row, deliveries_of(exchange, row["id"])) for row in rows]


def history(exchange: Exchange, doc_id: str) -> list[dict[str, Any]]:
    """The statuses given about one delivery, oldest first."""
    query = "SELECT * FROM status WHERE delivery_doc_id = ? ORDER BY at, message_id"
    return exchange.store.db.query(query, [doc_id])


def messages(exchange: Exchange) -> list[dict[str, Any]]:
    """Every message with its deliveries, oldest first, for tests that count."""
    result = []
    for row in exchange.store.db.query("SELECT * FROM message ORDER BY accepted_at, id"):
        header = Header(**json.loads(row["header"]))
        result.append(
            {
                "id": row["id"],
                "kind": row["kind"],
                "from": row["sender"],
                "to": row["recipients"].split(","),
                "sha256": row["sha256"],
                "size": row["size"],
                "priority": row["priority"],
                "doc_id": row["doc_id"],
                "accepted_at": row["accepted_at"],
                "document_id": header.document_id or header.answers_document,
                "subject": header.subject,
                "status_code": header.status_code.zfill(2) if header.status_code else None,
                "problem": header.problem,
                "deliveries": [
                    {key: d[key] for key in ("seq", "doc_id", "organ", "state", "at", "reason", "status_code")}
                    for d in deliveries_of(exchange, row["id"])
                ],
            }
        )
    return result


def _row(exchange: Exchange, values: dict[str, Any]) -> Row:
    name = exchange.directory.name
    header = Header(**json.loads(values["header"]))
    return Row(values, header, name(values["sender"]), name(values["organ"]) if "organ" in values else "")
