"""The bytes as they travel: coded once into a file, so that an offset means the same bytes after any restart."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sync.bus.base import Outbound
from sync.coding import WORTH, compress, pays

SMALL = 64 << 10
"""Packages below this go in one request; above, as a resumable upload."""
_PIECE = 16 << 10
_FORGOTTEN = 30 * 86_400


@dataclass(frozen=True)
class Coded:
    """What goes over the wire: ``sha256`` and ``size`` of these bytes; ``coding`` 'gzip' or ''."""

    path: Path
    sha256: str
    size: int
    coding: str

    def pieces(self, start: int, length: int) -> Iterator[bytes]:
        """The bytes from ``start`` on."""
        with self.path.open("rb") as file:
            file.seek(start)
            while length > 0 and (piece := file.read(min(_PIECE, length))):
                length -= len(piece)
                yield piece

    def digest(self, start: int, length: int) -> bytes:
        """SHA-256 of a part."""
        found = hashlib.sha256()
        for piece in self.pieces(start, length):
            found.update(piece)
        return found.digest()


class Spool:
    """Coded packages below ``folder``, kept until the bus has given its receipt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def coded(self, message: Outbound, gzip: bool) -> Coded:
        """The package coded, or as it is where that does not pay, or where the disk has no room for it."""
        path = self._path(message)
        if gzip and message.size >= WORTH:
            with suppress(OSError):
                if not path.exists():
                    self._folder.mkdir(parents=True, exist_ok=True)
                    compress(message.path, path)
                size = path.stat().st_size
                if pays(size, message.size):
                    with path.open("rb") as file:
                        return Coded(path, hashlib.file_digest(file, "sha256").hexdigest(), size, "gzip")
        return Coded(message.path, message.sha256, message.size, "")

    def discard(self, message: Outbound) -> None:
        """The package has gone, or never will."""
        self._path(message).unlink(missing_ok=True)
        for forgotten in self._folder.glob("*.gz"):
            with suppress(OSError):
                if time.time() - forgotten.stat().st_mtime > _FORGOTTEN:
                    forgotten.unlink()

    def _path(self, message: Outbound) -> Path:
        return self._folder / f"{message.id}.gz"
