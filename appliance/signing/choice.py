"""Which of a device's certificates is the one to sign with.

A government token carries several: authorities' certificates, one for logging in or for encryption, the old one beside
the renewed one. The one for signing documents is picked by purpose, validity and age; a person may still choose
another that can sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509

from appliance.errors import N_
from appliance.signing.token import TokenInfo, TokenKey

AUTHORITY = N_("Chứng thư số của tổ chức cấp, không dùng để ký văn bản")
NOT_FOR_SIGNING = N_("Chứng thư số không được cấp để ký văn bản")
NOT_YET = N_("Chứng thư số chưa có hiệu lực")
EXPIRED = N_("Chứng thư số đã hết hạn")
UNREADABLE = N_("Không đọc được chứng thư số")


@dataclass(frozen=True)
class Candidate:
    """One certificate of a device with its key; ``problem``: '' or why it cannot be signed with now."""

    key: TokenKey
    problem: str
    valid_from: datetime | None = None

    @property
    def usable(self) -> bool:
        """Whether one may sign with it now, as far as the certificate itself says (no trust, no revocation)."""
        return not self.problem


def candidates(token: TokenInfo, at: datetime) -> list[Candidate]:
    """Every certificate of ``token``, the best to sign with at ``at`` first.

    Order: usable before unusable; nonRepudiation (what annex II of TT 15/2025 asks of a document's signature) before
    digitalSignature alone; then the newest.
    """
    ranked = sorted(
        (_ranked(TokenKey(token.serial, key_id, der), at) for key_id, der in token.certificates),
        key=lambda pair: pair[0],
    )
    return [candidate for _, candidate in ranked]


def best(token: TokenInfo, at: datetime) -> TokenKey | None:
    """The key to sign with, or None when no certificate of ``token`` can be signed with at ``at``."""
    first = next(iter(candidates(token, at)), None)
    return first.key if first and first.usable else None


def _ranked(key: TokenKey, at: datetime) -> tuple[tuple[bool, int, float], Candidate]:
    try:
        certificate = x509.Certificate.load(key.certificate)
        purposes = set(certificate.key_usage_value.native) if certificate.key_usage_value else set()
        start, end = certificate.not_valid_before, certificate.not_valid_after
        authority = bool(certificate.ca)
    except (ValueError, TypeError, KeyError):
        return (True, 3, 0.0), Candidate(key, UNREADABLE)
    problem = ""
    if authority:
        problem = AUTHORITY
    elif not purposes & {"non_repudiation", "digital_signature"}:
        problem = NOT_FOR_SIGNING
    elif at < start:
        problem = NOT_YET
    elif at > end:
        problem = EXPIRED
    purpose = 0 if "non_repudiation" in purposes else 1
    return (bool(problem), 2 if authority else purpose, -start.timestamp()), Candidate(key, problem, start)
