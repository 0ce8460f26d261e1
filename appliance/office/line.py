"""The line to the bus as one durable fact, so that pages can show it and a restart remembers it; and its pause.

sync writes it (``sync.link``). A pause is different from a dead line: the bus refuses this box (its secret, its
certificate), so nothing is tried at all until a technician has put that right and resumes (bus-link C.2 rule 8).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from appliance.errors import N_, NotAllowed, WrongState
from appliance.office import notices
from appliance.office.desk import Actor, Desk
from appliance.store import audit, facts
from appliance.store.database import transaction

KEY = "link:state"
PAUSED = "link:paused"
PAUSE_NOTICE = N_(
    "Trạm tạm dừng mọi trao đổi với trục: %(reason)s Kỹ thuật viên xử lý rồi nối lại ở trang Hàng đợi gửi."
)


@dataclass(frozen=True)
class LinkState:
    """``state`` 'up', 'down' or 'new' (never tried); times ISO 8601; ``failures`` in a row; the error in Vietnamese.

    ``probe_at``: before this moment the line is not even probed, '' when it may be.
    """

    state: str = "new"
    since: str = ""
    last_ok: str = ""
    last_error: str = ""
    failures: int = 0
    probe_at: str = ""


@dataclass(frozen=True)
class Pause:
    """Since when nothing is exchanged, and why (Vietnamese)."""

    at: str
    reason: str
    next_step: str


def read(db: Database) -> LinkState:
    """The state as last written."""
    text = facts.get(db, KEY)
    return LinkState(**json.loads(text)) if text else LinkState()


def paused(db: Database) -> Pause | None:
    """The pause, while there is one."""
    text = facts.get(db, PAUSED)
    return Pause(**json.loads(text)) if text else None


def pause(db: Database, now: datetime, reason: str, next_step: str) -> bool:
    """Stop the whole exchange; False when it is stopped already."""
    with transaction(db):
        if facts.get(db, PAUSED) is not None:
            return False
        told = {"at": now.isoformat(), "reason": reason, "next_step": next_step}
        facts.put(db, PAUSED, json.dumps(told, ensure_ascii=False))
        text = PAUSE_NOTICE % {"reason": reason}
        notices.tell_staff(db, "link:bus", kind="link_paused", mark=now.isoformat(), text=text, at=now)
        audit.append(db, now, "system", "link.pause", "link:bus", {"reason": reason})
    return True


def resume(desk: Desk, actor: Actor) -> None:
    """The technician has put the cause right: go on. Raises NotAllowed, WrongState."""
    if not actor.has("technician"):
        raise NotAllowed(
            N_("Chỉ kỹ thuật viên được nối lại kết nối với trục."),
            next_step=N_("Báo kỹ thuật viên kiểm tra khóa, chứng thư kết nối rồi nối lại."),
        )
    now = desk.clock.now()
    with transaction(desk.db):
        if facts.get(desk.db, PAUSED) is None:
            raise WrongState(N_("Kết nối với trục không bị tạm dừng."))
        facts.clear(desk.db, PAUSED)
        audit.append(desk.db, now, actor.account_id, "link.resume", "link:bus", {})
