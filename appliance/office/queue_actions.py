"""What people do with a queued message: send now, hold, release, correct and resend. One transaction each, audited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlite_utils import Database

from appliance.errors import N_, BadInput, NotAllowed, NotFound, WrongState
from appliance.office import courier, organs, successors
from appliance.office.desk import Actor, Correction, Desk, Party
from appliance.office.reasons import reason_text
from appliance.store import audit
from appliance.store.database import transaction

ACTORS = ("clerk", "technician")
"""Who may act."""
_NEXT = N_("Tải lại trang hàng đợi để xem trạng thái mới nhất.")


def get(db: Database, actor: Actor, message_id: str) -> dict[str, Any]:
    """One message of the actor's organ. Raises NotFound."""
    where, values = "id = ?", [message_id]
    if actor.organ_id:
        where, values = "id = ? AND organ_id = ?", [message_id, actor.organ_id]
    found = next(iter(db.query(f"SELECT * FROM message WHERE {where}", values)), None)
    if found is None:
        raise NotFound(N_("Không có gói tin này trong hàng đợi."), next_step=N_("Tìm trong danh sách hàng đợi gửi."))
    return found


def allowed(db: Database, row: dict[str, Any]) -> set[str]:
    """Which of 'send', 'hold', 'release', 'correct' make sense for the message as it is now."""
    if row["superseded_by"] or row["state"] in ("accepted", "sending"):
        return set()
    makes_sense = {
        "send": row["state"] in ("waiting", "uncertain", "rejected", "ready"),
        "hold": row["state"] in ("ready", "waiting", "uncertain"),
        "release": row["state"] == "held",
        # what may have arrived already would arrive twice under another id
        "correct": not row["doubt_at"]
        and (row["state"] == "rejected" or (row["state"] == "held" and not courier.loads(db, row["id"]))),
    }
    return {action for action, sense in makes_sense.items() if sense}


def send_now(desk: Desk, actor: Actor, message_id: str) -> None:
    """Due at once: a pause ends, a rejected one is offered again with the same id and bytes, a doubt is asked about.

    Raises NotAllowed, NotFound, WrongState.
    """

    def change(row: dict[str, Any], now: datetime) -> None:
        state = "uncertain" if row["doubt_at"] else "ready" if row["state"] == "rejected" else row["state"]
        desk.db.execute(
            "UPDATE message SET state = ?, next_at = ?, fault = '' WHERE id = ?",
            [state, now.isoformat(), message_id],
        )

    _apply(desk, actor, message_id, "send", {}, change)


def hold(desk: Desk, actor: Actor, message_id: str, *, reason: str) -> None:
    """Put aside until somebody releases it; what may have arrived stays in doubt. Raises BadInput, WrongState, …"""
    text = reason_text(reason)

    def change(row: dict[str, Any], now: datetime) -> None:
        desk.db.execute(
            "UPDATE message SET state = 'held', held_by = ?, held_reason = ?, next_at = NULL WHERE id = ?",
            [actor.account_id, text, message_id],
        )

    _apply(desk, actor, message_id, "hold", {"reason": text}, change)


def release(desk: Desk, actor: Actor, message_id: str) -> None:
    """Back into the queue, due at once; a doubt is asked about before anything is sent. Raises WrongState, …"""

    def change(row: dict[str, Any], now: datetime) -> None:
        desk.db.execute(
            "UPDATE message SET state = ?, held_by = '', held_reason = '', next_at = NULL WHERE id = ?",
            ["uncertain" if row["doubt_at"] else "ready", message_id],
        )

    _apply(desk, actor, message_id, "release", {}, change)


def correct(desk: Desk, actor: Actor, message_id: str, change: Correction, *, reason: str) -> str:
    """Send it as another message with ``change``; the old one stays as history. Returns the new id.

    Raises BadInput when the correction does not fit the package, NotAllowed, NotFound, WrongState.
    """
    text = reason_text(reason)
    row = get(desk.db, actor, message_id)
    _check(desk.db, actor, row, "correct")
    made = successors.make(desk, row["sha256"], change)
    detail = {
        "reason": text, "successor": made.id, "package": made.sha256,
        "subject": change.subject, "urgency": change.urgency, "recipients": [party.code for party in change.recipients],
    }  # fmt: skip

    def enter(row: dict[str, Any], now: datetime) -> None:
        successors.enter(desk.db, message_id, (made,), now)

    _apply(desk, actor, message_id, "correct", detail, enter)
    return made.id


def receivers(desk: Desk, codes: list[str]) -> tuple[Party, ...]:
    """The organs with these codes as they stand today; a replaced code leads to the organ that holds it now.

    Raises BadInput for a code nobody knows, and for none at all.
    """
    found: dict[str, Party] = {}
    for code in codes:
        organ = organs.by_code(desk.db, code)
        if organ is None:
            raise BadInput(
                N_("Không có cơ quan nào mang mã “%(code)s” trong danh bạ."),
                next_step=N_("Xem lại mã, hoặc báo kỹ thuật viên cập nhật danh bạ."),
                code=code,
            )
        party = organs.party(desk.db, organ.successor_id or organ.id, desk.clock.now().date())
        found[party.code] = party
    if not found:
        raise BadInput(N_("Chưa có nơi nhận nào."), next_step=N_("Ghi ít nhất một mã cơ quan."))
    return tuple(found.values())


def _apply(desk: Desk, actor: Actor, message_id: str, action: str, detail: dict[str, Any], change: Any) -> None:
    with transaction(desk.db):
        row = get(desk.db, actor, message_id)
        _check(desk.db, actor, row, action)
        now = desk.clock.now()
        change(row, now)
        subject = f"message:{message_id}"
        audit.append(desk.db, now, actor.account_id, f"message.{action}", subject, {"from": row["state"], **detail})


def _check(db: Database, actor: Actor, row: dict[str, Any], action: str) -> None:
    if not actor.has(*ACTORS):
        raise NotAllowed(
            N_("Vai trò của anh/chị không được điều khiển hàng đợi gửi."),
            next_step=N_("Nhờ văn thư hoặc kỹ thuật viên."),
        )
    if action in allowed(db, row):
        return
    if row["state"] == "sending":
        raise WrongState(N_("Gói tin đang được gửi."), next_step=N_("Đợi lần gửi này kết thúc rồi làm lại."))
    if action == "correct" and row["doubt_at"] and not row["superseded_by"]:
        raise WrongState(
            N_("Chưa chắc chắn trục đã nhận gói tin này hay chưa; sửa và gửi lại bây giờ có thể thành hai văn bản."),
            next_step=N_("Thôi giữ để trạm hỏi trục; khi đã rõ là chưa nhận thì sửa."),
        )
    if action == "correct" and row["state"] == "held" and courier.loads(db, row["id"]):
        raise WrongState(
            N_("Gói tin này đã chép vào gói USB; sửa và gửi lại bây giờ có thể thành hai văn bản ở nơi nhận."),
            next_step=N_("Nhận tệp trả lời ở trang Giao nhận bằng USB, hoặc thôi giữ để gửi tiếp đúng gói tin này."),
        )
    raise WrongState(N_("Gói tin này không còn ở trạng thái làm được việc đó."), next_step=_NEXT)
