"""The legal value of an incoming document (article 3): as paper when its signatures hold, else "for information"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlite_utils import Database

from appliance.errors import N_

VALUES: dict[str, str] = {
    "full": N_("Có giá trị như văn bản giấy"),
    "reference": N_("Để biết, tham khảo; không thay văn bản giấy"),
    "unknown": N_("Chưa kết luận được: chưa kiểm tra đủ chữ ký số"),
}


def legal_value(files: Iterable[Mapping[str, Any]]) -> str:
    """'full', 'reference' or 'unknown' for the attachments of a document (rows of ``incoming_file``).

    Every file must carry signatures that hold: one that lies in a file of its own is signed too (article 6.2b). What
    could not be established is 'unknown', never 'full'.
    """
    return of_verdicts(_verdict(file["signatures"]) for file in files)


def of_verdicts(verdicts: Iterable[str]) -> str:
    """The same, from the verdicts themselves."""
    found = set(verdicts)
    if not found or found & {"invalid", "unsigned"}:
        return "reference"
    return "full" if found == {"valid"} else "unknown"


def of_incoming(db: Database, ids: Iterable[str]) -> dict[str, str]:
    """The value of each of these incoming documents, for lists."""
    wanted = list(ids)
    rows = db.execute(
        "SELECT incoming_id, signatures FROM incoming_file WHERE incoming_id IN (SELECT value FROM json_each(?))",
        [json.dumps(wanted)],
    ).fetchall()
    verdicts: dict[str, set[str]] = {one: set() for one in wanted}
    for incoming_id, signatures in rows:
        verdicts[incoming_id].add(_verdict(signatures))
    return {one: of_verdicts(found) for one, found in verdicts.items()}


def of_outgoing(db: Database, ids: Iterable[str]) -> dict[str, str]:
    """The value of each of these outgoing documents by the verdict on its sealed file, where it has one."""
    rows = db.execute(
        "SELECT outgoing.id, verdict.verdict FROM outgoing"
        " JOIN verdict_now ON verdict_now.subject = 'outgoing:' || outgoing.id"
        " AND verdict_now.sha256 = sealed_sha256"
        " JOIN verdict ON verdict.id = verdict_id"
        " WHERE sealed_sha256 IS NOT NULL AND outgoing.id IN (SELECT value FROM json_each(?))",
        [json.dumps(list(ids))],
    ).fetchall()
    return {one: of_verdicts([verdict]) for one, verdict in rows}


def _verdict(signatures: str) -> str:
    """The verdict kept with a file; a file that was not looked at (no PDF) has no signatures."""
    report = json.loads(signatures)
    return str(report["verdict"]) if isinstance(report, dict) else "unsigned"
