"""The journal (nhật ký): append only, each entry hashed together with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
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
    row = (seq, at.isoformat(timespec="milliseconds"), actor, action, subject, text, previous)
    db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [*row, _hash(*row)])


def verify(db: Database) -> int:
    """Check every link; returns how many entries hold. Raises BrokenChain naming the first that does not."""
    expected_seq, previous, count = 1, GENESIS, 0
    rows = db.execute("SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit ORDER BY seq")
    for seq, at, actor, action, subject, detail, link, found in rows:
        if seq != expected_seq or link != previous or found != _hash(seq, at, actor, action, subject, detail, link):
            raise BrokenChain(
                N_("Nhật ký không còn nguyên vẹn từ mục số %(seq)s."),
                next_step=N_("Giữ nguyên máy, báo kỹ thuật viên và người phụ trách an toàn thông tin."),
                seq=expected_seq,
            )
        expected_seq, previous, count = seq + 1, found, count + 1
    return count


def _hash(*columns: object) -> str:
    return hashlib.sha256(json.dumps(columns, ensure_ascii=False).encode()).hexdigest()
