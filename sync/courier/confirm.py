"""Receipts that came back on a stick: the bus's (R1) or the receiving box's (R2), checked like those from the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography import x509

from appliance.errors import N_, BadInput
from appliance.office import courier, messages, organs
from appliance.office.desk import Desk
from appliance.store.database import transaction
from sync import jws, settle

Word = tuple[str, bytes, dict[str, Any], x509.Certificate]
"""(kind R1 or R2, exact bytes, what it says, whose it is)."""


def checked(desk: Desk, tokens: Sequence[bytes], trusted: Sequence[x509.Certificate]) -> list[Word]:
    """What holds and speaks of exactly one of our packages. Raises BadInput for any that does not: no half import."""
    return [_checked(desk, token, trusted) for token in tokens]


def apply(desk: Desk, word: Word) -> int:
    """Settle what the word proves; returns 1 when it was news. Repeatable."""
    kind, token, said, signer = word
    row = _row(desk, said)
    assert row is not None, "checked before"
    if kind == jws.RECEIPT:
        return int(settle.accepted_by_hand(desk, row, token, said["docId"], said["acceptedAt"]))
    code = _addressed(desk, row["id"], signer)
    assert code is not None, "checked before"
    receipt, now = desk.blobs.put(token), desk.clock.now()
    with transaction(desk.db):
        before = desk.db.execute(
            "SELECT 1 FROM delivery_receipt WHERE message_id = ? AND code = ?", [row["id"], code]
        ).fetchone()
        courier.delivered(desk.db, row["id"], code, receipt, said["at"], now)
        missing = desk.db.execute(
            "SELECT 1 FROM message_recipient AS r WHERE message_id = ? AND NOT EXISTS (SELECT 1 FROM delivery_receipt"
            " AS d WHERE d.message_id = r.message_id AND d.code = r.code)",
            [row["id"]],
        ).fetchone()
        (state,) = desk.db.execute("SELECT state FROM message WHERE id = ?", [row["id"]]).fetchone()
        if missing is None and state != "accepted":
            desk.db.execute("UPDATE message SET proved_by = ? WHERE id = ?", [said["docId"], row["id"]])
            if state != "sending":  # else its attempt's end settles it
                messages.accept_by_proof(desk.db, row["id"], said["docId"], now)
    return int(before is None)


def _checked(desk: Desk, token: bytes, trusted: Sequence[x509.Certificate]) -> Word:
    for kind in (jws.RECEIPT, jws.HANDOVER):
        try:
            found = jws.verify(token, trusted, kind)
        except jws.BadStatement:
            continue
        row, said = _row(desk, found.payload), found.payload
        if row is None or said.get("sha256") != row["sha256"] or not isinstance(said.get("docId"), str):
            break
        if kind == jws.RECEIPT:
            codes = [one["code"] for one in messages.recipients_in_order(desk.db, row["id"])]
            right = said.get("size") == row["size"] and said.get("to") == codes
            right = right and isinstance(said.get("acceptedAt"), str)
        else:
            right = said.get("outcome") == "done" and said.get("organ") in jws.organ_codes(found.certificate)
            right = right and isinstance(said.get("at"), str)
            right = right and _addressed(desk, row["id"], found.certificate) is not None
        if right:
            return kind, token, said, found.certificate
        break
    raise BadInput(
        N_("Gói USB không dùng được: có biên nhận không đúng gói tin nào của trạm này."),
        next_step=N_("Không có gì được nhận từ tệp này. Báo kỹ thuật viên và nơi gửi."),
    )


def _row(desk: Desk, said: dict[str, Any]) -> dict[str, Any] | None:
    found = said.get("messageId")
    if not isinstance(found, str):
        return None
    return next(iter(desk.db.query("SELECT * FROM message WHERE id = ?", [found])), None)


def _addressed(desk: Desk, message_id: str, signer: x509.Certificate) -> str | None:
    """The code under which we addressed an organ that the signer speaks for."""
    theirs = {code for own in jws.organ_codes(signer) for code in organs.codes_of(desk.db, own)}
    rows = messages.recipients_in_order(desk.db, message_id)
    return next((str(one["code"]) for one in rows if one["code"] in theirs), None)
