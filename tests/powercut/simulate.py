"""From the trace to disks as a power cut may leave them.

The model. A file's bytes are on the disk up to its last fsync; each later write is there, missing, or torn at 512
bytes. Names (created, renamed, removed) are on the disk in their order, as a journalling file system keeps them, up
to the last fsync of a folder; of the later ones a random first part. fsync is believed; folders themselves are made
durable at once. A program's word is a line that it wrote into a file called ``said`` below the root.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SAID = "said"
START = "start"
"""The word after which cuts begin; everything before it is on the disk."""
_SECTOR = 512
_HEAD = struct.Struct("=cIIQ")


@dataclass(frozen=True)
class Change:
    """``what``: C created, W written, T cut to ``offset``, S synced, R renamed to ``data``, U removed."""

    what: str
    path: str
    offset: int
    data: bytes


@dataclass(eq=False)
class _File:
    """One file, whatever its names: what is on the disk, and what is not yet."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()


def read(log: Path) -> list[Change]:
    """The trace."""
    raw, at, changes = log.read_bytes(), 0, []
    while at < len(raw):
        what, path_size, data_size, offset = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        path = raw[at : at + path_size].decode()
        at += path_size
        changes.append(Change(what.decode(), path, offset, raw[at : at + data_size]))
        at += data_size
    return changes


def said(changes: list[Change]) -> list[str]:
    """Everything the program gave its word for."""
    text = b"".join(change.data for change in changes if change.what == "W" and Path(change.path).name == SAID)
    return text.decode().split()


def cuts(changes: list[Change], count: int, seed: int) -> Iterator[tuple[dict[str, bytes], list[str]]]:
    """``count`` random moments: (path → bytes on the disk, words given before that moment)."""
    chance = random.Random(seed)
    start = next(
        n for n, c in enumerate(changes) if c.what == "W" and Path(c.path).name == SAID and START.encode() in c.data
    )
    for moment in sorted(chance.randrange(start + 1, len(changes) + 1) for _ in range(count)):
        before = changes[:moment]
        yield _disk(before, start, chance), said(before)[1:]


def _disk(changes: list[Change], start: int, chance: random.Random) -> dict[str, bytes]:
    names: dict[str, _File] = {}
    on_disk: dict[str, _File] = {}
    moves: list[tuple[Change, _File | None]] = []
    for number, change in enumerate(changes):
        if number == start:  # the word itself: from here on, only what is synced counts
            _settle(on_disk, moves, len(moves))
            for one in names.values():
                one.sync()
        if Path(change.path).name == SAID:
            continue
        if change.what in "CRU":
            moves.append((change, _move(names, change)))
        elif (file := names.get(change.path)) is None:
            if change.what == "S":  # a folder: names up to here are on the disk
                _settle(on_disk, moves, len(moves))
        elif change.what == "S":
            file.sync()
        else:
            file.pending.append(change)
    _settle(on_disk, moves, chance.randint(0, len(moves)))
    return {path: _after(file, chance) for path, file in on_disk.items()}


def _move(names: dict[str, _File], change: Change) -> _File | None:
    """Carry out a change of names; returns the file it is about."""
    if change.what == "C":
        names[change.path] = _File()
        return names[change.path]
    file = names.pop(change.path, None)
    if change.what == "R" and file is not None:
        names[change.data.decode()] = file
    return file


def _settle(on_disk: dict[str, _File], moves: list[tuple[Change, _File | None]], count: int) -> None:
    """The first ``count`` changes of names reach the disk."""
    for change, file in moves[:count]:
        if change.what != "C":
            on_disk.pop(change.path, None)
        if change.what != "U" and file is not None:
            on_disk[change.path if change.what == "C" else change.data.decode()] = file
    del moves[:count]


def _after(file: _File, chance: random.Random) -> bytes:
    """The file's bytes after the cut: later writes there, missing, or torn."""
    content = bytearray(file.durable)
    for change in file.pending:
        fate = chance.random()
        if change.what == "T" or fate < 0.45:
            _apply(content, change)
        elif fate < 0.6:
            for at in range(0, len(change.data), _SECTOR):
                if chance.random() < 0.5:
                    piece = change.data[at : at + _SECTOR]
                    _apply(content, Change("W", change.path, change.offset + at, piece))
    return bytes(content)


def _apply(content: bytearray, change: Change) -> None:
    if change.what == "T":
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    end = change.offset + len(change.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[change.offset : end] = change.data
