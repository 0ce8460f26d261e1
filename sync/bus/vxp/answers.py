"""What a VXP bus answers, as the link's own kinds (bus-link A.7)."""

from __future__ import annotations

from typing import Any

from appliance.errors import N_
from sync.bus import codes
from sync.bus.base import BusError, BusTime
from sync.bus.listing import word
from sync.bus.native.answers import not_the_bus

CLOCK_ALARM = 300.0
"""Seconds of difference from which signed requests are likely refused (C.5)."""
WRONG_ACCOUNT = "15"


def good(status: int, found: dict[str, Any]) -> bool:
    """Whether it is the dialect's own yes: HTTP 200, OK, and no error number beside it."""
    return status == 200 and verdict(found) == "OK" and not error(found)[0].strip("0")


def verdict(found: dict[str, Any]) -> str:
    """'OK', 'FAIL', or something else that says nothing."""
    return word(found.get("status")).upper()


def error(found: dict[str, Any]) -> tuple[str, str]:
    """The bus's code and words; some write numbers, some texts."""
    said = found.get("ErrorDesc")
    return word(found.get("ErrorCode")), said.strip() if isinstance(said, str) else ""


def failure(found: dict[str, Any], status: int, seen: BusTime | None) -> BusError:
    """The error for a proper refusal, or for something that is not the bus."""
    code, said = error(found)
    if verdict(found) != "FAIL" and not code.strip("0"):
        return not_the_bus()
    if code == WRONG_ACCOUNT:
        blame_the_clock(seen)
    return codes.refusal(code, said, http_status=status)


def blame_the_clock(seen: BusTime | None) -> None:
    """A refused signature is no wrong secret while the clocks differ. Raises BusError then."""
    if seen is not None and abs(seen.offset) >= CLOCK_ALARM:
        raise BusError(
            N_("Đồng hồ của trạm lệch %(minutes)d phút so với trục nên trục không nhận yêu cầu."),
            next_step=N_("Kiểm tra đồng hồ của trạm; trạm tự gửi tiếp khi giờ đúng."),
            link=True,
            connected=True,
            minutes=round(abs(seen.offset) / 60),
        )
