"""The connection that carries packages: small buffers, and a dead line noticed in seconds instead of minutes.

httpcore speaks HTTP; only the socket beneath it is ours. TCP alone waits longer and longer between its tries when a
line is cut, and an upload over a line that drops each minute then never ends; a fresh connection as soon as the line
is back does.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import httpcore
import httpx

from sync.bus.body import GRACE

_TICK = 0.5
_LEAST_SILENCE = 3.0
"""Seconds without any acknowledgement of what is under way before the line counts as dead; more on slow lines."""
_USER_TIMEOUT_MS = 60_000
"""TCP_USER_TIMEOUT (RFC 5482), for connections nobody looks after at the moment."""
_UNSENT = 32 << 10
"""TCP_NOTSENT_LOWAT: what waits in the kernel when the line breaks was sent for nothing."""
_RECORD = 16 << 10
_HANDSHAKE = 60.0
_LONGEST_ANSWER = 1 << 20
"""Bytes of a receipt or a refusal."""

_T = TypeVar("_T")


def pool(context: ssl.SSLContext, congestion: str) -> httpcore.ConnectionPool:
    """Connections for packages; ``congestion`` is a TCP congestion control to ask for, '' the system's own.

    One that was idle for some seconds is not used again: a stale one fails in a way that looks ambiguous.
    """
    return httpcore.ConnectionPool(
        ssl_context=context, max_connections=8, max_keepalive_connections=4, keepalive_expiry=5, retries=0,
        network_backend=_Backend(congestion),
    )  # fmt: skip


def ask(
    connections: httpcore.ConnectionPool,
    method: str,
    url: str,
    headers: dict[str, str],
    content: bytes | Iterator[bytes] = b"",
    *,
    connect: float = 15.0,
    read: float = 60.0,
) -> httpx.Response:
    """One request; times in seconds. Interim answers (1xx) are passed over. Raises httpcore's exceptions.

    An answer that is longer than any of the bus's, or drips, ends as httpcore.ReadError: nobody can say what it meant.
    """
    timeout = {"connect": connect, "read": read, "write": 600.0, "pool": 15.0}
    with connections.stream(
        method, url, headers=list(headers.items()), content=content, extensions={"timeout": timeout}
    ) as answer:
        found, begun = bytearray(), time.monotonic()
        for piece in answer.iter_stream():
            found += piece
            if len(found) > _LONGEST_ANSWER or time.monotonic() - begun > GRACE:
                raise httpcore.ReadError("the answer does not end")
        # nothing was said about codings, so none is undone
        plain = [(name, value) for name, value in answer.headers if name.lower() != b"content-encoding"]
        return httpx.Response(answer.status, headers=plain, content=bytes(found))


class _Backend(httpcore.NetworkBackend):
    """Opens TCP connections with our options."""

    def __init__(self, congestion: str) -> None:
        self._congestion = congestion

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises httpcore.ConnectError, httpcore.ConnectTimeout."""
        try:
            found = socket.create_connection((host, port), timeout)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        options = {
            socket.TCP_NODELAY: 1,
            socket.TCP_USER_TIMEOUT: _USER_TIMEOUT_MS,
            socket.TCP_NOTSENT_LOWAT: _UNSENT,
        }
        for option, value in options.items():
            found.setsockopt(socket.IPPROTO_TCP, option, value)
        if self._congestion:
            with suppress(OSError):  # this kernel does not have it, or does not let us
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, self._congestion.encode("ascii", "ignore"))
        return _Stream(found)


class _Stream(httpcore.NetworkStream):
    """A socket that is looked at twice a second while one waits for it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Raises httpcore.ReadError, httpcore.ReadTimeout."""
        try:
            return self._patiently(lambda: self._sock.recv(max_bytes), timeout)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Raises httpcore.WriteError, httpcore.WriteTimeout."""
        view = memoryview(buffer)
        try:
            while view:
                piece = view[:_RECORD]
                view = view[self._patiently(lambda piece=piece: self._sock.send(piece), timeout) :]  # type: ignore[misc]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Give the socket up."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Shake hands. Raises httpcore.ConnectError, httpcore.ConnectTimeout."""
        try:
            secure = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname, do_handshake_on_connect=False)
            stream = _Stream(secure)
            stream._patiently(secure.do_handshake, _HANDSHAKE)
        except TimeoutError as error:
            self._sock.close()
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            self._sock.close()
            raise httpcore.ConnectError(str(error)) from error
        return stream

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of its streams."""
        if info == "ssl_object" and isinstance(self._sock, ssl.SSLSocket):
            return self._sock
        if info == "is_readable":
            return _readable(self._sock)
        return self._sock if info == "socket" else None

    def _patiently(self, step: Callable[[], _T], timeout: float | None) -> _T:
        """Repeat ``step`` (which TLS allows after a time-out) until it goes through or the line is dead."""
        begun = time.monotonic()
        while True:
            self._sock.settimeout(_TICK)
            try:
                return step()
            except TimeoutError:
                waited = time.monotonic() - begun
                if timeout is not None and waited >= timeout:
                    raise
                if _silent(self._sock, waited):
                    raise TimeoutError("the line is silent") from None


def _silent(sock: socket.socket, waited: float) -> bool:
    """Whether something is under way and nothing at all was acknowledged for several round trips (tcp(7), TCP_INFO)."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    numbers = struct.unpack_from("=24I", info, 8)
    unacknowledged, last_ack, round_trip, variation = numbers[4], numbers[12], numbers[15], numbers[16]
    allowed = max(_LEAST_SILENCE, 3 * (round_trip + 4 * variation) / 1e6)
    return bool(unacknowledged > 0 and min(waited, last_ack / 1e3) > allowed)


def _readable(sock: socket.socket) -> bool:
    """Whether the other end closed an idle connection, or said something unasked."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
