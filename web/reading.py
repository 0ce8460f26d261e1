"""Looks at the store that pages need and no office function offers: read-only, nothing is decided here."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from appliance.errors import N_, NotFound
from appliance.office.desk import Actor
from appliance.store.text import fold, nfc

Row = dict[str, Any]


def names(db: Database) -> dict[str, str]:
    """Account id → full name; the journal's 'system' included."""
    rows = db.execute("SELECT id, full_name FROM account").fetchall()
    return {"system": "Hệ thống", **dict(rows)}


def message(db: Database, actor: Actor, message_id: str) -> Row:
    """One message of the actor's organ. Raises NotFound."""
    found = next(
        iter(db.query("SELECT * FROM message WHERE id = ? AND organ_id = ?", [message_id, actor.organ_id])), None
    )
    if found is None:
        raise NotFound(N_("Không có gói tin này trong hàng đợi."), next_step=N_("Tìm trong danh sách hàng đợi gửi."))
    return found


def late_messages(db: Database, organ_id: str, now: str) -> int:
    """How many documents have passed their legal deadline (article 10.2) and are not with the bus."""
    return int(
        db.execute(
            "SELECT count(*) FROM message"
            " WHERE organ_id = ? AND kind = 'edoc' AND state <> 'accepted' AND due_latest < ?",
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


def devices(db: Database, organ_id: str) -> list[Row]:
    """The active tokens of an organ, the certificate left in."""
    return list(
        db.query(
            "SELECT device.*, full_name AS holder_name FROM device LEFT JOIN account ON account.id = holder_id"
            " WHERE device.organ_id = ? AND device.active = 1 ORDER BY purpose DESC, holder_name",
            [organ_id],
        )
    )


def signing_device(db: Database, purpose: str, organ_id: str, holder_id: str | None) -> Row | None:
    """The token a signature would use: newest active one of this purpose (as ``appliance.office.devices`` chooses)."""
    fitting = [
        d
        for d in devices(db, organ_id)
        if d["purpose"] == purpose and (holder_id is None or d["holder_id"] == holder_id)
    ]
    return max(fitting, key=lambda d: d["created_at"], default=None)


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
