"""Samples of the bus's clock for ours: of several round trips the shortest bounds the error best (bus-link C.5)."""

from __future__ import annotations

from appliance.clock import newest_sample_age, record_bus_sample, record_chrony_sample
from appliance.office import line
from appliance.office.desk import Desk
from appliance.store.database import transaction
from sync.bus.base import BusClient, BusTime

ROUNDS = 4
FRESH_SECONDS = 900.0
"""A good sample is good for a quarter of an hour; without one, nobody can sign, so the bus is asked at every run."""


def sample_clock(desk: Desk, client: BusClient) -> BusTime:
    """Ask a few times on one connection and keep the best answer. Raises BusError."""
    best = min((client.time() for _ in range(ROUNDS)), key=lambda answer: answer.error)
    with transaction(desk.db):
        record_bus_sample(desk.db, offset=best.offset, error=best.error)
    return best


def keep_sampled(desk: Desk, client: BusClient) -> bool:
    """Ask chronyd, and the bus when there is no fresh, trusted sample of it; returns whether the bus was asked.

    A box that starts while the line is down can sign within a minute of the line's return. Raises BusError.
    """
    if desk.settings.chronyc:
        record_chrony_sample(desk.db, host=desk.settings.chronyc_host)
    if newest_sample_age(desk.db) < FRESH_SECONDS and desk.clock.read(desk.db).trusted:
        return False
    if line.paused(desk.db):
        return False
    sample_clock(desk, client)
    return True
