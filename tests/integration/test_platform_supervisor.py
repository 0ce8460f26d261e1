"""The supervisor keeps real processes: ready, failed, killed, restarted, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.errors import Unavailable
from provisioning import ready
from provisioning.supervisor import Program, Supervisor

PYTHON = sys.executable
LONELY = """
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
time.sleep(600)
"""
LISTENER = (
    """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("grandchild", child.pid, flush=True)
"""
    + LONELY
)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "log") as supervisor:
        yield supervisor


def listener(path: Path, name: str = "listener") -> Program:
    return Program(name, (PYTHON, "-c", LISTENER, str(path)), ready=ready.unix_socket(path))


def gone(pid: int) -> bool:
    """Whether no live process has this id (a zombie waiting for its parent is no live process)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def grandchild(programs: Supervisor, name: str = "listener") -> int:
    line = next(line for line in reversed(programs.tail(name).splitlines()) if line.startswith("grandchild"))
    return int(line.split()[1])


def test_a_program_is_started_when_it_answers(programs: Supervisor, tmp_path: Path) -> None:
    programs.start(listener(tmp_path / "s"))
    assert programs.running("listener")
    assert ready.unix_socket(tmp_path / "s")()


def test_a_program_that_fails_is_reported_with_the_end_of_its_log(programs: Supervisor) -> None:
    program = Program("loser", (PYTHON, "-c", "raise SystemExit('the disk is full')"), ready=lambda: False)
    with pytest.raises(Unavailable, match=r"loser.*mã thoát 1.*\n.*the disk is full") as caught:
        programs.start(program)
    assert str(programs.log("loser")) in caught.value.next_step


def test_a_program_that_never_answers_is_stopped_and_reported(programs: Supervisor) -> None:
    program = Program("mute", (PYTHON, "-c", "import time; time.sleep(600)"), ready=lambda: False, ready_seconds=0.3)
    with pytest.raises(Unavailable, match="không trả lời kịp"):
        programs.start(program)
    assert not programs.running("mute")


def test_a_missing_program_is_an_error_and_the_others_are_stopped(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Supervisor(tmp_path / "log") as programs:
        programs.start(listener(tmp_path / "s"))
        pid = programs.pid("listener")
        programs.start(Program("absent", ("/nonexistent/program",)))
    assert gone(pid)


def test_stopping_leaves_no_grandchild(programs: Supervisor, tmp_path: Path) -> None:
    programs.start(listener(tmp_path / "s"))
    left = grandchild(programs)
    assert not gone(left)
    assert programs.stop("listener") == -signal.SIGTERM
    assert eventually(lambda: gone(left))


def test_programs_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    note = tmp_path / "order"
    script = (
        "import signal, sys, time\n"
        "def end(*_):\n    open(sys.argv[1], 'a').write(sys.argv[2]); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); open(sys.argv[3], 'w'); time.sleep(600)"
    )
    with Supervisor(tmp_path / "log") as programs:
        for name in "abc":
            up = tmp_path / name
            programs.start(Program(name, (PYTHON, "-c", script, str(note), name, str(up)), ready=up.exists))
    assert note.read_text() == "cba"


def test_a_program_deaf_to_sigterm_is_killed(programs: Supervisor, tmp_path: Path) -> None:
    up = tmp_path / "up"
    script = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w'); time.sleep(600)"
    programs.start(Program("deaf", (PYTHON, "-c", script, str(up)), ready=up.exists, stop_seconds=0.3))
    assert programs.stop("deaf") == -signal.SIGKILL


def test_a_killed_program_stays_down_until_restarted(programs: Supervisor, tmp_path: Path) -> None:
    program = listener(tmp_path / "s")
    programs.start(program)
    left = grandchild(programs)
    assert programs.kill("listener") == -signal.SIGKILL
    assert eventually(lambda: gone(left))
    programs.watch()
    assert not programs.running("listener")
    (tmp_path / "s").unlink()
    programs.restart("listener")
    assert programs.running("listener")


def test_a_program_that_ends_unasked_is_started_again_if_it_wants_that(programs: Supervisor) -> None:
    programs.start(Program("short", (PYTHON, "-c", "import time; time.sleep(600)"), restart=True))
    first = programs.pid("short")
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: gone(first))
    programs.watch()
    assert programs.running("short")
    assert programs.pid("short") != first


def test_a_program_that_ends_unasked_is_an_error_otherwise(programs: Supervisor) -> None:
    programs.start(Program("short", (PYTHON, "-c", "raise SystemExit(3)")))
    assert eventually(lambda: not programs.running("short"))
    with pytest.raises(Unavailable, match="mã thoát 3"):
        programs.watch()


SUPERVISING = """
import sys
from pathlib import Path
from provisioning import ready
from provisioning.supervisor import Program, Supervisor
folder = Path(sys.argv[1])
with Supervisor(folder / "log") as programs:
    path = folder / "s"
    programs.start(Program("listener", (sys.executable, "-c", sys.argv[2], str(path)), ready=ready.unix_socket(path)))
    print(programs.pid("listener"), flush=True)
    programs.wait()
print("stopped quietly", flush=True)
"""


def supervising(tmp_path: Path) -> tuple[subprocess.Popen[str], int]:
    command = [PYTHON, "-c", SUPERVISING, str(tmp_path), LONELY]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().isdigit():
            return process, int(line)
    raise AssertionError("the supervisor said no process id")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_supervisor_stops_everything_quietly(tmp_path: Path, number: signal.Signals) -> None:
    process, child = supervising(tmp_path)
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "stopped quietly" in output
    assert gone(child)


@pytest.mark.fault
def test_killing_the_supervisor_itself_leaves_no_program(tmp_path: Path) -> None:
    process, child = supervising(tmp_path)
    process.kill()
    process.communicate(timeout=20)
    assert eventually(lambda: gone(child))
