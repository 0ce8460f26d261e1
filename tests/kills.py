"""SIGKILL of the box and of the bus at random moments while documents go both ways. Used by a test and a campaign.

The box is two processes here: the link process, and a writer that queues documents as issuing does and says each id
aloud once it is committed. At the other end an office hands documents to the bus until it holds a receipt for each.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from appliance.antivirus import Scanner
from appliance.config import load_settings
from appliance.errors import Unavailable
from appliance.office.desk import Party
from appliance.store import audit
from appliance.store.blobs import BlobStore
from provisioning.box import make_desk
from provisioning.clamd import PROGRAM, write_configuration
from tests.edxml_fixtures import document, file_in, package_bytes
from tests.link_scene import BOX, PROVINCE, Box, Bus, make_box, make_bus
from tests.postgres_fixtures import Postgres

PATIENCE = 600.0
"""Seconds that everything may take to arrive once nobody is killed any more."""
_PAUSE = (0.2, 2.5)
_SIZES = (500, 80_000)
_RATES = (0, 40_000, 150_000)


@dataclass
class Result:
    """``problems``: every loss or double, in words; empty when all held. ``caught``: queue states found at kills."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0
    attempts: int = 0
    journal: int = 0
    minutes: float = 0.0
    problems: list[str] = field(default_factory=list)


def run(folder: Path, kills: int, seed: int, database: Postgres | None = None) -> Result:
    """Kill ``kills`` times, then let everything arrive and count. With ``database`` the bus's store is there."""
    result, chance, began = Result(seed), random.Random(seed), time.monotonic()
    with ExitStack() as stack:
        bus = make_bus(folder / "bus", more=database.configuration(database.database()) if database else "")
        stack.callback(bus.stop)
        bus.start()
        box = make_box(folder / "box", bus)
        stack.callback(box.desk.db.close)
        stack.enter_context(_scanner(box))
        writer = Writer(box.folder)
        stack.callback(writer.kill)
        office = stack.enter_context(_neighbour(bus, folder / "neighbour", seed))
        box.start()
        stack.callback(box.stop)
        writer.start()
        for _ in range(kills):
            _shape_the_line(bus, chance)
            time.sleep(chance.uniform(*_PAUSE))
            _kill_one(chance, result, bus, box, writer, database)
        writer.kill()
        bus.line(bytes_per_second=0, drop_answer="off")
        office.stop.set()
        office.thread.join(timeout=60)
        _let_everything_arrive(box, office)
        _count(result, bus, box, writer, office)
    result.minutes = (time.monotonic() - began) / 60
    return result


class Writer:
    """The process that queues documents; ``said`` are the ids that it had committed before it died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.said: list[str] = []

    def start(self) -> None:
        """Begin (again)."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills", str(self._folder)], stdout=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """SIGKILL; what it had said before is taken down."""
        if self._process is not None and self._reader is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._reader.join(timeout=10)
            self._process = None

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        # a line that the kill tore is no word given
        self.said += [line.strip() for line in process.stdout if line.endswith("\n")]


def write(folder: Path) -> None:
    """The writer's process: a document every half second, its id said after the commit."""
    desk = make_desk(load_settings(folder / "box.toml"))
    box = Box(folder, desk, Bus(folder, None, 0, 0, ""))  # type: ignore[arg-type]  # it only queues
    chance = random.SystemRandom()
    while True:
        message_id = box.queue(chance.randbytes(chance.randint(*_SIZES)), urgency=chance.randint(0, 3))
        print(message_id, flush=True)
        time.sleep(chance.uniform(0.1, 0.9))


@dataclass
class _Office:
    """The other office: document code → id of what the bus gave a receipt for."""

    bus: Bus
    folder: Path
    seed: int
    receipts: dict[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._send, daemon=True)

    def _send(self) -> None:
        chance, blobs = random.Random(self.seed + 1), BlobStore(self.folder)
        certificate = self.bus.ca.client(PROVINCE)
        number = 0
        while not self.stop.is_set():
            number += 1
            code = f"{PROVINCE},2026/11/20,{number}/TB-UBND"
            package = package_bytes(
                document(
                    sender=Party(PROVINCE, "Văn phòng Ủy ban nhân dân tỉnh"),
                    recipients=(Party(BOX, "Ủy ban nhân dân xã Hòa Bình"),), document_code=code, number=str(number),
                    notation="TB-UBND", files=(file_in(blobs, chance.randbytes(chance.randint(*_SIZES))),),
                ),
                blobs,
            )  # fmt: skip
            message_id = str(uuid.uuid4())
            while not self._put(package, message_id, certificate):
                time.sleep(0.2)  # until it holds a receipt, whatever dies meanwhile
            self.receipts[code] = message_id
            self.stop.wait(chance.uniform(0.2, 1.5))

    def _put(self, package: bytes, message_id: str, certificate: tuple[Path, Path]) -> bool:
        try:
            return self.bus.put(package, sender=PROVINCE, to=BOX, message_id=message_id, certificate=certificate)
        except httpx.TransportError:
            return False


@contextmanager
def _neighbour(bus: Bus, folder: Path, seed: int) -> Iterator[_Office]:
    office = _Office(bus, folder, seed)
    office.thread.start()
    try:
        yield office
    finally:
        office.stop.set()
        office.thread.join(timeout=60)


@contextmanager
def _scanner(box: Box) -> Iterator[None]:
    """A real clamd for the box; it is not what is killed here."""
    settings = box.desk.settings
    with (box.folder / "clamd.log").open("ab") as log:
        process = subprocess.Popen(
            [PROGRAM, "--foreground", "--config-file", str(write_configuration(settings))], stdout=log, stderr=log
        )
    try:
        _within(60, lambda: _answers(Scanner(settings.clamd_socket)), "clamd does not start")
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(scanner: Scanner) -> bool:
    try:
        return bool(scanner.version())
    except Unavailable:
        return False


def _shape_the_line(bus: Bus, chance: random.Random) -> None:
    """Slow enough, often enough, that a kill falls into a transfer; sometimes an answer is lost."""
    bus.line(bytes_per_second=chance.choice(_RATES), drop_answer=chance.choice(("off", "off", "once")))


def _kill_one(
    chance: random.Random, result: Result, bus: Bus, box: Box, writer: Writer, database: Postgres | None
) -> None:
    """One of them dies and comes back after a moment."""
    who = chance.choice(("box", "box", "link process", "bus", "bus", *(["database", "database"] if database else [])))
    result.kills[who] += 1
    if who == "database":
        assert database is not None
        database.crash()
        time.sleep(chance.uniform(0, 0.5))
        database.start()
        return
    if who == "bus":
        bus.kill()
        time.sleep(chance.uniform(0, 0.5))
        bus.start()
        return
    assert box.process is not None
    box.process.send_signal(signal.SIGKILL)
    if who == "box":
        writer.kill()
    box.process.wait(timeout=10)
    row = box.desk.db.execute(
        "SELECT state FROM message WHERE kind = 'edoc' AND state <> 'accepted' LIMIT 1"
    ).fetchone()
    sending = box.desk.db.execute("SELECT count(*) FROM message WHERE state = 'sending'").fetchone()[0]
    result.caught["sending" if sending else str(row[0]) if row else "all accepted"] += 1
    time.sleep(chance.uniform(0, 0.3))
    box.start()
    if who == "box":
        writer.start()


def _let_everything_arrive(box: Box, office: _Office) -> None:
    """Nobody is killed any more."""
    db = box.desk.db

    def arrived() -> bool:
        queued = db.execute("SELECT count(*) FROM message WHERE state <> 'accepted'").fetchone()[0]
        waiting = db.execute("SELECT count(*) FROM inbox WHERE acked_at IS NULL").fetchone()[0]
        taken_in = db.execute("SELECT count(*) FROM incoming").fetchone()[0]
        return queued == waiting == 0 and taken_in >= len(office.receipts)

    _within(PATIENCE, arrived, "not everything arrives")


def _count(result: Result, bus: Bus, box: Box, writer: Writer, office: _Office) -> None:
    """Compare what was promised with what is there, on both sides."""
    db = box.desk.db
    queued = list(db.query("SELECT id, kind, receipt_sha256, attempts FROM message"))
    taken_in = list(db.query("SELECT document_code, copies FROM incoming"))
    result.sent, result.received = sum(row["kind"] == "edoc" for row in queued), len(office.receipts)
    result.attempts = sum(row["attempts"] for row in queued)
    result.problems = problems(writer.said, queued, bus.messages(), office.receipts, taken_in)
    result.journal = audit.verify(db)


def problems(
    said: list[str],
    queued: list[dict[str, Any]],
    at_bus: list[dict[str, Any]],
    handed_in: dict[str, str],
    taken_in: list[dict[str, Any]],
) -> list[str]:
    """Every loss and every double, in words.

    ``said``: ids that the writer had committed; ``queued``: the box's messages; ``at_bus``: what the bus accepted;
    ``handed_in``: the other office's document code → its message id; ``taken_in``: the box's incoming documents.
    """
    documents = {row["id"] for row in queued if row["kind"] == "edoc"}
    ids = Counter(message["id"] for message in at_bus)
    own = {row["id"] for row in queued} | set(handed_in.values())
    taken = Counter(row["document_code"] for row in taken_in)
    told = Counter(message["document_id"] for message in at_bus if message["kind"] == "status")
    return [
        *(f"{name}: said to be queued, lost at the box" for name in said if name not in documents),
        *(f"{name}: {ids[name]} times at the bus" for name in sorted(own) if ids[name] != 1),
        *(f"{row['id']}: no receipt at the box" for row in queued if not row["receipt_sha256"]),
        *(f"{name}: at the bus, sent by nobody" for name in ids if name not in own),
        *(f"{code}: {taken[code]} times in the box" for code in handed_in if taken[code] != 1),
        *(f"{row['document_code']}: came in several copies" for row in taken_in if row["copies"] != 1),
        *(f"{code}: told {told[code]} times as arrived" for code in handed_in if told[code] != 1),
    ]


def _within(seconds: float, happened: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.2)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
