"""One document over a shaped line, by the box's link process and by curl: seconds, bytes, tries."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sync.coding import compress
from tests.bench.exchange import shaped
from tests.bench.exchange.emulator import Shape
from tests.link_scene import BOX, PROVINCE, Box, make_box, make_bus

PATIENCE = 900.0
"""Seconds after which an upload counts as not ended."""


@dataclass(frozen=True)
class Case:
    """A line, and the size of the document's file in bytes."""

    name: str
    shape: Shape
    size: int


GOOD = Case("good: 20 Mbit/s, 20 ms, no loss", Shape(20e6, 0.010, queue=65_536), 20_000_000)
BAD = Case("bad: 256 kbit/s, 300 ms, 10 % loss", Shape(256e3, 0.150, 0.10), 5_000_000)
DROPPING = Case(
    "dropping: the bad line with 10 s down of every 60", Shape(256e3, 0.150, 0.10, up_for=50, down_for=10), 5_000_000
)
CASES = {"good": GOOD, "bad": BAD, "dropping": DROPPING}


@dataclass(frozen=True)
class Transfer:
    """``seconds`` None: not ended in PATIENCE, or broken off before.

    ``body``: bytes of the body handed to the connection, repeats counted. ``tcp``: payload of all TCP segments sent,
    TCP's own repeats counted; ``wire``: those bytes with all headers. ``returned``: bytes of the packets that came
    back. ``file``: bytes of the document's file; ``coded``: of the package as it travels.
    """

    who: str
    seconds: float | None
    file: int
    coded: int
    body: int
    tcp: int
    wire: int
    returned: int
    tries: int
    congestion: str

    @property
    def goodput(self) -> float:
        """Bytes of the document's file per second; 0 when it did not end."""
        return self.file / self.seconds if self.seconds else 0.0


def incompressible(size: int, seed: int = 1) -> bytes:
    """A file that begins like a PDF and does not compress."""
    return b"%PDF-1.7\n" + random.Random(seed).randbytes(size - 9)


@contextmanager
def both_ends(folder: Path) -> Iterator[tuple[shaped.Pair, Box]]:
    """A bus and a box in namespaces of their own, for a ``with`` block."""
    with ExitStack() as stack:
        pair = stack.enter_context(shaped.namespaces())
        bus = make_bus(folder / "bus", address=pair.bus_address, prefix=pair.at_bus())
        stack.callback(bus.stop)
        bus.start()
        box = make_box(folder / "box", bus, pair.at_box())
        stack.callback(box.desk.db.close)
        yield pair, box


def measure(case: Case, *, curl_first: bool = False) -> dict[str, Transfer]:
    """Both, one after the other, over fresh lines of the same shape and seed."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short, both_ends(Path(short)) as (pair, box):
        turns = [("curl", by_curl), ("box", by_box)] if curl_first else [("box", by_box), ("curl", by_curl)]
        found = {name: turn(case, pair, box) for name, turn in turns}
        accepted = box.bus.messages()
        expected = sum(one.seconds is not None for one in found.values())
        if len({row["id"] for row in accepted}) != len(accepted) or len(accepted) < expected:
            raise RuntimeError(f"the bus holds {len(accepted)} packages instead of {expected}")
    return found


def by_box(case: Case, pair: shaped.Pair, box: Box) -> Transfer:
    """The link process sends it from its queue, with everything else it does (clock, directory, inbox)."""
    message_id = box.queue(incompressible(case.size))
    with shaped.line(pair, case.shape, box.folder) as meter:
        congestion = shaped.congestion_control(pair)
        box.start()
        try:
            arrived = box.wait_accepted(message_id, PATIENCE)
        finally:
            box.stop()
    seconds, body, tries = box.took(message_id)
    out, back = meter.counts["out"], meter.counts["back"]
    return Transfer(
        "box", seconds if arrived else None, case.size, len(coded(box.package(message_id))), body, out["payload"],
        out["bytes"], back["bytes"], tries, congestion,
    )  # fmt: skip


def by_curl(case: Case, pair: shaped.Pair, box: Box) -> Transfer:
    """curl PUTs the same package, coded the same way, in one go."""
    source = box.package(box.queue(incompressible(case.size)))
    box.desk.db.execute("UPDATE message SET state = 'held' WHERE state <> 'accepted'")  # not the box's to send
    body = coded(source)
    path = box.folder / "body.gz"
    path.write_bytes(body)
    with shaped.line(pair, case.shape, box.folder) as meter:
        congestion = shaped.congestion_control(pair)
        done = subprocess.run(pair.at_box(*curl_put(box, path, body, coding="gzip")), capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    arrived = done.returncode == 0 and told["http_code"] in (200, 201)
    if not arrived and not case.shape.up_for:  # only a line with outages may end an upload
        raise RuntimeError(f"curl: {done.returncode} {told['http_code']} {done.stderr}")
    out, back = meter.counts["out"], meter.counts["back"]
    seconds = float(told["time_total"]) if arrived else None
    return Transfer(
        "curl", seconds, case.size, len(body), int(told["size_upload"]), out["payload"], out["bytes"], back["bytes"], 1,
        congestion,
    )  # fmt: skip


def coded(path: Path) -> bytes:
    """The package as the box sends it."""
    with tempfile.TemporaryDirectory() as folder:
        compress(path, Path(folder) / "coded")
        return (Path(folder) / "coded").read_bytes()


def identity(box: Box, organ: str) -> list[str]:
    """curl's options to speak to the bus as ``organ``."""
    certificate, key = box.bus.ca.client(organ)
    return ["--cacert", str(box.bus.ca.certificate), "--cert", str(certificate), "--key", str(key)]


def curl_put(
    box: Box, path: Path, body: bytes, *, sender: str = BOX, to: str = PROVINCE, coding: str = ""
) -> list[str]:
    """The command that hands in the package in ``path``, whose bytes are ``body``."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    headers = {
        "Content-Type": "application/edxml+xml", "Content-Encoding": coding, "Expect": "",
        "Repr-Digest": f"sha-256=:{digest}:", "Edoc-Kind": "edoc", "Edoc-Priority": "0",
        "Edoc-From": sender, "Edoc-To": to,
    }  # fmt: skip
    command = [
        "curl", "--silent", "--show-error", "--http1.1", "--max-time", str(int(PATIENCE)), "--upload-file", str(path),
        *identity(box, sender),
        "--output", os.devnull, "--write-out", '{"http_code": %{http_code}, "time_total": %{time_total}, '
        '"size_upload": %{size_upload}}\n',
    ]  # fmt: skip
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}" if value else f"{name}:"]
    return [*command, f"{box.bus.url}/messages/{uuid.uuid4()}"]
