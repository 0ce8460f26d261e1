"""The link engine in a process that kills itself at one exact point: ``python -m tests.dying POINT SETTINGS.toml``.

One round of sending and fetching (``tram sync --once``), with SIGKILL in the place of, or right after, one step. The
engine and the client are the real ones.
"""

from __future__ import annotations

import os
import pkgutil
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

from appliance.config import load_settings
from provisioning.box import make_desk
from sync.bus.native.client import NativeClient
from sync.worker import run_once

LATE = 300_000
"""Bytes on the wire after which one is in the middle of a large package."""
_CLIENT = "sync.bus.native.client.NativeClient"
POINTS = {
    "before anything is sent": (f"{_CLIENT}.send", "before"),
    "after the spool": ("sync.bus.native.upload.Uploader.send", "before"),
    "in the middle of a PATCH": ("sync.bus.native.wire._Stream.write", "late"),
    "after the bus has committed, before we have": (f"{_CLIENT}.send", "after"),
    "after fetching, before our commit": ("appliance.office.arrival.receive", "before"),
    "after our commit, before the acknowledgement": (f"{_CLIENT}.ack", "before"),
    "after the acknowledgement, before we note it": (f"{_CLIENT}.ack", "after"),
}


def die(*_: object) -> None:
    """As a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(real: Callable[..., Any], when: str) -> Callable[..., Any]:
    """``real``, and death before or after it, or late: before the call that follows ``LATE`` bytes."""
    written = 0

    def step(*arguments: Any, **options: Any) -> Any:
        nonlocal written
        if when == "late":
            written += len(arguments[1])
            if written <= LATE:
                return real(*arguments, **options)
        if when != "after":
            die()
        answer = real(*arguments, **options)
        die()
        return answer

    return step


def main(point: str, configuration: Path) -> None:
    """One round that does not end."""
    settings = load_settings(configuration)
    place, when = POINTS[point]
    owner, name = place.rsplit(".", 1)
    holder: Any = pkgutil.resolve_name(owner)
    desk = make_desk(settings)
    with patch.object(holder, name, deadly(getattr(holder, name), when)), closing(NativeClient(settings)) as client:
        run_once(desk, client)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
