"""The inbox engine: list → fetch → durable → read → taken in (one transaction) → acknowledged.

Entries are taken strictly in the bus's order, so the cursor that arrival moves with each row never passes over one.
Nothing is acknowledged before it is committed; a lost acknowledgement is repeated from the inbox table.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.errors import N_, BadInput
from appliance.office import arrival
from appliance.office.desk import Desk
from appliance.store import facts
from sync import intake, link, outbox, rescan
from sync.bus.base import BusClient, BusError, DigestMismatch, InboxItem, InboxPage
from sync.edxml.names import MAX_PACKAGE_BYTES

CURSOR = "inbox:cursor"
PAGE = 50
TRIES = 3
"""Polls after which content that cannot be had, or that breaks our own reader, goes to quarantine."""

_log = logging.getLogger(__name__)


def fetch_new(desk: Desk, client: BusClient, *, stop: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Take in what waits at the bus; returns how many entries came to what. Raises BusError when the line fails."""
    report: Counter[str] = Counter()
    try:
        rescan.scan_left(desk)
        acknowledge_all(desk, client)
        while (page := client.list_incoming(facts.get(desk.db, CURSOR) or "", PAGE)).items:
            for item in page.items:
                if arrival.seen(desk, item.doc_id):
                    continue
                if stop():
                    return report
                report[take(desk, client, item)] += 1
                acknowledge_all(desk, client)
            if not _move_on(desk, page):
                break
    except BusError as error:
        outbox.note_refusal(desk, error)
        raise
    link.note_ok(desk.db, desk.clock.now())
    return report


def _move_on(desk: Desk, page: InboxPage) -> bool:
    """All of the page is stored: ask further from here next time. False when the cursor does not move.

    A cursor kept too low only shows entries again, which ``arrival.seen`` knows; it is never kept too high.
    """
    if page.cursor == (facts.get(desk.db, CURSOR) or ""):
        return False
    facts.put(desk.db, CURSOR, page.cursor)
    return True


def take(desk: Desk, client: BusClient, item: InboxItem) -> str:
    """One entry into the store: 'document', 'status' or 'quarantined'. Raises BusError or Unavailable: later again."""
    spool = _spool(desk, item)
    try:
        item = _fetch(desk, client, item, spool)
    except BusError as error:
        if not (error.permanent or isinstance(error, DigestMismatch)) or not _given_up(desk, item):
            raise
        return _quarantine(desk, _keep_what_came(desk, item, spool), str(error))
    try:
        outcome = _take_in(desk, item)
    except BadInput as error:
        return _quarantine(desk, item, str(error))
    except (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # A mistake of ours that this package brings out must not stop everything behind it for ever.
        _log.exception("package %s breaks the reader", item.doc_id)
        if not _given_up(desk, item):
            raise
        return _quarantine(desk, item, N_("Phần mềm của trạm không đọc được gói tin này; báo kỹ thuật viên."))
    return outcome


def _take_in(desk: Desk, item: InboxItem) -> str:
    package = intake.read(desk, item)
    if isinstance(package, arrival.ReceivedStatus):
        arrival.receive_status(desk, package)
        return "status"
    arrival.receive(desk, package)
    return "document"


def _fetch(desk: Desk, client: BusClient, item: InboxItem, spool: Path) -> InboxItem:
    """The content durable in the blob store; a partial file outlives us so that the next try goes on from there.

    Returns the entry; where the bus told neither digest nor size, with those of what came.
    """
    if item.size > MAX_PACKAGE_BYTES:
        raise BusError(N_("Gói tin trên trục vượt dung lượng cho phép."), permanent=True)
    if not item.sha256 or not desk.blobs.path(item.sha256).exists():
        client.fetch(item, spool)
        with spool.open("rb") as file:
            sha256, size = desk.blobs.put_stream(file, MAX_PACKAGE_BYTES)
        if not item.sha256:
            item = replace(item, sha256=sha256, size=size)
    spool.unlink(missing_ok=True)
    return item


def _quarantine(desk: Desk, item: InboxItem, reason: str) -> str:
    """Keep the entry with its bytes for a person to look at; the bus is then told that it cannot be used."""
    arrival.quarantine(desk, intake.bus_item(item), reason)
    return "quarantined"


def _keep_what_came(desk: Desk, item: InboxItem, spool: Path) -> InboxItem:
    """The entry with the bytes that really came, where they are others than announced."""
    if not spool.exists():
        return item
    with spool.open("rb") as file:
        sha256, size = desk.blobs.put_stream(file, 2 * MAX_PACKAGE_BYTES)
    spool.unlink()
    return replace(item, sha256=sha256, size=size)


def acknowledge_all(desk: Desk, client: BusClient) -> None:
    """Acknowledge all that is committed and not acknowledged; documents with unscanned files wait for the scanner."""
    rows = desk.db.execute(
        "SELECT bus_doc_id, state, reason, sha256 FROM inbox WHERE acked_at IS NULL AND NOT EXISTS ("
        " SELECT 1 FROM incoming JOIN incoming_file ON incoming_id = incoming.id"
        " WHERE incoming.bus_doc_id = inbox.bus_doc_id AND scan = '') ORDER BY seq"
    ).fetchall()
    for doc_id, state, reason, sha256 in rows:
        try:
            client.ack(doc_id, "fail" if state == "quarantined" else "done", reason=reason, sha256=sha256)
        except BusError as error:
            if not error.permanent:
                raise
            _log.warning("acknowledgement of %s refused: %s", doc_id, error)  # the bus has dropped it: nothing to tell
        arrival.acknowledged(desk, doc_id)


def _given_up(desk: Desk, item: InboxItem) -> bool:
    """Count one more failed try of this entry; True from the third on."""
    key = f"inbox:tries:{item.doc_id}"
    tries = int(facts.get(desk.db, key) or 0) + 1
    if tries >= TRIES:
        facts.clear(desk.db, key)
        return True
    facts.put(desk.db, key, str(tries))
    return False


def _spool(desk: Desk, item: InboxItem) -> Path:
    folder = desk.settings.data / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{item.doc_id}.part"
