"""The line to time-stamp services, revocation lists and OCSP, as the other processes see it.

Only sync has a way to the network. The pages ask it over a Unix socket (``sync.broker``) and never wait long: an
answer that does not come in time is no answer, and signing goes on without it.
"""

from __future__ import annotations

import base64
import json
import math
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from asn1crypto import crl, ocsp, x509

from appliance.errors import N_, Unavailable
from appliance.signing.material import Material

REPLY_LIMIT = 64 * 1024 * 1024
"""Longest reply line, in bytes: a large authority's list has a few megabytes."""


class EvidenceLine(Protocol):
    """What evidence needs from outside."""

    def stamp(self, request: bytes) -> bytes:
        """The time-stamp service's raw reply to an RFC 3161 request (DER). Raises Unavailable."""

    def stamps(self) -> bool:
        """Whether a time-stamp service is known and has answered lately (a service not asked yet counts)."""

    def revocation(self, certificates: Sequence[x509.Certificate]) -> Material:
        """Fresh lists and OCSP answers about ``certificates``, as far as they can be had now; may be empty."""

    def within(self, seconds: float) -> EvidenceLine:
        """The same line, whose answers may take ``seconds`` from now, all together; then it has none any more."""


class NoLine:
    """A box without a way outside."""

    def stamp(self, request: bytes) -> bytes:
        """Never."""
        raise no_stamps()

    def stamps(self) -> bool:
        """Never."""
        return False

    def revocation(self, certificates: Sequence[x509.Certificate]) -> Material:
        """Nothing."""
        return Material()

    def within(self, seconds: float) -> NoLine:
        """Takes no time at all."""
        return self


class BrokerLine:
    """Asks the sync process. Holds no connection; may be shared by threads.

    ``timeout``: longest wait for one answer, seconds; ``until``: when the last one must be there (monotonic clock).
    """

    def __init__(self, socket_path: Path, timeout: float, *, until: float = math.inf) -> None:
        self._path, self._timeout, self._until = socket_path, timeout, until

    def within(self, seconds: float) -> Self:
        """See ``EvidenceLine``."""
        return type(self)(self._path, self._timeout, until=min(self._until, time.monotonic() + seconds))

    def stamp(self, request: bytes) -> bytes:
        """See ``EvidenceLine``."""
        return base64.b64decode(self._ask({"op": "stamp", "request": base64.b64encode(request).decode()})["reply"])

    def stamps(self) -> bool:
        """See ``EvidenceLine``."""
        try:
            return bool(self._ask({"op": "state"}).get("stamps"))
        except Unavailable:
            return False

    def revocation(self, certificates: Sequence[x509.Certificate]) -> Material:
        """See ``EvidenceLine``."""
        asked = [base64.b64encode(certificate.dump()).decode() for certificate in certificates]
        try:
            reply = self._ask({"op": "revocation", "certificates": asked})
        except Unavailable:
            return Material()
        return Material(
            crls=tuple(crl.CertificateList.load(base64.b64decode(one)) for one in reply["crls"]),
            ocsps=tuple(ocsp.OCSPResponse.load(base64.b64decode(one)) for one in reply["ocsps"]),
        )

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        until = min(self._until, time.monotonic() + self._timeout)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_left(until))
                connection.connect(str(self._path))
                asked = request | {"seconds": round(_left(until), 3)}
                connection.sendall(json.dumps(asked).encode("ascii") + b"\n")
                reply: dict[str, Any] = json.loads(_line(connection, until))
        except (OSError, ValueError) as error:
            raise no_stamps() from error
        if not reply.get("ok"):
            raise no_stamps()
        return reply


def _left(until: float) -> float:
    """Seconds until then; raises TimeoutError when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _line(connection: socket.socket, until: float) -> bytes:
    """One line, whole by ``until`` however slowly it trickles. Raises TimeoutError."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < REPLY_LIMIT:
        connection.settimeout(_left(until))
        piece = connection.recv(1 << 16)
        if not piece:
            break
        line += piece
    return bytes(line)


def no_stamps() -> Unavailable:
    """No time stamp to be had now."""
    return Unavailable(
        N_("Dịch vụ dấu thời gian chưa trả lời"),
        next_step=N_("Văn bản vẫn có giá trị; trạm sẽ tự bổ sung dấu thời gian khi có đường truyền"),
    )
