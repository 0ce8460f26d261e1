"""Files that came while the scanner was away are scanned later; only then is their package acknowledged."""

from __future__ import annotations

import json

from appliance.errors import Unavailable
from appliance.office import verdicts
from appliance.office.desk import Desk
from appliance.store import audit
from appliance.store.database import transaction
from sync import intake


def scan_left(desk: Desk) -> int:
    """Scan what has not been scanned; returns how many files got a verdict. Stops while the scanner is still away.

    A file that it cannot finish (its limits, its time) waits without keeping it from the others.
    """
    rows = desk.db.execute(
        "SELECT incoming_id, position, name, sha256, media_type FROM incoming_file WHERE scan = ''"
        " ORDER BY incoming_id, position"  # ids grow with time
    ).fetchall()
    done = 0
    for incoming_id, position, name, sha256, media_type in rows:
        verdict = intake.scan(desk, sha256)
        if verdict:
            _record(desk, incoming_id, position, name, sha256, media_type, verdict)
            done += 1
        elif _away(desk):
            break
    return done


def _away(desk: Desk) -> bool:
    try:
        desk.scanner.version()
    except Unavailable:
        return True
    return False


def _record(desk: Desk, incoming_id: str, position: int, name: str, sha256: str, media_type: str, verdict: str) -> None:
    signatures = "[]"
    notes: list[str] = []
    if verdict != "clean":
        notes.append(f"Tệp “{name}” có mã độc ({verdict}); không mở.")
    elif media_type == "application/pdf":
        signatures = intake.signatures_of(desk, sha256, name, notes)
    db, now = desk.db, desk.clock.now()
    with transaction(db):
        db.execute(
            "UPDATE incoming_file SET scan = ?, signatures = ? WHERE incoming_id = ? AND position = ?",
            [verdict, signatures, incoming_id, position],
        )
        verdicts.first(db, f"incoming:{incoming_id}", sha256, signatures, now)
        if notes:
            (text,) = db.execute("SELECT warnings FROM incoming WHERE id = ?", [incoming_id]).fetchone()
            warnings = json.dumps(notes + json.loads(text), ensure_ascii=False)
            db.execute("UPDATE incoming SET warnings = ? WHERE id = ?", [warnings, incoming_id])
        detail = {"file": name, "sha256": sha256, "verdict": verdict}
        audit.append(db, now, "system", "incoming.scan", f"incoming:{incoming_id}", detail)
