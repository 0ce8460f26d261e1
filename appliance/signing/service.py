"""The signer: a small process that owns the signing devices, asked over a Unix socket.

It imports neither the PDF library nor the store nor the network, so it starts in a moment and has little that can
fail. Each request is one line of JSON and is answered by one short-lived worker process (``workers``); requests for the
same device wait for each other. Who may ask is decided by the kernel's word about the peer (SO_PEERCRED).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import socketserver
import struct
import sys
import threading
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Any

from appliance.config import Settings
from appliance.signing.drivers import Drivers
from appliance.signing.secrecy import keep_secrets
from appliance.signing.turns import Turns
from appliance.signing.workers import Workers

log = logging.getLogger("tram.signer")

REQUEST_LIMIT = 64 * 1024
"""Longest request line in bytes; what is signed is some 250 bytes of signed attributes."""
READ_SECONDS = 10.0
"""A peer that has not sent its line by then is cut off."""
BUSY_SECONDS = 15.0
"""Longest wait for a device another signature is using; with the worker's own time it stays below the client's."""
PLACE_SECONDS = 5.0
"""Longest wait for one of MOST_AT_ONCE workers."""
MOST_WAITING = 128
"""Requests taken at once, waiting ones included; one more is told 'busy' straight away."""
MOST_AT_ONCE = 8
"""Workers at once."""
_FIRST_PASSED_SOCKET = 3  # systemd's protocol, sd_listen_fds(3)


class SignerServer(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """Accepts connections, one thread each; the threads finish before the process ends."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, listener: socket.socket, settings: Settings) -> None:
        super().__init__(listener.getsockname(), _Handler)
        self.socket = listener
        self.workers = Workers()
        self.drivers = Drivers(settings.pkcs11_modules, self.run_worker, settings.signer_timeout_seconds)
        self.allowed = {os.getuid(), *settings.signer_allowed_uids}
        self.devices: defaultdict[str, Turns] = defaultdict(Turns)
        self.taken = threading.BoundedSemaphore(MOST_WAITING)
        self.places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def server_close(self) -> None:
        """After the last answer."""
        super().server_close()
        self.workers.close()

    def run_worker(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """One worker's answer, as soon as there is a place for one."""
        if not self.places.acquire(timeout=PLACE_SECONDS):
            return {"ok": False, "code": "busy"}
        try:
            return self.workers.run(request, timeout)
        finally:
            self.places.release()

    def fileno(self) -> int:
        """For the selector."""
        return self.socket.fileno()

    def get_request(self) -> tuple[socket.socket, str]:
        """The next connection."""
        connection, _ = self.socket.accept()
        return connection, ""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Only the allowed users; the credentials are the kernel's, not the peer's own claim."""
        packed = request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", packed)
        if uid not in self.allowed:
            log.warning("refused a request of user id %d", uid)
        return uid in self.allowed

    def close_request(self, request: Any) -> None:
        """Close the connection."""
        request.close()

    def shutdown_request(self, request: Any) -> None:
        """Close the connection."""
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log the place of a failure without any of the request's data."""
        error = sys.exc_info()[1]
        log.error("request failed: %s", type(error).__name__)


class _Handler(socketserver.StreamRequestHandler):
    """One request line in, one reply line out."""

    server: SignerServer
    timeout = READ_SECONDS

    def handle(self) -> None:
        line = self.rfile.readline(REQUEST_LIMIT)
        if not line.endswith(b"\n"):
            return
        if not self.server.taken.acquire(blocking=False):
            self._reply({"ok": False, "code": "busy"})
            return
        try:
            self._reply(answer(self.server, json.loads(line)))
        finally:
            self.server.taken.release()

    def _reply(self, reply: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(reply).encode("ascii") + b"\n")


def answer(server: SignerServer, request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request; the drivers are the configured ones, whatever the request says."""
    operation = request.get("op")
    if operation == "ping":
        return {"ok": True}
    if operation == "tokens":
        return server.drivers.tokens()
    if operation in ("sign", "open"):
        device = server.devices[str(request.get("serial"))]
        if not device.acquire(timeout=BUSY_SECONDS):
            return {"ok": False, "code": "busy"}
        try:
            return server.drivers.sign(request)
        finally:
            device.release()
    return {"ok": False, "code": "unknown"}


def listen(path: Path) -> socket.socket:
    """The socket systemd passed (LISTEN_FDS), or a new one at ``path``, for this user and group only."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and int(os.environ.get("LISTEN_FDS", "0")) >= 1:
        return socket.socket(fileno=_FIRST_PASSED_SOCKET)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o117)  # rw-rw----, from the first moment the name exists
    try:
        listener.bind(str(path))
    finally:
        os.umask(old)
    listener.listen(MOST_WAITING)
    return listener


def main(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; a signature under way is finished first."""
    keep_secrets()
    with SignerServer(listen(settings.signer_socket), settings) as server:

        def stop(number: int, frame: FrameType | None) -> None:
            # shutdown() waits for serve_forever, which runs in this very thread
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        server.workers.start()
        log.info("signer listens on %s", settings.signer_socket)
        server.serve_forever(poll_interval=0.2)
        server.socket.close()  # no new request while the last ones finish
