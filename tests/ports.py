"""Free TCP ports for the tests' own servers."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

_FIRST, _LAST = 12_000, 32_000
"""Below the range that outgoing connections use: one of those could take a port between the choice and its use."""


def row_of_ports(count: int) -> int:
    """The first of ``count`` free ports in a row, on loopback."""
    for _ in range(200):
        first = random.randrange(_FIRST, _LAST - count)  # two runs at once must not both choose the same
        try:
            with ExitStack() as held:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on at the moment."""
    first = row_of_ports(count)
    return list(range(first, first + count))
