"""A package on its way: streamed from its file, with the knowledge whether the last byte left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 16


class Body:
    """``head`` + the file + ``tail`` in chunks. After ``last_left`` nobody can say that nothing arrived."""

    def __init__(self, path: Path, head: bytes = b"", tail: bytes = b"") -> None:
        self._path, self._head, self._tail = path, head, tail
        self.sent = 0
        self.last_left = False

    def __iter__(self) -> Iterator[bytes]:
        chunk = b""
        for following in self._chunks():
            if chunk:
                yield chunk
                self.sent += len(chunk)
            chunk = following
        self.last_left = True  # set before it goes: while it is being written it may arrive whole
        yield chunk
        self.sent += len(chunk)

    def _chunks(self) -> Iterator[bytes]:
        if self._head:
            yield self._head
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
        if self._tail:
            yield self._tail
