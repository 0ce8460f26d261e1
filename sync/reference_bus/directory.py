"""The bus's address book: who is reachable under which code, since when and until when, and who took over.

Kept in the store. Each change has a number, so boxes can ask for what is new. Organs end, they are not deleted.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from appliance.errors import N_, BadInput
from appliance.store.text import fold
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.problems import UnknownOrgan
from sync.reference_bus.store import BusStore

_FRESH_SECONDS = 1.0
"""How long a change made by another process may stay unseen."""
_FIELDS = tuple(field for field in OrganEntry.__dataclass_fields__ if field != "old_codes")


@dataclass(frozen=True)
class _Book:
    """The directory at one moment."""

    version: int
    organs: tuple[OrganEntry, ...]
    by_code: dict[str, OrganEntry]


class Directory:
    """Organs by every code they have or had. ``configured`` are those of the configuration."""

    def __init__(self, store: BusStore, configured: Iterable[OrganEntry]) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._book, self._read_at = _Book(-1, (), {}), -math.inf
        self.load(configured)

    @property
    def organs(self) -> tuple[OrganEntry, ...]:
        """All organs, the ended ones too, by code."""
        return self._now().organs

    def in_force(self) -> list[OrganEntry]:
        """The organs of today, for dialects whose address book has no days."""
        today = self._store.clock.now().date().isoformat()
        return [one for one in self.organs if one.valid_from <= today and (not one.valid_to or one.valid_to >= today)]

    @property
    def version(self) -> int:
        """The number of the newest change."""
        return self._now().version

    def find(self, code: str) -> OrganEntry | None:
        """The organ that has or had ``code``, ended or not."""
        return self._now().by_code.get(code)

    def get(self, code: str) -> OrganEntry:
        """Like ``find``; raises UnknownOrgan naming the code."""
        organ = self.find(code)
        if organ is None:
            raise _unknown(code)
        return organ

    def resolve(self, code: str) -> OrganEntry:
        """Whoever takes packages addressed to ``code`` today: the organ itself or the one that took over from it.

        Raises UnknownOrgan naming the code.
        """
        organ, today, seen = self.find(code), self._store.clock.now().date().isoformat(), set[str]()
        while organ is not None and organ.valid_to and organ.valid_to < today and organ.code not in seen:
            seen.add(organ.code)
            if not organ.successor:
                raise UnknownOrgan(
                    N_("Đơn vị “%(name)s” (%(code)s) đã ngừng hoạt động từ sau ngày %(day)s."),
                    next_step=N_("Chọn đơn vị kế thừa trong danh bạ, hoặc gửi bản giấy."),
                    name=organ.name,
                    code=code,
                    day="/".join(reversed(organ.valid_to.split("-"))),
                )
            organ = self.find(organ.successor)
        if organ is None or organ.code in seen:
            raise _unknown(code)
        if organ.valid_from > today:
            raise UnknownOrgan(
                N_("Đơn vị “%(name)s” (%(code)s) chưa hoạt động."),
                next_step=N_("Xem ngày có hiệu lực trong danh bạ."),
                name=organ.name,
                code=code,
            )
        return organ

    def name(self, code: str) -> str:
        """The organ's name, or the code itself when nobody has it."""
        organ = self.find(code)
        return organ.name if organ else code

    def search(self, words: str) -> list[OrganEntry]:
        """Organs whose name or one of whose codes has all ``words``, without regard to accents and case."""
        wanted = fold(words).split()
        return [
            organ
            for organ in self.organs
            if all(word in fold(" ".join((organ.name, organ.code, *organ.old_codes))) for word in wanted)
        ]

    def changes(self, after: int) -> tuple[list[OrganEntry], int]:
        """What changed after number ``after``, in that order, and the newest number."""
        book = self._now()
        rows = self._store.db.query(
            "SELECT code FROM organ WHERE changed > ? AND changed <= ? ORDER BY changed", [after, book.version]
        )
        return [book.by_code[row["code"]] for row in rows if row["code"] in book.by_code], book.version

    def load(self, organs: Iterable[OrganEntry]) -> int:
        """Take over what a configuration or a file says, where it says something new; returns how many changed.

        What was changed on the page since stays, until the file itself changes; a code that was replaced stays
        replaced. A new code whose former one is in the directory replaces it. Raises BadInput like ``save``.
        """
        count = 0
        with self._store.transaction():
            self._store.db.lock("directory")
            known = {row["code"]: row["configured"] for row in self._store.db.query("SELECT * FROM organ")}
            former = {row["code"] for row in self._store.db.query("SELECT code FROM organ_code WHERE current = 0")}
            for organ in organs:
                text = json.dumps(asdict(organ), ensure_ascii=False)
                if organ.code not in former and known.get(organ.code) != text:
                    before = next((code for code in (organ.code, *organ.old_codes) if code in known), "")
                    self._write(organ, before, configured=text)
                    count += 1
        self._forget()
        return count

    def save(self, organ: OrganEntry, before: str = "") -> None:
        """Add an organ, or change the one whose code was ``before``; a changed code stays as an old one.

        Raises BadInput when a code is taken or cannot be one, or a day is none.
        """
        with self._store.transaction(news=True):
            self._store.db.lock("directory")
            self._write(organ, before)
        self._forget()

    def _write(self, organ: OrganEntry, before: str, configured: str | None = None) -> None:
        db = self._store.db
        organ.check()
        old = dict.fromkeys((*organ.old_codes, *([before] if before and before != organ.code else [])))
        for code in (organ.code, *old):
            taken = db.one("SELECT organ FROM organ_code WHERE code = ?", [code])
            if taken is not None and taken["organ"] != before:
                raise BadInput(N_("Mã định danh “%(code)s” đã là của đơn vị khác."), code=code)
        # The counter of deliveries keeps acceptances out, so that none goes to a code that is just being left.
        self._store.numbers("delivery", 0)
        values: dict[str, Any] = {field: getattr(organ, field) for field in _FIELDS}
        values |= {"virtual": int(organ.virtual), "changed": self._store.numbers("organ", 1)[0]}
        if configured is not None:
            values["configured"] = configured
        db.execute("DELETE FROM organ_code WHERE organ = ?", [before])
        if before:
            names = ", ".join(f"{name} = ?" for name in values)
            db.execute(f"UPDATE organ SET {names} WHERE code = ?", [*values.values(), before])
        else:
            db.insert("organ", values)
        for code in dict.fromkeys((organ.code, *old)):
            db.insert("organ_code", {"code": code, "organ": organ.code, "current": int(code == organ.code)})
        if before and before != organ.code:  # what waits, and what was sent, stays with the organ
            for table, column in (("delivery", "organ"), ("message", "sender"), ("report", "organ")):
                db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", [organ.code, before])

    def _now(self) -> _Book:
        """The directory, read again when it may have changed."""
        if time.monotonic() - self._read_at < _FRESH_SECONDS:
            return self._book
        with self._guard:
            row = self._store.db.one("SELECT value FROM counter WHERE name = 'organ'")
            version = int(row["value"]) if row else 0
            if version != self._book.version:
                self._book = self._read(version)
            self._read_at = time.monotonic()
            return self._book

    def _forget(self) -> None:
        self._read_at = -math.inf

    def _read(self, version: int) -> _Book:
        old: dict[str, list[str]] = {}
        for row in self._store.db.query("SELECT * FROM organ_code WHERE current = 0 ORDER BY code"):
            old.setdefault(row["organ"], []).append(row["code"])
        organs = tuple(
            OrganEntry(
                **{field: row[field] for field in _FIELDS if field != "virtual"},
                virtual=bool(row["virtual"]),
                old_codes=tuple(old.get(row["code"], ())),
            )
            for row in self._store.db.query("SELECT * FROM organ ORDER BY code")
        )
        return _Book(version, organs, {code: organ for organ in organs for code in (organ.code, *organ.old_codes)})


def _unknown(code: str) -> UnknownOrgan:
    return UnknownOrgan(
        N_("Trục không có đơn vị mang mã định danh “%(code)s”."),
        next_step=N_("Kiểm tra lại mã trong danh bạ, hoặc gửi bản giấy."),
        code=code,
    )
