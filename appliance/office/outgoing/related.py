"""What a package says about other documents: which it answers, which it replaces (QCVN 102:2016, 1.12 and 2.2.8)."""

from __future__ import annotations

from datetime import date

from sqlite_utils import Database

from appliance.office.desk import Answered, Business, Replaced
from appliance.office.outgoing.records import recipients

REPLACE = 3


def answers_of(db: Database, outgoing_id: str) -> tuple[Answered, ...]:
    """What the package says that it answers (item 1.12)."""
    rows = db.execute(
        "SELECT from_code, code_number, code_notation, document_code, issue_date FROM outgoing_link"
        " JOIN incoming ON incoming.id = answers_id WHERE outgoing_id = ? ORDER BY received_at",
        [outgoing_id],
    ).fetchall()
    return tuple(
        Answered(organ, "/".join(filter(None, (number, notation))), code, _day(day))
        for organ, number, notation, code, day in rows
    )


def business_of(db: Database, outgoing_id: str) -> Business:
    """New, or a replacement of the documents that were chosen, for every receiver that had them (item 2.2.8)."""
    rows = db.execute(
        "SELECT replaces_id, document_code, number, notation FROM outgoing_link JOIN outgoing ON outgoing.id ="
        " replaces_id WHERE outgoing_id = ? ORDER BY issued_at",
        [outgoing_id],
    ).fetchall()
    if not rows:
        return Business()
    replaced = tuple(
        Replaced(code, tuple(one["code"] for one in recipients(db, old_id))) for old_id, code, _, _ in rows
    )
    names = ", ".join(f"{number}/{notation}" for _, _, number, notation in rows)
    return Business(REPLACE, f"Thay thế văn bản số {names}", replaced=replaced)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
