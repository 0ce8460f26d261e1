"""The bus's clock, which can be put wrong on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.clock import VN


class BusClock:
    """The machine's time plus ``offset_seconds``; every time the bus writes or tells comes from here."""

    def __init__(self) -> None:
        self.offset_seconds = 0

    def now(self) -> datetime:
        """The time in Vietnam, as the bus believes it to be."""
        return datetime.now(VN) + timedelta(seconds=self.offset_seconds)

    def stamp(self) -> str:
        """``now`` as the record keeps it: ISO 8601 with milliseconds and offset."""
        return self.now().isoformat(timespec="milliseconds")
