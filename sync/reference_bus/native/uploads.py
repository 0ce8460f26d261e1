"""Uploads under way: bytes on the disk, the offset told is the offset that is durable (IETF resumable upload).

One ``<id>.json`` says what is to come, one ``<id>.part`` holds what has come. Nothing here is custody: the sender keeps
its bytes until it has the receipt, so a lost upload costs time, never a document.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.errors import N_
from sync.reference_bus.problems import DigestMismatch, IdReused, MismatchingOffset, NoSuchThing

MAX_AGE = 7 * 86_400
"""Seconds an upload may rest; announced, so that senders know that they may have to begin again."""
_SWEEP_SECONDS = 3600.0
_PATIENCE = 5.0
"""Seconds a newer request waits for an older one of the same upload to let go."""

ReadSome = Callable[[], bytes]
"""The next bytes as they come from the connection; b'' at the end of the body. Raises OSError when it broke."""


@dataclass(frozen=True)
class Intent:
    """What a sender announced: ``sha256`` and ``length`` of the coded bytes, ``package`` the plain digest or ''."""

    message_id: str
    kind: str
    priority: int
    sender: str
    recipients: tuple[str, ...]
    sha256: str
    length: int
    coding: str
    package: str


class Uploads:
    """All uploads below ``folder``; several threads and processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._writers: dict[str, tuple[Callable[[], None], threading.Event]] = {}
        self._swept = 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def begin(self, intent: Intent) -> int:
        """Note what is to come, durably; returns how much of exactly this is there already.

        The same package coded anew begins again from zero. Raises IdReused when the id announces another package.
        """
        self._sweep()
        known = self._read(intent.message_id)
        if known is not None and known == intent:
            return self.offset(intent.message_id)
        if known is not None and (known.sender != intent.sender or _others(known.package, intent.package)):
            raise IdReused(N_("Mã gói tin %(id)s đang dùng cho một gói tin khác."), id=intent.message_id)
        self.interrupt(intent.message_id)
        self.part(intent.message_id).unlink(missing_ok=True)
        fresh = self._folder / f"{secrets.token_hex(8)}.new"
        with fresh.open("x", encoding="utf-8") as file:
            json.dump(asdict(intent), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._note(intent.message_id))
        self._sync_folder()
        return 0

    def intent(self, message_id: str, senders: set[str]) -> Intent:
        """What was announced under this id by one of ``senders``. Raises NoSuchThing."""
        found = self._read(message_id)
        if found is None or found.sender not in senders:
            raise NoSuchThing(
                N_("Trục không giữ lần tải lên nào mang mã này."), next_step=N_("Gửi lại từ đầu với cùng mã gói tin.")
            )
        return found

    def part(self, message_id: str) -> Path:
        """The file of the bytes that have come."""
        return self._folder / f"{message_id}.part"

    def offset(self, message_id: str) -> int:
        """How many bytes are durable; whoever was still writing is stopped first, so that the number stays true."""
        self.interrupt(message_id)
        try:
            with self.part(message_id).open("rb") as file:
                os.fsync(file.fileno())
                return os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return 0

    def append(
        self, intent: Intent, at: int, read: ReadSome, abort: Callable[[], None], digest: str | None = None
    ) -> int:
        """Add the body at offset ``at``; returns the new offset, durable. What came before a break stays.

        Raises MismatchingOffset with the true one, also when a newer request took over; DigestMismatch when the whole
        body is not what ``digest`` says; OSError when the connection broke.
        """
        message_id, start, body = intent.message_id, at, hashlib.sha256()
        with self._only_writer(message_id, abort):
            descriptor = os.open(self.part(message_id), os.O_RDWR | os.O_CREAT, 0o640)
            try:
                self._check(descriptor, at)
                while data := read():
                    at = self._write(descriptor, at, data, intent.length)
                    body.update(data)
                if digest is not None and body.hexdigest() != digest:
                    os.ftruncate(descriptor, start)
                    raise DigestMismatch(N_("Đoạn tải lên không giống đoạn đã gửi: giá trị băm không khớp."))
            finally:
                os.fsync(descriptor)
                os.close(descriptor)
        if start == 0:
            self._sync_folder()
        return at

    def interrupt(self, message_id: str) -> None:
        """End an older request that still writes to this upload, and wait until it has let go."""
        with self._guard:
            older = self._writers.get(message_id)
        if older is not None:
            abort, gone = older
            abort()
            gone.wait(_PATIENCE)

    def discard(self, message_id: str) -> None:
        """Forget an upload: it was taken over, or its bytes are wrong."""
        self._note(message_id).unlink(missing_ok=True)
        self.part(message_id).unlink(missing_ok=True)

    @contextmanager
    def _only_writer(self, message_id: str, abort: Callable[[], None]) -> Iterator[None]:
        self.interrupt(message_id)
        gone = threading.Event()
        with self._guard:
            self._writers[message_id] = (abort, gone)
        try:
            yield
        finally:
            with self._guard:
                if self._writers.get(message_id) == (abort, gone):
                    del self._writers[message_id]
            gone.set()

    def _write(self, descriptor: int, at: int, data: bytes, length: int) -> int:
        """One piece, unless somebody else moved the end meanwhile (another process has no ``interrupt``)."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            self._check(descriptor, at)
            if at + len(data) > length:
                raise MismatchingOffset(N_("Phần tải lên dài hơn dung lượng đã báo."), offset=at)
            view = memoryview(data)
            while view:
                view = view[os.pwrite(descriptor, view, at + len(data) - len(view)) :]
            return at + len(data)
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _check(self, descriptor: int, at: int) -> None:
        have = os.fstat(descriptor).st_size
        if have != at:
            raise MismatchingOffset(
                N_("Trục đang giữ %(have)s byte của gói tin này, không phải %(at)s."), offset=have, have=have, at=at
            )

    def _note(self, message_id: str) -> Path:
        return self._folder / f"{message_id}.json"

    def _read(self, message_id: str) -> Intent | None:
        try:
            raw = json.loads(self._note(message_id).read_text("utf-8"))
        except FileNotFoundError:
            return None
        return Intent(**{**raw, "recipients": tuple(raw["recipients"])})

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Once in a while, remove what rested longer than announced."""
        if time.monotonic() - self._swept < _SWEEP_SECONDS and self._swept:
            return
        self._swept = time.monotonic()
        for note in (*self._folder.glob("*.json"), *self._folder.glob("*.new"), *self._folder.glob("*.whole")):
            part = note.with_suffix(".part")
            newest = max((path.stat().st_mtime for path in (note, part) if path.exists()), default=0.0)
            if time.time() - newest > MAX_AGE:
                part.unlink(missing_ok=True)
                note.unlink(missing_ok=True)


def _others(known: str, announced: str) -> bool:
    """Whether two digests are told and differ."""
    return bool(known and announced and known != announced)
