"""Notices (nhắc việc): what the box tells a person once, until they have read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from appliance.errors import N_, NotFound
from appliance.office import organs, people
from appliance.office.desk import Actor, Desk
from appliance.office.devices import Device
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import uuid7


@dataclass(frozen=True)
class Notice:
    """One notice for one person. ``subject``: 'device:<id>', 'message:<id>', 'queue:<organ>', 'link:bus', …"""

    id: str
    account_id: str
    organ_id: str
    kind: str
    subject: str
    mark: str
    text: str
    created_at: str
    read_at: str | None

    @property
    def subject_kind(self) -> str:
        """What sort of thing it is about: the word before the colon."""
        return self.subject.partition(":")[0]

    @property
    def subject_id(self) -> str:
        """The id of what it is about."""
        return self.subject.partition(":")[2]


_COLUMNS = ", ".join(Notice.__dataclass_fields__)


def tell(
    db: Database, accounts: Iterable[str], device: Device, *, kind: str, mark: str, text: str, at: datetime
) -> int:
    """Tell each account once about a device, for this kind and mark; returns how many are new."""
    return tell_of(db, accounts, device.organ_id, f"device:{device.id}", kind=kind, mark=mark, text=text, at=at)


def tell_of(
    db: Database,
    accounts: Iterable[str],
    organ_id: str,
    subject: str,
    *,
    kind: str,
    mark: str,
    text: str,
    at: datetime,
) -> int:
    """Tell each account once of this subject, kind and mark; returns how many are new.

    Joins the caller's transaction.
    """
    new = 0
    for account_id in accounts:
        cursor = db.execute(
            f"INSERT INTO notice ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
            [uuid7(), account_id, organ_id, kind, subject, mark, text, at.isoformat()],
        )
        new += cursor.rowcount
    return new


def tell_staff(db: Database, subject: str, *, kind: str, mark: str, text: str, at: datetime) -> None:
    """Tell the clerks and technicians of every organ of the box; joins the caller's transaction."""
    for organ in organs.own(db):
        accounts = [account.id for account in people.with_role(db, organ.id, "clerk", "technician")]
        tell_of(db, accounts, organ.id, subject, kind=kind, mark=mark, text=text, at=at)


def about_device(db: Database, device: Device, *, besides: str = "") -> list[str]:
    """Whom a device concerns: its keeper, its holder, and the organ's clerks and technicians."""
    staff = [account.id for account in people.with_role(db, device.organ_id, "clerk", "technician")]
    found = dict.fromkeys([device.keeper_id, device.holder_id, *staff])
    return [account_id for account_id in found if account_id and account_id != besides]


def unread(db: Database, actor: Actor) -> list[Notice]:
    """What this person has not read yet in this organ, newest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM notice WHERE account_id = ? AND organ_id = ? AND read_at IS NULL"
        " ORDER BY created_at DESC, id DESC",
        [actor.account_id, actor.organ_id],
    )
    return [Notice(*row) for row in rows.fetchall()]


def mark_read(desk: Desk, actor: Actor, notice_id: str) -> None:
    """The person has read it. Raises NotFound for another person's; safe to repeat."""
    own = [notice_id, actor.account_id, actor.organ_id]
    with transaction(desk.db):
        row = desk.db.execute(
            "SELECT subject, read_at FROM notice WHERE id = ? AND account_id = ? AND organ_id = ?", own
        ).fetchone()
        if row is None:
            raise NotFound(N_("Không có thông báo này."), next_step=N_("Về trang Việc của tôi."))
        if row[1] is None:
            now = desk.clock.now()
            desk.db.execute("UPDATE notice SET read_at = ? WHERE id = ?", [now.isoformat(), notice_id])
            audit.append(desk.db, now, actor.account_id, "notice.read", row[0], {"notice": notice_id})
