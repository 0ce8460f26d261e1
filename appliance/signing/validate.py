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
from pyhanko.sign.general import byte_range_digest
from pyhanko.sign.validation import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import async_validate_pdf_timestamp
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from appliance.clock import VN
from appliance.errors import N_, BadInput
from appliance.signing.certificates import STAMPING, Standing, certificate_checks, standing, weak_hash
from appliance.signing.changes import (
    CHANGED,
    NOT_COVERED,
    changes,
    coverage_of,
    modified,
    signatures_within,
    smuggled,
    trailing,
)
from appliance.signing.details import details_of
from appliance.signing.material import Material, read_dss
from appliance.signing.proof import CLOCK_SLACK, Proof, Stamp, first, inner_stamp, level_of
from appliance.signing.report import Check, Report, SignatureReport, reasons_of, summed_up, verdict_of
from appliance.signing.trust import TrustStore

log = logging.getLogger("tram.signing")

_CHUNK = 1 << 20
"""Bytes hashed at a time; pyHanko's own 4 KiB spend more time in Python than in SHA-256."""
_LARGE = 1 << 16
"""Bytes from which a payload is not copied."""
_LARGE_FILE = 4 << 20
"""Bytes of a file from which avoiding copies is worth slower reading of its small parts."""

__all__ = ["Report", "SignatureReport", "validate"]


def validate(data: bytes, trust: TrustStore, *, at: datetime | None = None) -> Report:
    """Check every signature in ``data`` as of ``at`` (default now; for stored files: when they arrived).

    Raises BadInput when ``data`` is not a readable PDF, whatever is in it. Must not be called inside a running event
    loop.
    """
    moment = at or datetime.now(VN)
    reader, orderly = _open(data)
    try:
        # a plain str: pyHanko's own holds on to its reader, and a report would keep (and copy) the whole file with it
        fields = [(str(name), field) for name, _, field in enumerate_sig_fields(reader, filled_status=True)]
    except Exception as error:  # hostile structures make the parser raise anything
        raise _torn() from error
    found = [(name, _parsed(reader, name, field)) for name, field in fields]
    latest = max((embedded.signed_revision for _, embedded in found if embedded), default=0)
    names = {name for name, _ in found}
    found.sort(key=lambda pair: pair[1].signed_revision if pair[1] else 0)
    signed = max((e.signed_revision for _, e in found if e and e.sig_object_type != "/DocTimeStamp"), default=0)
    look = _Look(trust, moment, names, latest, signed, orderly)
    # the newest first: a time stamp that holds proves everything below it (ETSI EN 319 102-1, 5.6.3)
    proof = Proof(moment, read_dss(reader))
    reports: list[SignatureReport] = []
    for name, embedded in reversed(found):
        if embedded is None:
            reports.append(_broken(name))
            continue
        report, proof = _judged(embedded, look, proof)
        reports.append(report)
    reports.reverse()
    if signatures_within(data) > len(found):
        reports.append(_broken("", N_("Trong tệp có chữ ký số đã bị tách khỏi văn bản")))
    return summed_up(reports)


@dataclass(frozen=True)
class _Look:
    """What every signature of one file is judged with. ``latest``: the newest signed revision of the file; ``signed``:
    the newest one that a person or an organ has signed.
    """

    trust: TrustStore
    moment: datetime
    names: set[str]
    latest: int
    signed: int
    orderly: bool

    @property
    def lists(self) -> Material:
        """The revocation lists of the folder."""
        return Material(crls=self.trust.crls)

    def context(self) -> ValidationContext:
        """For the mathematics only: certificates.standing judges the chain, and tells "unknown" from "bad"."""
        roots = list(self.trust.roots)
        return ValidationContext(trust_roots=roots, moment=self.moment, crls=[], revocation_mode="soft-fail")


class _Views(io.BytesIO):
    """A file whose large payloads (pictures, scans) are read as views of its one copy, not copied.

    The difference analysis visits every object of a file once per signature; copies would cost the file's size again.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._whole = memoryview(data)

    def read(self, size: int | None = -1, /) -> Any:
        """Bytes, or a view of them from ``_LARGE`` on."""
        if size is None or size < _LARGE:
            return super().read(size)
        start = self.tell()
        return self._whole[start : self.seek(min(start + size, len(self._whole)))]


def _open(data: bytes) -> tuple[PdfFileReader, bool]:
    """A reader, and whether the file keeps the strict rules (hybrid files show different readers different pages)."""
    if b"%PDF-" not in data[:1024]:
        raise BadInput(N_("Tệp này không phải là PDF"))
    for strict in (True, False):
        try:
            reader = PdfFileReader(_Views(data) if len(data) > _LARGE_FILE else io.BytesIO(data), strict=strict)
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
        embedded = EmbeddedPdfSignature(reader, field, name)
        algorithm = embedded.external_md_algorithm
        _, digest = byte_range_digest(reader.stream, embedded.byte_range, algorithm, chunk_size=_CHUNK)
        embedded.external_digests[algorithm] = digest  # pyHanko's own place for it: computed once
        return embedded
    except Exception as error:  # noqa: BLE001 - hostile structures make the parser raise anything
        log.warning("the signature in field %r cannot be read: %r", name, error)
        return None


UNREADABLE = N_("Chữ ký số bị hỏng, không đọc được")


def _broken(name: str, reason: str = UNREADABLE) -> SignatureReport:
    checks = (Check("integrity", "fail", reason),)
    return SignatureReport(name, "", "", "", "", "", "invalid", [reason], "partial", [], checks=checks)


def _judged(embedded: EmbeddedPdfSignature, look: _Look, proof: Proof) -> tuple[SignatureReport, Proof]:
    """The report of one signature, and the proof for what lies below it; what cannot be evaluated is invalid."""
    try:
        if embedded.sig_object_type == "/DocTimeStamp":
            return _timestamp(embedded, look, proof)
        return _signature(embedded, look, proof), proof
    except Exception as error:  # noqa: BLE001 - likewise
        log.warning("the signature in field %r cannot be judged: %r", embedded.field_name, error)
        return _broken(embedded.field_name), proof


def _signature(embedded: EmbeddedPdfSignature, look: _Look, proof: Proof) -> SignatureReport:
    status = asyncio.run(async_validate_pdf_signature(embedded, look.context()))
    others = list(embedded.other_embedded_certs)
    certificate, signed_at = status.signing_cert, status.signer_reported_dt
    inner = inner_stamp(status, embedded, look.trust, proof)
    own = proof.by_inner(inner.stamp) if inner else proof
    judged = weak_hash(embedded.signer_info) or _certificate_standing(certificate, others, look.trust, own, signed_at)
    checks = [*_content_checks(embedded, status, look), *certificate_checks(judged)]
    subject, issuer = certificate.subject.native, certificate.issuer.native
    return SignatureReport(
        field=embedded.field_name,
        signer_name=first(subject, "common_name", "organization_name"),
        signer_organ=first(subject, "organization_name", "organizational_unit_name"),
        issuer=first(issuer, "common_name", "organization_name"),
        serial=f"{certificate.serial_number:x}",
        signing_time=signed_at.astimezone(VN).isoformat() if signed_at else "",
        verdict=verdict_of(checks),
        reasons=reasons_of(checks),
        coverage=coverage_of(status),
        changes=changes(status, embedded.reader),
        certificate_until=certificate.not_valid_after.astimezone(VN).isoformat(),
        level=level_of(certificate, others, look.trust, own, inner),
        checks=tuple(checks),
        proven_at=own.stamp.at.astimezone(VN).isoformat() if own.stamp else "",
        stamped_by=own.stamp.authority if own.stamp else "",
        details=details_of(certificate, embedded.signer_info, own.material + look.lists, own.moment),
    )


def _content_checks(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, look: _Look) -> list[Check]:
    """What concerns the file: whole, signed by this key, covered, changed only as allowed, built by the rules."""
    untouched, covered = status.intact, coverage_of(status) != "partial"
    spoilt = modified(embedded, status, look.names, last=embedded.signed_revision == look.signed)
    structure = Check("structure", "pass")
    if not look.orderly:
        reason = N_("Cấu trúc tệp PDF không theo chuẩn nên không so sánh được các lần sửa đổi")
        structure = Check("structure", "unknown", reason)
    elif trailing(embedded, status, look.latest):
        structure = Check("structure", "unknown", N_("Có dữ liệu thừa nằm sau phần đã ký"))
        if smuggled(embedded):
            structure = Check("structure", "fail", N_("Có nội dung PDF lén nối vào sau phần đã ký"))
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
    proof: Proof,
    signed_at: datetime | None,
) -> Standing:
    """The certificate at the time the signature is known to have existed: a trusted stamp's, else now.

    When it had expired or been revoked by then but not yet at the stated signing time: 'unknown'. The stated time is
    the signer's own word, so it can lower a 'no' to 'not known', never raise it to a 'yes'; a stated time outside the
    certificate's validity is a 'no'.
    """
    if signed_at and not certificate.not_valid_before <= signed_at <= certificate.not_valid_after:
        return Standing("invalid", "expired", N_("Thời điểm ký nằm ngoài thời hạn hiệu lực của chứng thư số"))
    material = proof.material
    judged = standing(certificate, others, trust, proof.moment, material=material)
    if judged.code in ("expired", "revoked") and signed_at and signed_at < proof.moment:
        if standing(certificate, others, trust, signed_at, material=material).verdict == "invalid":
            return judged
        later = N_("; thời điểm ký do người ký khai, chưa có dấu thời gian chứng minh văn bản được ký trước đó")
        return Standing("unknown", judged.code, judged.reason + later)
    return judged


def _timestamp(embedded: EmbeddedPdfSignature, look: _Look, proof: Proof) -> tuple[SignatureReport, Proof]:
    """A document time stamp, judged when the next newer one proves it; when it holds, it proves what it covers."""
    status = asyncio.run(async_validate_pdf_timestamp(embedded, look.context()))
    judged = standing(
        status.signing_cert,
        embedded.other_embedded_certs,
        look.trust,
        proof.moment,
        material=proof.material,
        purpose=STAMPING,
    )
    covered = coverage_of(status) != "partial"
    checks = [
        Check("integrity", "pass") if status.intact and status.valid else Check("integrity", "fail", CHANGED),
        Check("coverage", "pass") if covered else Check("coverage", "fail", NOT_COVERED),
        *certificate_checks(_stamp_standing(judged)),
    ]
    subject = status.signing_cert.subject.native
    report = SignatureReport(
        field=embedded.field_name,
        signer_name=first(subject, "common_name", "organization_name"),
        signer_organ=first(subject, "organization_name"),
        issuer=first(status.signing_cert.issuer.native, "common_name", "organization_name"),
        serial=f"{status.signing_cert.serial_number:x}",
        signing_time=status.timestamp.astimezone(VN).isoformat(),
        verdict=verdict_of(checks),
        reasons=reasons_of(checks),
        coverage=coverage_of(status),
        changes=[],
        certificate_until=status.signing_cert.not_valid_after.astimezone(VN).isoformat(),
        kind="timestamp",
        level="",
        checks=tuple(checks),
        proven_at=proof.stamp.at.astimezone(VN).isoformat() if proof.stamp else "",
        stamped_by=proof.stamp.authority if proof.stamp else "",
        details=details_of(status.signing_cert, embedded.signer_info, proof.material + look.lists, proof.moment),
    )
    if report.verdict != "valid" or status.timestamp > proof.moment + CLOCK_SLACK:
        return report, proof
    stamp = Stamp(status.timestamp, report.signer_name)
    return report, proof.by_document(stamp, read_dss(embedded.reader, embedded.signed_revision), status.signing_cert)


def _stamp_standing(judged: Standing) -> Standing:
    """A stamp of a service that is not (or no longer) trusted proves nothing; it does not make the file bad."""
    if judged.verdict == "invalid" and judged.code in ("untrusted", "expired"):
        reason = N_("Dấu thời gian không do tổ chức được tin cậy cấp") if judged.code == "untrusted" else judged.reason
        return Standing("unknown", judged.code, reason)
    return judged
