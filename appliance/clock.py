"""A clock that says how far off it may be, and whether one may sign by it (articles 12, 13.4, 20.4).

Wall time is always +07:00. Sources, best first: chronyd's own tracking; samples of the bus's clock taken by sync
(bus-link C.5). chronyd's leap status stays "Normal" for ever after its network dies, so the state is computed here
from reference time and error bound. Durations use the monotonic clock.
"""

from __future__ import annotations

import math
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from appliance.config import Settings
from appliance.errors import N_
from appliance.store import facts

VN = ZoneInfo("Asia/Ho_Chi_Minh")
DRIFT = 50e-6
"""Seconds of error gained per second without a source: a cheap crystal's honest bound."""
FRESH_SECONDS = 3600.0
MAX_SAMPLES = 8
FLOOR = "clock:floor"
FLOOR_TOLERANCE = 2.0
"""Seconds the wall clock may be below the newest committed time before it is suspect (slewing, rounding)."""


@dataclass(frozen=True)
class Reading:
    """One look at the clock. ``error_seconds`` is a bound on |wall - true|, None when nothing is known."""

    now: datetime
    state: str
    source: str
    error_seconds: float | None
    trusted: bool
    reason: str
    offset: float = 0.0


@dataclass(frozen=True)
class _Evidence:
    """What one source says: seconds off (known part), bound on the rest, seconds since it last answered."""

    source: str
    offset: float
    error: float
    age: float


class Clock:
    """Reads the wall clock beside its evidence."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def now(self) -> datetime:
        """Wall time at +07:00, to the millisecond."""
        now = datetime.now(VN)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def read(self, db: Database) -> Reading:
        """The present time with its state: synced, holdover, suspect or unsynced; only the first two may be trusted."""
        now = self.now()
        floor = facts.get(db, FLOOR)
        if floor and now.timestamp() < float(floor) - FLOOR_TOLERANCE:
            return Reading(
                now, "suspect", "none", None, False, N_("Đồng hồ của trạm đang chạy lùi so với lần ghi trước.")
            )
        evidence = (self._settings.chronyc and _chrony()) or _bus(db)
        if evidence is None:
            return Reading(
                now, "unsynced", "none", None, False, N_("Đồng hồ của trạm chưa được đồng bộ với nguồn nào.")
            )
        bound = abs(evidence.offset) + evidence.error
        state = "synced" if evidence.age < FRESH_SECONDS else "holdover"
        trusted = bound <= self._settings.clock_max_error_seconds
        reason = "" if trusted else N_("Đồng hồ của trạm có thể lệch quá mức cho phép.")
        return Reading(now, state if trusted else "suspect", evidence.source, bound, trusted, reason, evidence.offset)


def raise_floor(db: Database, now: datetime) -> None:
    """Remember the newest time ever committed; the clock may not run below it, across restarts."""
    floor = facts.get(db, FLOOR)
    if floor is None or now.timestamp() > float(floor):
        facts.put(db, FLOOR, f"{now.timestamp():.3f}")


def record_bus_sample(db: Database, *, offset: float, error: float) -> None:
    """Keep one sample of the bus's clock: ``offset`` = bus - box in seconds, ``error`` its bound. Old ones go."""
    row = {"boot_id": boot_id(), "monotonic": _steady(), "wall": time.time(), "offset": offset, "error": error}
    db.table("clock_sample").insert(row)
    db.execute("DELETE FROM clock_sample WHERE id <= (SELECT max(id) FROM clock_sample) - ?", [MAX_SAMPLES])


def newest_sample_age(db: Database) -> float:
    """Seconds since the newest bus sample of this boot, infinite without one."""
    row = db.execute("SELECT max(monotonic) FROM clock_sample WHERE boot_id = ?", [boot_id()]).fetchone()
    return math.inf if row[0] is None else _steady() - float(row[0])


def boot_id() -> str:
    """The kernel's id of this boot: monotonic times compare only within one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def _steady() -> float:
    """Seconds since boot, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _bus(db: Database) -> _Evidence | None:
    """The bus sample that bounds the present error best; samples of an earlier boot say nothing."""
    best: _Evidence | None = None
    rows = db.execute("SELECT monotonic, wall, offset, error FROM clock_sample WHERE boot_id = ?", [boot_id()])
    for monotonic, wall, offset, error in rows:
        age = _steady() - monotonic
        # A step of the wall clock since the sample moves the known offset by the same amount.
        stepped = (time.time() - wall) - age
        evidence = _Evidence("bus", offset - stepped, error + age * DRIFT, age)
        if best is None or abs(evidence.offset) + evidence.error < abs(best.offset) + best.error:
            best = evidence
    return best


def _chrony() -> _Evidence | None:
    """What chronyd knows, or None when it does not run here or was never synchronised."""
    try:
        answer = subprocess.run(
            ["chronyc", "-c", "-n", "tracking"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # no chronyd on this machine: the bus's samples decide, and the reading names its source
    if answer.returncode != 0:
        return None
    return parse_tracking(answer.stdout, time.time())


def parse_tracking(line: str, now: float) -> _Evidence | None:
    """One line of ``chronyc -c tracking`` as evidence; None when it says "not synchronised" or is not understood."""
    columns = line.strip().split(",")
    if len(columns) < 14 or columns[0] == "00000000" or columns[13] not in ("Normal", "Insert second", "Delete second"):
        return None
    try:
        reference, offset, delay, dispersion = (float(columns[i]) for i in (3, 4, 10, 11))
    except ValueError:
        return None
    age = max(0.0, now - reference)
    # chronyd grows the dispersion by maxclockerror (default 1 ppm, too optimistic): our own drift bound is added.
    return _Evidence("chrony", offset, delay / 2 + dispersion + age * DRIFT, age)


def parse(text: str) -> datetime:
    """An ISO 8601 text of the store as a time at +07:00. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(VN)
