"""Checking again: files without a verdict, and verdicts reached with other anchors or lists than today's.

Runs in ``tram sync`` and as ``tram recheck``. What was 'unknown' comes first and all of it, because a list that has
arrived may settle it; the others a few at a time, longest unchecked first.
"""

from __future__ import annotations

import json
import logging
from collections import Counter

from appliance.errors import TramError
from appliance.office import verdicts
from appliance.office.desk import Desk
from appliance.store.database import transaction

_log = logging.getLogger(__name__)
OTHERS_PER_RUN = 20
UNKNOWN_PER_RUN = 500
_FIRST_PER_RUN = 50


def keep_current(desk: Desk, *, others: int = OTHERS_PER_RUN) -> Counter[str]:
    """One round; how many files were checked first, again, and how many verdicts changed."""
    done: Counter[str] = Counter()
    _first_verdicts(desk, done)
    used = verdicts.fingerprint(desk.trust)
    for subject, sha256 in [*_due(desk, used, "= 'unknown'", UNKNOWN_PER_RUN), *_due(desk, used, _LATER, others)]:
        old = verdicts.newest(desk.db, subject, sha256)
        if old is None:
            continue
        try:
            changed = verdicts.settle(desk, old, verdicts.examine(desk, sha256, verdicts.moment_of(old)))
        except TramError as error:  # one lost file must not keep the others unchecked
            _log.warning("%s: %s", subject, error)
            done["failed"] += 1
            continue
        done["changed" if changed else "same"] += 1
    return done


_LATER = "IN ('valid', 'invalid')"


def _due(desk: Desk, used: str, which: str, limit: int) -> list[tuple[str, str]]:
    """Files with signatures whose newest verdict comes from other anchors or lists, longest unchecked first."""
    rows = desk.db.execute(
        "SELECT verdict_now.subject, verdict_now.sha256 FROM verdict_now JOIN verdict ON verdict.id = verdict_id"
        f" WHERE verdict_now.trust <> ? AND verdict.verdict {which}"
        " AND (verdict.verdict = 'unknown' OR json_array_length(verdict.report, '$.signatures') > 0)"
        " ORDER BY checked_at LIMIT ?",
        [used, limit],
    ).fetchall()
    return [(subject, sha256) for subject, sha256 in rows]


def _first_verdicts(desk: Desk, done: Counter[str]) -> None:
    """Sealed and extended files of our own, and incoming ones from before verdicts were kept."""
    own = desk.db.execute(
        "SELECT 'outgoing:' || id, sealed_sha256, '' FROM outgoing WHERE sealed_sha256 IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM verdict_now WHERE verdict_now.subject = 'outgoing:' || id AND sha256 = sealed_sha256) LIMIT ?",
        [_FIRST_PER_RUN],
    ).fetchall()
    annexes = desk.db.execute(
        "SELECT 'annex:' || id, sealed_sha256, '' FROM outgoing_file WHERE sealed_sha256 IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM verdict_now WHERE subject = 'annex:' || id AND sha256 = sealed_sha256) LIMIT ?",
        [_FIRST_PER_RUN],
    ).fetchall()
    longer = desk.db.execute(
        "SELECT 'outgoing:' || outgoing_id, sha256, '' FROM extension WHERE NOT EXISTS (SELECT 1 FROM verdict_now"
        " WHERE verdict_now.subject = 'outgoing:' || outgoing_id AND verdict_now.sha256 = extension.sha256) LIMIT ?",
        [_FIRST_PER_RUN],
    ).fetchall()
    came = desk.db.execute(
        "SELECT 'incoming:' || incoming_id, sha256, signatures FROM incoming_file WHERE media_type = 'application/pdf'"
        " AND scan = 'clean' AND NOT EXISTS (SELECT 1 FROM verdict_now"
        " WHERE subject = 'incoming:' || incoming_id AND verdict_now.sha256 = incoming_file.sha256) LIMIT ?",
        [_FIRST_PER_RUN],
    ).fetchall()
    for subject, sha256, text in [*own, *annexes, *longer, *came]:
        kept = json.loads(text) if text else None
        try:
            report = kept if isinstance(kept, dict) else verdicts.examine(desk, sha256)
        except TramError as error:
            _log.warning("%s: %s", subject, error)
            done["failed"] += 1
            continue
        with transaction(desk.db):
            _begin(desk, subject, sha256, report)
        done["first"] += 1


def _begin(desk: Desk, subject: str, sha256: str, report: dict[str, object]) -> None:
    """The first verdict on a file, shown where it belongs."""
    reason = "arrival" if subject.startswith("incoming:") else "own"
    verdicts.record(desk.db, subject, sha256, report, reason, desk.clock.now())
    verdicts.show(desk.db, subject, sha256, report)
