"""The queue against a bus that lies in wait: whatever it does, a message is accepted once at most and never lost.

The bus here is a fake on purpose (a real one cannot be told to fail at each point of each call); the real one is met
in tests/integration and tests/faults. The store, the blobs and the engine are the real ones.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appliance import clock
from appliance.clock import VN
from appliance.config import Settings
from appliance.errors import TramError
from appliance.office import messages, queue_actions
from appliance.office.desk import Actor, Correction, Desk, Party
from appliance.office.messages import Prepared
from appliance.office.queue_times import RESEND_BLIND
from appliance.store.blobs import BlobStore
from appliance.store.database import open_database, transaction
from sync import lease, outbox
from sync.bus.base import BusError, BusInfo, BusTime, Fault, Outbound, Outcome, SendResult

CLERK = Actor("console", "Bảng lệnh", "o", frozenset({"clerk", "technician"}))
GOOD = ["A", "B", "C", "D", "E"]
BAD = "X"
MOODS = ("good", "dead", "cut", "busy", "locked", "no-answer", "late", "die-before", "die-after")


class Killed(BaseException):
    """The process dies here."""


@dataclass
class World:
    """The bus's truth: what it took, by id, how often; and what the next calls do."""

    taken: dict[str, tuple[str, ...]] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    mood: str = "good"
    slow: list[tuple[float, str, tuple[str, ...]]] = field(default_factory=list)
    now: float = 0.0


class FakeBus:
    """Takes a package under the same id only once it was sure that it did not have it; ``late`` shows it later."""

    def __init__(self, world: World, absent_after: float, can_find: bool) -> None:
        self.world = world
        self.info = BusInfo("fake", 1 << 30, absent_after, can_find)

    def send(self, message: Outbound) -> SendResult:
        mood = self.world.mood
        if mood == "dead":
            raise BusError("không nối được", link=True)
        if mood == "cut":
            raise BusError("đứt giữa chừng", link=True, connected=True, bytes_sent=1)
        if mood == "busy":
            raise BusError("bận", connected=True, http_status=503, retry_after=30)
        if mood == "locked":
            raise BusError("sai khóa", connected=True, http_status=401, fault=Fault.LINK)
        if BAD in message.recipients:
            return SendResult(Outcome.REJECTED, reason="đơn vị bị khóa", http_status=422, fault=Fault.ORGAN)
        if mood == "die-before":
            raise Killed
        self._take(message, late=mood == "late")
        if mood == "die-after":
            raise Killed
        if mood in ("no-answer", "late"):
            return SendResult(Outcome.UNKNOWN, reason="không có trả lời", bytes_sent=message.size)
        return SendResult(Outcome.ACCEPTED, message.id, "", b"receipt", "", message.size, 201)

    def _take(self, message: Outbound, *, late: bool) -> None:
        world = self.world
        world.times.setdefault(message.id, []).append(world.now)
        if late:  # a bus behind the bus shows it only after some minutes
            world.slow.append((world.now + 600, message.id, message.recipients))
        else:
            world.taken[message.id] = message.recipients

    def settle(self) -> None:
        """What was taken slowly shows once its time has come."""
        for at, message_id, to in list(self.world.slow):
            if self.world.now >= at:
                self.world.taken[message_id] = to
                self.world.slow.remove((at, message_id, to))

    def find_sent(self, message: Outbound) -> SendResult | None:
        self.settle()
        if not self.info.can_find_sent:
            return SendResult(Outcome.UNKNOWN, reason="trục này không tra được")
        if self.world.mood in ("dead", "cut"):
            raise BusError("không nối được", link=True)
        if self.world.mood == "die-before":
            raise Killed
        if message.id in self.world.taken:
            return SendResult(Outcome.ACCEPTED, message.id, "", b"receipt", "", 0, 200)
        return None

    def time(self) -> BusTime:
        if self.world.mood == "dead":
            raise BusError("không nối được", link=True)
        return BusTime(datetime.now(VN), 0.0, 0.1)

    def recipients(self, message_id: str, doc_id: str) -> Sequence[Any]:
        return []

    def report(self, statistics: Mapping[str, object]) -> bool:
        return False


class Clock:
    """The box's wall clock, which jumps, over a steady one, which does not."""

    def __init__(self, world: World) -> None:
        self.world, self.off = world, timedelta()

    def now(self) -> datetime:
        return datetime(2026, 11, 20, 8, tzinfo=VN) + timedelta(seconds=self.world.now) + self.off


class Packages:
    """Successors' bytes: what matters here is only that they are others."""

    def corrected(self, sha256: str, change: Correction, blobs: BlobStore) -> tuple[str, int]:
        data = blobs.read(sha256) + repr(change).encode()
        return blobs.put(data), len(data)


class Outbox(RuleBasedStateMachine):
    """Actions of people, line, bus, clock and death, in any order."""

    @initialize(can_find=st.booleans())
    def start(self, can_find: bool) -> None:
        self.patch = pytest.MonkeyPatch()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World()
        self.bus = FakeBus(self.world, 1800.0, can_find)
        self.clock = Clock(self.world)
        for module in (clock, lease):
            self.patch.setattr(module, "steady", lambda: self.world.now)
        self.patch.setattr(lease, "sender_code", lambda path: "O")
        self.desk: Desk = SimpleNamespace(  # type: ignore[assignment]
            settings=Settings(data=Path(self.folder.name)), clock=self.clock, packages=Packages(),
            blobs=BlobStore(Path(self.folder.name) / "blobs"),
            db=open_database(Path(self.folder.name) / "tram.db", create=True),
        )  # fmt: skip
        self.desk.db.execute("PRAGMA synchronous = 0")
        self.desk.db.execute("INSERT INTO organ (id, name, abbreviation, local) VALUES ('o', 'Xã', 'UBND', 1)")
        self.ids: list[str] = []

    @rule(urgency=st.integers(0, 4), to=st.lists(st.sampled_from([*GOOD, BAD]), min_size=1, max_size=5, unique=True))
    def issue(self, urgency: int, to: list[str]) -> None:
        message_id = messages.new_id()
        data = message_id.encode()
        prepared = Prepared(
            message_id, "edoc", self.desk.blobs.put(data), len(data), "Văn bản", urgency, "o",
            tuple(Party(code, code) for code in to), issued=self.clock.now(),
        )  # fmt: skip
        with transaction(self.desk.db):
            messages.enqueue(self.desk.db, prepared, self.clock.now())
        self.ids.append(message_id)

    @rule(mood=st.sampled_from(MOODS))
    def work(self, mood: str) -> None:
        self.world.mood = mood
        rounds = iter(range(30))
        try:
            outbox.send_due(self.desk, self.bus, stop=lambda: next(rounds, None) is None)  # type: ignore[arg-type]
        except Killed:
            self.world.mood = "good"

    @rule(seconds=st.sampled_from([20.0, 130.0, 700.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds
        self.bus.settle()

    @rule(days=st.sampled_from([-3650, -1, 1, 3650]))
    def jump(self, days: int) -> None:
        self.clock.off += timedelta(days=days)

    @rule()
    def right_clock(self) -> None:
        self.clock.off = timedelta()

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), action=st.sampled_from(["send_now", "hold", "release", "correct"]))
    def person(self, data: st.DataObject, action: str) -> None:
        rows = [row[0] for row in self.desk.db.execute("SELECT id FROM message ORDER BY id").fetchall()]
        message_id = data.draw(st.sampled_from(rows))
        try:
            if action == "correct":
                change = Correction((Party("A", "A"),))
                queue_actions.correct(self.desk, CLERK, message_id, change, reason="sửa nơi nhận")
            elif action == "hold":
                queue_actions.hold(self.desk, CLERK, message_id, reason="chờ ý kiến")
            else:
                getattr(queue_actions, action)(self.desk, CLERK, message_id)
        except TramError:
            pass  # refused with a sentence: nothing changed, which the invariants look at

    @invariant()
    def once(self) -> None:
        for message_id, times in getattr(self, "world", World()).times.items():
            if self.bus.info.can_find_sent:
                assert len(times) == 1, f"{message_id} was taken {len(times)} times"
            # a bus that cannot be asked may get the same id and bytes again, at most once an hour
            assert all(later - earlier >= RESEND_BLIND for earlier, later in pairwise(times))

    @invariant()
    def never_lost(self) -> None:
        if not hasattr(self, "desk"):
            return
        for message_id in self.ids:
            row = next(iter(self.desk.db.query("SELECT * FROM message WHERE id = ?", [message_id])))
            assert hashlib.sha256(self.desk.blobs.read(row["sha256"])).hexdigest() == row["sha256"]
            if row["state"] == "accepted":
                assert message_id in self.world.taken
            if row["superseded_by"]:
                assert row["state"] in ("rejected", "held")
                assert message_id not in self.world.times, "a successor of a message that had arrived"

    def teardown(self) -> None:
        """With the bus well again and people releasing what they held, everything arrives or is rejected."""
        if not hasattr(self, "desk"):
            return
        self.world.mood, self.clock.off = "good", timedelta()
        for (message_id,) in self.desk.db.execute(
            "SELECT id FROM message WHERE state = 'held' AND superseded_by IS NULL"
        ).fetchall():
            queue_actions.release(self.desk, CLERK, message_id)
        self.desk.db.execute("DELETE FROM fact WHERE key = 'link:paused'")
        for _ in range(12):
            self.world.now += 4000
            self.bus.settle()
            outbox.send_due(self.desk, self.bus)  # type: ignore[arg-type]
        rows = self.desk.db.execute("SELECT id, state, superseded_by FROM message").fetchall()
        for message_id, state, superseded in rows:
            assert superseded or state in ("accepted", "rejected"), f"{message_id} ends {state}"
        self.once()
        self.never_lost()
        self.desk.db.close()
        self.folder.cleanup()
        self.patch.undo()


TestOutbox = Outbox.TestCase
TestOutbox.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
