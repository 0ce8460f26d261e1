"""The clock's evidence from a real chronyd: server and client on loopback, neither touching this machine's clock."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import clock
from appliance.config import Settings
from appliance.store.database import open_database
from provisioning.supervisor import Program, Supervisor
from tests.ports import row_of_ports

CHRONYD = "/usr/sbin/chronyd"


@pytest.fixture
def chronyds(tmp_path: Path) -> Iterator[tuple[Supervisor, int]]:
    """(the supervisor of both, the client's command port)."""
    port = row_of_ports(2)
    configurations = {
        "server": f"port {port}\ncmdport 0\nlocal stratum 8\nallow 127.0.0.1\n",
        "client": f"server 127.0.0.1 port {port} iburst minpoll 0 maxpoll 0\nport 0\nmaxclockerror 50\n"
        f"cmdport {port + 1}\nbindcmdaddress 127.0.0.1\n",
    }
    user = pwd.getpwuid(os.geteuid()).pw_name
    with Supervisor(tmp_path / "log", say=lambda text: None) as programs:
        for name, text in configurations.items():
            config = tmp_path / f"{name}.conf"
            config.write_text(f"{text}bindcmdaddress /\npidfile {tmp_path / name}.pid\n", "utf-8")
            # -x: never touch this machine's clock; -U and -u: run as whoever runs the tests
            programs.start(Program(name, (CHRONYD, "-x", "-d", "-U", "-u", user, "-f", str(config))))
        yield programs, port + 1


def test_a_synchronised_chronyd_makes_the_clock_trusted_and_a_dead_one_says_nothing(
    tmp_path: Path, chronyds: tuple[Supervisor, int]
) -> None:
    programs, command = chronyds
    db = open_database(tmp_path / "tram.db", create=True)
    the_clock = clock.Clock(Settings(data=tmp_path))
    deadline = time.monotonic() + 40
    while not clock.record_chrony_sample(db, host="127.0.0.1", port=command):
        assert time.monotonic() < deadline, programs.tail("client")
        time.sleep(0.5)
    reading = the_clock.read(db)
    assert (reading.source, reading.state, reading.trusted) == ("chrony", "synced", True)
    assert reading.error_seconds is not None
    assert reading.error_seconds < 1.0
    programs.stop("client")
    assert not clock.record_chrony_sample(db, host="127.0.0.1", port=command)
