"""The store's promises: pragmas asserted, one honest transaction, durable files, a journal that shows any change."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from sqlite_utils import Database

from appliance.clock import VN
from appliance.errors import BadInput, Unavailable
from appliance.office import series
from appliance.store import audit, facts
from appliance.store.blobs import BlobStore
from appliance.store.database import open_database, transaction


@pytest.fixture
def db(tmp_path: Path) -> Database:
    database = open_database(tmp_path / "tram.db", create=True)
    database["organ"].insert({"id": "o", "name": "O", "abbreviation": "O", "local": 1})
    return database


def test_every_connection_is_durable_and_keeps_references(db: Database) -> None:
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    with pytest.raises(sqlite3.IntegrityError):
        db["membership"].insert({"account_id": "nobody", "organ_id": "o", "role": "clerk"})


def test_a_missing_store_is_refused_instead_of_made_empty(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        open_database(tmp_path / "missing.db")


def test_a_failed_change_leaves_nothing_behind(db: Database) -> None:
    def half_a_change() -> None:
        with transaction(db):
            facts.put(db, "a", "1")
            db["fact"].insert({"key": "b", "value": "2"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_change()
    assert facts.starting_with(db, "") == {}


def test_numbers_taken_at_once_from_many_threads_have_no_gap_and_no_double(tmp_path: Path, db: Database) -> None:
    taken: list[int] = []

    def clerk() -> None:
        mine = open_database(tmp_path / "tram.db")
        for attempt in range(25):
            try:
                with transaction(mine):
                    number = series.take(mine, organ_id="o", kind="outgoing", year=2026)
                    if attempt % 5 == 4:
                        raise RuntimeError("the change around the number failed")
                    taken.append(number)
            except RuntimeError:
                continue

    threads = [threading.Thread(target=clerk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 81))


def test_a_number_outside_a_transaction_is_refused(db: Database) -> None:
    with pytest.raises(RuntimeError):
        series.take(db, organ_id="o", kind="outgoing", year=2026)


def _write_three(db: Database) -> None:
    for word in ("một", "hai", "ba"):
        with transaction(db):
            audit.append(db, datetime.now(VN), "người", "thử.ghi", "s", {"word": word})


def test_an_intact_journal_verifies(db: Database) -> None:
    _write_three(db)
    assert audit.verify(db) == 3


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET detail = replace(detail, 'hai', 'hai mươi') WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET actor = 'kẻ khác' WHERE seq = 3",
    ],
)
def test_any_change_to_the_journal_is_found(db: Database, tampering: str) -> None:
    _write_three(db)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(tampering)
    db.execute("DROP TRIGGER audit_no_update")
    db.execute("DROP TRIGGER audit_no_delete")
    db.execute(tampering)
    with pytest.raises(audit.BrokenChain):
        audit.verify(db)


def test_a_blob_is_named_by_its_digest_and_damage_is_noticed(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    sha256 = blobs.put("nội dung".encode())
    assert sha256 == hashlib.sha256("nội dung".encode()).hexdigest()
    assert blobs.read(sha256).decode() == "nội dung"
    blobs.path(sha256).chmod(0o600)
    blobs.path(sha256).write_bytes(b"noi dung")
    with pytest.raises(Unavailable):
        blobs.read(sha256)


def test_a_stream_over_the_limit_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    with pytest.raises(BadInput):
        blobs.put_stream(BytesIO(b"x" * 5000), limit=4999)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert blobs.put_stream(BytesIO(b"x" * 4999), limit=4999)[1] == 4999


def test_a_path_that_is_no_digest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="digest"):
        BlobStore(tmp_path).path("../../etc/passwd")
