"""Checking the signatures of any PDF: ours, another organ's, a hostile one.

Mathematics is not enough: pdfsig and qpdf stay green on every malicious update. What changed after each signature is
compared (pyHanko's difference analysis), and in the box's own documents only number, date and seal may have changed.
"""

from __future__ import annotations

import asyncio
import io
from datetime import datetime

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import async_validate_pdf_timestamp
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from appliance.clock import VN
from appliance.errors import BadInput, N_
from appliance.signing.certificates import Standing, standing
from appliance.signing.placement import DAY_FIELD, NUMBER_FIELD, SEAL_FIELD, SIGNATURE_FIELD, SLOT_FIELDS
from appliance.signing.report import Report, SignatureReport, summed_up
from appliance.signing.trust import TrustStore

__all__ = ["Report", "SignatureReport", "validate"]

CHANGED = N_("NỘI DUNG ĐÃ BỊ THAY ĐỔI sau khi ký")
_HARMLESS = (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES)
_COVERAGE = {SignatureCoverageLevel.ENTIRE_FILE: "whole", SignatureCoverageLevel.ENTIRE_REVISION: "revision"}


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
    reports = []
    latest = max((_revision(reader, field) for _, field in fields), default=0)
    names = {name for name, _ in fields}
    for name, field in fields:
        reports.append(_one(reader, field, name, names, latest, trust, moment, orderly=orderly))
    return summed_up([report for _, report in sorted(reports, key=lambda pair: pair[0])])


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
            reader.root["/Pages"]["/Count"]  # noqa: B018 - parses the page tree's head
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
        N_("Tệp PDF bị đứt hoặc hỏng, không đọc được"), next_step=N_("Đề nghị nơi gửi gửi lại văn bản hoặc tải lại tệp gốc")
    )


def _revision(reader: PdfFileReader, field: object) -> int:
    """The revision in which a field was signed; hostile fields count as the first."""
    try:
        return int(reader.xrefs.get_last_change(field.get_object().raw_get("/V").reference))  # type: ignore[attr-defined]
    except Exception:  # the same field is judged, and its failure reported, in _one
        return 0


def _one(
    reader: PdfFileReader,
    field: object,
    name: str,
    names: set[str],
    latest: int,
    trust: TrustStore,
    moment: datetime,
    *,
    orderly: bool,
) -> tuple[int, SignatureReport]:
    """The report of one field, with the revision it was signed in; a signature that cannot be parsed is invalid."""
    try:
        embedded = EmbeddedPdfSignature(reader, field, name)
        if embedded.sig_object_type == "/DocTimeStamp":
            return embedded.signed_revision, _timestamp(embedded, trust, moment)
        # no revocation here: certificates.standing judges the chain, and tells "unknown" from "bad"
        context = ValidationContext(trust_roots=list(trust.roots), moment=moment, crls=[], revocation_mode="soft-fail")
        status = asyncio.run(async_validate_pdf_signature(embedded, context))
        others = list(embedded.other_embedded_certs)
    except Exception as error:  # hostile signatures make the parser raise anything
        reason = N_("Chữ ký số bị hỏng, không đọc được (%s)") % type(error).__name__
        return 0, SignatureReport(name, "", "", "", "", "", "invalid", [reason], "partial", [])
    certificate = status.signing_cert
    signed_at = status.signer_reported_dt
    judged = _certificate_standing(certificate, others, trust, moment, signed_at)
    reasons, changes = [], _changes(embedded, status)
    if not status.intact or not status.valid:
        reasons.append(CHANGED if not status.intact else N_("Chữ ký số không khớp với chứng thư số"))
    reasons += _modified(embedded, status, names, last=embedded.signed_revision == latest)
    verdict = "invalid" if reasons else judged.verdict
    if judged.reason:
        reasons.append(judged.reason)
    if not orderly and verdict == "valid":
        verdict = "unknown"
        reasons.append(N_("Cấu trúc tệp PDF không theo chuẩn nên không so sánh được các lần sửa đổi"))
    if verdict == "valid" and _trailing(embedded, latest):
        verdict = "unknown"
        reasons.append(N_("Có dữ liệu thừa nằm sau phần đã ký"))
    subject, issuer = certificate.subject.native, certificate.issuer.native
    return embedded.signed_revision, SignatureReport(
        field=name,
        signer_name=_first(subject, "common_name", "organization_name"),
        signer_organ=_first(subject, "organization_name", "organizational_unit_name"),
        issuer=_first(issuer, "common_name", "organization_name"),
        serial=f"{certificate.serial_number:x}",
        signing_time=signed_at.astimezone(VN).isoformat() if signed_at else "",
        verdict=verdict,
        reasons=reasons,
        coverage=_COVERAGE.get(embedded.coverage, "partial"),
        changes=changes,
        certificate_until=certificate.not_valid_after.astimezone(VN).isoformat(),
    )


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


def _modified(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, names: set[str], *, last: bool) -> list[str]:
    """Why what happened after the signature spoils it; empty when it does not."""
    if embedded.coverage not in _COVERAGE:
        return [N_("Chữ ký số không bao trùm toàn bộ nội dung tệp tại thời điểm ký")]
    level = status.modification_level
    if not isinstance(embedded.diff_result, DiffResult) or not status.docmdp_ok:
        return [CHANGED]
    if last and level not in _HARMLESS:
        return [N_("Nội dung biểu mẫu bị điền thêm sau chữ ký cuối cùng")]
    if {SIGNATURE_FIELD, SEAL_FIELD} <= names:
        # the box's own documents: exactly number, date and seal may follow the personal signature
        allowed = {*SLOT_FIELDS, SEAL_FIELD} if embedded.field_name == SIGNATURE_FIELD else set()
        if embedded.diff_result.changed_form_fields - allowed:
            return [CHANGED]
    return []


def _changes(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus) -> list[str]:
    """What happened after the signature, in the clerk's words."""
    if embedded.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return [N_("Không có thay đổi nào sau chữ ký này")]
    if not isinstance(embedded.diff_result, DiffResult) or not status.docmdp_ok:
        return [CHANGED]
    changed = set(embedded.diff_result.changed_form_fields)
    done = []
    if NUMBER_FIELD in changed:
        done.append(N_("đã điền số"))
    if DAY_FIELD in changed:
        done.append(N_("đã điền ngày"))
    if SEAL_FIELD in changed:
        done.append(N_("đã đóng dấu"))
    other = changed - {*SLOT_FIELDS, SEAL_FIELD}
    if other:
        done.append(N_("đã ký hoặc điền thêm ô: %s") % ", ".join(sorted(other)))
    if status.modification_level == ModificationLevel.LTA_UPDATES:
        done.append(N_("đã bổ sung dữ liệu kiểm tra lâu dài"))
    sentence = "; ".join([*done, N_("không có thay đổi nào khác")])
    return [sentence[0].upper() + sentence[1:]]


def _trailing(embedded: EmbeddedPdfSignature, latest: int) -> bool:
    """Bytes after the last signature that belong to no revision."""
    if embedded.signed_revision != latest or embedded.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return False
    return embedded.reader.xrefs.total_revisions - 1 == embedded.signed_revision


def _timestamp(embedded: EmbeddedPdfSignature, trust: TrustStore, moment: datetime) -> SignatureReport:
    """A document time stamp: its chain and what followed it."""
    context = ValidationContext(trust_roots=list(trust.roots), moment=moment, crls=[], revocation_mode="soft-fail")
    status = asyncio.run(async_validate_pdf_timestamp(embedded, context))
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
        coverage=_COVERAGE.get(embedded.coverage, "partial"),
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
