"""Asking the signer over its Unix socket."""

from __future__ import annotations

import base64
import json
import socket
import time
from pathlib import Path
from typing import Any

from asn1crypto import x509

from appliance.signing.algorithms import Scheme
from appliance.signing.failures import signer_error
from appliance.signing.token import Pin, TokenInfo, TokenKey

LINE_LIMIT = 4 * 1024 * 1024
"""Longest reply, in bytes: a dozen devices with their certificates is far below."""


class SignerClient:
    """The signer, seen from the web process. Holds no connection and no PIN; may be shared by threads.

    ``rsa_padding``: 'pkcs1v15' or 'pss', the office's wish for RSA keys (``algorithms.scheme_for``).
    """

    def __init__(self, socket_path: Path, timeout: float = 100.0, *, rsa_padding: str = "pkcs1v15") -> None:
        self._path = socket_path
        self._timeout = timeout
        self.rsa_padding = rsa_padding

    def sign(self, key: TokenKey, pin: Pin, data: bytes, scheme: Scheme) -> bytes:
        """The raw signature over ``data`` by ``scheme``; r || s for ECDSA.

        Raises SignerError with a code of ``failures.FAILURES``.
        """
        reply = self._ask(
            {
                "op": "sign",
                "serial": key.token_serial,
                "key_id": key.key_id,
                "public": _public_half(key.certificate),
                "scheme": scheme.name,
                "digest": scheme.digest,
                "data": base64.b64encode(data).decode("ascii"),
                "pin": pin.reveal(),
                "last_try": pin.last_try,
            }
        )
        return base64.b64decode(reply["signature"])

    def open(self, key: TokenKey, pin: Pin, wrapped: bytes, oaep: str | None) -> bytes:
        """A content key that RSA key transport wrapped for ``key``; ``oaep``: its hash, None: PKCS#1 v1.5.

        Raises SignerError with a code of ``failures.FAILURES``.
        """
        reply = self._ask(
            {
                "op": "open",
                "serial": key.token_serial,
                "key_id": key.key_id,
                "public": _public_half(key.certificate),
                "oaep": oaep,
                "data": base64.b64encode(wrapped).decode("ascii"),
                "pin": pin.reveal(),
                "last_try": pin.last_try,
            }
        )
        return base64.b64decode(reply["content"])

    def tokens(self) -> list[TokenInfo]:
        """The devices plugged in now; raises SignerError."""
        return [
            TokenInfo(
                entry["serial"],
                entry["label"],
                entry["model"],
                tuple(entry["flags"]),
                tuple((key_id, base64.b64decode(der)) for key_id, der in entry["certificates"]),
                tuple(entry["schemes"]),
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
                self._connect(connection)
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
            raise signer_error(str(reply.get("code")), reply.get("detail"))
        return reply

    def _connect(self, connection: socket.socket) -> None:
        """Connect; a signer with its queue full is asked again, as a connection without time limit would be."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return connection.connect(str(self._path))
            except BlockingIOError:  # EAGAIN, connect(2) on Unix sockets: the backlog is full
                if time.monotonic() > deadline:
                    raise TimeoutError from None
                time.sleep(0.02)


def _public_half(certificate: bytes) -> dict[str, str]:
    """What tells a certificate's key from others on a device, as ``keys.find`` compares it."""
    public = x509.Certificate.load(certificate).public_key
    if public.algorithm == "rsa":
        modulus: int = public["public_key"].parsed["modulus"].native
        return {"modulus": f"{modulus:x}".zfill(2 * ((modulus.bit_length() + 7) // 8))}
    if public.algorithm == "ec":
        return {"point": bytes(public["public_key"]).hex()}
    return {}
