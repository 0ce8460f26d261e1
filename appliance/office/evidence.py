"""Evidence of our documents: revocation data kept with them, and files made to last and renewed in time.

A file is extended before it goes out when the line is up, else the office's own record is extended when it is back.
What was sent is never changed: the sealed file and every extended form are kept beside each other.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import x509
from sqlite_utils import Database

from appliance.errors import BadInput, TramError, Unavailable
from appliance.office.desk import Desk
from appliance.signing.evidence_line import EvidenceLine, NoLine
from appliance.signing.extend import Extended, extend, gather
from appliance.signing.material import Material
from appliance.signing.timestamps import LineStamper
from appliance.store import audit
from appliance.store.database import transaction

_log = logging.getLogger(__name__)
PER_RUN = 20
MOST_CERTIFICATES = 300
ISSUE_SECONDS = 10.0
"""Longest that a clerk waits at issue for services from outside, for all files of the document together."""
RETRY = timedelta(minutes=10)
RETRY_MOST = timedelta(days=1)


@dataclass(frozen=True)
class Kept:
    """An extended form: ``sha256`` of its bytes, its level, its newest stamp's time and end (ISO 8601), whether it was
    the form that went out.
    """

    sha256: str
    level: str
    stamped_at: str
    lasts_until: str
    sent: bool


def stamper(desk: Desk) -> LineStamper | None:
    """For one signature, when a time-stamp service may answer now; None: sign without, wait for nobody."""
    return LineStamper(desk.evidence, desk.trust, desk.clock.now) if desk.evidence.stamps() else None


def newest(db: Database, source_sha256: str) -> Kept | None:
    """The newest extended form of a sealed file, or None."""
    row = db.execute(
        "SELECT sha256, level, stamped_at, lasts_until, sent FROM extension WHERE source_sha256 = ?"
        " ORDER BY id DESC LIMIT 1",
        [source_sha256],
    ).fetchone()
    return Kept(row[0], row[1], row[2], row[3], bool(row[4])) if row else None


# ----------------------------------------------------------------------------------------------------- what is kept
def keep(desk: Desk, subject: str, occasion: str, data: bytes) -> None:
    """Keep with ``subject`` ('outgoing:<id>', 'incoming:<id>') what checks the signatures in ``data`` now.

    Certificates of the signers and the lists at hand, as files first, then rows. Safe to repeat. A file that cannot be
    read keeps nothing; its verdict says so elsewhere.
    """
    try:
        material = gather(data, desk.trust, NoLine())
    except BadInput as error:
        _log.warning("%s: no evidence could be gathered: %s", subject, error)
        return
    rows = _stored(desk, subject, occasion, material, desk.clock.now())
    with transaction(desk.db):
        _link(desk.db, rows)


def keep_missing(desk: Desk) -> int:
    """Keep the evidence of signed incoming files, and of our own where a step was cut short; returns how many."""
    rows = desk.db.execute(
        """SELECT subject, occasion, sha256 FROM (
             SELECT 'incoming:' || incoming_id AS subject, 'received' AS occasion, file.sha256 FROM incoming_file file
               JOIN verdict_now now ON now.subject = 'incoming:' || incoming_id AND now.sha256 = file.sha256
               JOIN verdict ON verdict.id = verdict_id AND verdict.verdict <> 'unsigned'
             UNION ALL SELECT 'outgoing:' || id, 'sealed', sealed_sha256 FROM outgoing
               WHERE sealed_sha256 IS NOT NULL) wanted
           WHERE NOT EXISTS (SELECT 1 FROM document_evidence known
             WHERE known.subject = wanted.subject AND known.occasion = wanted.occasion)
           ORDER BY random() LIMIT ?""",
        [PER_RUN],
    ).fetchall()
    for subject, occasion, sha256 in rows:
        keep(desk, subject, occasion, desk.blobs.read(sha256))
    return len(rows)


def _stored(desk: Desk, subject: str, occasion: str, material: Material, at: datetime) -> list[dict[str, str]]:
    things = [("certificate", one.dump()) for one in material.certificates]
    things += [("crl", one.dump()) for one in material.crls] + [("ocsp", one.dump()) for one in material.ocsps]
    return [
        {"subject": subject, "occasion": occasion, "kind": kind, "sha256": desk.blobs.put(der), "at": at.isoformat()}
        for kind, der in things
    ]


def _link(db: Database, rows: list[dict[str, str]]) -> None:
    for row in rows:
        db.execute(
            "INSERT OR IGNORE INTO document_evidence (subject, occasion, kind, sha256, at)"
            " VALUES (:subject, :occasion, :kind, :sha256, :at)",
            row,
        )


# --------------------------------------------------------------------------------------------------- made to last
@dataclass(frozen=True)
class Prepared:
    """An extended file, durable but not yet recorded."""

    source_sha256: str
    sha256: str
    extended: Extended
    evidence: list[dict[str, str]]


def before_issue(desk: Desk, outgoing_id: str, sources: Iterable[str]) -> dict[str, Prepared]:
    """Sealed file → the extended form to send, for those that the services answer about within ``ISSUE_SECONDS``.

    The others go out as they are and are extended later.
    """
    line = desk.evidence.within(ISSUE_SECONDS)
    done: dict[str, Prepared] = {}
    for source in sources:
        if not line.stamps():
            break
        try:
            done[source] = _prepared(desk, line, outgoing_id, source, source)
        except TramError as error:
            _log.warning("%s goes out without a time stamp over %s: %s", outgoing_id, source, error)
    return done


def record(db: Database, outgoing_id: str, prepared: Prepared, at: datetime, *, sent: bool) -> None:
    """Inside a transaction: the extended form becomes the office's newest."""
    extended = prepared.extended
    db.table("extension").insert(
        {
            "outgoing_id": outgoing_id,
            "source_sha256": prepared.source_sha256,
            "sha256": prepared.sha256,
            "level": extended.level,
            "stamped_at": extended.stamped_at.isoformat(),
            "lasts_until": extended.lasts_until.isoformat(),
            "sent": int(sent),
            "made_at": at.isoformat(),
        }
    )
    _link(db, prepared.evidence)
    db.execute("DELETE FROM extension_failure WHERE source_sha256 = ?", [prepared.source_sha256])
    detail = {"file": prepared.source_sha256, "extended": prepared.sha256, "level": extended.level, "sent": sent}
    audit.append(db, at, "system", "evidence.extend", f"outgoing:{outgoing_id}", detail)


def certificates_on_file(desk: Desk) -> list[x509.Certificate]:
    """Whose revocation lists the box needs: the devices', those of kept evidence (newest first), the authorities'."""
    ders = [bytes(row[0]) for row in desk.db.execute("SELECT certificate FROM device").fetchall()]
    kept = desk.db.execute(
        "SELECT sha256, max(at) FROM document_evidence WHERE kind = 'certificate'"
        " GROUP BY sha256 ORDER BY 2 DESC LIMIT ?",
        [MOST_CERTIFICATES],
    ).fetchall()
    ders += [desk.blobs.read(sha256) for sha256, _ in kept]
    found = [x509.Certificate.load(der) for der in dict.fromkeys(ders)]
    return [*found, *desk.trust.intermediates]


def extend_due(desk: Desk) -> Counter[str]:
    """Extend issued files that have no extended form, and renew those whose stamp ages. One failing stops no other.

    Returns how many were 'extended', 'renewed' or 'failed'.
    """
    done: Counter[str] = Counter()
    for outgoing_id, source, current in _due(desk):
        if not desk.evidence.stamps():
            break  # the line went down: the rest waits for the next run, without a failure of its own
        try:
            prepared = _prepared(desk, desk.evidence, outgoing_id, source, current)
            now = desk.clock.now()
            with transaction(desk.db):
                record(desk.db, outgoing_id, prepared, now, sent=False)
            done["extended" if current == source else "renewed"] += 1
        except TramError as error:
            _log.warning("%s not extended: %s", outgoing_id, error)
            _failed(desk, outgoing_id, source, error)
            done["failed"] += 1
    return done


def _prepared(desk: Desk, line: EvidenceLine, outgoing_id: str, source: str, current: str) -> Prepared:
    """Extended, validated, durable. Raises TramError."""
    extended = extend(desk.blobs.read(current), trust=desk.trust, line=line, now=desk.clock.now)
    rows = _stored(desk, f"outgoing:{outgoing_id}", "extended", extended.material, desk.clock.now())
    return Prepared(source, desk.blobs.put(extended.data), extended, rows)


def _due(desk: Desk) -> list[tuple[str, str, str]]:
    """Document, sealed file, newest form of it; the oldest stamps first."""
    now = desk.clock.now()
    soon = now + timedelta(days=desk.settings.stamp_renewal_days)
    rows = desk.db.execute(
        """WITH file AS (
             SELECT id AS outgoing_id, sealed_sha256 AS source FROM outgoing WHERE state = 'issued'
             UNION ALL SELECT outgoing_id, outgoing_file.sealed_sha256 FROM outgoing_file
               JOIN outgoing ON outgoing.id = outgoing_id WHERE state = 'issued'),
           last AS (SELECT source_sha256, sha256, lasts_until, max(id) FROM extension GROUP BY source_sha256)
           SELECT file.outgoing_id, source, coalesce(last.sha256, source), coalesce(lasts_until, '') FROM file
             LEFT JOIN last ON last.source_sha256 = source
             LEFT JOIN extension_failure failure ON failure.source_sha256 = source
           WHERE source IS NOT NULL AND (failure.next_at IS NULL OR failure.next_at <= ?)
           ORDER BY coalesce(lasts_until, '')""",
        [now.isoformat()],
    ).fetchall()
    due = [row[:3] for row in rows if not row[3] or datetime.fromisoformat(row[3]) <= soon]
    return due[:PER_RUN]


def _failed(desk: Desk, outgoing_id: str, source: str, error: TramError) -> None:
    """Try again later, ever less often; services that did not answer are tried again soon."""
    row = desk.db.execute("SELECT tries FROM extension_failure WHERE source_sha256 = ?", [source]).fetchone()
    tries = (row[0] if row else 0) + 1
    wait = RETRY if isinstance(error, Unavailable) else min(RETRY * 2**tries, RETRY_MOST)
    with transaction(desk.db):
        desk.db.table("extension_failure").upsert(
            {
                "source_sha256": source,
                "outgoing_id": outgoing_id,
                "reason": str(error),
                "tries": tries,
                "next_at": (desk.clock.now() + wait).isoformat(),
            },
            pk="source_sha256",
        )
