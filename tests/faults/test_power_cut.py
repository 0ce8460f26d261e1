"""The power fails at random moments: whatever was given a word for is on the disk afterwards (bus-link C.9, case 6).

What a program wrote and synced is traced (tests/powercut/trace.c), then the disk is rebuilt as a power cut may leave
it: unsynced writes lost or torn, names ahead of contents.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.errors import Unavailable
from appliance.store.blobs import BlobStore
from tests.powercut import simulate

CUTS = 100
COUNT = 12
_SOURCE = Path(simulate.__file__).with_name("trace.c")

pytestmark = [pytest.mark.fault, pytest.mark.slow]


@dataclass(frozen=True)
class Work:
    """A workload, its database, and what must be found there for each word."""

    name: str
    database: str
    query: str


BOX = Work("box", "tram.db", "SELECT id, sha256 FROM message")
INBOX = Work("inbox", "tram.db", "SELECT bus_doc_id, sha256 FROM inbox WHERE state = 'stored'")
BUS = Work("bus", "bus.db", "SELECT id, sha256 FROM message")


@pytest.fixture(scope="module")
def tracer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("trace") / "trace.so"
    command = ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-O1", "-o", str(library), str(_SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


Traced = Callable[..., list[simulate.Change]]


@pytest.fixture
def traced(tracer: Path, tmp_path: Path) -> Traced:
    """Run a workload under the trace."""

    def run(work: Work, *options: str) -> list[simulate.Change]:
        root = tmp_path / "root"
        root.mkdir()
        surroundings = os.environ | {
            "LD_PRELOAD": str(tracer), "POWERCUT_ROOT": str(root), "POWERCUT_LOG": str(tmp_path / "log"),
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.powercut.workload", work.name, str(root), str(COUNT), *options]
        subprocess.run(command, check=True, env=surroundings, timeout=120)
        return simulate.read(tmp_path / "log")

    return run


def losses(work: Work, changes: list[simulate.Change], folder: Path) -> list[str]:
    """For every cut: what was said and is not there, or is damaged."""
    found = []
    root = str(folder / "root")
    for number, (disk, words) in enumerate(simulate.cuts(changes, CUTS, seed=20261122)):
        place = folder / "disk"
        for path, content in disk.items():
            target = place / path.removeprefix(root).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        found += [f"cut {number}: {loss}" for loss in _missing(work, place, words)]
        shutil.rmtree(place)
    return found


def _missing(work: Work, place: Path, words: list[str]) -> list[str]:
    blobs = BlobStore(place / "blobs")
    try:
        with sqlite3.connect(place / work.database) as db:
            (verdict,) = db.execute("PRAGMA integrity_check").fetchone()
            rows = dict(db.execute(work.query).fetchall())
    except sqlite3.DatabaseError as error:
        return [str(error)]
    lost = [f"{word}: no row" for word in words if word not in rows]
    for name, sha256 in rows.items():
        try:
            blobs.read(sha256)
        except Unavailable:
            lost.append(f"{name}: its bytes are missing or damaged")
    return lost if verdict == "ok" else [verdict, *lost]


@pytest.mark.parametrize("work", [BOX, INBOX, BUS], ids=lambda work: work.name)
def test_what_was_given_a_word_for_survives_a_power_cut(work: Work, traced: Traced, tmp_path: Path) -> None:
    changes = traced(work)
    assert len(simulate.said(changes)) == COUNT + 1
    assert losses(work, changes, tmp_path) == []


def test_a_store_that_does_not_wait_for_the_disk_is_caught(traced: Traced, tmp_path: Path) -> None:
    """The negative control: the simulation would notice."""
    assert losses(BOX, traced(BOX, "careless"), tmp_path)


def test_a_file_store_that_does_not_sync_is_caught(traced: Traced, tmp_path: Path) -> None:
    """The negative control for files: the same trace as if nobody had synced a file."""
    changes = [change for change in traced(BOX) if change.what != "S" or change.path.endswith((".db", ".db-wal"))]
    assert losses(BOX, changes, tmp_path)
