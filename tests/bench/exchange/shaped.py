"""Two network namespaces with a shaped line between them, for a ``with`` block. Needs root and iproute2."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.exchange.emulator import Shape

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Pair:
    """``box`` and ``bus`` are namespaces; addresses as each is known to the other."""

    box: str
    bus: str
    box_address: str
    bus_address: str

    def at_box(self, *command: str) -> list[str]:
        """``command`` run inside the box's namespace."""
        return ["ip", "netns", "exec", self.box, *command]

    def at_bus(self, *command: str) -> list[str]:
        """``command`` run inside the bus's namespace."""
        return ["ip", "netns", "exec", self.bus, *command]


class Meter:
    """What the line counted; filled when the ``with`` block of the line has ended."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[str, int]] = {}


def possible() -> bool:
    """Whether this machine and account can make namespaces with a line between them."""
    return os.geteuid() == 0 and Path("/dev/net/tun").exists()


@contextmanager
def namespaces() -> Iterator[Pair]:
    """Two fresh namespaces with loopback up; gone with everything in them afterwards."""
    number = next(_numbers)
    pair = Pair(
        f"tram{os.getpid()}-{number}a", f"tram{os.getpid()}-{number}b", f"10.78.{number}.1", f"10.78.{number}.2"
    )
    made: list[str] = []
    try:
        for name in (pair.box, pair.bus):
            subprocess.run(["ip", "netns", "add", name], check=True)
            made.append(name)
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield pair
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], check=True)


@contextmanager
def line(pair: Pair, shape: Shape, folder: Path) -> Iterator[Meter]:
    """The line between the namespaces for one transfer."""
    meter, stats = Meter(), folder / "line.json"
    options: list[str] = []
    for name, value in asdict(shape).items():
        options += [f"--{name.replace('_', '-')}", str(value)]
    command = [sys.executable, "-m", "tests.bench.exchange.emulator", pair.box, pair.box_address, pair.bus]
    process = subprocess.Popen(
        [*command, pair.bus_address, *options, "--stats", str(stats)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the line emulator did not start")
        yield meter
    finally:
        process.terminate()
        process.wait(timeout=20)
    found: dict[str, Any] = json.loads(stats.read_text("utf-8"))
    meter.counts = found


def congestion_control(pair: Pair) -> str:
    """What TCP in the box's namespace uses, for the report."""
    command = pair.at_box("cat", "/proc/sys/net/ipv4/tcp_congestion_control")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
