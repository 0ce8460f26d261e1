"""Stored receipts judged anew: each must still hold, and speak of exactly the package that lies in the store.

A receipt that does not hold is evidence lost, so the nightly run fails loudly: its sentence stands on the page of the
system's state until a run succeeds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography import x509

from appliance.clock import parse
from appliance.errors import N_, TramError
from appliance.office import organs
from appliance.office.desk import Desk
from appliance.store import facts
from sync import jws
from sync.bus.native.tls import authorities

CHECKED = "receipts:checked_at"
_EVERY = timedelta(hours=20)
_SHOWN = 3


class ReceiptsBroken(TramError):
    """Stored receipts that prove nothing any more."""


@dataclass
class Result:
    """How many statements were 'R1', 'R2' or 'unsigned', and (message id, why) for those that do not hold."""

    counts: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[str, str]] = field(default_factory=list)


def check_nightly(desk: Desk) -> None:
    """Check everything once a night (or day: boxes are switched off). Raises ReceiptsBroken."""
    now, last = desk.clock.now(), facts.get(desk.db, CHECKED)
    if last and timedelta() <= now - parse(last) < _EVERY:
        return
    result = check_all(desk)
    if result.bad:
        # not marked as checked: the next hour looks again, and the sentence stays until it is well
        raise ReceiptsBroken(
            N_("%(count)s biên nhận lưu trong trạm không còn chứng minh được gói tin (%(first)s)."),
            next_step=N_("Kỹ thuật viên chạy `tram receipts` và khôi phục từ bản sao lưu; không xóa tệp nào."),
            count=len(result.bad),
            first="; ".join(f"{message}: {why}" for message, why in result.bad[:_SHOWN]),
        )
    facts.put(desk.db, CHECKED, now.isoformat())


def check_all(desk: Desk) -> Result:
    """Every stored statement (the bus's, recipients', our own) against its package's bytes and the pinned anchors."""
    trusted = authorities(desk.settings) if desk.settings.bus_ca else []
    result = Result()
    rows = desk.db.query(
        "SELECT id, sha256, size, 'R1' AS typ, receipt_sha256 AS token, '' AS code FROM message"
        " WHERE receipt_sha256 IS NOT NULL UNION ALL SELECT m.id, m.sha256, m.size, 'R2', w.sha256, w.code"
        " FROM delivery_receipt w JOIN message m ON m.id = w.message_id UNION ALL SELECT message_id, sha256, size,"
        " 'R2', ack_sha256, to_code FROM inbox WHERE ack_sha256 IS NOT NULL ORDER BY 1, 4, 6"
    )
    for row in list(rows):
        why = _wrong(desk, trusted, row, result)
        if why:
            result.bad.append((row["id"], why))
    return result


def _wrong(desk: Desk, trusted: list[x509.Certificate], row: dict[str, Any], result: Result) -> str:
    """Why a statement does not hold, '' when it does; counts it."""
    try:
        token = desk.blobs.read(row["token"])
        with desk.blobs.path(row["sha256"]).open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == row["sha256"]
        if not whole:
            return N_("gói tin trong kho đã hỏng")
        if row["typ"] == jws.RECEIPT and not jws.looks_signed(token):
            result.counts["unsigned"] += 1
            return ""
        found = jws.verify(token, trusted, row["typ"])
    except (TramError, OSError) as error:
        return str(error)
    if found.payload.get("sha256") != row["sha256"]:
        return N_("nói về gói tin khác")
    if row["typ"] == jws.RECEIPT and (found.payload.get("messageId"), found.payload.get("size")) != (
        row["id"],
        row["size"],
    ):
        return N_("nói về gói tin khác")
    if row["typ"] == jws.HANDOVER and found.payload.get("outcome") != "done":
        return N_("không nói là đã nhận")
    if row["typ"] == jws.HANDOVER and not _same_organ(desk, jws.organ_codes(found.certificate), row["code"]):
        return N_("do cơ quan khác ký")
    result.counts[row["typ"]] += 1
    return ""


def _same_organ(desk: Desk, codes: tuple[str, ...], code: str) -> bool:
    return bool(set(codes) & set(organs.codes_of(desk.db, code)))
