"""The base64 of a package out of a JSON answer, into a file, in memory that does not grow with the package."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from appliance.errors import N_
from sync.bus.base import BusError, DigestMismatch
from sync.bus.native.answers import not_the_bus, parse

_AROUND = 1 << 16
"""Longest text allowed around the data, in bytes."""
_DATA = re.compile(rb'"data"\s*:\s*"')
# Inside JSON's own strings a quote is escaped, so the pattern can only meet the key itself.
_ESCAPES = re.compile(rb"\\[nrt/]")


def save_data(chunks: Iterable[bytes], target: Path, limit: int) -> dict[str, Any]:
    """Write the decoded ``data`` into ``target`` and return the rest of the object, ``data`` being ''.

    Where there is no data, nothing is written. Raises BusError for what is no JSON, torn, no base64 or over ``limit``.
    """
    source = iter(chunks)
    before, rest = _until_data(source)
    if rest is None:
        return parse(before)
    with target.open("wb") as file:
        after = _decode(rest, source, file, limit)
    for chunk in source:
        after += chunk
        if len(after) > _AROUND:
            raise not_the_bus()
    return parse(before + b'"' + after)


def _until_data(source: Iterable[bytes]) -> tuple[bytes, bytes | None]:
    """The text up to and with the opening quote of the data less the quote itself, and what follows; None: no data."""
    before = b""
    for chunk in source:
        before += chunk
        found = _DATA.search(before)
        if found:
            return before[: found.end()], before[found.end() :]
        if len(before) > _AROUND:
            raise not_the_bus()
    return before, None


def _decode(rest: bytes, source: Iterable[bytes], file: BinaryIO, limit: int) -> bytes:
    """Decode up to the closing quote; returns what came after it."""
    total, kept = 0, b""
    chunks = iter(source)
    while True:
        text, quote, after = rest.partition(b'"')
        kept += text
        if not quote and kept.endswith(b"\\"):
            ready, kept = kept[:-1], kept[-1:]
        else:
            ready, kept = kept, b""
        plain = _ESCAPES.sub(lambda found: b"/" if found[0] == b"\\/" else b"", ready)
        plain = plain.translate(None, b"\r\n\t ")
        whole = len(plain) if quote else len(plain) // 4 * 4
        kept = plain[whole:] + kept
        try:
            data = base64.b64decode(plain[:whole], validate=True)
        except binascii.Error as error:
            # damaged, like other bytes than announced: after some tries it is put aside and not fetched for ever
            raise DigestMismatch(
                N_("Trục trả nội dung gói tin không giải mã được (base64)."), connected=True
            ) from error
        total += len(data)
        if total > limit:
            raise BusError(N_("Gói tin trên trục vượt dung lượng cho phép."), permanent=True, connected=True)
        file.write(data)
        if quote:
            return after
        try:
            rest = next(chunks)
        except StopIteration:
            raise BusError(N_("Nội dung tải về chưa đủ, lần sau tải lại."), link=True, connected=True) from None
