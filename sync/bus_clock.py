"""Samples of the bus's clock for ours: of several round trips the shortest bounds the error best (bus-link C.5)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from appliance.clock import ALARM_SECONDS, VN, newest_sample_age, record_bus_sample, record_chrony_sample
from appliance.errors import N_, Unavailable
from appliance.office import line, notices
from appliance.office.desk import Desk
from appliance.store.database import transaction
from sync.bus.base import BusClient, BusError, BusTime

ROUNDS = 4
FRESH_SECONDS = 900.0
"""A good sample is good for a quarter of an hour; without one, nobody can sign, so the bus is asked at every run."""

_SET_CLOCK = N_("Kỹ thuật viên đặt lại đồng hồ của trạm (pin đồng hồ, dịch vụ chrony); trước đó không ký.")


@runtime_checkable
class Hinting(Protocol):
    """A client that can ask for the time where TLS refuses."""

    def date_hint(self) -> BusTime | None:
        """What an unproved other end says of the time; None when it says nothing."""


def sample_clock(desk: Desk, client: BusClient) -> BusTime:
    """Ask a few times on one connection and keep the best answer. Raises BusError."""
    best = min((client.time() for _ in range(ROUNDS)), key=lambda answer: answer.error)
    with transaction(desk.db):
        record_bus_sample(desk.db, offset=best.offset, error=best.error)
    return best


def keep_sampled(desk: Desk, client: BusClient) -> bool:
    """Ask chronyd, and the bus when there is no fresh, trusted sample of it; returns whether the bus was asked.

    A box that starts while the line is down can sign within a minute of the line's return. Raises BusError, and
    Unavailable when the two clocks are more than five minutes apart: told to the staff and shown to the technician.
    """
    if desk.settings.chronyc:
        record_chrony_sample(desk.db, host=desk.settings.chronyc_host)
    if newest_sample_age(desk.db) < FRESH_SECONDS and desk.clock.read(desk.db).trusted:
        return False
    if line.paused(desk.db):
        return False
    try:
        best = sample_clock(desk, client)
    except BusError as error:
        if error.dates and isinstance(client, Hinting) and not desk.clock.read(desk.db).trusted:
            raise _with_hint(desk, error, client.date_hint()) from error
        raise
    if abs(best.offset) > ALARM_SECONDS:
        raise _alarm(desk, best)
    return True


def _alarm(desk: Desk, seen: BusTime) -> Unavailable:
    """The staff is told once a day (the bus's day: ours may be any)."""
    now = desk.clock.now()
    error = Unavailable(
        N_("Đồng hồ của trạm lệch quá 5 phút: trục báo %(there)s, đồng hồ trạm chỉ %(here)s."),
        next_step=_SET_CLOCK,
        there=_moment(seen),
        here=f"{now:%H:%M:%S %d/%m/%Y}",
    )
    mark = f"{seen.utc.astimezone(VN):%Y-%m-%d}"
    with transaction(desk.db):
        notices.tell_staff(desk.db, "link:clock", kind="clock", mark=mark, text=f"{error} {_SET_CLOCK}", at=now)
    return error


def _with_hint(desk: Desk, error: BusError, seen: BusTime | None) -> Unavailable:
    """The refusal of TLS, and what the other end says of the time: for a person to judge, never to set a clock by."""
    return Unavailable(
        N_("%(why)s Đồng hồ trạm chỉ %(here)s; máy ở địa chỉ của trục (chưa được xác thực) báo %(there)s.")
        if seen
        else N_("%(why)s Đồng hồ trạm chỉ %(here)s."),
        next_step=_SET_CLOCK,
        why=error,
        here=f"{desk.clock.now():%H:%M:%S %d/%m/%Y}",
        there=_moment(seen) if seen else "",
    )


def _moment(seen: BusTime) -> str:
    return f"{seen.utc.astimezone(VN):%H:%M:%S %d/%m/%Y}"
