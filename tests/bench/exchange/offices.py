"""One bus with many offices: each sends a document to the next one, looks into its inbox, fetches, acknowledges.

Side by side: the same number of exchanges between few offices. The ratio says what many offices cost the bus.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import statistics
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from appliance.store.blobs import BlobStore
from tests.bench.exchange.goodput import incompressible
from tests.edxml_fixtures import document, file_in, package_bytes
from tests.link_scene import Bus, make_bus, office_code

FEW = 10
AT_ONCE = 16
"""Offices that talk to the bus at the same moment."""


@dataclass(frozen=True)
class Round:
    """``exchanges`` documents handed in, fetched and acknowledged; milliseconds of the single requests."""

    offices: int
    exchanges: int
    seconds: float
    median: float
    slowest_of_20: float

    @property
    def per_second(self) -> float:
        """Exchanges per second."""
        return self.exchanges / self.seconds


@dataclass
class _Office:
    """One office's client; a fresh connection (and TLS handshake) for each of its turns, as after a quiet minute."""

    number: int
    neighbour: str
    bus: Bus
    context: ssl.SSLContext

    @property
    def code(self) -> str:
        return office_code(self.number)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.bus.url, verify=self.context, timeout=60, trust_env=False)

    def send(self, body: bytes) -> list[float]:
        """Hand one document in."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers = {
            "Content-Type": "application/edxml+xml", "Repr-Digest": f"sha-256=:{digest}:", "Edoc-Kind": "edoc",
            "Edoc-Priority": "0", "Edoc-From": self.code, "Edoc-To": self.neighbour,
        }  # fmt: skip
        with self.client() as client:
            return [_timed(client, "PUT", f"messages/{uuid.uuid4()}", content=body, headers=headers)[0]]

    def receive(self, after: int) -> tuple[list[float], int, int]:
        """Take in what waits after ``after``: (milliseconds, documents, next cursor)."""
        times, count = [], 0
        with self.client() as client:
            took, answer = _timed(client, "GET", "inbox", params={"after": after, "limit": 200})
            times.append(took)
            for item in answer.json()["items"]:
                took, content = _timed(client, "GET", f"inbox/{item['docId']}/content")
                times.append(took)
                if hashlib.sha256(content.content).hexdigest() != item["sha256"]:
                    raise RuntimeError("the bus hands over other bytes than it took")
                body = {"outcome": "done", "reason": "", "sha256": item["sha256"]}
                times.append(_timed(client, "PUT", f"inbox/{item['docId']}/ack", json=body)[0])
                after, count = item["seq"], count + 1
        return times, count, after


def measure(offices: int, exchanges: int) -> tuple[Round, Round]:
    """(few offices, ``offices``), ``exchanges`` documents each, at one bus."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short, ExitStack() as stack:
        bus = make_bus(Path(short) / "bus", offices=FEW + offices)
        stack.callback(bus.stop)
        bus.start()
        few = _round(_offices(bus, 0, FEW), exchanges)
        many = _round(_offices(bus, FEW, offices), exchanges)
    return few, many


def _offices(bus: Bus, first: int, count: int) -> list[_Office]:
    made = []
    for number in range(first, first + count):
        context = ssl.create_default_context(cafile=str(bus.ca.certificate))
        context.load_cert_chain(*bus.ca.client(office_code(number)))
        made.append(_Office(number, office_code(first + (number - first + 1) % count), bus, context))
    return made


def _round(offices: list[_Office], exchanges: int) -> Round:
    """``exchanges`` times: one package for all, because the bus goes by the envelope's addresses."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short:
        blobs = BlobStore(Path(short))
        body = package_bytes(document(files=(file_in(blobs, incompressible(10_000)),)), blobs)
    senders = [offices[number % len(offices)] for number in range(exchanges)]
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        times = [took for some in pool.map(lambda office: office.send(body), senders) for took in some]
        taken = list(pool.map(lambda office: office.receive(0), offices))
    seconds = time.monotonic() - began
    times += [took for some, _, _ in taken for took in some]
    if sum(count for _, count, _ in taken) != exchanges:
        raise RuntimeError("not every document reached its office exactly once")
    return Round(
        len(offices), exchanges, seconds, statistics.median(times) * 1000, statistics.quantiles(times, n=20)[-1] * 1000
    )


def _timed(client: httpx.Client, method: str, path: str, **options: object) -> tuple[float, httpx.Response]:
    began = time.monotonic()
    answer = client.request(method, path, **options)  # type: ignore[arg-type]
    answer.raise_for_status()
    return time.monotonic() - began, answer
