"""Where in a package the bytes of a file stand, so that coreutils take them out again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import mmap
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# A tag's "<" and possessive repeats: a hostile package must not make the search try every split of its white space.
_CONTENT = re.compile(rb"<(?:[^<>\s:]{1,200}+:)?ContentTransferEncoded(?:\s[^<>]*+)?>\s*+([A-Za-z0-9+/=\s]{4,}+)<")
_CHUNK = 4 << 20


@dataclass(frozen=True)
class Place:
    """``length`` base64 characters (with line breaks, if any) from ``offset`` on are the file ``sha256``."""

    sha256: str
    offset: int
    length: int


def places(package: Path, wanted: Iterable[str]) -> list[Place]:
    """The attachments that are one of ``wanted`` (SHA-256) as they stand; wrapped or encrypted ones are not found."""
    wanted, found = set(wanted), []
    if package.stat().st_size == 0:
        return []
    with package.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for match in _CONTENT.finditer(data):
            start, end = match.span(1)
            sha256 = _digest(data, start, end)
            if sha256 in wanted:
                found.append(Place(sha256, start, end - start))
    return found


def _digest(data: mmap.mmap, start: int, end: int) -> str:
    """SHA-256 of what the base64 in ``data`` says, a stretch at a time; '' when it is no base64."""
    digest, rest = hashlib.sha256(), b""
    try:
        for at in range(start, end, _CHUNK):
            text = rest + b"".join(data[at : min(at + _CHUNK, end)].split())
            whole = len(text) // 4 * 4
            digest.update(base64.b64decode(text[:whole], validate=True))
            rest = text[whole:]
    except (binascii.Error, ValueError):
        return ""
    return digest.hexdigest() if not rest else ""
