"""Wakes everybody who waits for news from the bus."""

from __future__ import annotations

import threading


class Bell:
    """Counts its rings, so that whoever comes late still hears the one he missed."""

    def __init__(self) -> None:
        self._heard = threading.Condition()
        self._rings = 0
        self.over = False
        """The bus ends: waiting makes no sense any more."""

    @property
    def rings(self) -> int:
        """Rings so far. Note it BEFORE looking into the store, then ``wait`` for more than that."""
        with self._heard:
            return self._rings

    def ring(self) -> None:
        """There is something new, committed."""
        with self._heard:
            self._rings += 1
            self._heard.notify_all()

    def end(self) -> None:
        """Send home everybody who waits, and whoever comes."""
        with self._heard:
            self.over = True
            self._heard.notify_all()

    def wait(self, rings: int, seconds: float) -> bool:
        """Wait until there were more than ``rings`` rings, or ``end``; False when ``seconds`` passed first."""
        with self._heard:
            return self._heard.wait_for(lambda: self.over or self._rings > rings, seconds)
