"""Making a signed file last: validation data (DSS) and a time stamp over the whole file, by incremental update.

What was signed is not touched (ISO 32000-2, 12.8.4; ETSI EN 319 142-1, 5.5 and 6.3). The same step, done again over an
extended file before the last stamp ages, renews it.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter

from appliance.errors import N_, BadInput, RuleRefused, Unavailable
from appliance.signing.algorithms import POLICY
from appliance.signing.certificates import named_chain
from appliance.signing.evidence_line import EvidenceLine
from appliance.signing.material import Material, answers, list_times, read_dss
from appliance.signing.report import LEVELS, Report
from appliance.signing.timestamps import LineStamper, embedded
from appliance.signing.trust import TrustStore
from appliance.signing.validate import validate

DIGEST = "sha256"
LASTS_UNTIL = {int(bits): datetime.combine(day, time(), UTC) for bits, day in POLICY["stamps_last_until"].items()}
"""``algorithms.toml``: length of a time-stamp service's RSA key → until when a stamp by it counts."""
LEAST_REST = timedelta(days=90)
"""A renewal that can give nothing better than the last stamp is not tried again before."""


@dataclass(frozen=True)
class Extended:
    """A file that lasts longer: its bytes, what a check says of it, the worst of its signatures' levels, the time of
    its newest stamp, when the stamp should be renewed at the latest, and the revocation data put in.
    """

    data: bytes
    report: Report
    level: str
    stamped_at: datetime
    lasts_until: datetime
    material: Material


def extend(data: bytes, *, trust: TrustStore, line: EvidenceLine, now: Callable[[], datetime]) -> Extended:
    """Add validation data for every signature and stamp, and a new time stamp over everything.

    The result has been validated. Raises Unavailable when the time-stamp service or revocation data cannot be had now
    (try again later), RuleRefused when the signatures do not hold, BadInput for a file that takes no update.
    """
    known = gather(data, trust, line)
    stamper = LineStamper(line, trust, now, known)
    try:
        sample = asyncio.run(stamper.async_dummy_response(DIGEST))
        known += gather_for(embedded(sample), trust, line)
        result = _written(data, known, stamper)
    except TimestampRequestError as error:
        raise Unavailable(N_("Chưa lấy được dấu thời gian"), next_step=N_("Trạm sẽ tự thử lại")) from error
    except (PdfError, SigningError, ValueError, KeyError, TypeError) as error:
        raise BadInput(N_("Không bổ sung được dữ liệu kiểm tra vào tệp PDF")) from error
    return _accepted(result, known, trust, now())


def gather(data: bytes, trust: TrustStore, line: EvidenceLine) -> Material:
    """What it takes to check every signature and stamp in ``data``; also what is kept with the document.

    Raises BadInput for a file that cannot be read.
    """
    certificates: list[x509.Certificate] = []
    try:
        reader = PdfFileReader(io.BytesIO(data))
        for signature in reader.embedded_signatures:
            certificates += [signature.signer_cert, *signature.other_embedded_certs]
            for token in extract_tst_data_iter(signature.signer_info, signed=False):
                certificates += [choice.chosen for choice in token["certificates"] if choice.name == "certificate"]
    except Exception as error:  # hostile structures make the parser raise anything
        raise BadInput(N_("Không đọc được chữ ký số trong tệp PDF")) from error
    return gather_for(certificates, trust, line, read_dss(reader))


def gather_for(
    certificates: Iterable[x509.Certificate], trust: TrustStore, line: EvidenceLine, had: Material | None = None
) -> Material:
    """Chains of ``certificates`` and the newest revocation data about them: fetched, in the folder, or had already."""
    given = list(certificates)
    authorities = [*given, *trust.intermediates]
    chains: dict[bytes, x509.Certificate] = {}
    for certificate in given:
        chains.update({one.dump(): one for one in named_chain(certificate, authorities)})
    wanted = list(chains.values())
    found = line.revocation(wanted) + Material(crls=trust.crls) + (had or Material())
    # The root too: a strict validator (ETSI EN 319 102-1, 5.6.2) looks for the lists' signers in the file only.
    issuers = {one.issuer.dump() for one in wanted}
    roots = [root for root in trust.roots if root.subject.dump() in issuers]
    return Material((*wanted, *roots), *_newest(found, wanted))


def _newest(
    found: Material, wanted: list[x509.Certificate]
) -> tuple[tuple[crl.CertificateList, ...], tuple[ocsp.OCSPResponse, ...]]:
    """One list per authority and one answer per certificate: those that know most."""
    issuers, serials = {one.issuer.dump() for one in wanted}, {one.serial_number for one in wanted}
    lists: dict[bytes, crl.CertificateList] = {}
    for entry in sorted(found.crls, key=lambda one: list_times(one)[0]):
        if entry.issuer.dump() in issuers:
            lists[entry.issuer.dump()] = entry
    replies: dict[int, tuple[datetime, ocsp.OCSPResponse]] = {}
    for response in found.ocsps:
        for serial, said, _ in answers(response):
            if serial in serials and (serial not in replies or replies[serial][0] < said):
                replies[serial] = (said, response)
    return tuple(lists.values()), tuple(response for _, response in replies.values())


def _written(data: bytes, known: Material, stamper: LineStamper) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    DocumentSecurityStore.supply_dss_in_writer(
        writer, None, certs=known.certificates, ocsps=known.ocsps, crls=known.crls
    )
    out = io.BytesIO()
    PdfTimeStamper(stamper).timestamp_pdf(writer, DIGEST, output=out)
    return out.getvalue()


def _accepted(data: bytes, known: Material, trust: TrustStore, now: datetime) -> Extended:
    """The last look at our own work: every signature and the new stamp must hold."""
    report = validate(data, trust, at=now)
    signatures = [one for one in report.signatures if one.kind == "signature"]
    stamps = [one for one in report.signatures if one.kind == "timestamp"]
    if report.verdict == "unknown":
        raise Unavailable(
            N_("Chưa đủ dữ liệu kiểm tra chứng thư số: %(reasons)s"),
            next_step=N_("Trạm sẽ tự thử lại khi lấy được danh sách thu hồi mới"),
            reasons=_reasons(report),
        )
    if report.verdict != "valid" or not stamps or not signatures:
        raise RuleRefused(N_("Chữ ký số trên tệp không hợp lệ: %(reasons)s"), reasons=_reasons(report))
    newest = PdfFileReader(io.BytesIO(data)).embedded_timestamp_signatures[-1]
    authority = newest.signer_cert
    until = authority.not_valid_after
    if authority.public_key.algorithm == "rsa":
        until = min(until, LASTS_UNTIL.get(authority.public_key.bit_size, until))
    order = list(LEVELS)
    return Extended(
        data=data,
        report=report,
        level=min((one.level for one in signatures), key=order.index),
        stamped_at=datetime.fromisoformat(stamps[-1].signing_time),
        lasts_until=max(until, now + LEAST_REST),
        material=known,
    )


def _reasons(report: Report) -> str:
    return "; ".join(dict.fromkeys(reason for one in report.signatures for reason in one.reasons))
