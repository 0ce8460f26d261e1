"""What the operator page and the control endpoints show: read-only questions to the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sync.reference_bus.config import OrganEntry
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.peek import Header
from sync.reference_bus.problems import NoSuchThing

T = TypeVar("T")
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


PAGE = 50
"""Rows on one page of a list."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, counted from 1."""

    rows: list[T]
    number: int
    more: bool


def page_of(found: list[T], number: int) -> Page[T]:
    """``found``: one row more than a page holds, where there is one."""
    return Page(found[:PAGE], number, len(found) > PAGE)


def counts(exchange: Exchange, organs: Sequence[OrganEntry]) -> list[dict[str, Any]]:
    """Per organ: documents received, packages waiting to be fetched, documents sent."""
    some = len(organs) <= 4 * PAGE  # for more it is cheaper to count everybody
    codes = [organ.code for organ in organs] if some else []
    marks = ", ".join("?" for _ in codes) or "''"

    def grouped(column: str, source: str, condition: str) -> dict[str, int]:
        only = f" AND {column} IN ({marks})" if some else ""
        query = f"SELECT {column} AS code, count(*) AS n FROM {source} WHERE {condition}{only} GROUP BY {column}"
        return {row["code"]: row["n"] for row in exchange.store.db.query(query, codes)}

    joined = "delivery JOIN message ON message.id = delivery.message_id"
    received = grouped("delivery.organ", joined, "message.kind = 'edoc'")
    waiting = grouped("delivery.organ", "delivery", "delivery.state = 'waiting'")
    sent = grouped("message.sender", "message", "message.kind = 'edoc'")
    return [
        {
            "code": organ.code,
            "name": organ.name,
            "virtual": organ.virtual,
            "valid_to": organ.valid_to,
            "received": received.get(organ.code, 0),
            "waiting": waiting.get(organ.code, 0),
            "sent": sent.get(organ.code, 0),
        }
        for organ in organs
    ]


def arrived(exchange: Exchange, organ: str, number: int = 1) -> Page[Row]:
    """A page of the documents that came for ``organ``, newest first."""
    query = (
        f"{_DELIVERY} WHERE delivery.organ = ? AND message.kind = 'edoc' ORDER BY delivery.seq DESC LIMIT ? OFFSET ?"
    )
    found = exchange.store.db.query(query, [organ, PAGE + 1, (number - 1) * PAGE])
    return page_of([_row(exchange, values) for values in found], number)


def delivery(exchange: Exchange, doc_id: str) -> Row:
    """One delivery; raises NoSuchThing."""
    for values in exchange.store.db.query(f"{_DELIVERY} WHERE delivery.doc_id = ?", [doc_id]):
        return _row(exchange, values)
    raise NoSuchThing("Không có văn bản này trên trục.")


def deliveries_of(exchange: Exchange, message_id: str) -> list[Row]:
    """One message's deliveries, in the order of its recipients."""
    query = f"{_DELIVERY} WHERE delivery.message_id = ? ORDER BY delivery.seq"
    return [_row(exchange, values) for values in exchange.store.db.query(query, [message_id])]


def sent(exchange: Exchange, organ: str | None = None, number: int = 1) -> Page[tuple[Row, list[Row]]]:
    """A page of the documents that ``organ`` (or anybody) sent, newest first, each with its deliveries."""
    where, values = ("AND sender = ?", [organ]) if organ else ("", [])
    query = f"SELECT * FROM message WHERE kind = 'edoc' {where} ORDER BY accepted_at DESC, id DESC LIMIT ? OFFSET ?"
    found = exchange.store.db.query(query, [*values, PAGE + 1, (number - 1) * PAGE])
    rows = [_row(exchange, row) for row in found]
    return page_of([(row, deliveries_of(exchange, row["id"])) for row in rows], number)


def sent_count(exchange: Exchange, organ: str) -> int:
    """How many documents ``organ`` has sent."""
    query = "SELECT count(*) AS n FROM message WHERE kind = 'edoc' AND sender = ?"
    return int(exchange.store.db.query(query, [organ])[0]["n"])


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
