"""How fast a long queue leaves after days without a line, beside a bare client that only PUTs the same packages."""

from __future__ import annotations

import base64
import hashlib
import ssl
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.exchange.goodput import incompressible
from tests.link_scene import BOX, PROVINCE, Box, make_box, make_bus

FILE_BYTES = 10_000
URGENT = 3


@dataclass(frozen=True)
class Drain:
    """Seconds each; ``urgent_first``: the one urgent document, queued last, was the first at the bus."""

    documents: int
    box: float
    bare: float
    urgent_first: bool


def measure(documents: int) -> Drain:
    """Queue ``documents`` while nobody sends, then start the link process; the bare client goes after it."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short, ExitStack() as stack:
        folder = Path(short)
        bus = make_bus(folder / "bus")
        stack.callback(bus.stop)
        bus.start()
        box = make_box(folder / "box", bus)
        stack.callback(box.desk.db.close)
        ids = [box.queue(incompressible(FILE_BYTES, number)) for number in range(documents - 1)]
        ids.append(box.queue(incompressible(FILE_BYTES, documents), urgency=URGENT))
        # the longest that a package of this queue may have waited: urgency must win over age
        box.desk.db.execute("UPDATE message SET queued_at = datetime('now', '-7 days') WHERE id <> ?", [ids[-1]])
        seconds = _by_box(box, ids)
        first = box.desk.db.execute("SELECT id FROM message ORDER BY accepted_at LIMIT 1").fetchone()[0]
        accepted = {row["id"] for row in bus.messages()}
        if accepted != set(ids):
            raise RuntimeError(f"the bus holds {len(accepted)} packages instead of {documents}")
        return Drain(documents, seconds, _bare(box, ids), first == ids[-1])


def _by_box(box: Box, ids: list[str]) -> float:
    box.start()
    try:
        deadline = time.monotonic() + 3600
        while box.desk.db.execute("SELECT 1 FROM message WHERE state <> 'accepted' LIMIT 1").fetchone():
            if time.monotonic() > deadline:
                raise RuntimeError("the queue does not drain")
            time.sleep(0.2)
    finally:
        box.stop()
    query = "SELECT (julianday(max(ended_at)) - julianday(min(started_at))) * 86400 FROM attempt"
    return float(box.desk.db.execute(query).fetchone()[0])


def _bare(box: Box, ids: list[str]) -> float:
    """The same bytes in single PUTs on one kept connection, nothing stored, nothing checked but the answer's code."""
    context = ssl.create_default_context(cafile=str(box.bus.ca.certificate))
    context.load_cert_chain(*box.bus.ca.client(BOX))
    packages = [box.package(message_id).read_bytes() for message_id in ids]
    began = time.monotonic()
    with httpx.Client(base_url=box.bus.url, verify=context, timeout=30, trust_env=False) as client:
        for body in packages:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers = {
                "Content-Type": "application/edxml+xml", "Repr-Digest": f"sha-256=:{digest}:", "Edoc-Kind": "edoc",
                "Edoc-Priority": "0", "Edoc-From": BOX, "Edoc-To": PROVINCE,
            }  # fmt: skip
            client.put(f"messages/{uuid.uuid4()}", content=body, headers=headers).raise_for_status()
    return time.monotonic() - began
