"""A lock that is given in the order it was asked for."""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """Like ``threading.Lock``, but fair: with many clients nobody waits long while others are served twice."""

    def __init__(self) -> None:
        self._inner = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False

    def acquire(self, timeout: float) -> bool:
        """Wait for one's turn at most ``timeout`` seconds; False when it did not come."""
        with self._inner:
            if not self._held:
                self._held = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(timeout):
            return True
        with self._inner:
            if mine.is_set():
                return True  # it came at the very last moment
            self._waiting.remove(mine)
            return False

    def release(self) -> None:
        """Hand over to the one who has waited longest."""
        with self._inner:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False
