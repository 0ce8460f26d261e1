"""Checking the signatures of any PDF: ours, another organ's, a hostile one.

Mathematics is not enough: pdfsig and qpdf stay green on every malicious update. What changed after each signature is
compared (pyHanko's difference analysis), and in the box's own documents only number, date and seal may have changed.
"""

from __future__ import annotations

import asyncio
import io
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import async_validate_pdf_timestamp
from pyhanko.sign.validation.status import DocumentTimestampStatus, PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from appliance.clock import VN
from appliance.errors import N_, BadInput
from appliance.signing.certificates import Standing, certificate_checks, standing
from appliance.signing.changes import CHANGED, changes, coverage_of, modified, trailing
from appliance.signing.report import Check, Report, SignatureReport, reasons_of, summed_up, verdict_of
from appliance.signing.trust import TrustStore

log = logging.getLogger("tram.signing")

__all__ = ["Report", "SignatureReport", "validate"]


def validate(data: bytes, trust: TrustStore, *, at: datetime | None = None) -> Report:
    """Check every signature in ``data`` as of ``at`` (default now; for stored files: when they arrived).

    Raises BadInput when ``data`` is not a readable PDF, whatever is in it. Must not be called inside a running event
    loop.
    """
    moment = at or datetime.now(VN)
    reader, orderly = _open(data)
    try:
        fields = [(name, field) for name, _, field in enumerate_sig_fields(reader, filled_status=True)]
    except Exception as error:  # hostile structures make the parser raise anything
        raise _torn() from error
    found = [(name, _parsed(reader, name, field)) for name, field in fields]
    latest = max((embedded.signed_revision for _, embedded in found if embedded), default=0)
    names = {name for name, _ in found}
    found.sort(key=lambda pair: pair[1].signed_revision if pair[1] else 0)
    look = _Look(trust, moment, names, latest, orderly)
    return summed_up([_broken(name) if embedded is None else _judged(embedded, look) for name, embedded in found])


@dataclass(frozen=True)
class _Look:
    """What every signature of one file is judged with. ``latest``: the newest signed revision of the file."""

    trust: TrustStore
    moment: datetime
    names: set[str]
    latest: int
    orderly: bool

    def context(self) -> ValidationContext:
        """For the mathematics only: certificates.standing judges the chain, and tells "unknown" from "bad"."""
        roots = list(self.trust.roots)
        return ValidationContext(trust_roots=roots, moment=self.moment, crls=[], revocation_mode="soft-fail")


def _open(data: bytes) -> tuple[PdfFileReader, bool]:
    """A reader, and whether the file keeps the strict rules (hybrid files show different readers different pages)."""
    if b"%PDF-" not in data[:1024]:
        raise BadInput(N_("Tệp này không phải là PDF"))
    for strict in (True, False):
        try:
            reader = PdfFileReader(io.BytesIO(data), strict=strict)
            if strict and reader.xrefs.hybrid_xrefs_present:
                continue
            if reader.encrypted:
                raise BadInput(N_("Tệp PDF được đặt mật khẩu nên không kiểm tra được chữ ký số"))
            reader.root["/Pages"]["/Count"]
        except BadInput:
            raise
        except Exception as error:  # hostile structures make the parser raise anything
            if strict:
                continue
            raise _torn() from error
        return reader, strict
    raise _torn()


def _torn() -> BadInput:
    return BadInput(
        N_("Tệp PDF bị đứt hoặc hỏng, không đọc được"),
        next_step=N_("Đề nghị nơi gửi gửi lại văn bản hoặc tải lại tệp gốc"),
    )


def _parsed(reader: PdfFileReader, name: str, field: Any) -> EmbeddedPdfSignature | None:
    """The signature in a field, or None when it cannot be parsed."""
    try:
        return EmbeddedPdfSignature(reader, field, name)
    except Exception:
        log.warning("the signature in field %r cannot be read", name, exc_info=True)
        return None


def _broken(name: str) -> SignatureReport:
    reason = N_("Chữ ký số bị hỏng, không đọc được")
    checks = (Check("integrity", "fail", reason),)
    return SignatureReport(name, "", "", "", "", "", "invalid", [reason], "partial", [], checks=checks)


def _judged(embedded: EmbeddedPdfSignature, look: _Look) -> SignatureReport:
    """The report of one signature; one that cannot be evaluated is invalid."""
    try:
        if embedded.sig_object_type == "/DocTimeStamp":
            return _timestamp(embedded, asyncio.run(async_validate_pdf_timestamp(embedded, look.context())))
        status = asyncio.run(async_validate_pdf_signature(embedded, look.context()))
        return _signature(embedded, status, list(embedded.other_embedded_certs), look)
    except Exception:
        log.warning("the signature in field %r cannot be judged", embedded.field_name, exc_info=True)
        return _broken(embedded.field_name)


def _signature(
    embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, others: list[x509.Certificate], look: _Look
) -> SignatureReport:
    certificate = status.signing_cert
    signed_at = status.signer_reported_dt
    judged = _certificate_standing(certificate, others, look.trust, look.moment, signed_at)
    checks = [*_content_checks(embedded, status, look), *certificate_checks(judged)]
    subject, issuer = certificate.subject.native, certificate.issuer.native
    return SignatureReport(
        field=embedded.field_name,
        signer_name=_first(subject, "common_name", "organization_name"),
        signer_organ=_first(subject, "organization_name", "organizational_unit_name"),
        issuer=_first(issuer, "common_name", "organization_name"),
        serial=f"{certificate.serial_number:x}",
        signing_time=signed_at.astimezone(VN).isoformat() if signed_at else "",
        verdict=verdict_of(checks),
        reasons=reasons_of(checks),
        coverage=coverage_of(status),
        changes=changes(status),
        certificate_until=certificate.not_valid_after.astimezone(VN).isoformat(),
        level="B-T" if _stamped(status) else "B-B",
        checks=tuple(checks),
    )


def _stamped(status: PdfSignatureStatus) -> bool:
    """Whether a trusted time stamp stands inside the signature."""
    stamp = status.timestamp_validity
    return bool(stamp and stamp.intact and stamp.valid and stamp.trusted)


def _content_checks(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, look: _Look) -> list[Check]:
    """What concerns the file: whole, signed by this key, covered, changed only as allowed, built by the rules."""
    untouched, covered = status.intact, coverage_of(status) != "partial"
    spoilt = modified(embedded, status, look.names, last=embedded.signed_revision == look.latest)
    structure = Check("structure", "pass")
    if not look.orderly:
        reason = N_("Cấu trúc tệp PDF không theo chuẩn nên không so sánh được các lần sửa đổi")
        structure = Check("structure", "unknown", reason)
    elif trailing(embedded, status, look.latest):
        structure = Check("structure", "unknown", N_("Có dữ liệu thừa nằm sau phần đã ký"))
    return [
        Check("integrity", "pass") if untouched else Check("integrity", "fail", CHANGED),
        Check("key", "pass")
        if status.valid or not untouched
        else Check("key", "fail", N_("Chữ ký số không khớp với chứng thư số")),
        Check("coverage", "pass") if covered else Check("coverage", "fail", spoilt[0]),
        Check("changes", "fail", "; ".join(spoilt)) if spoilt and covered else Check("changes", "pass"),
        structure,
    ]


def _certificate_standing(
    certificate: x509.Certificate,
    others: list[x509.Certificate],
    trust: TrustStore,
    moment: datetime,
    signed_at: datetime | None,
) -> Standing:
    """The certificate now; when it has expired or been revoked since the stated signing time, 'unknown'.

    The stated time is the signer's own word (no time stamp), so it can lower a 'no' to 'not known', never raise it
    to a 'yes'; a stated time outside the certificate's validity is a 'no'.
    """
    if signed_at and not certificate.not_valid_before <= signed_at <= certificate.not_valid_after:
        return Standing("invalid", "expired", N_("Thời điểm ký nằm ngoài thời hạn hiệu lực của chứng thư số"))
    judged = standing(certificate, others, trust, moment)
    if judged.code in ("expired", "revoked") and signed_at and signed_at < moment:
        if standing(certificate, others, trust, signed_at).verdict == "invalid":
            return judged
        later = N_("; thời điểm ký do người ký khai, chưa có dấu thời gian chứng minh văn bản được ký trước đó")
        return Standing("unknown", judged.code, judged.reason + later)
    return judged


def _timestamp(embedded: EmbeddedPdfSignature, status: DocumentTimestampStatus) -> SignatureReport:
    """A document time stamp: its chain and what followed it."""
    reasons = [] if status.intact and status.valid else [CHANGED]
    verdict = "invalid" if reasons else "valid" if status.trusted else "unknown"
    if verdict == "unknown":
        reasons.append(N_("Dấu thời gian không do tổ chức được tin cậy cấp"))
    subject = status.signing_cert.subject.native
    return SignatureReport(
        field=embedded.field_name,
        signer_name=_first(subject, "common_name", "organization_name"),
        signer_organ=_first(subject, "organization_name"),
        issuer=_first(status.signing_cert.issuer.native, "common_name", "organization_name"),
        serial=f"{status.signing_cert.serial_number:x}",
        signing_time=status.timestamp.astimezone(VN).isoformat(),
        verdict=verdict,
        reasons=reasons,
        coverage=coverage_of(status),
        changes=[],
        kind="timestamp",
    )


def _first(name: dict[str, object], *keys: str) -> str:
    """The first attribute a distinguished name has; several values are joined."""
    for key in keys:
        value = name.get(key)
        if value:
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return ""
