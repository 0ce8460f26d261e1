"""One long poll for everything new (RFC 7240 ``Prefer: wait``): mail for a box, and deliveries of what it sent."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

from flask import Flask, Response, jsonify, request

from sync.reference_bus.exchange import Exchange
from sync.reference_bus.native.requests import number, own_organs

MAX_WAIT = 30
_WAITING = 6
"""Requests that may wait at once in one process; more are answered at once, so that threads stay free for work."""
_MOST = 100
_LOOK_SECONDS = 5.0
"""The bell of another process may be late; look anyway."""


def add_events(app: Flask, exchange: Exchange) -> None:
    """GET /v1/events?after=<inbox seq>&changes=<number>."""
    seats = threading.BoundedSemaphore(_WAITING)

    @app.get("/v1/events")
    def get_events() -> Response:
        own, after, changes = own_organs(exchange), number("after", 0), number("changes", 0)
        wanted, waited = _wanted(), 0
        found = _news(exchange, own, after, changes)
        if not found and wanted and seats.acquire(blocking=False):
            try:
                waited = wanted
                found = _listen(exchange, own, after, changes, wanted)
            finally:
                seats.release()
        answer = jsonify(events=found)
        answer.headers["Preference-Applied"] = f"wait={waited}"
        answer.cache_control.no_store = True
        return answer


def _wanted() -> int:
    """Seconds the client is ready to wait."""
    found = re.search(r"\bwait=(\d{1,4})\b", request.headers.get("Prefer", ""))
    return min(int(found.group(1)), MAX_WAIT) if found else 0


def _listen(exchange: Exchange, own: set[str], after: int, changes: int, seconds: int) -> list[dict[str, Any]]:
    """Wait for news. The bell rings for everybody's; only one's own ends the wait."""
    bell, deadline = exchange.store.bell, time.monotonic() + seconds
    while True:
        rings = bell.rings
        found = _news(exchange, own, after, changes)
        left = deadline - time.monotonic()
        if found or left <= 0 or bell.over:
            return found
        bell.wait(rings, min(left, _LOOK_SECONDS))


def _news(exchange: Exchange, own: set[str], after: int, changes: int) -> list[dict[str, Any]]:
    """Mail with a higher number than ``after``, then deliveries of own messages that changed after ``changes``."""
    codes = sorted(own)
    marks = ", ".join("?" for _ in codes)
    mail = exchange.store.db.query(
        f"SELECT seq, doc_id FROM delivery WHERE organ IN ({marks}) AND seq > ? ORDER BY seq LIMIT ?",
        [*codes, after, _MOST],
    )
    moved = exchange.store.db.query(
        "SELECT delivery.changed, delivery.message_id, delivery.addressed_as, delivery.state FROM delivery"
        f" JOIN message ON message.id = delivery.message_id WHERE message.sender IN ({marks})"
        " AND delivery.changed > ? ORDER BY delivery.changed LIMIT ?",
        [*codes, changes, _MOST],
    )
    return [{"kind": "mail", "seq": row["seq"], "docId": row["doc_id"]} for row in mail] + [
        {
            "kind": "delivery",
            "change": row["changed"],
            "messageId": row["message_id"],
            "organ": row["addressed_as"],
            "state": row["state"],
        }
        for row in moved
    ]
