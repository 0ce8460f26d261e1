"""gzip on the wire (RFC 9110 8.4.1): cancels what base64 adds to a package; guarded against bombs when it comes in."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, cast

from appliance.errors import N_, TramError

WORTH = 1 << 10
"""Bytes below which coding gains nothing worth its work."""
_CHUNK = 1 << 18
_SAMPLE = 1 << 17
_GULP = 1 << 20
"""Coded bytes looked at together, so that a run of blanks in an honest file does not look like a bomb."""
_GZIP = 31
"""zlib's window bits for 32 KiB with a gzip header; the header carries no time, so equal bytes stay equal."""
MAX_RATIO = 200
"""Coded to plain; gzip itself can do 1030."""
_FREE = 1 << 20
"""Plain bytes that need no ratio."""


def compress(source: Path, target: Path) -> None:
    """Write ``source`` coded to ``target``, whole and on the disk when its name appears. Raises OSError.

    Others may be at it too: all write the same bytes, and the last name wins.
    """
    with source.open("rb") as plain, NamedTemporaryFile(dir=target.parent, suffix=target.suffix, delete=False) as coded:
        fresh = Path(coded.name)
        try:
            pack(plain, cast(BinaryIO, coded))
            coded.flush()
            os.fsync(coded.fileno())
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)


def pack(plain: BinaryIO, coded: BinaryIO) -> None:
    """The same from one open file into another; equal bytes always give equal bytes."""
    coder = zlib.compressobj(6, zlib.DEFLATED, _GZIP, 9, _strategy(plain))
    while chunk := plain.read(_CHUNK):
        coded.write(coder.compress(chunk))
    coded.write(coder.flush())


def _strategy(plain: BinaryIO) -> int:
    """Looking for repetitions in base64 of a compressed file takes five times as long and finds nothing."""
    size = plain.seek(0, os.SEEK_END)
    plain.seek(max(0, size // 2 - _SAMPLE // 2))
    sample = plain.read(_SAMPLE)
    plain.seek(0)
    lengths = {}
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY):
        coder = zlib.compressobj(6, zlib.DEFLATED, _GZIP, 9, strategy)
        lengths[strategy] = len(coder.compress(sample)) + len(coder.flush())
    gains = lengths[zlib.Z_DEFAULT_STRATEGY] < 0.97 * lengths[zlib.Z_HUFFMAN_ONLY]
    return zlib.Z_DEFAULT_STRATEGY if gains else zlib.Z_HUFFMAN_ONLY


def pays(coded: int, plain: int) -> bool:
    """Whether ``coded`` bytes are fewer, and nobody takes them for a bomb."""
    return coded < plain and honest(coded, plain)


def honest(coded: int, plain: int) -> bool:
    """Whether nobody takes a package of ``coded`` bytes for a bomb when ``plain`` bytes come out of it."""
    return plain <= _FREE + MAX_RATIO * coded


class BrokenCode(TramError):
    """What came is no gzip, is cut off, or unpacks to more than anybody sends honestly."""

    status = 422


class Plain:
    """The plain bytes behind a coded stream, in bounded memory. ``read`` raises BrokenCode, also for a bomb."""

    def __init__(self, coded: BinaryIO) -> None:
        self._coded, self._decoder = coded, zlib.decompressobj(_GZIP)
        self._taken = self._given = 0

    def read(self, size: int = _CHUNK) -> bytes:
        """Up to ``size`` bytes, at least one; b'' at the end."""
        while not self._decoder.eof:
            data = self._decoder.unconsumed_tail
            if not data:
                data = self._coded.read(_GULP)
                self._taken += len(data)
            if not data:
                raise _broken()
            try:
                plain = self._decoder.decompress(data, size)
            except zlib.error as error:
                raise _broken() from error
            self._given += len(plain)
            if not honest(self._taken, self._given):
                raise BrokenCode(N_("Gói tin nén quá mức cho phép (có thể là bom nén)."))
            if plain:
                return plain
        if self._decoder.unused_data or self._coded.read(1):
            raise _broken()
        return b""


def _broken() -> BrokenCode:
    return BrokenCode(N_("Gói tin nén bị hỏng."))
