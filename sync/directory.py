"""The bus's address book merged into ours: new organs, new names, new codes beside the old ones; nothing is deleted."""

from __future__ import annotations

import re

from appliance.office import organs
from appliance.office.desk import Desk
from appliance.regulation.codes import looks_like_code, scheme_of
from appliance.store import audit, facts
from appliance.store.database import transaction
from appliance.store.text import nfc
from sync.bus.base import BusClient, OrganEntry

CURSOR = "directory:cursor"


def refresh_directory(desk: Desk, client: BusClient) -> int:
    """Take the directory over; returns how many organs were added or changed. Raises BusError.

    Our own organs are left alone: their names and codes are the technician's business.
    """
    page = client.directory(facts.get(desk.db, CURSOR) or "")
    entries = [entry for entry in page.entries if looks_like_code(entry.code) and entry.name.strip()]
    changed = sum(_merge(desk, entry) for entry in entries)
    changed += sum(_succeed(desk, entry) for entry in entries if entry.successor)  # once all of the page is known
    if page.cursor:
        facts.put(desk.db, CURSOR, page.cursor)  # a page cut short is simply asked for again
    return changed


def _merge(desk: Desk, entry: OrganEntry) -> bool:
    db, now = desk.db, desk.clock.now()
    known = next((organ for code in (entry.code, *entry.old_codes) if (organ := organs.by_code(db, code))), None)
    if known is not None and known.local:
        return False
    today, name = now.date().isoformat(), nfc(entry.name)
    with transaction(db):
        if known is None:
            organ_id, changed = _new_id(desk, entry.code), True
            db.execute("INSERT INTO organ (id, name, abbreviation, local) VALUES (?, ?, '', 0)", [organ_id, name])
        else:
            organ_id, changed = known.id, known.name != name
            db.execute("UPDATE organ SET name = ? WHERE id = ?", [name, organ_id])
        if entry.valid_to and entry.valid_to < today:
            changed = (known is None and _take_code(desk, organ_id, entry.code, entry.valid_to)) or changed
            changed = _end(desk, organ_id, entry.valid_to) or changed
        else:
            changed = _take_code(desk, organ_id, entry.code, today) or changed
        if changed:
            detail = {"code": entry.code, "name": name}
            audit.append(db, now, "system", "directory.update", f"organ:{organ_id}", detail)
    return changed


def _succeed(desk: Desk, entry: OrganEntry) -> bool:
    """Say who took over from an organ that has ended (districts in 2025, merged provinces)."""
    db, now = desk.db, desk.clock.now()
    organ, heir = organs.by_code(db, entry.code), organs.by_code(db, entry.successor)
    if organ is None or heir is None or organ.local or organ.id == heir.id or organ.successor_id == heir.id:
        return False
    with transaction(db):
        db.execute("UPDATE organ SET successor_id = ? WHERE id = ?", [heir.id, organ.id])
        detail = {"code": entry.code, "successor": entry.successor}
        audit.append(db, now, "system", "directory.update", f"organ:{organ.id}", detail)
    return True


def _end(desk: Desk, organ_id: str, day: str) -> bool:
    """Let every code of an organ end on ``day`` that does not end before."""
    query = "UPDATE organ_code SET valid_to = ? WHERE organ_id = ? AND (valid_to IS NULL OR valid_to > ?)"
    return bool(desk.db.execute(query, [day, organ_id, day]).rowcount)


def _take_code(desk: Desk, organ_id: str, code: str, today: str) -> bool:
    """Put ``code`` in force from today unless it is already; an older one of the same scheme ends, but stays known."""
    scheme = scheme_of(code) or "QD20"  # codes met in the wild fit neither pattern; the newer scheme is the looser one
    in_force = desk.db.execute(
        "SELECT value FROM organ_code WHERE organ_id = ? AND scheme = ? AND valid_to IS NULL", [organ_id, scheme]
    ).fetchall()
    if [code] == [row[0] for row in in_force]:
        return False
    desk.db.execute(
        "UPDATE organ_code SET valid_to = date(?, '-1 day') WHERE organ_id = ? AND scheme = ? AND valid_to IS NULL"
        " AND valid_from < ?",
        [today, organ_id, scheme, today],
    )
    desk.db.execute(
        "INSERT INTO organ_code (organ_id, scheme, value, valid_from) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (organ_id, scheme, valid_from) DO UPDATE SET value = excluded.value",
        [organ_id, scheme, code, today],
    )
    return True


def _new_id(desk: Desk, code: str) -> str:
    """A slug made of the code, free in the table."""
    slug = "cq-" + re.sub(r"[^0-9a-z]+", "-", code.lower()).strip("-")
    taken = {row[0] for row in desk.db.execute("SELECT id FROM organ WHERE substr(id, 1, ?) = ?", [len(slug), slug])}
    return next(name for name in (slug, *(f"{slug}-{n}" for n in range(2, 10_000))) if name not in taken)
