"""A package on its way: streamed from its file, with the knowledge whether the last byte left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx

_CHUNK = 1 << 16
SLOWEST, GRACE = 2 << 10, 120.0
"""Bytes a second below which a send is given up, and the seconds on top of that (bus-link C.2 rule 1)."""


def total_seconds(size: int) -> float:
    """The longest one send of ``size`` bytes may take: a line that drips must not hold up the queue for ever."""
    return size / SLOWEST + GRACE


class Body:
    """``head`` + the file + ``tail`` in chunks. After ``last_left`` nobody can say that nothing arrived.

    Going on after ``deadline`` (by the monotonic clock) raises httpx.WriteTimeout.
    """

    def __init__(self, path: Path, head: bytes = b"", tail: bytes = b"") -> None:
        size = len(head) + path.stat().st_size + len(tail)
        self.deadline = time.monotonic() + total_seconds(size)
        self._path, self._head, self._tail = path, head, tail
        self.sent = 0
        self.last_left = False

    def __iter__(self) -> Iterator[bytes]:
        chunk = b""
        for following in self._chunks():
            if time.monotonic() > self.deadline:
                raise httpx.WriteTimeout("the send takes longer than its whole time")
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
