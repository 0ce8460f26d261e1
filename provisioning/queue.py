"""``tram queue``: the queue on the command line, through the same office functions as the page."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from appliance.errors import N_, NotFound
from appliance.office import line, messages, people, queue_actions
from appliance.office.desk import Actor, Correction, Desk
from appliance.office.queue_plan import plan

CONSOLE = Actor("console", "Bảng lệnh của trạm", "", frozenset({"technician"}))
"""Who acts when nobody is named: whoever may run commands on the box."""
_MOST = 2_000


def run(desk: Desk, options: argparse.Namespace) -> int:
    """Carry out one action; returns the exit status. Raises TramError with a sentence where it is refused."""
    actor = _actor(desk, options.account)
    action = options.action or "list"
    if action == "list":
        _list(desk, getattr(options, "lane", ""), getattr(options, "limit", 50))
    elif action == "show":
        _show(desk, actor, options.id)
    elif action == "resume":
        line.resume(desk, actor)
        print(N_("Đã nối lại kết nối với trục."))
    elif action == "release" and options.id == "all":
        held, _total = messages.queue(desk.db, actor.organ_id, lane="held", per_page=1 << 30)
        for row in held:
            queue_actions.release(desk, actor, row["id"])
        print(f"{len(held)} gói tin thôi giữ")
    else:
        _act(desk, actor, options, action)
    return 0


def _act(desk: Desk, actor: Actor, options: argparse.Namespace, action: str) -> None:
    """One message: the same functions as the page's buttons."""
    shown = options.id
    if action == "send":
        queue_actions.send_now(desk, actor, options.id)
    elif action == "hold":
        queue_actions.hold(desk, actor, options.id, reason=options.reason)
    elif action == "release":
        queue_actions.release(desk, actor, options.id)
    else:
        to = queue_actions.receivers(desk, options.to) if options.to else ()
        change = Correction(to, options.urgency, options.subject)
        shown = queue_actions.correct(desk, actor, options.id, change, reason=options.reason)
    _show(desk, actor, shown)


def _actor(desk: Desk, username: str | None) -> Actor:
    """The technician of that name, in every organ of the box, or the console. Raises NotFound, NotAllowed."""
    if not username:
        return CONSOLE
    row = desk.db.execute("SELECT id FROM account WHERE username = ? AND active = 1", [username.lower()]).fetchone()
    organs = people.memberships(desk.db, row[0]) if row else {}
    organ_id = next((organ for organ, roles in organs.items() if "technician" in roles), None)
    if organ_id is None:
        raise NotFound(N_("Không có kỹ thuật viên “%(name)s”."), name=username)
    found = people.actor(desk.db, row[0], organ_id)
    return Actor(found.account_id, found.full_name, "", found.roles)


def _list(desk: Desk, lane: str, limit: int) -> None:
    now = desk.clock.now()
    rows, total = messages.queue(desk.db, "", lane=lane, now=now.isoformat(), per_page=min(limit, _MOST))
    pause = line.paused(desk.db)
    if pause:
        print(f"! kết nối với trục tạm dừng từ {pause.at}: {pause.reason}")
    for row in rows:
        print(f"{row['id']}  {row['state']:<9}  {row['priority']}  {row['title'][:60]}")
        print(f"    {_next(desk, row, now)}" + (f" [{row['last_error']}]" if row["last_error"] else ""))
    print(f"{len(rows)}/{total}")


def _show(desk: Desk, actor: Actor, message_id: str) -> None:
    row, now = queue_actions.get(desk.db, actor, message_id), desk.clock.now()
    for name in ("id", "kind", "title", "state", "priority", "queued_at", "due_latest", "accepted_at", "bus_doc_id",
                 "size", "sha256", "last_error", "held_reason", "supersedes", "superseded_by"):  # fmt: skip
        if row[name] not in (None, ""):
            print(f"{name}: {row[name]}")
    for one in messages.recipients_in_order(desk.db, message_id):
        print(f"to: {one['code']} {one['name']} ({one['state']} {one['status_code'] or ''})".replace(" )", ")"))
    for attempt in reversed(messages.attempts(desk.db, message_id)):
        answer = attempt["http_status"] or "-"
        print(
            f"attempt: {attempt['started_at']} {attempt['phase']} {attempt['bytes_sent']} B {answer} {attempt['error']}"
        )
    print(f"next: {_next(desk, row, now)}")


def _next(desk: Desk, row: dict[str, Any], now: datetime) -> str:
    found = plan(row, line.read(desk.db), line.paused(desk.db), now)
    if found.at is None:
        return found.words
    minutes = max(1, round((found.at - now).total_seconds() / 60))
    return found.words % {"at": found.at.strftime("%H:%M"), "left": f"{minutes} phút"}
