"""The web process itself: its socket, the address it believes, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = """
import sys, time
from pathlib import Path
from flask import request
import web.serve
from appliance.config import Settings
from provisioning.box import make_desk
from web import create_app

settings = Settings(data=Path(sys.argv[1]), chronyc=False)
make_desk(settings, create=True).db.close()

def app(settings, make):
    made = create_app(settings, make)
    def slow():
        time.sleep(1.5)
        return f"ended {request.remote_addr} {request.scheme} {request.host}"
    slow.tram_roles = None
    made.add_url_rule("/slow", "slow", slow)
    return made

web.serve.create_app = app
web.serve.check_vendor = lambda: None
web.serve.main(settings, lambda: make_desk(settings))
"""

# As systemd does it (sd_listen_fds): the socket is descriptor 3, and the pid is that of the process that takes it.
PASSED = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-c", sys.argv[2], sys.argv[3]])
"""


def _ask(path: Path, line: str, *headers: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        request = "\r\n".join((f"{line} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""))
        connection.sendall(request.encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer.decode()


@pytest.fixture
def short() -> Iterator[Path]:
    """A short path: Unix socket names are limited to 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        yield Path(folder)


@pytest.fixture
def process(short: Path) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([sys.executable, "-c", PROGRAM, str(short)], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 30
    while not (short / "run" / "web.sock").exists():
        assert time.monotonic() < deadline, "the web process did not start"
        assert started.poll() is None, "the web process ended"
        time.sleep(0.1)
    yield started
    started.kill()
    started.wait()


def test_it_answers_on_a_socket_for_its_group_only(short: Path, process: subprocess.Popen[bytes]) -> None:
    path = short / "run" / "web.sock"
    answer = _ask(path, "GET /dang-nhap")
    assert answer.startswith("HTTP/1.1 200")
    assert path.stat().st_mode & 0o777 == 0o660
    assert "Server:" not in answer


def test_it_believes_the_front_about_address_and_scheme(short: Path, process: subprocess.Popen[bytes]) -> None:
    headers = ("X-Forwarded-For: 192.168.1.20", "X-Forwarded-Proto: https", "X-Forwarded-Host: localhost")
    assert "ended 192.168.1.20 https localhost" in _ask(short / "run" / "web.sock", "GET /slow", *headers)


def test_a_running_request_is_finished_when_the_process_is_told_to_stop(
    short: Path, process: subprocess.Popen[bytes]
) -> None:
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(short / "run" / "web.sock", "GET /slow")))
    asking.start()
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGTERM)
    asking.join(20)
    assert "ended" in answers[0]
    assert process.wait(20) == 0


def test_it_takes_the_socket_the_service_manager_passes(short: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(short / "passed.sock"))
    listening.listen()
    started = subprocess.Popen(
        [sys.executable, "-c", PASSED, str(listening.fileno()), PROGRAM, str(short)],
        cwd=Path(__file__).parents[2],
        pass_fds=[listening.fileno()],
    )
    try:
        assert _ask(short / "passed.sock", "GET /dang-nhap").startswith("HTTP/1.1 200")
        assert not (short / "run" / "web.sock").exists()
    finally:
        started.kill()
        started.wait()
        listening.close()
