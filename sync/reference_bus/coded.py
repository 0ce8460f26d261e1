"""Packages coded for receivers on a thin line: base64 makes a PDF a third longer, gzip takes that back.

Coded once and kept as a file, so that a range means the same bytes in the next request.
"""

from __future__ import annotations

import logging
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from sync.coding import WORTH, compress, pack, pays

_IN_MEMORY = 64 << 10
"""Packages below this are coded anew each time: that costs less than a file."""
_KEPT = 7 * 86_400
_LOOK = 3_600
_log = logging.getLogger(__name__)


class CodedCopies:
    """Coded copies below ``folder``; each may be thrown away at any time. May be shared by threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._looked = 0.0
        self._working = threading.Semaphore(2)

    def find(self, plain: Path, sha256: str) -> Path | BinaryIO | None:
        """The package coded; None where that does not pay, or where the disk has no room for it."""
        size = plain.stat().st_size
        if size < WORTH:
            return None
        if size < _IN_MEMORY:
            coded = BytesIO()
            with plain.open("rb") as file:
                pack(cast(BinaryIO, file), coded)
            coded.seek(0)
            return coded if pays(len(coded.getbuffer()), size) else None
        path = self._folder / f"{sha256}.gz"
        try:
            if not path.exists():
                self._make(plain, path)
            return path if pays(path.stat().st_size, size) else None
        except OSError as error:
            _log.warning("no coded copy of %s: %s", sha256, error)
            return None

    def _make(self, plain: Path, path: Path) -> None:
        with self._working:
            if path.exists():  # somebody else made it while we waited
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            self._forget()
            compress(plain, path)

    def _forget(self) -> None:
        """Now and then remove what was made long ago; who still wants it gets the same bytes made again."""
        now = time.time()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        for path in self._folder.iterdir():
            if now - path.stat().st_mtime > _KEPT:
                path.unlink(missing_ok=True)
