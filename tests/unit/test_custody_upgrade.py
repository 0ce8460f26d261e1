"""A store from before there were keepers: who has kept each device until now."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlite_utils import Database

from appliance.store.database import open_database
from appliance.store.migrations import migrations


def _older(path: Path) -> Database:
    """A store as it was before migration 'custody', with devices of two organs."""
    open_database(path, create=True).close()
    fresh = path.with_suffix(".old")
    db = Database(fresh)
    migrations.apply(db, stop_before="custody")
    for organ in ("mot", "hai"):
        db.execute("INSERT INTO organ (id, name, abbreviation, local) VALUES (?, ?, 'UBND', 1)", [organ, organ])
    for account in ("a", "b", "c"):
        db.execute(
            "INSERT INTO account (id, username, full_name, password_hash, created_at) VALUES (?, ?, ?, '', '2026')",
            [account] * 3,
        )
    for account, organ, role in (
        ("a", "mot", "clerk"),
        ("a", "hai", "clerk"),
        ("b", "hai", "clerk"),
        ("c", "mot", "leader"),
    ):
        db.execute("INSERT INTO membership VALUES (?, ?, ?)", [account, organ, role])
    for name, purpose, organ, holder, active in (
        ("seal", "organ", "mot", None, 1), ("shared", "organ", "hai", None, 1),
        ("own", "personal", "mot", "c", 1), ("old", "personal", "mot", "c", 0),
    ):  # fmt: skip
        db.execute(
            "INSERT INTO device (id, purpose, organ_id, holder_id, token_serial, token_label, key_id, certificate,"
            " active, created_at) VALUES (?, ?, ?, ?, '1', '', '0a', x'00', ?, '2026-01-01T00:00:00+07:00')",
            [name, purpose, organ, holder, active],
        )
    db.conn.commit()
    db.close()
    shutil.move(fresh, path)
    for leftover in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        leftover.unlink(missing_ok=True)
    return open_database(path, create=True)


def test_persons_keep_their_own_and_the_only_clerk_the_seal(tmp_path: Path) -> None:
    db = _older(tmp_path / "tram.db")
    found = {row[0]: (row[1], row[2]) for row in db.execute("SELECT id, state, keeper_id FROM device").fetchall()}
    assert found == {
        "seal": ("in_use", "a"),
        "shared": ("in_use", None),  # two clerks: nobody is guessed, a handover says who
        "own": ("in_use", "c"),
        "old": ("replaced", "c"),
    }
