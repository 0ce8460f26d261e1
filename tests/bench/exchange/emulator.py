"""A bad line between two network namespaces, in user space: for kernels without netem. Needs root.

``python -m tests.bench.exchange.emulator NAMESPACE ADDRESS NAMESPACE ADDRESS --rate …`` opens a TUN in each namespace
and carries IP packets between them with a rate, a delay, loss in both directions, a bounded queue and regular
outages (during which packets that are under way are lost too). SIGTERM ends it; what it counted is then in ``--stats``.
It prints "ready" once packets can pass. Outages count from the first packet of TCP.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import struct
import subprocess
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

MTU = 1500
_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x1001
_PROTO_TCP = 6


@dataclass
class Direction:
    """What was sent into one end, in packets and bytes. ``payload``: inside TCP, what TCP sent again included."""

    packets: int = 0
    bytes: int = 0
    payload: int = 0
    lost: int = 0
    overflowed: int = 0
    cut: int = 0


@dataclass
class Shape:
    """bit/s, seconds, a share, bytes, seconds. ``up_for`` 0: no outages."""

    rate: float
    delay: float
    loss: float = 0.0
    queue: int = 32768
    up_for: float = 0.0
    down_for: float = 0.0
    seed: int = 1


@dataclass
class _Line:
    """One line with its two ends; ``ends``: descriptor → index of the direction that it sends into."""

    shape: Shape
    ends: tuple[int, int]
    counts: tuple[Direction, Direction] = field(default_factory=lambda: (Direction(), Direction()))

    def __post_init__(self) -> None:
        self._chance = random.Random(self.shape.seed)
        self._free = [0.0, 0.0]
        self._under_way: list[tuple[float, int, int, bytes]] = []
        self._number = 0
        self._began = 0.0

    def is_down(self, now: float) -> bool:
        """Whether the line is in an outage."""
        shape = self.shape
        period = shape.up_for + shape.down_for
        return bool(shape.up_for and self._began and (now - self._began) % period > shape.up_for)

    def accept(self, direction: int, packet: bytes) -> None:
        """A packet from one end: counted, then lost or scheduled."""
        now, shape, count = time.monotonic(), self.shape, self.counts[direction]
        payload = _tcp_payload(packet)
        if payload is not None and not self._began:
            self._began = now
        count.packets += 1
        count.bytes += len(packet)
        count.payload += payload or 0
        if self.is_down(now):
            count.cut += 1
        elif self._chance.random() < shape.loss:
            count.lost += 1
        else:
            start = max(now, self._free[direction])
            if (start - now) * shape.rate / 8 > shape.queue:
                count.overflowed += 1
                return
            self._free[direction] = start + len(packet) * 8 / shape.rate
            self._number += 1
            heapq.heappush(self._under_way, (self._free[direction] + shape.delay, self._number, direction, packet))

    def deliver(self) -> float:
        """Hand over what has arrived; returns seconds until the next packet arrives."""
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, _, direction, packet = heapq.heappop(self._under_way)
            if self.is_down(now):
                self.counts[direction].cut += 1
            else:
                os.write(self.ends[1 - direction], packet)
        return max(0.0, self._under_way[0][0] - now) if self._under_way else 0.5


def _tcp_payload(packet: bytes) -> int | None:
    """Bytes inside TCP, or None for what is not TCP over IPv4."""
    if packet[0] >> 4 != 4 or packet[9] != _PROTO_TCP:
        return None
    head = (packet[0] & 15) * 4
    return int.from_bytes(packet[2:4], "big") - head - (packet[head + 12] >> 4) * 4


def _open_tun(namespace: str, address: str, peer: str) -> int:
    """The descriptor of a TUN inside ``namespace``. Only a thread of its own changes its namespace."""
    opened: list[int] = []
    libc = ctypes.CDLL(None, use_errno=True)

    def enter() -> None:
        with Path("/run/netns", namespace).open() as there:
            if libc.setns(there.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH", b"wan0", _IFF_TUN_NO_PI))
        opened.append(descriptor)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if not opened:
        raise OSError("no TUN: the emulator needs root and /dev/net/tun")
    for words in (f"addr add {address} peer {peer} dev wan0", f"link set wan0 mtu {MTU} up"):
        subprocess.run(["ip", "-n", namespace, *words.split()], check=True)
    return opened[0]


def run(line: _Line, stop: threading.Event) -> None:
    """Carry packets until ``stop``."""
    direction_of = {line.ends[0]: 0, line.ends[1]: 1}
    while not stop.is_set():
        ready, _, _ = select.select(line.ends, (), (), line.deliver())
        for descriptor in ready:
            while True:
                try:
                    packet = os.read(descriptor, 1 << 16)
                except BlockingIOError:
                    break
                line.accept(direction_of[descriptor], packet)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    for name in ("near", "near_address", "far", "far_address"):
        parser.add_argument(name)
    for name, default in asdict(Shape(rate=256e3, delay=0.15)).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--stats", type=Path, required=True)
    options = vars(parser.parse_args())
    near, here, far, there, stats = (
        options.pop(name) for name in ("near", "near_address", "far", "far_address", "stats")
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    line = _Line(Shape(**options), (_open_tun(near, here, there), _open_tun(far, there, here)))
    print("ready", flush=True)
    run(line, stop)
    stats.write_text(json.dumps({"out": asdict(line.counts[0]), "back": asdict(line.counts[1])}), "utf-8")


if __name__ == "__main__":
    main()
