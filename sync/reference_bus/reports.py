"""Statistics that organs hand in each month (QĐ 15/2019, article 17), beside what the bus saw itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.errors import N_
from sync.reference_bus.problems import BadRequest
from sync.reference_bus.store import BusStore

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Seen:
    """What passed the bus for one organ in one month: documents, and statuses apart."""

    sent: int
    recipients: int
    """Deliveries of the documents sent."""
    delivered: int
    """Of these the ones that the recipient's machine has fetched."""
    refused: int
    """Documents sent that at least one recipient has refused with 02."""
    received: int
    statuses_sent: int


def keep(store: BusStore, organ: str, month: str, content: Mapping[str, Any]) -> int:
    """Note a report; returns its number. The same content again is no new report. Raises BadRequest."""
    if not _MONTH.fullmatch(month):
        raise BadRequest(N_("Tháng của báo cáo phải có dạng năm-tháng, ví dụ 2026-11."))
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    if len(text) > _MAX_CHARACTERS:
        raise BadRequest(N_("Báo cáo quá dài."))
    with store.transaction():
        number = store.numbers("report", 1)[0]  # held until the end, so no two of the same organ cross
        newest = in_force(store, organ, month)
        if newest is not None and newest["content"] == text:
            return int(newest["number"])
        row = {"number": number, "organ": organ, "month": month, "content": text, "received_at": store.clock.stamp()}
        store.db.insert("report", row)
    return number


def in_force(store: BusStore, organ: str, month: str) -> dict[str, Any] | None:
    """The newest report of an organ and month, None when there is none."""
    query = "SELECT * FROM report WHERE organ = ? AND month = ? ORDER BY number DESC LIMIT 1"
    return store.db.one(query, [organ, month])


def history(store: BusStore, organ: str) -> list[dict[str, Any]]:
    """All reports of an organ, newest first."""
    return store.db.query("SELECT * FROM report WHERE organ = ? ORDER BY month DESC, number DESC", [organ])


def months(store: BusStore, organ: str) -> list[str]:
    """Months in which the organ sent or received a document, or for which it reported; newest first."""
    query = (
        "SELECT substr(accepted_at, 1, 7) AS month FROM message WHERE sender = ? AND kind = 'edoc'"
        " UNION SELECT substr(message.accepted_at, 1, 7) FROM delivery JOIN message ON message.id = delivery.message_id"
        " WHERE delivery.organ = ? AND message.kind = 'edoc' UNION SELECT month FROM report WHERE organ = ?"
    )
    return sorted((row["month"] for row in store.db.query(query, [organ] * 3)), reverse=True)


def seen(store: BusStore, organ: str, month: str) -> Seen:
    """The bus's own count, by the time it accepted each package (Vietnam's calendar)."""
    span = [f"{month}-01", f"{month}-99"]
    sent = store.db.query(
        "SELECT message.kind, count(DISTINCT message.id) AS messages, count(delivery.doc_id) AS deliveries,"
        " count(CASE WHEN delivery.state = 'delivered' THEN 1 END) AS delivered,"
        " count(DISTINCT CASE WHEN delivery.status_code = '02' THEN message.id END) AS refused"
        " FROM message LEFT JOIN delivery ON delivery.message_id = message.id"
        " WHERE message.sender = ? AND message.accepted_at BETWEEN ? AND ? GROUP BY message.kind",
        [organ, *span],
    )
    received = store.db.query(
        "SELECT count(*) AS n FROM delivery JOIN message ON message.id = delivery.message_id"
        " WHERE delivery.organ = ? AND message.kind = 'edoc' AND message.accepted_at BETWEEN ? AND ?",
        [organ, *span],
    )
    kinds = {row["kind"]: row for row in sent}
    documents = kinds.get("edoc", {})
    return Seen(
        sent=documents.get("messages", 0),
        recipients=documents.get("deliveries", 0),
        delivered=documents.get("delivered", 0),
        refused=documents.get("refused", 0),
        received=received[0]["n"],
        statuses_sent=kinds.get("status", {}).get("messages", 0),
    )
