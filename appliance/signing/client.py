"""Asking the signer over its Unix socket."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any

from appliance.signing.failures import signer_error
from appliance.signing.token import Pin, TokenInfo, TokenKey

LINE_LIMIT = 4 * 1024 * 1024
"""Longest reply, in bytes: a dozen devices with their certificates is far below."""


class SignerClient:
    """The signer, seen from the web process. Holds no connection and no PIN; may be shared by threads."""

    def __init__(self, socket_path: Path, timeout: float = 90.0) -> None:
        self._path = socket_path
        self._timeout = timeout

    def sign(self, key: TokenKey, pin: Pin, data: bytes) -> bytes:
        """The raw signature over ``data`` with SHA-256: PKCS#1 v1.5 for RSA, r || s for ECDSA.

        Raises SignerError with a code of ``failures.FAILURES``.
        """
        reply = self._ask(
            {
                "op": "sign",
                "serial": key.token_serial,
                "key_id": key.key_id,
                "data": base64.b64encode(data).decode("ascii"),
                "pin": pin.reveal(),
            }
        )
        return base64.b64decode(reply["signature"])

    def tokens(self) -> list[TokenInfo]:
        """The devices plugged in now; raises SignerError."""
        return [
            TokenInfo(
                entry["serial"],
                entry["label"],
                entry["model"],
                tuple(entry["flags"]),
                tuple((key_id, base64.b64decode(der)) for key_id, der in entry["certificates"]),
            )
            for entry in self._ask({"op": "tokens"})["tokens"]
        ]

    def ping(self) -> None:
        """Return when the signer answers; raises SignerError('unreachable') otherwise. Touches no device."""
        self._ask({"op": "ping"})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request line, one reply line; any failure as SignerError."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(self._timeout)
                connection.connect(str(self._path))
                connection.sendall(json.dumps(request).encode("ascii") + b"\n")
                with connection.makefile("rb") as stream:
                    line = stream.readline(LINE_LIMIT)
        except TimeoutError as error:
            raise signer_error("timeout") from error
        except OSError as error:
            raise signer_error("unreachable") from error
        if not line.endswith(b"\n"):
            raise signer_error("unreachable")  # the signer stopped before it had answered
        reply: dict[str, Any] = json.loads(line)
        if not reply.get("ok"):
            raise signer_error(str(reply.get("code")))
        return reply
