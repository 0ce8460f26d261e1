"""A certificate in words a person can compare with the paper that came with the token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from appliance.clock import VN


@dataclass(frozen=True)
class CertificateFacts:
    """Who it is for, who issued it, its serial number in hex, and from when until when it is valid."""

    subject: str
    issuer: str
    serial: str
    valid_from: datetime
    valid_to: datetime

    def expires_within(self, now: datetime, days: int) -> bool:
        """Whether fewer than ``days`` days are left."""
        return (self.valid_to - now).days < days


def read(der: bytes) -> CertificateFacts:
    """Facts of a DER certificate. Raises ValueError when it is none."""
    certificate = x509.load_der_x509_certificate(der)
    return CertificateFacts(
        subject=_common_name(certificate.subject),
        issuer=_common_name(certificate.issuer),
        serial=f"{certificate.serial_number:X}",
        valid_from=certificate.not_valid_before_utc.astimezone(VN),
        valid_to=certificate.not_valid_after_utc.astimezone(VN),
    )


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
