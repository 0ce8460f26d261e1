"""Samples of the bus's clock for ours: of several round trips the shortest bounds the error best (bus-link C.5)."""

from __future__ import annotations

from appliance.clock import record_bus_sample
from appliance.office.desk import Desk
from appliance.store.database import transaction
from sync.bus.base import BusClient, BusTime

ROUNDS = 4


def sample_clock(desk: Desk, client: BusClient) -> BusTime:
    """Ask a few times on one connection and keep the best answer. Raises BusError."""
    best = min((client.time() for _ in range(ROUNDS)), key=lambda answer: answer.error)
    with transaction(desk.db):
        record_bus_sample(desk.db, offset=best.offset, error=best.error)
    return best
