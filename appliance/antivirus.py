"""A real clamd scans every file (article 19.1). No answer is never "clean": the file does not leave."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import N_, Unavailable

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Verdict:
    """``state`` is 'clean' or 'infected'; ``name`` the malware's; ``engine`` clamd's version and database."""

    state: str
    name: str
    engine: str

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return self.state == "clean"


class Scanner:
    """Speaks clamd's INSTREAM over its Unix socket."""

    def __init__(self, clamd_socket: Path, timeout: float = 120.0) -> None:
        self._socket = clamd_socket
        self._timeout = timeout

    def version(self) -> str:
        """clamd's own words about its engine and database. Raises Unavailable."""
        try:
            with self._connect(5.0) as connection:
                connection.sendall(b"zVERSION\0")
                return _answer(connection)
        except OSError as error:
            raise _unavailable(error) from error

    def scan(self, path: Path) -> Verdict:
        """Scan one file. Raises Unavailable when clamd is away, hangs, or could not look at all of it."""
        engine = self.version()
        try:
            with self._connect(self._timeout) as connection, path.open("rb") as file:
                connection.sendall(b"zINSTREAM\0")
                try:
                    while chunk := file.read(_CHUNK):
                        connection.sendall(struct.pack("!I", len(chunk)) + chunk)
                    connection.sendall(struct.pack("!I", 0))
                except BrokenPipeError:
                    pass  # over clamd's size limit it stops reading; its answer is already waiting below
                answer = _answer(connection)
        except OSError as error:
            raise _unavailable(error) from error
        if answer == "stream: OK":
            return Verdict("clean", "", engine)
        if answer.endswith(" FOUND"):
            return Verdict("infected", answer.removeprefix("stream: ").removesuffix(" FOUND"), engine)
        raise Unavailable(
            N_("Bộ quét mã độc không quét được tệp (%(answer)s)."),
            next_step=N_("Văn bản được giữ lại; báo kỹ thuật viên kiểm tra ClamAV rồi làm lại."),
            answer=answer or "?",
        )

    def _connect(self, timeout: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(str(self._socket))
        except OSError:
            connection.close()
            raise
        return connection


def _answer(connection: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0"):
        part = connection.recv(4096)
        if not part:
            break
        answer += part
    return answer.rstrip(b"\0").decode("utf-8", "replace")


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(
        N_("Bộ quét mã độc không hoạt động nên tệp chưa được quét (Điều 19 khoản 1)."),
        next_step=N_("Văn bản được giữ lại, chưa gửi đi; báo kỹ thuật viên khởi động lại ClamAV rồi làm lại."),
        error=error,
    )
