"""What stands behind a signature's checks: certificate, algorithms, purpose, and which revocation data spoke.

The items a validation report has to show besides the results (TT 41/2017/TT-BTTTT, TT 22/2020/TT-BTTTT;
TT 15/2025/TT-BKHCN, annex II).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, x509

from appliance.clock import VN
from appliance.errors import N_
from appliance.signing.material import Material, answers, list_times

_USAGES: dict[str, str] = {
    "digital_signature": N_("chữ ký số"),
    "non_repudiation": N_("chống chối bỏ (ký văn bản)"),
    "key_encipherment": N_("mã hóa khóa"),
    "data_encipherment": N_("mã hóa dữ liệu"),
    "key_agreement": N_("thỏa thuận khóa"),
    "key_cert_sign": N_("cấp chứng thư số"),
    "crl_sign": N_("ký danh sách thu hồi"),
    "time_stamping": N_("cấp dấu thời gian"),
}


_NAMES: dict[str, str] = {
    "common_name": N_("Tên"),
    "title": N_("Chức vụ"),
    "organizational_unit_name": N_("Đơn vị"),
    "organization_name": N_("Cơ quan"),
    "user_id": N_("Mã"),
    "serial_number": N_("Mã số"),
    "email_address": N_("Thư điện tử"),
    "locality_name": N_("Địa phương"),
    "state_or_province_name": N_("Tỉnh, thành phố"),
    "country_name": N_("Quốc gia"),
}


@dataclass(frozen=True)
class RevocationSource:
    """A list (CRL) or answer (OCSP) about the signer's certificate; times ISO 8601 at +07:00, '' unknown."""

    kind: str
    issuer: str
    this_update: str
    next_update: str
    fresh: bool


@dataclass(frozen=True)
class Details:
    """``subject``, ``issuer``: whole distinguished names; times ISO 8601 at +07:00; ``fingerprint``: SHA-256."""

    subject: str
    issuer: str
    valid_from: str
    valid_until: str
    fingerprint: str
    algorithm: str
    key: str
    usages: tuple[str, ...]
    sources: tuple[RevocationSource, ...]


def details_of(certificate: x509.Certificate, signer: cms.SignerInfo, known: Material, moment: datetime) -> Details:
    """Everything the report shows about the signer's certificate; ``known``: all revocation data at hand."""
    public = certificate.public_key
    usage = certificate.key_usage_value.native if certificate.key_usage_value else set()
    extended = certificate.extended_key_usage_value.native if certificate.extended_key_usage_value else []
    return Details(
        subject=spelt(certificate.subject),
        issuer=spelt(certificate.issuer),
        valid_from=_local(certificate.not_valid_before),
        valid_until=_local(certificate.not_valid_after),
        fingerprint=certificate.sha256.hex(),
        algorithm=_algorithm(signer),
        key=f"{public.algorithm.upper()} {public.bit_size}",
        usages=tuple(_USAGES.get(name, name) for name in (*_USAGES, *sorted(extended)) if name in {*usage, *extended}),
        sources=tuple(_sources(certificate, known, moment)),
    )


def spelt(name: x509.Name) -> str:
    """A distinguished name with Vietnamese labels, every part of it, in the usual order."""
    parts = [(part["type"].native, str(part["value"].native)) for several in name.chosen for part in several]
    rank = list(_NAMES)
    parts.sort(key=lambda part: rank.index(part[0]) if part[0] in rank else len(rank))
    return "; ".join(f"{_NAMES.get(kind, kind)}: {text}" for kind, text in parts)


def _algorithm(signer: cms.SignerInfo) -> str:
    scheme = signer["signature_algorithm"]
    digest = signer["digest_algorithm"]["algorithm"].native.upper().replace("SHA", "SHA-", 1).replace("SHA-3_", "SHA3-")
    names = {"rsassa_pkcs1v15": "RSA PKCS#1 v1.5", "rsassa_pss": "RSASSA-PSS", "ecdsa": "ECDSA"}
    try:
        name = names.get(scheme.signature_algo, scheme.signature_algo)
    except ValueError:
        name = str(scheme["algorithm"].native)
    return f"{name}, {digest}"


def _sources(certificate: x509.Certificate, known: Material, moment: datetime) -> list[RevocationSource]:
    """The newest list of the certificate's issuer, and the newest answer about the certificate."""
    lists = [list_times(entry) for entry in known.crls if entry.issuer == certificate.issuer]
    told = [
        (since, until)
        for response in known.ocsps
        for serial, since, until in answers(response)
        if serial == certificate.serial_number
    ]
    issuer = str(certificate.issuer.native.get("common_name", certificate.issuer.human_friendly))
    return [
        RevocationSource(
            kind, issuer, _local(since), _local(until) if until else "", until is not None and moment <= until
        )
        for kind, times in (("CRL", lists), ("OCSP", told))
        for since, until in sorted(times, key=lambda pair: pair[0])[-1:]
    ]


def _local(when: datetime) -> str:
    return when.astimezone(VN).isoformat()
