"""Verdicts on files: every one kept, the newest one holding, people told when it changed.

A stored file is judged as of the moment this box first held it: the journal proves that it existed then, and a
certificate that merely ran out since is no news. A revocation that begins before that moment is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from appliance.clock import parse
from appliance.errors import N_, BadInput, ConfigError
from appliance.office.desk import Actor, Desk
from appliance.signing.report import WORST_FIRST
from appliance.signing.trust import TrustStore
from appliance.signing.validate import validate
from appliance.store import audit
from appliance.store.database import transaction

REASONS: dict[str, str] = {
    "arrival": N_("Kiểm tra lần đầu khi văn bản đến trạm"),
    "own": N_("Kiểm tra tệp do trạm tạo"),
    "trust": N_("Kiểm tra lại với dữ liệu tin cậy mới"),
}
_RANK = (*WORST_FIRST[:1], "unsigned", *WORST_FIRST[1:])  # invalid, unsigned, unknown, valid: from bad to good


@dataclass(frozen=True)
class Verdict:
    """One row: ``at`` when checked, ``as_of`` the moment judged for (ISO 8601), ``report`` as ``examine`` gives it."""

    id: int
    subject: str
    sha256: str
    at: str
    as_of: str
    verdict: str
    report: dict[str, Any]
    trust: str
    reason: str


def fingerprint(trust: TrustStore) -> str:
    """SHA-256 over every anchor, intermediate and revocation list in force: it changes when any of them does."""
    anchors = trust.anchors
    parts = (*anchors.roots, *anchors.intermediates, *anchors.crls)
    digests = sorted(hashlib.sha256(part.dump()).hexdigest() for part in parts)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def judge(data: bytes, trust: TrustStore, as_of: datetime) -> dict[str, Any]:
    """The report as plain data: ``verdict``, ``reason`` (why there is nothing to look at), ``signatures``, ``as_of``,
    ``trust``. A file that no reader can open is invalid, with the reason.
    """
    try:
        used = fingerprint(trust)
    except ConfigError as error:  # the folder is broken: nothing can be said, and the document still comes in
        step = N_("Báo kỹ thuật viên sửa danh sách tin cậy; trạm sẽ tự kiểm tra lại.")
        broken = {"verdict": "unknown", "signatures": [], "reason": str(error), "next_step": step}
        return {**broken, "as_of": as_of.isoformat(), "trust": ""}
    try:
        report = {**validate(data, trust, at=as_of).to_dict(), "reason": "", "next_step": ""}
    except BadInput as error:
        report = {"verdict": "invalid", "signatures": [], "reason": str(error), "next_step": error.advice}
    return {**report, "as_of": as_of.isoformat(), "trust": used}


def examine(desk: Desk, sha256: str, as_of: datetime | None = None) -> dict[str, Any]:
    """``judge`` for a kept file, now or as of a moment. Raises Unavailable when the file is lost."""
    return judge(desk.blobs.read(sha256), desk.trust, as_of or desk.clock.now())


def record(db: Database, subject: str, sha256: str, report: dict[str, Any], reason: str, now: datetime) -> int:
    """Keep a first or a different verdict, in the caller's transaction; returns its number."""
    kept = {key: report.get(key, "") for key in ("reason", "next_step")} | {"signatures": report["signatures"]}
    row = {
        "subject": subject,
        "sha256": sha256,
        "at": now.isoformat(),
        "as_of": report.get("as_of") or now.isoformat(),
        "verdict": report["verdict"],
        "report": json.dumps(kept, ensure_ascii=False),
        "trust": report.get("trust", ""),
        "reason": reason,
    }
    verdict_id = db.table("verdict").insert(row).last_pk
    db.table("verdict_now").upsert(
        {
            "subject": subject,
            "sha256": sha256,
            "verdict_id": verdict_id,
            "trust": row["trust"],
            "checked_at": row["at"],
        },
        pk=("subject", "sha256"),
    )
    return int(str(verdict_id))


def first(db: Database, subject: str, sha256: str, signatures: str, now: datetime) -> None:
    """Keep the verdict reached at arrival (``signatures``: JSON of ``examine``), in the caller's transaction.

    A file that was not looked at, or came twice in one package, gets no (second) row.
    """
    report = json.loads(signatures)
    if isinstance(report, dict) and newest(db, subject, sha256) is None:
        record(db, subject, sha256, report, "arrival", now)


_COLUMNS = ", ".join(f"verdict.{name}" for name in Verdict.__dataclass_fields__)


def history(db: Database, subject: str, sha256: str | None = None) -> list[Verdict]:
    """All verdicts on a file (on every file of the subject without ``sha256``), oldest first."""
    where, values = ("", [subject]) if sha256 is None else (" AND sha256 = ?", [subject, sha256])
    rows = db.execute(f"SELECT {_COLUMNS} FROM verdict WHERE subject = ?{where} ORDER BY id", values).fetchall()
    return [_verdict(row) for row in rows]


def newest(db: Database, subject: str, sha256: str) -> Verdict | None:
    """The verdict that holds now; None before the first check."""
    return next(reversed(history(db, subject, sha256)), None)


def last_check(db: Database, subject: str, sha256: str) -> str:
    """When the file was last looked at, also when nothing had changed; ISO 8601 or ''."""
    row = db.execute(
        "SELECT checked_at FROM verdict_now WHERE subject = ? AND sha256 = ?", [subject, sha256]
    ).fetchone()
    return str(row[0]) if row else ""


def _verdict(row: Iterable[Any]) -> Verdict:
    fields = dict(zip(Verdict.__dataclass_fields__, row, strict=True))
    return Verdict(**{**fields, "report": json.loads(fields["report"])})


def settle(desk: Desk, old: Verdict, report: dict[str, Any]) -> bool:
    """Take a later check's report: kept, told and journalled when it says something else. True when it does."""
    db, now = desk.db, desk.clock.now()
    document = _document(db, old.subject)
    same = _findings(old.verdict, old.report) == _findings(report["verdict"], report)
    with transaction(db):
        if same:
            db.execute(
                "UPDATE verdict_now SET trust = ?, checked_at = ? WHERE subject = ? AND sha256 = ?",
                [report["trust"], now.isoformat(), old.subject, old.sha256],
            )
            return False
        verdict_id = record(db, old.subject, old.sha256, report, "trust", now)
        show(db, old.subject, old.sha256, report)
        if old.verdict != report["verdict"]:
            if _RANK.index(report["verdict"]) < _RANK.index(old.verdict):
                db.table("verdict_notice").insert({"verdict_id": verdict_id, "subject": document, "was": old.verdict})
            detail = {"sha256": old.sha256, "was": old.verdict, "verdict": report["verdict"]}
            audit.append(db, now, "system", "verdict.change", document, detail)
    return True


def _document(db: Database, subject: str) -> str:
    """The document people look at: an annex belongs to one."""
    kind, _, annex_id = subject.partition(":")
    if kind != "annex":
        return subject
    return "outgoing:" + str(db.execute("SELECT outgoing_id FROM outgoing_file WHERE id = ?", [annex_id]).fetchone()[0])


def _findings(verdict: str, report: dict[str, Any]) -> Any:
    """What would be news: the verdict, the reasons, the level of each signature."""
    return [verdict, report.get("reason"), [(s["verdict"], s["reasons"], s["level"]) for s in report["signatures"]]]


def show(db: Database, subject: str, sha256: str, report: dict[str, Any]) -> None:
    """The newest report stands at the file of an incoming document, where lists and pages read it."""
    kind, _, document_id = subject.partition(":")
    if kind == "incoming":
        db.execute(
            "UPDATE incoming_file SET signatures = ? WHERE incoming_id = ? AND sha256 = ?",
            [json.dumps(report, ensure_ascii=False), document_id, sha256],
        )


def unseen(db: Database, subject: str) -> list[tuple[int, str]]:
    """(verdict's number, what it was before) of each worsening that no clerk has confirmed yet."""
    return list(
        db.execute(
            "SELECT verdict_id, was FROM verdict_notice WHERE subject = ? AND seen_at IS NULL ORDER BY verdict_id",
            [subject],
        ).fetchall()
    )


def unseen_documents(db: Database, kind: str, organ_id: str) -> list[str]:
    """Ids of an organ's documents ('incoming' or 'outgoing') with a worsening that no clerk has confirmed yet."""
    table = {"incoming": "incoming", "outgoing": "outgoing"}[kind]
    rows = db.execute(
        f"SELECT DISTINCT {table}.id FROM verdict_notice"
        f" JOIN {table} ON verdict_notice.subject = '{table}:' || {table}.id"
        " WHERE seen_at IS NULL AND organ_id = ?",
        [organ_id],
    ).fetchall()
    return [document_id for (document_id,) in rows]


def confirm(desk: Desk, actor: Actor, subject: str) -> None:
    """The clerk has seen that the verdict became worse. Safe to repeat."""
    db, now = desk.db, desk.clock.now()
    with transaction(db):
        changed = db.execute(
            "UPDATE verdict_notice SET seen_by = ?, seen_at = ? WHERE subject = ? AND seen_at IS NULL",
            [actor.account_id, now.isoformat(), subject],
        ).rowcount
        if changed:
            audit.append(db, now, actor.account_id, "verdict.seen", subject, {})


def moment_of(verdict: Verdict) -> datetime:
    """The moment a verdict was judged for."""
    return parse(verdict.as_of)
