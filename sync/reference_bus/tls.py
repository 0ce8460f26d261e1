"""cheroot behind mutual TLS. Three things are ours because cheroot lacks them.

Its own adapter shakes hands in the thread that accepts, so one silent client would stop everybody: here the worker
does it. It does not show URI names of a client certificate: here the organ codes go into the WSGI environment. And an
application cannot tell it to hang up without reading an endless body: ``bus.hang_up`` does.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cheroot import server, wsgi
from cheroot import ssl as cheroot_ssl
from cheroot.makefile import MakeFile

ORGANS = "bus.organs"
"""WSGI environment key: tuple of organ codes in the client certificate."""
SERIAL = "bus.serial"
"""WSGI environment key: serial number of the client certificate, hex without leading zeros."""
HANG_UP = "bus.hang_up"
"""WSGI environment key: call it to close the connection after this answer."""
READ_SOME = "bus.read_some"
"""WSGI environment key: ``read_some(n)`` gives the body's next bytes as soon as any came; only with a known length."""
ABORT = "bus.abort"
"""WSGI environment key: breaks the connection; another thread may call it while this one waits for bytes."""
ORGAN_URI = "urn:x-edoc:organ:"
_TIMEOUT_SECONDS = 60
_THREADS = 16

_log = logging.getLogger(__name__)


def server_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, client certificate required, issued by the pinned authority only (RFC 8446, RFC 9325).

    ``client_ca`` None: no client certificate, for the dialects whose clients have a secret instead.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    # No tickets: every connection proves its certificate anew, and the server says nothing before its answer (line.py).
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    return context


def organ_codes(certificate: dict[str, Any] | None) -> tuple[str, ...]:
    """Organ codes in the SAN URIs of a verified certificate, as ``SSLSocket.getpeercert()`` gives it."""
    names = (certificate or {}).get("subjectAltName", ())
    organs = (value for kind, value in names if kind == "URI" and value.startswith(ORGAN_URI))
    return tuple(value.removeprefix(ORGAN_URI) for value in organs)


class _LateHandshake(cheroot_ssl.Adapter):
    """Wraps without shaking hands: the accepting thread never waits for a client."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, object]]:
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}

    def get_environ(self) -> dict[str, object]:
        return {}

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> object:
        return MakeFile(sock, mode, bufsize)


class _TlsConnection(server.HTTPConnection):
    """Shakes hands in the worker thread, before the first request."""

    def communicate(self) -> bool:
        if not self.ssl_env:
            try:
                self.socket.do_handshake()
            except OSError as error:  # ssl.SSLError is one
                _log.info("TLS handshake with %s failed: %s", self.remote_addr, error)
                return False
            shown = self.socket.getpeercert() or {}
            serial = str(shown.get("serialNumber", "")).lstrip("0")
            self.ssl_env = {"wsgi.url_scheme": "https", ORGANS: organ_codes(shown), SERIAL: serial}
        return bool(super().communicate())  # type: ignore[no-untyped-call]


class _Gateway(wsgi.Gateway_10):
    """Adds ``bus.hang_up``, ``bus.abort`` and, for bodies of a known length, ``bus.read_some``."""

    def get_environ(self) -> dict[str, object]:  # type: ignore[override]
        environ: dict[str, object] = super().get_environ()  # type: ignore[no-untyped-call]
        environ[HANG_UP] = self._hang_up
        environ[ABORT] = self._abort
        if isinstance(self.req.rfile, server.KnownLengthRFile):
            environ[READ_SOME] = self._read_some
        return environ

    def _read_some(self, size: int) -> bytes:
        """Unlike ``read``, never waits for more once something came. Raises OSError when the body breaks off."""
        body = self.req.rfile
        data = bytes(body.rfile.read1(min(size, body.remaining))) if body.remaining else b""
        if body.remaining and not data:
            raise ConnectionAbortedError("the body broke off")
        body.remaining -= len(data)
        return data

    def _abort(self) -> None:
        # not SSLSocket.shutdown, which would leave a plain socket in the other thread's hands
        with suppress(OSError):
            socket.socket.shutdown(self.req.conn.socket, socket.SHUT_RDWR)

    def _hang_up(self) -> None:
        self.req.close_connection = True


class PlainServer(wsgi.Server):
    """A WSGI server for ``app`` on (host, port) without TLS; ``start()`` blocks, ``stop()`` ends it."""

    def __init__(self, address: tuple[str, int], app: Callable[..., Any]) -> None:
        super().__init__(
            address, app, numthreads=_THREADS, server_name="bus", timeout=_TIMEOUT_SECONDS, request_queue_size=128
        )
        self.gateway = _Gateway

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """cheroot's own words, into logging. A client that went away is daily life, not a fault with a traceback."""
        if isinstance(sys.exception(), OSError):
            level, traceback = logging.INFO, False
        _log.log(level, "%s", msg, exc_info=traceback)


class MutualTlsServer(PlainServer):
    """A WSGI server for ``app`` on (host, port); ``start()`` blocks, ``stop()`` ends it from another thread."""

    ConnectionClass = _TlsConnection

    def __init__(self, address: tuple[str, int], app: Callable[..., Any], context: ssl.SSLContext) -> None:
        super().__init__(address, app)
        self.ssl_adapter = _LateHandshake(context)

    def present(self, context: ssl.SSLContext) -> None:
        """From the next connection on, use ``context``."""
        self.ssl_adapter = _LateHandshake(context)
