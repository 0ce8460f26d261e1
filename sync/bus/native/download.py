"""A package from the bus: gzip where the bus codes it, gone on with by Range from the bytes that are here already."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import httpx

from appliance.errors import N_
from sync.bus import wire
from sync.bus.base import BusError, DigestMismatch, InboxItem
from sync.bus.native import answers
from sync.bus.native.failures import link_error
from sync.coding import BrokenCode, Plain

_WORTH_A_TRY = 32 << 10
"""Bytes that a connection must have brought for another one to be tried at once."""
_SLACK = 64 << 10
"""What a coded package may be longer than the plain one; nobody sends one that is."""
_SILENCE = 30.0
"""Seconds without a byte after which a fresh connection fares better: TCP at the other end waits longer and longer."""


class Downloader:
    """Fetches packages over ``http`` from below ``base``. May be shared by threads."""

    def __init__(self, http: httpx.Client, base: str) -> None:
        self._http, self._base = http, base
        self._timeout = httpx.Timeout(http.timeout)
        self._timeout.read = min(self._timeout.read or _SILENCE, _SILENCE)
        self._wants_gzip = True

    def fetch(self, item: InboxItem, target: Path) -> None:
        """GET /inbox/{docId}/content into ``target``; a cut is gone on from at once. Raises BusError, OSError.

        As long as each try brings something worth its connection; else a later call goes on, from what lies in
        ``target`` (plain) or beside it (coded).
        """
        while True:
            had = _have(target)
            try:
                self._rest(item, target)
                break
            except BusError as error:
                if not error.link or _have(target) - had < _WORTH_A_TRY:
                    raise
        if _sha256(target) != item.sha256:
            raise _other_bytes()

    def _rest(self, item: InboxItem, target: Path) -> None:
        """One request for what is missing."""
        coded, have = _coded(target), _size(target)
        if have >= item.size:
            have = 0  # complete but not accepted by the caller, or wrong: once more from the start
        # a plain beginning beside coded bytes is an unpacking that was cut short
        wish = "gzip" if self._wants_gzip and (coded.exists() or not have) else "identity"
        if wish == "gzip":
            have = _size(coded)
        headers = {"Accept-Encoding": wish}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": _etag(item, wish)}
        try:
            url = f"{self._base}/inbox/{item.doc_id}/content"
            with self._http.stream("GET", url, headers=headers, timeout=self._timeout) as answer:
                came = answer.headers.get("Content-Encoding", "identity").strip().lower()
                if answer.status_code == 416 and wish == "gzip" and have:
                    came = wish
                    if _told_length(answer) != have:  # no beginning of what the bus has
                        coded.unlink()
                        raise answers.not_the_bus()
                elif answer.status_code not in (200, 206):
                    raise answers.refused(wire.loaded(answer))
                elif came not in ("gzip", "identity") or (answer.status_code == 206 and came != wish):
                    raise answers.not_the_bus()
                elif came == "gzip":
                    _save(answer, coded, have, item.size + _SLACK)
                else:
                    coded.unlink(missing_ok=True)
                    _save(answer, target, have, item.size)
        except httpx.HTTPError as error:
            raise link_error(error, connected=True, bytes_sent=0) from error
        if came == "gzip":
            self._unpack(coded, target, item.size)
        if _size(target) < item.size:
            raise BusError(N_("Nội dung tải về chưa đủ, lần sau tải tiếp."), link=True, connected=True)

    def _unpack(self, coded: Path, target: Path, size: int) -> None:
        """The plain package into ``target``. What does not unpack is asked for plain from now on."""
        try:
            with coded.open("rb") as file:
                _write(target, "wb", 0, iter(Plain(file).read, b""), size)
        except (BrokenCode, DigestMismatch) as error:
            self._wants_gzip = False
            raise _other_bytes() from error
        finally:
            coded.unlink()


def _save(answer: httpx.Response, target: Path, have: int, most: int) -> None:
    """Write the stream after the ``have`` bytes that are there; a whole answer starts over. Raises BusError."""
    resumed = answer.status_code == 206
    if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        raise answers.not_the_bus()
    pieces = wire.flowing(answer.iter_raw(), answer.request)
    _write(target, "ab" if resumed else "wb", have if resumed else 0, pieces, most)


def _write(target: Path, mode: str, total: int, pieces: Iterable[bytes], most: int) -> None:
    """Raises DigestMismatch over ``most`` bytes; the next try starts over, for a file too long is no beginning."""
    with target.open(mode) as file:
        for piece in pieces:
            total += len(piece)
            file.write(piece)
            if total > most:
                raise DigestMismatch(N_("Nội dung tải về dài hơn dung lượng mà trục công bố."))


def _other_bytes() -> DigestMismatch:
    return DigestMismatch(N_("Nội dung tải về không khớp mã băm mà trục công bố."))


def _etag(item: InboxItem, coding: str) -> str:
    """The bus names each form of a package by the package's digest (RFC 9110 8.8.3: one for each coding)."""
    return f'"sha256-{item.sha256}{"-gzip" if coding == "gzip" else ""}"'


def _told_length(answer: httpx.Response) -> int:
    """The whole length in a 416 (RFC 9110 15.5.17); -1 without one."""
    found = re.fullmatch(r"bytes \*/(\d{1,15})", answer.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else -1


def _coded(target: Path) -> Path:
    """Where the coded bytes grow; the engine clears what lies forgotten by its ending."""
    return target.with_name(f"{target.stem}.gz{target.suffix}")


def _have(target: Path) -> int:
    return _size(target) + _size(_coded(target))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
