"""One way to move a document: who may, from where, and one transaction that writes row, journal and message."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from appliance import clock
from appliance.errors import N_, BadInput, NotAllowed, WrongState
from appliance.office.desk import Actor, Desk
from appliance.office.outgoing.records import STATES, Outgoing, load
from appliance.regulation import rules
from appliance.store import audit
from appliance.store.database import transaction


def require(actor: Actor, *roles: str) -> None:
    """Raises NotAllowed unless one of ``roles`` is held."""
    if not actor.has(*roles):
        raise NotAllowed(N_("Vai trò của anh/chị không làm được việc này."))


def require_author(actor: Actor, document: Outgoing) -> None:
    """Raises NotAllowed unless the actor drafted the document or is the clerk."""
    if document.drafter_id != actor.account_id and not actor.has("clerk"):
        raise NotAllowed(N_("Chỉ người soạn hoặc văn thư được làm việc này."))


def check(actor: Actor, document: Outgoing, action: str) -> None:
    """Whether this person may take this step now. Raises NotAllowed, WrongState; a clerk's step names article 12."""
    transition = document.transitions.get(action)
    if transition is None:
        raise moved(document.state)
    if not actor.has(*transition.roles):
        rule = rules.CLERK_SEALS if action in ("take_number", "seal", "take_copy_number", "seal_copy") else None
        raise NotAllowed(N_("Vai trò của anh/chị không làm được việc này."), rule=rule)
    if document.state not in transition.sources:
        raise moved(document.state)


def apply(
    desk: Desk,
    actor: Actor,
    document: Outgoing,
    action: str,
    changes: dict[str, Any] | Callable[[], dict[str, Any]],
    detail: dict[str, Any],
    also: Callable[[datetime], None] | None = None,
) -> Outgoing:
    """Move a document by its table."""
    check(actor, document, action)
    transition = document.transitions[action]

    def columns() -> dict[str, Any]:
        return {**(changes() if callable(changes) else changes), "state": transition.target}

    return write(desk, actor, document, transition.sources, action, columns, detail, also)


def write(
    desk: Desk,
    actor: Actor,
    document: Outgoing,
    sources: tuple[str, ...],
    action: str,
    columns: Callable[[], dict[str, Any]],
    detail: dict[str, Any],
    also: Callable[[datetime], None] | None,
) -> Outgoing:
    """One transaction: the state as it is now is checked again, then row, audit entry, clock floor and message."""
    now = desk.clock.now()
    with transaction(desk.db):
        current = load(desk.db, document.id)
        if current is None or current.state not in sources or current.updated_at != document.updated_at:
            raise moved(current.state if current else document.state)
        values = {**columns(), "updated_at": now.isoformat(timespec="microseconds")}
        desk.db.table("outgoing").update(document.id, values)
        entry = {"from": current.state, "to": values.get("state", current.state), **detail}
        if "number" in values:
            entry["number"] = values["number"]
        audit.append(
            desk.db,
            now,
            actor.account_id,
            f"outgoing.{action}",
            f"outgoing:{document.id}",
            json.loads(json.dumps(entry)),
        )
        clock.raise_floor(desk.db, now)
        if also is not None:
            also(now)
    written = load(desk.db, document.id)
    if written is None:
        raise RuntimeError("an outgoing document vanished after its own commit")
    return written


def moved(state: str) -> WrongState:
    """The refusal when a document is no longer where the page showed it."""
    return WrongState(
        N_("Văn bản đã ở trạng thái “%(state)s” hoặc vừa được người khác thay đổi; không làm bước này được."),
        next_step=N_("Tải lại trang để xem trạng thái mới."),
        state=STATES[state],
    )


def scan(desk: Desk, sha256: str) -> str:
    """The engine's name when clamd finds nothing. Raises RuleRefused for malware, Unavailable without clamd."""
    verdict = desk.scanner.scan(desk.blobs.path(sha256))
    if not verdict.clean:
        raise rules.refuse(
            rules.SCAN_FIRST,
            N_("Tệp có mã độc (%(name)s), không được dùng để phát hành."),
            N_("Không mở tệp này; quét máy đã tạo ra tệp, xuất lại PDF rồi tải lên tệp sạch."),
            name=verdict.name,
        )
    return verdict.engine


def require_recipients(organ_ids: tuple[str, ...]) -> None:
    """At least one recipient, each once. Raises BadInput."""
    if not organ_ids or len(set(organ_ids)) != len(organ_ids):
        raise BadInput(
            N_("Chọn ít nhất một nơi nhận, mỗi nơi một lần."), next_step=N_("Tìm cơ quan nhận trong danh bạ.")
        )
