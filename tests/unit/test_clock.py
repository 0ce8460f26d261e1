"""The clock says how far off it may be, from chronyd or from the bus's samples, and nobody signs on a bad one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlite_utils import Database

from appliance import clock
from appliance.config import Settings
from appliance.store.database import open_database


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return open_database(tmp_path / "tram.db", create=True)


@pytest.fixture
def the_clock(tmp_path: Path) -> clock.Clock:
    return clock.Clock(Settings(data=tmp_path, chronyc=False))


def test_without_any_source_the_clock_is_not_trusted(the_clock: clock.Clock, db: Database) -> None:
    reading = the_clock.read(db)
    assert (reading.state, reading.trusted, reading.error_seconds) == ("unsynced", False, None)
    assert reading.reason
    assert reading.now.utcoffset().total_seconds() == 7 * 3600


def test_a_fresh_bus_sample_makes_it_trusted_with_an_error_bound(the_clock: clock.Clock, db: Database) -> None:
    clock.record_bus_sample(db, offset=0.2, error=0.1)
    reading = the_clock.read(db)
    assert (reading.state, reading.source, reading.trusted) == ("synced", "bus", True)
    assert reading.error_seconds == pytest.approx(0.3, abs=0.05)


def test_a_clock_minutes_off_is_suspect(the_clock: clock.Clock, db: Database) -> None:
    clock.record_bus_sample(db, offset=-180.0, error=0.1)
    reading = the_clock.read(db)
    assert not reading.trusted
    assert reading.state == "suspect"


def test_samples_of_an_earlier_boot_say_nothing(the_clock: clock.Clock, db: Database) -> None:
    clock.record_bus_sample(db, offset=0.0, error=0.1)
    db.execute("UPDATE clock_sample SET boot_id = 'another boot'")
    assert the_clock.read(db).state == "unsynced"


def test_the_error_grows_while_the_bus_is_away_until_it_is_too_large(the_clock: clock.Clock, db: Database) -> None:
    clock.record_bus_sample(db, offset=0.0, error=0.1)
    db.execute("UPDATE clock_sample SET monotonic = monotonic - 7200, wall = wall - 7200")
    reading = the_clock.read(db)
    assert (reading.state, reading.trusted) == ("holdover", True)
    assert reading.error_seconds == pytest.approx(0.1 + 7200 * clock.DRIFT, abs=0.05)
    db.execute("UPDATE clock_sample SET monotonic = monotonic - 200000, wall = wall - 200000")
    assert not the_clock.read(db).trusted


def test_a_step_of_the_wall_clock_since_the_sample_is_noticed(the_clock: clock.Clock, db: Database) -> None:
    clock.record_bus_sample(db, offset=0.0, error=0.1)
    db.execute("UPDATE clock_sample SET wall = wall - 3600")  # as if somebody had set the clock an hour ahead
    reading = the_clock.read(db)
    assert not reading.trusted
    assert reading.offset == pytest.approx(-3600, abs=1)


def test_a_clock_below_the_last_committed_time_is_suspect(the_clock: clock.Clock, db: Database) -> None:
    clock.record_bus_sample(db, offset=0.0, error=0.1)
    now = the_clock.now()
    clock.raise_floor(db, now)
    assert the_clock.read(db).trusted
    clock.raise_floor(db, now.replace(year=now.year + 1))
    assert the_clock.read(db).state == "suspect"
    clock.raise_floor(db, now)
    assert the_clock.read(db).state == "suspect", "the floor never goes down"


def test_the_least_uncertain_sample_wins_even_when_it_says_the_clock_is_wrong(
    the_clock: clock.Clock, db: Database
) -> None:
    clock.record_bus_sample(db, offset=0.0, error=2.0)
    clock.record_bus_sample(db, offset=-60.0, error=0.05)
    assert not the_clock.read(db).trusted


def test_tracking_says_what_chronyd_really_knows() -> None:
    line = (
        "0A4D0001,10.77.0.1,9,{},-0.000002185,-0.0000005,0.0000005,-0.113,-0.081,3.941,0.0000098,0.0003431,2.0,Normal"
    )
    now = time.time()
    assert clock.parse_tracking("00000000,,0,0.0,0,0,0,0,0,0,1.0,1.0,0.0,Not synchronised", now) is None
    assert clock.parse_tracking("506 Cannot talk to daemon", now) is None
    fresh = clock.parse_tracking(line.format(now - 10), now)
    assert fresh is not None
    assert fresh.error < 0.001
    stale = clock.parse_tracking(line.format(now - 14 * 86400), now)
    assert stale is not None
    assert stale.age == pytest.approx(14 * 86400, abs=1), "leap stays Normal for ever; the age tells"


def test_the_age_of_the_newest_sample_counts_only_this_boot(db: Database) -> None:
    assert clock.newest_sample_age(db) == float("inf")
    clock.record_bus_sample(db, offset=0.0, error=0.1)
    assert clock.newest_sample_age(db) < 5
    db.execute("UPDATE clock_sample SET boot_id = 'another boot'")
    assert clock.newest_sample_age(db) == float("inf")
