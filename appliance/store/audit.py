"""The journal (nhật ký): append only, each entry's hash linked to the hash of the one before.

Two steps: the entry's text with a salt has a hash of its own; the link is a short text of that hash and the hash of
the link before. So the whole chain can be shown while all but a few entries stay unread; the salt keeps people from
guessing what they say. Entries made before this was so have one text that is both.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from appliance.errors import N_, TramError

GENESIS = "0" * 64


class BrokenChain(TramError):
    """An entry of the journal was changed, removed or put in."""


def append(db: Database, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any]) -> None:
    """Add one entry; call it inside the transaction of the change it tells of.

    ``actor``: account id or 'system'; ``action``: dotted word, 'outgoing.sign'; ``subject``: 'outgoing:<id>'.
    """
    if not db.conn.in_transaction:
        raise RuntimeError("an audit entry belongs in the transaction of its change")
    last = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
    text = json.dumps(detail, ensure_ascii=False, sort_keys=True)
    row = (
        seq,
        at.isoformat(timespec="milliseconds"),
        actor,
        action,
        subject,
        text,
        previous,
        "",
        secrets.token_hex(16),
    )
    entry = Entry(*row)
    db.execute(
        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [*row[:7], entry.computed, row[8]],
    )


@dataclass(frozen=True)
class Entry:
    """One row of the journal."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str
    salt: str

    @property
    def content(self) -> str:
        """The text that says what happened, exactly as hashed; '' for an old entry, whose link says it."""
        if not self.salt:
            return ""
        return _text(self.seq, self.at, self.actor, self.action, self.subject, self.detail, self.salt)

    @property
    def link(self) -> str:
        """The text whose SHA-256 is the entry's hash; one line that ends with the hash before."""
        if not self.salt:
            return _text(self.seq, self.at, self.actor, self.action, self.subject, self.detail, self.previous)
        return _text(self.seq, _sha256(self.content), self.previous)

    @property
    def computed(self) -> str:
        """What the hash must be."""
        return _sha256(self.link)


def entries(db: Database, first: int = 1, last: int | None = None) -> Iterator[Entry]:
    """The entries numbered ``first`` to ``last`` (default: the end), in their order."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE seq BETWEEN ? AND ? ORDER BY seq",
        [first, (1 << 62) if last is None else last],
    )
    return (Entry(*row) for row in rows)


def verify(db: Database) -> int:
    """Check every link; returns how many entries hold. Raises BrokenChain naming the first that does not."""
    expected_seq, previous, count = 1, GENESIS, 0
    for entry in entries(db):
        if entry.seq != expected_seq or entry.previous != previous or entry.hash != entry.computed:
            raise BrokenChain(
                N_("Nhật ký không còn nguyên vẹn từ mục số %(seq)s."),
                next_step=N_("Giữ nguyên máy, báo kỹ thuật viên và người phụ trách an toàn thông tin."),
                seq=expected_seq,
            )
        expected_seq, previous, count = entry.seq + 1, entry.hash, count + 1
    return count


_COLUMNS = "seq, at, actor, action, subject, detail, previous, hash, salt"


def _text(*columns: object) -> str:
    return json.dumps(columns, ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
