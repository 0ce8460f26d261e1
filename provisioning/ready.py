"""Ready checks for supervised programs: each returns a function that says whether the program answers now."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx

Ready = Callable[[], bool]


def unix_socket(path: Path) -> Ready:
    """Ready when something accepts connections on the Unix socket ``path``."""

    def check() -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            return _succeeds(lambda: connection.connect(str(path)))

    return check


def port(number: int, host: str = "127.0.0.1") -> Ready:
    """Ready when something accepts TCP connections on ``host``:``number``."""
    return lambda: _succeeds(lambda: socket.create_connection((host, number), 1.0).close())


def http(url: str, *, authority: Path | None = None, status: int = 200) -> Ready:
    """Ready when GET ``url`` answers ``status``; ``authority``: PEM of the CA that issued the server's certificate."""
    context = ssl.create_default_context(cafile=authority) if authority else True

    def check() -> bool:
        try:
            return httpx.get(url, verify=context, timeout=2.0, trust_env=False).status_code == status
        except httpx.TransportError:
            return False

    return check


def clamd(path: Path) -> Ready:
    """Ready when clamd on the Unix socket ``path`` has loaded its database and answers PING."""

    def check() -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2.0)
                connection.connect(str(path))
                connection.sendall(b"zPING\0")
                return connection.recv(16) == b"PONG\0"
        except OSError:
            return False

    return check


def _succeeds(connect: Callable[[], None]) -> bool:
    try:
        connect()
    except OSError:
        return False
    return True
