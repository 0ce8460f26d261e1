"""The bus's signed receipt judged: only one that verifies and speaks of exactly this package counts as acceptance."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from appliance.errors import N_
from sync import jws
from sync.bus.base import Outbound, Outcome, SendResult
from sync.bus.native.answers import not_the_bus

_KEPT = 20
"""Odd receipts kept for a person to look at; more of the same tell nothing new."""


class ReceiptJudge:
    """``trusted``: the authorities whose word counts. What does not hold is kept below ``odd`` for inspection."""

    def __init__(self, trusted: Sequence[x509.Certificate], odd: Path) -> None:
        self._trusted, self._odd = tuple(trusted), odd

    def judge(self, token: bytes, message: Outbound, bytes_sent: int, status: int) -> SendResult:
        """ACCEPTED for a receipt that holds; else UNKNOWN, because a liar's "yes" is not a "no" either."""
        if not jws.looks_signed(token):
            return _unknown(str(not_the_bus()), bytes_sent, status)
        try:
            payload = jws.verify(token, self._trusted, jws.RECEIPT).payload
        except jws.BadStatement as error:
            self._keep(token, message)
            return _unknown(str(error), bytes_sent, status, token)
        named = {key: payload.get(key) for key in ("messageId", "sha256", "size", "from", "to")}
        doc_id, accepted_at = payload.get("docId"), payload.get("acceptedAt")
        if named != _expected(message) or not isinstance(doc_id, str) or not isinstance(accepted_at, str):
            self._keep(token, message)
            return _unknown(N_("Biên nhận của trục không khớp gói tin đã gửi."), bytes_sent, status, token)
        return SendResult(Outcome.ACCEPTED, doc_id, accepted_at, token, "", bytes_sent, status)

    def _keep(self, token: bytes, message: Outbound) -> None:
        self._odd.mkdir(parents=True, exist_ok=True)
        if len(list(self._odd.iterdir())) < _KEPT:
            name = f"{message.id}-{hashlib.sha256(token).hexdigest()[:16]}.jws"
            (self._odd / name).write_bytes(token[: jws.MAX_BYTES])


def _expected(message: Outbound) -> dict[str, object]:
    """What a receipt for this package says of it."""
    return {
        "messageId": message.id,
        "sha256": message.sha256,
        "size": message.size,
        "from": message.sender,
        "to": list(message.recipients),
    }


def _unknown(reason: str, bytes_sent: int, status: int, token: bytes = b"") -> SendResult:
    return SendResult(Outcome.UNKNOWN, receipt=token, reason=reason, bytes_sent=bytes_sent, http_status=status)
