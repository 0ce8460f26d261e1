"""Working days and the legal deadlines to send (article 10.2), from the calendar data beside this file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from appliance.clock import VN

_FIXED = {(1, 1), (4, 30), (5, 1), (9, 2)}


@dataclass(frozen=True)
class SendDeadline:
    """``target``: the day of issue; ``latest``: the end of the next working day's morning."""

    target: datetime
    latest: datetime


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "calendar.toml").read_text("utf-8"))


def _urgent_minutes() -> int:
    minutes: int = _data()["urgent"]["late_after_minutes"]
    return minutes


def is_known_year(year: int) -> bool:
    """Whether the year's decision (or rule) is in the data; otherwise deadlines are provisional."""
    return str(year) in _data()


def is_working_day(day: date) -> bool:
    """Monday to Friday and make-up days, less holidays."""
    year = _data().get(str(day.year))
    if year is None:
        return day.weekday() < 5 and (day.month, day.day) not in _FIXED
    if day.isoformat() in year["makeup"]:
        return True
    return day.weekday() < 5 and day.isoformat() not in year["holidays"]


def next_working_day(day: date) -> date:
    """The first working day after ``day``."""
    following = day + timedelta(days=1)
    while not is_working_day(following):
        following += timedelta(days=1)
    return following


def send_deadline(issued: datetime, urgency: int) -> SendDeadline:
    """When a document issued at ``issued`` must have left (article 10.2).

    Urgent ones leave at once; the law gives no figure, so they count as late after the minutes in the data.
    """
    if urgency > 0:
        return SendDeadline(issued, issued + timedelta(minutes=_urgent_minutes()))
    day = issued.astimezone(VN).date()
    morning_ends = time.fromisoformat(_data()["sessions"]["morning"][1])
    target = datetime.combine(day, time(23, 59, 59), VN)
    return SendDeadline(target, datetime.combine(next_working_day(day), morning_ends, VN))
