"""What lies in quarantine: people look at it, take its bytes away, and have it read again after an update."""

from __future__ import annotations

from typing import Any

from appliance.errors import N_, NotFound
from appliance.office.desk import Actor, Desk
from appliance.store import audit
from appliance.store.database import transaction


def get(desk: Desk, bus_doc_id: str) -> dict[str, Any]:
    """One entry. Raises NotFound."""
    rows = desk.db.query("SELECT * FROM inbox WHERE bus_doc_id = ? AND state = 'quarantined'", [bus_doc_id])
    found = next(iter(rows), None)
    if found is None:
        raise NotFound(N_("Không có gói tin này trong khu cách ly."), next_step=N_("Tải lại trang khu cách ly."))
    return found


def read_again(desk: Desk, actor: Actor, bus_doc_id: str) -> None:
    """Ask sync to read the kept bytes once more, after the software has changed. Raises NotFound; safe to repeat."""
    with transaction(desk.db):
        get(desk, bus_doc_id)
        now = desk.clock.now()
        desk.db.execute("UPDATE inbox SET again_at = ? WHERE bus_doc_id = ?", [now.isoformat(), bus_doc_id])
        audit.append(desk.db, now, actor.account_id, "inbox.again", f"inbox:{bus_doc_id}", {})


def asked(desk: Desk) -> list[dict[str, Any]]:
    """The entries that somebody wants read again, oldest request first."""
    return list(
        desk.db.query("SELECT * FROM inbox WHERE state = 'quarantined' AND again_at IS NOT NULL ORDER BY again_at")
    )


def still_unreadable(desk: Desk, bus_doc_id: str, reason: str) -> None:
    """Read again in vain."""
    with transaction(desk.db):
        desk.db.execute("UPDATE inbox SET again_at = NULL, reason = ? WHERE bus_doc_id = ?", [reason, bus_doc_id])
