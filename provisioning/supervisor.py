"""Keeps a list of programs running: the demo's and the tests' stand-in for systemd.

Each program runs in a session of its own with its output in ``<log folder>/<name>.log``; the supervisor waits until
it answers, stops all in reverse order, and the kernel stops them when the supervisor itself is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from appliance.errors import N_, Unavailable
from provisioning.death import die_with, ended, kill_group
from provisioning.ready import Ready

_STEP = 0.05
_TAIL_LINES = 15


@dataclass(frozen=True)
class Program:
    """One child process. ``env`` adds to this process's environment and may hold no secrets.

    ``ready``: says whether it answers (None: running is enough); ``ready_seconds``, ``stop_seconds``: how long to
    wait before giving up or before SIGKILL; ``restart``: start it again when it ends unasked, as systemd would.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Ready | None = None
    ready_seconds: float = 30.0
    stop_seconds: float = 10.0
    restart: bool = False


class StopRequested(BaseException):
    """SIGINT or SIGTERM arrived while a Supervisor was in charge: a wish like KeyboardInterrupt, no error."""


class Supervisor:
    """``with Supervisor(log_folder) as programs: programs.start(...); programs.wait()``.

    Use it from the thread that outlives the programs: they get SIGTERM when that thread ends. In the main thread
    SIGINT and SIGTERM leave the ``with`` block quietly, after every program has been stopped.
    """

    def __init__(self, logs: Path, say: Callable[[str], None] = print) -> None:
        self._logs = logs
        self._say = say
        self._children: dict[str, tuple[Program, subprocess.Popen[bytes]]] = {}
        self._wanted: dict[str, Program] = {}
        self._handlers: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, _ask_to_stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        for number in self._handlers:  # a second Ctrl-C must not leave half of the programs behind
            signal.signal(number, signal.SIG_IGN)
        try:
            self.stop_all()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
        return isinstance(error, StopRequested)

    def start(self, *programs: Program) -> None:
        """Start one after the other, each when the one before answers. Raises Unavailable with the log's tail."""
        for program in programs:
            if program.name in self._children:
                raise ValueError(f"{program.name} runs already")
            self._wanted[program.name] = program
            self._launch(program)
            self._until_ready(program)

    def stop(self, name: str) -> int:
        """SIGTERM, SIGKILL to the whole group when it takes too long; returns the exit code (negative: signal)."""
        return self._end(name, signal.SIGTERM)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """End a program and its children by ``number``, as a crash would; it stays down until ``restart``."""
        return self._end(name, number, whole_group=True)

    def restart(self, name: str) -> None:
        """Stop the program if it runs, start it again, wait until it answers. Raises Unavailable."""
        if name in self._children:
            self.stop(name)
        self._launch(self._wanted[name])
        self._until_ready(self._wanted[name])

    def running(self, name: str) -> bool:
        """Whether the program has been started and has not ended."""
        return name in self._children and not ended(self._children[name][1].pid)

    def pid(self, name: str) -> int:
        """Process id (and process group id) of a started program."""
        return self._children[name][1].pid

    def log(self, name: str) -> Path:
        """The file with the program's output."""
        return self._logs / f"{name}.log"

    def tail(self, name: str, lines: int = _TAIL_LINES) -> str:
        """The last lines of the program's output."""
        path = self.log(name)
        text = path.read_bytes()[-16384:].decode("utf-8", "replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def wait(self) -> None:
        """Watch until SIGINT or SIGTERM; starts ended programs again where they want that, else raises Unavailable."""
        while True:
            self.watch()
            time.sleep(0.5)

    def watch(self) -> None:
        """One look at every program: restart or raise Unavailable for those that ended unasked."""
        for program, child in list(self._children.values()):
            if not ended(child.pid):
                continue
            code = self._reap(program.name)
            if not program.restart:
                raise self._failure(program, code)
            self._say(f"[{program.name}] đã dừng (mã {code}), khởi động lại")
            self._launch(program)
            self._until_ready(program)

    def stop_all(self) -> None:
        """Stop every program, the last started first."""
        for name in reversed(list(self._children)):
            self.stop(name)

    def _launch(self, program: Program) -> None:
        with self.log(program.name).open("ab") as output:
            _heading(output, program)
            child = subprocess.Popen(
                list(program.argv),
                env={**os.environ, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )
        self._children[program.name] = (program, child)

    def _until_ready(self, program: Program) -> None:
        child = self._children[program.name][1]
        started = time.monotonic()
        while program.ready and not program.ready():
            late = time.monotonic() - started > program.ready_seconds
            if late or ended(child.pid):
                code = self._end(program.name, signal.SIGTERM)
                raise self._failure(program, None if late else code)
            time.sleep(_STEP)
        self._say(f"[{program.name}] sẵn sàng sau {time.monotonic() - started:.1f} giây")

    def _end(self, name: str, number: signal.Signals, *, whole_group: bool = False) -> int:
        program, child = self._children[name]
        if not ended(child.pid):
            (os.killpg if whole_group else os.kill)(child.pid, number)
        deadline = time.monotonic() + program.stop_seconds
        while not ended(child.pid) and time.monotonic() < deadline:
            time.sleep(_STEP / 5)
        return self._reap(name)

    def _reap(self, name: str) -> int:
        """Kill what is left of the group while its leader still holds the number, then collect the leader."""
        _, child = self._children.pop(name)
        kill_group(child.pid)
        return child.wait()

    def _failure(self, program: Program, code: int | None) -> Unavailable:
        reason = N_("không trả lời kịp") if code is None else f"mã thoát {code}"
        return Unavailable(
            N_("Chương trình %(name)s không chạy được (%(reason)s). Cuối nhật ký:\n%(tail)s"),
            next_step=N_("Xem toàn bộ nhật ký ở %(log)s.") % {"log": self.log(program.name)},
            name=program.name,
            reason=reason,
            tail=self.tail(program.name),
        )


def _heading(output: IO[bytes], program: Program) -> None:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    output.write(f"--- {now} {program.name}: {' '.join(program.argv)}\n".encode())


def _ask_to_stop(number: int, frame: FrameType | None) -> None:
    raise StopRequested
