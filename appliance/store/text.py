"""Vietnamese text: normal form, search folding, and identifiers made of time."""

from __future__ import annotations

import os
import time
import unicodedata
import uuid


def nfc(text: str) -> str:
    """``text`` in NFC with outer white space gone: the one form the store keeps."""
    return unicodedata.normalize("NFC", text).strip()


def fold(text: str | None) -> str:
    """``text`` without marks and case, đ as d: 'quyet dinh' finds 'Quyết định'. SQLite's LIKE knows ASCII only."""
    plain = unicodedata.normalize("NFD", text or "").replace("đ", "d").replace("Đ", "D")
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def uuid7() -> str:
    """A time-ordered id (RFC 9562, version 7): 48 bits of milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
