"""A disk that can be filled on purpose: how many bytes the bus may still write, and whether it may commit."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import BinaryIO

from appliance.errors import N_, Unavailable
from appliance.store.blobs import BlobStore


class Room:
    """``take`` before writing. Without a limit it never says no."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.left: int | None = None
        """Bytes that may still be written; None: no limit but the real disk's."""
        self.commits = True
        """Whether the database's disk takes another commit."""

    def take(self, count: int) -> None:
        """Use up ``count`` bytes. Raises OSError (ENOSPC) when they are not there."""
        with self._guard:
            if self.left is not None:
                if count > self.left:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self.left -= count

    def commit(self) -> None:
        """Raises Unavailable when the database's disk is full."""
        if not self.commits:
            raise Unavailable(
                N_("Đĩa của trục đã đầy, việc này chưa được ghi."), next_step=N_("Gửi lại sau."),
            )  # fmt: skip


class RoomyBlobs(BlobStore):
    """A ``BlobStore`` that asks ``room`` first."""

    def __init__(self, root: Path, room: Room) -> None:
        super().__init__(root)
        self._room = room

    def put(self, data: bytes) -> str:
        """See ``BlobStore.put``."""
        try:
            self._room.take(len(data))
        except OSError as error:
            raise Unavailable(N_("Đĩa của trục đã đầy, việc này chưa được ghi.")) from error
        return super().put(data)

    def put_stream(self, stream: BinaryIO, limit: int, expected: str = "") -> tuple[str, int]:
        """See ``BlobStore.put_stream``."""
        return super().put_stream(_Metered(stream, self._room), limit, expected)  # type: ignore[arg-type]


class _Metered:
    """A stream that ends in ENOSPC when the room does."""

    def __init__(self, stream: BinaryIO, room: Room) -> None:
        self._stream, self._room = stream, room

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._room.take(len(data))
        return data
