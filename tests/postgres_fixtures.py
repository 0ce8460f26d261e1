"""A PostgreSQL server of the tests' own: in a folder of its own, on a Unix socket, with durability as in earnest.

Use: ``pytest_plugins = ["tests.postgres_fixtures"]`` and ``postgres.database()`` for a fresh one.
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

_SERVER_ACCOUNT = "nobody"
"""Who runs the server where the tests run as root: PostgreSQL refuses to."""


@dataclass
class Postgres:
    """A running server. ``folder`` holds its socket, ``passfile`` the password of its only user."""

    folder: Path
    passfile: Path
    account: dict[str, Any] = field(default_factory=dict)
    """Who runs it, for ``subprocess``."""
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def start(self) -> None:
        """Start it, or start it again after a crash; it repairs itself from its log first."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_program("postgres"), "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses="],
                stdout=log, stderr=log, env=_environment(), cwd=self.folder, **self.account,
            )  # fmt: skip
        _wait_for(self)

    def crash(self) -> None:
        """End it and all its connections at once: nothing is finished, nothing written out (SIGQUIT)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=60)

    def url(self, database: str) -> str:
        """The address of one database, without its password."""
        return f"postgresql://bus@/{database}?host={self.folder}"

    def database(self) -> str:
        """The address of a fresh, empty database."""
        name = f"bus{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), passfile=str(self.passfile), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def configuration(self, database: str) -> str:
        """The lines of bus.toml that lead to ``database``."""
        return f'database = "{database}"\ndatabase_passfile = "{self.passfile}"\n'


def programs() -> Path | None:
    """Where Debian keeps the newest server's programs; they are not on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the whole session."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed (requirements/debian-dev.txt)")
    with serving() as server:
        yield server


@contextmanager
def serving() -> Iterator[Postgres]:
    """A server in a fresh folder. Raises RuntimeError with its log when it does not start."""
    account = {"user": _SERVER_ACCOUNT, "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="tram-pg-"))  # short: a socket's path has 107 characters at most
    passfile, first = folder.with_suffix(".pass"), folder / "first"
    password = secrets.token_hex(16)
    passfile.touch(0o600)
    passfile.write_text(f"*:*:*:bus:{password}\n")
    first.write_text(password)
    if account:
        for path in (folder, first):
            shutil.chown(path, account["user"], account["group"])
    server = Postgres(folder, passfile, account)
    try:
        subprocess.run(
            [_program("initdb"), "--pgdata", folder / "data", "--username=bus", f"--pwfile={first}", "--no-sync",
             "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"],
            check=True, stdout=subprocess.DEVNULL, env=_environment(), cwd=folder, **account,
        )  # fmt: skip
        first.unlink()
        server.start()
        yield server
        server.crash()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        passfile.unlink()


def _program(name: str) -> Path:
    where = programs()
    if where is None:
        raise RuntimeError("PostgreSQL is not installed (requirements/debian-dev.txt)")
    return where / name


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


def _wait_for(server: Postgres) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(server.url("postgres"), passfile=str(server.passfile)).close()
            return
        except psycopg.OperationalError:
            if server.process is None or server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((server.folder / "log").read_text("utf-8")) from None
            time.sleep(0.05)
