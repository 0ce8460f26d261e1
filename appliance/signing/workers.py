"""The signer's side of the workers: hiring one for a request, waiting for its answer, ending one that hangs."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

log = logging.getLogger("tram.signer")

HIRE_SECONDS = 15.0
"""Longest wait for the mother to fork; the first time she has to be started."""
ANSWER_LIMIT = 4 * 1024 * 1024
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class Workers:
    """Runs requests in fresh processes (``worker``). May be shared by threads; ``close`` when done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mother: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Have the mother ready before the first request."""
        with self._lock:
            self._start()

    def close(self) -> None:
        """End the mother, and with her any worker left."""
        with self._lock:
            self._stop()

    def run(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """One worker's answer; 'timeout' if killed after ``timeout`` seconds, 'crashed' if it just died."""
        try:
            line, process = self._hire()
        except OSError as error:
            log.error("no worker for %s: %s", request["op"], type(error).__name__)
            return {"ok": False, "code": "crashed"}
        with line:
            try:
                reply = _ask(line, process, request, timeout)
            finally:
                _kill(process)
        log.info("%s: %s", request["op"], "done" if reply.get("ok") else reply.get("code"))
        return reply

    def _hire(self) -> tuple[socket.socket, int]:
        """A line to a new worker, and its pidfd. A mother found dead is replaced once. Raises OSError."""
        for attempt in (1, 2):
            ours, theirs = socket.socketpair()
            try:
                with theirs, self._lock:
                    socket.send_fds(self._start(), [b"w"], [theirs.fileno()])
                ours.settimeout(HIRE_SECONDS)
                said, received, _, _ = socket.recv_fds(ours, 1, 1)
                if said and received:
                    return ours, received[0]
                raise ConnectionResetError
            except OSError:
                ours.close()
                if attempt == 2:
                    raise
                with self._lock:
                    self._stop()
        raise ConnectionResetError

    def _start(self) -> socket.socket:
        if self._mother and self._control and self._mother.poll() is None:
            return self._control
        self._stop()
        ours, theirs = socket.socketpair()
        with theirs:
            self._mother = subprocess.Popen(
                [sys.executable, "-m", "appliance.signing.worker"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,  # a driver's chatter may repeat what it was given
                stderr=subprocess.DEVNULL,
                cwd=_PACKAGE_ROOT,
            )
        self._control = ours
        return ours

    def _stop(self) -> None:
        if self._control:
            self._control.close()
        if self._mother:
            try:
                self._mother.wait(timeout=1)
            except subprocess.TimeoutExpired:
                self._mother.kill()
                self._mother.wait()
        self._mother = self._control = None


def _ask(line: socket.socket, process: int, request: dict[str, Any], timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    operation, text = request["op"], bytearray()
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(process, select.POLLIN)
    line.setblocking(False)
    try:
        line.sendall(json.dumps(request).encode("ascii") + b"\n")
        while not text.endswith(b"\n") and len(text) < ANSWER_LIMIT:
            ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ready:
                log.error("worker for %s killed after %g s", operation, timeout)
                return {"ok": False, "code": "timeout"}
            # The process's end alone is no reason to stop: its answer may still lie in the socket.
            if chunk := _read(line):
                text += chunk
            else:
                break
        reply = json.loads(text)
    except (OSError, ValueError):
        reply = None
    if not isinstance(reply, dict):
        log.error("worker for %s ended with no answer", operation)
        return {"ok": False, "code": "crashed"}
    return reply


def _read(line: socket.socket) -> bytes:
    """What has come in; b'' when nothing is there (asked only when the worker has written or ended)."""
    try:
        return line.recv(65536)
    except BlockingIOError:
        return b""


def _kill(process: int) -> None:
    """End a worker if it still lives; its number cannot have gone to another process."""
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(process)
