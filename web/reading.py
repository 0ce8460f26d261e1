"""Looks at the store that pages need and no office function offers: read-only, nothing is decided here."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from appliance.errors import N_
from appliance.office import queue_actions
from appliance.office.desk import Actor
from appliance.store.text import fold, nfc

Row = dict[str, Any]


def names(db: Database) -> dict[str, str]:
    """Account id → full name; the journal's 'system' included."""
    rows = db.execute("SELECT id, full_name FROM account").fetchall()
    return {"system": "Hệ thống", "console": "Bảng lệnh của trạm", **dict(rows)}


def message(db: Database, actor: Actor, message_id: str) -> Row:
    """One message of the actor's organ. Raises NotFound."""
    return queue_actions.get(db, actor, message_id)


def late_messages(db: Database, organ_id: str, now: str) -> int:
    """How many documents have passed their legal deadline (article 10.2) and are not with the bus."""
    return int(
        db.execute(
            "SELECT count(*) FROM message"
            " WHERE organ_id = ? AND kind = 'edoc' AND state <> 'accepted' AND superseded_by IS NULL"
            " AND due_latest < ?",
            [organ_id, now],
        ).fetchone()[0]
    )


def journal(db: Database, *, query: str, page: int, per_page: int) -> tuple[list[Row], int]:
    """The journal, newest first; ``query`` matches action, subject, the person's name and the detail."""
    where, values = "1", []
    if query:
        where = "instr(fold(action || ' ' || subject || ' ' || coalesce(full_name, actor) || ' ' || detail), ?) > 0"
        values = [fold(nfc(query))]
    source = f"FROM audit LEFT JOIN account ON account.id = audit.actor WHERE {where}"
    total = int(db.execute(f"SELECT count(*) {source}", values).fetchone()[0])
    rows = db.query(
        f"SELECT audit.seq, audit.at, audit.actor, full_name, action, subject, detail, audit.hash {source}"
        " ORDER BY seq DESC LIMIT ? OFFSET ?",
        [*values, per_page, (page - 1) * per_page],
    )
    return list(rows), total


def history(db: Database, subject: str) -> list[Row]:
    """One subject's part of the journal, oldest first."""
    return list(db.query("SELECT at, actor, action, detail FROM audit WHERE subject = ? ORDER BY seq", [subject]))


def register_years(db: Database, organ_id: str, kind: str) -> list[int]:
    """Years in which a register has entries, newest first."""
    rows = db.execute(
        "SELECT DISTINCT year FROM number_series WHERE organ_id = ? AND kind = ? ORDER BY year DESC", [organ_id, kind]
    )
    return [row[0] for row in rows.fetchall()]


def counts(db: Database) -> Row:
    """How much there is, for the technician."""
    tables = {
        "outgoing": N_("Văn bản đi"),
        "incoming": N_("Văn bản đến"),
        "message": N_("Gói tin"),
        "attempt": N_("Lần gửi"),
        "audit": N_("Mục nhật ký"),
        "account": N_("Tài khoản"),
        "web_session": N_("Phiên đăng nhập"),
    }
    return {words: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table, words in tables.items()}
