"""What people see of evidence: how long a document's files can be checked, and what stands in the way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from appliance.office.evidence import Kept, newest
from appliance.store import facts

LISTS_FACT = "revocation-lists"
"""JSON, address → what the last fetch said: at, result ('new', 'same', 'failed')."""
MOST_FAILURES = 50


@dataclass(frozen=True)
class Failure:
    """A file that could not be made to last yet: why (Vietnamese), how often tried, the next try (ISO 8601)."""

    outgoing_id: str
    subject: str
    reason: str
    tries: int
    next_at: str


@dataclass(frozen=True)
class FileState:
    """A sealed file of a document: its name, its newest extended form and the failure to make one, if any."""

    name: str
    kept: Kept | None
    failure: Failure | None


_FAILURES = """SELECT failure.outgoing_id, coalesce(document_code, ''), subject, failure.reason, tries, next_at,
  source_sha256 FROM extension_failure failure JOIN outgoing ON outgoing.id = failure.outgoing_id"""


def _failure(row: tuple[Any, ...]) -> Failure:
    return Failure(row[0], f"{row[1]} {row[2]}".strip(), row[3], row[4], row[5])


def of_document(db: Database, outgoing_id: str) -> list[FileState]:
    """Each sealed file, the document first; empty before it is sealed."""
    rows = db.execute(
        """SELECT file_name, sealed_sha256, 0 AS rank FROM outgoing WHERE id = :id
           UNION ALL SELECT name, sealed_sha256, position FROM outgoing_file WHERE outgoing_id = :id
           ORDER BY rank""",
        {"id": outgoing_id},
    ).fetchall()
    failed = {row[6]: _failure(row) for row in db.execute(_FAILURES + " WHERE outgoing.id = ?", [outgoing_id])}
    return [FileState(name, newest(db, sha256), failed.get(sha256)) for name, sha256, _ in rows if sha256]


def of_file(db: Database, sha256: str) -> Kept | None:
    """What is recorded of an extended file by its own digest, or None."""
    row = db.execute(
        "SELECT sha256, level, stamped_at, lasts_until, sent FROM extension WHERE sha256 = ?", [sha256]
    ).fetchone()
    return Kept(row[0], row[1], row[2], row[3], bool(row[4])) if row else None


def failures(db: Database) -> list[Failure]:
    """Files that wait, the next try first; at most ``MOST_FAILURES``."""
    rows = db.execute(_FAILURES + " ORDER BY next_at LIMIT ?", [MOST_FAILURES]).fetchall()
    return [_failure(row) for row in rows]


def lists(db: Database) -> list[dict[str, str]]:
    """Each revocation list's address with the last fetch's time and result."""
    notes: dict[str, dict[str, str]] = json.loads(facts.get(db, LISTS_FACT) or "{}")
    return [{"url": url, **note} for url, note in sorted(notes.items())]
