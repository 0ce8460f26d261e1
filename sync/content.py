"""The content of an inbox entry on its way into the store: a partial file that outlives us, then a durable blob."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path

from appliance.errors import N_
from appliance.office.desk import Desk
from appliance.office.queue_times import PARTIAL_KEPT
from sync import disk
from sync.bus.base import BusClient, BusError, DigestMismatch, InboxItem
from sync.edxml.names import MAX_PACKAGE_BYTES


def fetch(desk: Desk, client: BusClient, item: InboxItem, spool: Path) -> InboxItem:
    """The content durable in the blob store; returns the entry with the size and digest that really came.

    A partial file outlives us so that the next try goes on from there. Raises BusError, Unavailable.
    """
    if item.size > MAX_PACKAGE_BYTES:
        raise _too_large()
    if not (item.sha256 and desk.blobs.path(item.sha256).exists()):
        disk.require_room(desk)
        try:
            client.fetch(item, spool)
            if spool.stat().st_size > MAX_PACKAGE_BYTES:
                raise _too_large()
            with spool.open("rb") as file:
                sha256, size = desk.blobs.put_stream(file, MAX_PACKAGE_BYTES)
        except OSError as error:
            raise disk.refused(error) from error
        if item.sha256 not in ("", sha256):
            raise DigestMismatch(N_("Nội dung tải về không khớp mã băm mà trục công bố."))
        item = replace(item, sha256=sha256, size=size)
    spool.unlink(missing_ok=True)
    return item


def _too_large() -> BusError:
    return BusError(N_("Gói tin trên trục vượt dung lượng cho phép."), permanent=True)


def keep_what_came(desk: Desk, item: InboxItem, spool: Path) -> InboxItem:
    """The entry with the bytes that really came, where they are others than announced."""
    if not spool.exists():
        return item
    with spool.open("rb") as file:
        sha256, size = desk.blobs.put_stream(file, 2 * MAX_PACKAGE_BYTES)
    spool.unlink()
    return replace(item, sha256=sha256, size=size)


def place(desk: Desk, item: InboxItem) -> Path:
    """Where the content grows; a bus's ids may hold anything, so the name is a digest of it."""
    folder = _folder(desk)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{hashlib.sha256(item.doc_id.encode()).hexdigest()[:40]}.part"


def _folder(desk: Desk) -> Path:
    return desk.settings.data / "spool"


def clear_leftovers(desk: Desk) -> int:
    """Remove downloads that nobody has gone on with for a week; returns how many."""
    oldest = time.time() - PARTIAL_KEPT.total_seconds()
    stale = [path for path in _folder(desk).glob("*.part") if path.stat().st_mtime < oldest]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)
