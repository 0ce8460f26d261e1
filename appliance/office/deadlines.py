"""The legal clock of sending (article 10.2): people are warned before, told after, and asked when it lasts too long.

Amber two hours before the deadline (an urgent document at once), red after it, and five days later loudly; then a
message that the line is not to blame for is held for a person (bus-link C.6). One that only waited for a dead line is
never held: when the line is back it goes by itself (C.9 case 15), and until then the courier is offered.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from appliance.clock import parse
from appliance.errors import N_
from appliance.office import line, notices, people
from appliance.office.desk import Desk
from appliance.office.queue_times import AMBER_BEFORE, HOLD_AFTER, LINE_PROVEN
from appliance.store import audit
from appliance.store.database import transaction

STEPS = ("", "amber", "red", "overdue")
_SINGLY = 5
"""More documents than this in one step are told of in one notice."""
_ONE = {
    "amber": N_("Văn bản “%(title)s” chưa gửi được; hạn gửi %(due)s (Điều 10 khoản 2, QĐ 15/2019/QĐ-UBND)."),
    "red": N_("Văn bản “%(title)s” đã QUÁ HẠN GỬI từ %(due)s (Điều 10 khoản 2). Xem hàng đợi; có thể gửi bằng USB."),
    "overdue": N_("Văn bản “%(title)s” quá hạn gửi HƠN 5 NGÀY (hạn %(due)s). Cần quyết định gửi tiếp hay gửi giấy."),
}  # fmt: skip
_MANY = {
    "amber": N_("%(count)s văn bản chưa gửi được, sắp đến hạn gửi (Điều 10 khoản 2, QĐ 15/2019/QĐ-UBND)."),
    "red": N_("%(count)s văn bản đã QUÁ HẠN GỬI (Điều 10 khoản 2). Xem hàng đợi; có thể gửi bằng USB."),
    "overdue": N_("%(count)s văn bản quá hạn gửi HƠN 5 NGÀY. Xem hàng đợi và quyết định."),
}
HELD = N_("Quá hạn gửi hơn 5 ngày dù đường truyền thông suốt; chờ người có trách nhiệm quyết định.")


def watch(desk: Desk) -> int:
    """Tell of every document that has come to its next step, and hold what must be; returns how many moved on."""
    now = desk.clock.now()
    moved: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    rows = desk.db.query(
        "SELECT id, organ_id, title, state, attempts, due_latest, warned FROM message WHERE kind = 'edoc'"
        " AND superseded_by IS NULL AND state IN ('ready', 'sending', 'waiting', 'uncertain', 'held', 'rejected')"
        " AND due_latest IS NOT NULL AND due_latest <= ? AND warned <> 'overdue' ORDER BY due_latest",
        [(now + AMBER_BEFORE).isoformat()],
    )
    for row in list(rows):
        step = _step(parse(row["due_latest"]), now)
        if STEPS.index(step) > STEPS.index(row["warned"]):
            moved[row["organ_id"], step].append(row)
    for (organ_id, step), documents in moved.items():
        _tell(desk, organ_id, step, documents, now)
    _hold(desk, now)
    return sum(map(len, moved.values()))


def soon(desk: Desk, organ_id: str) -> int:
    """How many documents come to their deadline within the warning time and have not left."""
    now = desk.clock.now()
    row = desk.db.execute(
        "SELECT count(*) FROM message WHERE organ_id = ? AND kind = 'edoc' AND state <> 'accepted'"
        " AND superseded_by IS NULL AND due_latest >= ? AND due_latest <= ?",
        [organ_id, now.isoformat(), (now + AMBER_BEFORE).isoformat()],
    ).fetchone()
    return int(row[0])


def _step(due: datetime, now: datetime) -> str:
    if now >= due + HOLD_AFTER:
        return "overdue"
    return "red" if now >= due else "amber"


def _tell(desk: Desk, organ_id: str, step: str, documents: list[dict[str, Any]], now: datetime) -> None:
    """The clerks, and the leaders too when it has become loud; one transaction for what is told together."""
    roles = ("clerk", "leader") if step == "overdue" else ("clerk",)
    accounts = [account.id for account in people.with_role(desk.db, organ_id, *roles)]
    with transaction(desk.db):
        if len(documents) > _SINGLY:
            text = _MANY[step] % {"count": len(documents)}
            notices.tell_of(
                desk.db, accounts, organ_id, f"queue:{organ_id}", kind=f"send_{step}", mark=now.isoformat(), text=text,
                at=now,
            )  # fmt: skip
        for row in documents:
            if len(documents) <= _SINGLY:
                due = parse(row["due_latest"]).strftime("%d/%m/%Y %H:%M")
                text = _ONE[step] % {"title": row["title"][:200], "due": due}
                notices.tell_of(
                    desk.db, accounts, organ_id, f"message:{row['id']}", kind=f"send_{step}", mark=step, text=text,
                    at=now,
                )  # fmt: skip
            desk.db.execute("UPDATE message SET warned = ? WHERE id = ?", [step, row["id"]])
            if step != "amber":
                detail = {"due": row["due_latest"], "state": row["state"]}
                audit.append(desk.db, now, "system", "message.late", f"message:{row['id']}", detail)


def _hold(desk: Desk, now: datetime) -> None:
    """Put aside what is overdue for days although the line works and the clock may be believed."""
    link = line.read(desk.db)
    proven = link.state == "up" and link.failures == 0 and link.since and parse(link.since) <= now - LINE_PROVEN
    if not proven or not desk.clock.read(desk.db).trusted:
        return
    with transaction(desk.db):
        rows = desk.db.execute(
            "SELECT id, state FROM message WHERE kind = 'edoc' AND state IN ('waiting', 'uncertain') AND attempts > 0"
            " AND warned = 'overdue' AND held_by = '' AND due_latest <= ?",
            [(now - HOLD_AFTER).isoformat()],
        ).fetchall()
        for message_id, state in rows:
            desk.db.execute(
                "UPDATE message SET state = 'held', held_by = 'rule', held_reason = ?, next_at = NULL WHERE id = ?",
                [HELD, message_id],
            )
            detail = {"from": state, "reason": HELD}
            audit.append(desk.db, now, "system", "message.hold", f"message:{message_id}", detail)
