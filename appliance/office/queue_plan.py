"""What will happen next to a message, and when, in words: the same for the page and the command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.clock import parse
from appliance.errors import N_
from appliance.office.line import LinkState, Pause
from appliance.office.queue_times import FARTHEST


@dataclass(frozen=True)
class Plan:
    """``words``: Vietnamese source text; with ``at`` it has %(at)s (the time) and %(left)s (how long until then)."""

    words: str
    at: datetime | None = None


def plan(row: dict[str, Any], link: LinkState, pause: Pause | None, now: datetime) -> Plan:
    """The next step of the message ``row`` (a row of ``message``)."""
    ended = _ended(row)
    if ended:
        return Plan(ended)
    if row["state"] == "sending":
        if row["doubt_at"]:
            return Plan(N_("Đang hỏi trục đã nhận hay chưa…"))
        return Plan(N_("Đang gửi…"))
    if pause:
        return Plan(N_("Kết nối với trục đang tạm dừng; trạm gửi tiếp khi kỹ thuật viên nối lại."))
    if link.state == "down":
        return Plan(
            N_("Đợi đường truyền; có lại là trạm hỏi trục ngay đã nhận hay chưa.")
            if row["doubt_at"]
            else N_("Đợi đường truyền; có lại là trạm gửi ngay theo độ khẩn.")
        )
    at = _due(row, now)
    if row["state"] == "uncertain":
        if at is None:
            return Plan(N_("Chưa chắc chắn trục đã nhận; trạm sắp hỏi trục."))
        return Plan(N_("Chưa chắc chắn trục đã nhận; sẽ hỏi trục lúc %(at)s (còn %(left)s)."), at)
    if at is None:
        return Plan(N_("Đến lượt là gửi ngay, theo độ khẩn và thời hạn."))
    return Plan(N_("Sẽ gửi lại lúc %(at)s (còn %(left)s)."), at)


def _ended(row: dict[str, Any]) -> str:
    """For a message that nothing happens to by itself."""
    if row["superseded_by"]:
        return N_("Đã thay bằng gói tin khác; giữ lại để tra cứu.")
    if row["state"] == "accepted":
        if row["proved_by"]:
            return N_("Nơi nhận đã phản hồi, nên gói tin đã đến; trục chưa trả biên nhận.")
        return N_("Trục đã nhận và trả biên nhận.")
    if row["state"] == "rejected":
        if row["fault"] == "organ":
            return N_("Trục không nhận cho nơi nhận này. Sửa nơi nhận rồi gửi lại, hoặc gửi bản giấy.")
        return N_("Trục từ chối gói tin. Xem lý do, sửa và gửi lại; trạm không tự gửi.")
    if row["state"] == "held":
        return N_("Đang tạm giữ: không gửi cho đến khi có người thôi giữ.")
    return ""


def _due(row: dict[str, Any], now: datetime) -> datetime | None:
    """When it is due; None when it is already, or when the moment was written by a clock that ran ahead."""
    if row["state"] == "ready" or not row["next_at"]:
        return None
    at = parse(row["next_at"])
    return at if now < at <= now + FARTHEST else None
