"""A clock that says how far off it may be, and whether one may sign by it (articles 12, 13.4, 20.4).

Wall time is always +07:00. sync takes samples of chronyd's own tracking where it runs, and of the bus's clock
otherwise; everybody reads the samples from the store, because the pages have no network to ask chronyd by. chronyd's
leap status stays "Normal" for ever after its network dies, so the state is computed here from the age and the error
bound of the best sample. Durations use the monotonic clock.
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
ALARM_SECONDS = 300.0
"""Further off, buses refuse our requests by their time stamps and TLS may fail: people are told (bus-link C.5)."""
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
        evidence = _best_sample(db)
        if evidence is None:
            return Reading(
                now, "unsynced", "none", None, False, N_("Đồng hồ của trạm chưa được đồng bộ với nguồn nào.")
            )
        bound = abs(evidence.offset) + evidence.error
        state = "synced" if evidence.age < FRESH_SECONDS else "holdover"
        trusted = bound <= self._settings.clock_max_error_seconds
        reason = "" if trusted else N_("Đồng hồ của trạm có thể lệch quá mức cho phép.")
        if abs(evidence.offset) > ALARM_SECONDS:
            reason = N_("Đồng hồ của trạm lệch quá 5 phút so với nguồn giờ; kỹ thuật viên cần đặt lại.")
        return Reading(now, state if trusted else "suspect", evidence.source, bound, trusted, reason, evidence.offset)


def raise_floor(db: Database, now: datetime) -> None:
    """Remember the newest time ever committed; the clock may not run below it, across restarts."""
    floor = facts.get(db, FLOOR)
    if floor is None or now.timestamp() > float(floor):
        facts.put(db, FLOOR, f"{now.timestamp():.3f}")


def record_bus_sample(db: Database, *, offset: float, error: float) -> None:
    """Keep one sample of the bus's clock: ``offset`` = bus - box in seconds, ``error`` its bound."""
    _record(db, _Evidence("bus", offset, error, 0.0))


def record_chrony_sample(db: Database, *, host: str = "", port: int = 323) -> bool:
    """Keep what chronyd knows now; False when it does not run here or was never synchronised.

    ``host``: chronyc's -h, a socket's path or an address ('': its own default); ``port``: its -p.
    """
    evidence = _chrony(host, port)
    if evidence is not None:
        _record(db, evidence)
    return evidence is not None


def _record(db: Database, evidence: _Evidence) -> None:
    """One row, dated back to when the source last answered; the oldest of the same source go."""
    row = {
        "source": evidence.source,
        "boot_id": boot_id(),
        "monotonic": steady() - evidence.age,
        "wall": time.time() - evidence.age,
        "offset": evidence.offset,
        "error": evidence.error,
    }
    db.table("clock_sample").insert(row)
    db.execute(
        "DELETE FROM clock_sample WHERE source = ? AND id NOT IN"
        " (SELECT id FROM clock_sample WHERE source = ? ORDER BY id DESC LIMIT ?)",
        [evidence.source, evidence.source, MAX_SAMPLES],
    )


def newest_sample_age(db: Database, source: str = "bus") -> float:
    """Seconds since the newest sample of ``source`` in this boot, infinite without one."""
    row = db.execute(
        "SELECT max(monotonic) FROM clock_sample WHERE boot_id = ? AND source = ?", [boot_id(), source]
    ).fetchone()
    return math.inf if row[0] is None else steady() - float(row[0])


def boot_id() -> str:
    """The kernel's id of this boot: monotonic times compare only within one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def steady() -> float:
    """Seconds since boot, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _best_sample(db: Database) -> _Evidence | None:
    """The sample that knows the present time best; samples of an earlier boot say nothing."""
    rows = db.execute(
        "SELECT source, monotonic, wall, offset, error FROM clock_sample WHERE boot_id = ?", [boot_id()]
    ).fetchall()
    found = []
    for source, monotonic, wall, offset, error in rows:
        age = steady() - monotonic
        # A step of the wall clock since the sample moves the known offset by the same amount.
        stepped = (time.time() - wall) - age
        found.append(_Evidence(source, offset - stepped, error + age * DRIFT, age))
    # The least uncertain one, whatever it says: a sample may not win because it flatters the clock.
    return min(found, key=lambda evidence: evidence.error, default=None)


def _chrony(host: str, port: int) -> _Evidence | None:
    """What chronyd knows, or None when it does not run here or was never synchronised."""
    command = ["chronyc", "-c", "-n", "-p", str(port), *(["-h", host] if host else []), "tracking"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None  # no chronyd on this machine: the bus's samples decide, and the reading names its source
    return parse_tracking(answer.stdout, time.time()) if answer.returncode == 0 else None


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
    # chronyd lets the dispersion grow by maxclockerror (default 1 ppm, too optimistic): our own drift bound is added
    # for the sample's whole age when it is read.
    return _Evidence("chrony", offset, delay / 2 + dispersion, age)


def parse(text: str) -> datetime:
    """An ISO 8601 text of the store as a time at +07:00. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(VN)
