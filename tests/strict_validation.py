"""pyHanko's ETSI EN 319 102-1 validation for long-term signatures (5.6), without a network.

As a program it judges ``file.pdf`` of a folder with what else lies there (``root.der``, ``*.crl``, ``*.ocsp``) by the
machine's clock, so that faketime can put it years ahead: pyHanko takes part of its times from that clock whatever time
it is told. Prints one line per signature.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy, FreshnessReqType
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer


def strict(
    data: bytes,
    roots: Sequence[x509.Certificate],
    *,
    at: datetime | None = None,
    lists: Sequence[crl.CertificateList] = (),
    answers: Sequence[ocsp.OCSPResponse] = (),
) -> list[tuple[str, str]]:
    """Each signature's outcome; told nothing but ``roots`` and what a validator of ``at`` (now) would fetch."""
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=list(roots)),
        revinfo_policy=CertRevTrustPolicy(
            REQUIRE_REVINFO,
            freshness=timedelta(days=40),
            freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION,
        ),
    )
    spec = SignatureValidationSpec(
        cert_validation_policy=policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=LocalKnowledge(
            known_crls=[CRLContainer(one) for one in lists],
            known_ocsps=[OCSPContainer(one) for one in answers],
        ),
    )
    timing = at and ValidationTimingInfo(validation_time=at, best_signature_time=at, point_in_time_validation=True)
    outcomes = []
    for embedded in PdfFileReader(io.BytesIO(data)).embedded_regular_signatures:
        done = asyncio.run(ades_lta_validation(embedded, PdfSignatureValidationSpec(spec), timing_info=timing))
        outcomes.append((type(done.ades_subindic).__name__, done.ades_subindic.name))
    return outcomes


def main(folder: Path) -> None:
    """See the module."""
    found = strict(
        (folder / "file.pdf").read_bytes(),
        [x509.Certificate.load((folder / "root.der").read_bytes())],
        lists=[crl.CertificateList.load(path.read_bytes()) for path in sorted(folder.glob("*.crl"))],
        answers=[ocsp.OCSPResponse.load(path.read_bytes()) for path in sorted(folder.glob("*.ocsp"))],
    )
    for kind, name in found:
        sys.stdout.write(f"{kind} {name}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
