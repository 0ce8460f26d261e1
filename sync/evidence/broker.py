"""The broker: sync's Unix socket where the pages ask for time stamps and revocation data.

One line of JSON in, one line out, as for the signer. Who may ask is the kernel's word (SO_PEERCRED). The asker names no
address: stamps come from the configured service, lists from the addresses in certificates that trusted authorities
have really issued.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asn1crypto import x509

from appliance.config import Settings
from appliance.errors import TramError
from appliance.signing.evidence_line import EvidenceLine

log = logging.getLogger(__name__)

REQUEST_LIMIT = 1024 * 1024
READ_SECONDS = 5.0


class Broker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers for ``line``, one thread per question."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, path: Path, line: EvidenceLine, allowed: set[int]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self.line, self.allowed = line, allowed
        old = os.umask(0o117)  # rw-rw----, from the first moment the name exists
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(old)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Only the allowed users."""
        packed = request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", packed)
        return uid in self.allowed

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A question that cannot be read is not answered."""
        log.warning("question not answered: %r", sys.exc_info()[1])


class _Handler(socketserver.StreamRequestHandler):
    server: Broker
    timeout = READ_SECONDS

    def handle(self) -> None:
        line = self.rfile.readline(REQUEST_LIMIT)
        if not line.endswith(b"\n"):
            return
        try:
            reply = answer(self.server.line, json.loads(line))
        except TramError as error:
            reply = {"ok": False, "reason": str(error)}
        self.wfile.write(json.dumps(reply).encode("ascii") + b"\n")


def answer(line: EvidenceLine, request: dict[str, Any]) -> dict[str, Any]:
    """One question; raises TramError, or ValueError for one that makes no sense."""
    operation, seconds = request.get("op"), request.get("seconds")
    if isinstance(seconds, (int, float)):
        line = line.within(seconds)  # the asker is gone by then: what was found so far is better than nothing
    if operation == "state":
        return {"ok": True, "stamps": line.stamps()}
    if operation == "stamp":
        reply = line.stamp(base64.b64decode(request["request"], validate=True))
        return {"ok": True, "reply": base64.b64encode(reply).decode()}
    if operation == "revocation":
        asked = [x509.Certificate.load(base64.b64decode(one)) for one in request["certificates"]]
        found = line.revocation(asked)
        return {
            "ok": True,
            "crls": [base64.b64encode(one.dump()).decode() for one in found.crls],
            "ocsps": [base64.b64encode(one.dump()).decode() for one in found.ocsps],
        }
    raise ValueError("unknown question")


@contextmanager
def answering(settings: Settings, line: EvidenceLine) -> Iterator[None]:
    """The broker on a thread of this process, until the block ends."""
    with Broker(settings.evidence_socket, line, {os.getuid(), *settings.evidence_allowed_uids}) as broker:
        thread = threading.Thread(target=broker.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            broker.shutdown()
            settings.evidence_socket.unlink(missing_ok=True)
