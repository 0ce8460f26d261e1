"""How things look in Vietnamese: times always dd/MM/yyyy HH:mm at +07:00, states in words, time left."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from appliance.clock import VN, parse
from appliance.errors import N_, TramError
from appliance.office import devices, incoming, outgoing
from appliance.office.legal_value import VALUES
from appliance.regulation.custody import REVOCATION_REASONS
from appliance.regulation.document_types import STATUS_CODES, TYPES, URGENCY

# state → tone; tones are the classes chip--<tone> of the style sheet, the words are the office's
_OUTGOING_TONES = {"drafting": "quiet", "returned": "bad", "withdrawn": "quiet", "issued": "good"}
_INCOMING_TONES = {"refused": "bad", "in_progress": "info", "done": "good"}
OUTGOING = {state: (words, _OUTGOING_TONES.get(state, "wait")) for state, words in outgoing.STATES.items()}
INCOMING = {state: (words, _INCOMING_TONES.get(state, "wait")) for state, words in incoming.STATES.items()}
_DEVICE_TONES = {"in_use": "good", "locked": "wait", "lost": "bad", "revoked": "bad"}
DEVICE = {state: (words, _DEVICE_TONES.get(state, "quiet")) for state, words in devices.STATES.items()}
MESSAGE: dict[str, tuple[str, str]] = {
    "ready": (N_("Chờ gửi"), "wait"),
    "sending": (N_("Đang gửi"), "info"),
    "waiting": (N_("Chờ gửi lại"), "wait"),
    "uncertain": (N_("Đang đối chiếu với trục"), "wait"),
    "held": (N_("Tạm giữ"), "bad"),
    "accepted": (N_("Trục đã nhận"), "good"),
    "rejected": (N_("Trục từ chối"), "bad"),
}
RECIPIENT: dict[str, tuple[str, str]] = {
    "queued": (N_("Chờ gửi"), "wait"),
    "accepted": (N_("Trục đã nhận"), "info"),
    "delivered": (N_("Đã chuyển đến"), "good"),
    "status": (N_("Đã phản hồi"), "good"),
}
VERDICT: dict[str, tuple[str, str]] = {
    "valid": (N_("Chữ ký hợp lệ"), "good"),
    "invalid": (N_("Chữ ký không hợp lệ"), "bad"),
    "unknown": (N_("Chưa xác minh được"), "wait"),
    "unsigned": (N_("Không có chữ ký số"), "wait"),
}
LEGAL_VALUE: dict[str, tuple[str, str]] = {
    "full": (N_("Có giá trị như bản giấy"), "good"),
    "reference": (N_("Để biết, tham khảo"), "bad"),
    "unknown": (N_("Chưa rõ giá trị pháp lý"), "wait"),
}
CLOCK: dict[str, tuple[str, str]] = {
    "synced": (N_("Đồng bộ"), "good"),
    "holdover": (N_("Tạm giữ giờ"), "wait"),
    "unsynced": (N_("Chưa đồng bộ"), "bad"),
    "suspect": (N_("Không tin cậy"), "bad"),
}


def moment(value: datetime | str | None, seconds: bool = False) -> str:
    """dd/MM/yyyy HH:mm at +07:00; '' for none."""
    if not value:
        return ""
    when = parse(value) if isinstance(value, str) else value.astimezone(VN)
    return when.strftime("%d/%m/%Y %H:%M:%S" if seconds else "%d/%m/%Y %H:%M")


def day(value: date | str | None) -> str:
    """dd/MM/yyyy; '' for none; a text that is no date stays as it came."""
    if not value:
        return ""
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    try:
        return date.fromisoformat(value[:10]).strftime("%d/%m/%Y")
    except ValueError:
        return value


def span(delta: timedelta) -> str:
    """A length of time in the two largest units (days alone from three on), without sign."""
    minutes = int(abs(delta).total_seconds()) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        exact = hours and days < 3
        return _("%(days)s ngày %(hours)s giờ", days=days, hours=hours) if exact else _("%(days)s ngày", days=days)
    if hours:
        return (
            _("%(hours)s giờ %(minutes)s phút", hours=hours, minutes=rest) if rest else _("%(hours)s giờ", hours=hours)
        )
    return _("%(minutes)s phút", minutes=rest) if rest else _("dưới 1 phút")


def time_left(due: datetime | str, now: datetime) -> str:
    """'còn 3 giờ 5 phút' or 'quá 2 ngày'."""
    when = parse(due) if isinstance(due, str) else due
    words = span(when - now)
    return _("còn %(span)s", span=words) if when >= now else _("quá hạn %(span)s", span=words)


def days_left(due: date | str, today: date) -> str:
    """For a due day: 'còn 3 ngày', 'hôm nay', 'quá hạn 2 ngày'."""
    left = ((date.fromisoformat(due[:10]) if isinstance(due, str) else due) - today).days
    if left == 0:
        return _("hạn hôm nay")
    return _("còn %(days)s ngày", days=left) if left > 0 else _("quá hạn %(days)s ngày", days=-left)


def size(count: int | float) -> str:
    """Bytes for people, decimal comma."""
    value = float(count)
    for unit in ("B", "KB", "MB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}".replace(".", ",")
        value /= 1024
    return f"{value:.1f} GB".replace(".", ",")


def told(error: TramError) -> str:
    """The error's sentence in the reader's language, its parameters filled in."""
    text = _(error.message)
    return sentence(text % error.params if error.params else text)


def next_step(error: TramError) -> str:
    """What to do next, likewise."""
    text = _(error.next_step) if error.next_step else ""
    return sentence(text % error.params if error.params and text else text)


def sentence(text: str) -> str:
    """``text`` closed with a full stop, unless it closes itself; reasons from the signing rooms come without one."""
    return text + "." if text and text[-1] not in ".!?:…" else text


def _stated(table: dict[str, tuple[str, str]]) -> Any:
    def look(state: str) -> tuple[str, str]:
        words, tone = table.get(state, (state, "quiet"))
        return _(words), tone

    return look


def init_formats(app: Flask) -> None:
    """Make the formats known to the templates."""
    app.jinja_env.filters.update(
        moment=moment, day=day, span=span, size=size, told=told, next_step=next_step, sentence=sentence,
        from_json=json.loads,
        outgoing_state=_stated(OUTGOING), incoming_state=_stated(INCOMING), message_state=_stated(MESSAGE),
        recipient_state=_stated(RECIPIENT), verdict=_stated(VERDICT), clock_state=_stated(CLOCK),
        device_state=_stated(DEVICE), legal_value=_stated(LEGAL_VALUE),
    )  # fmt: skip
    app.jinja_env.globals.update(
        time_left=time_left, days_left=days_left, TYPES=TYPES, URGENCY=URGENCY, STATUS_CODES=STATUS_CODES,
        REVOCATION_REASONS=REVOCATION_REASONS, LEGAL_VALUES=VALUES,
    )  # fmt: skip
