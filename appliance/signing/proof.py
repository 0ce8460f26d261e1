"""When a signature is known to have existed, and by whose word (ETSI EN 319 102-1, 5.6: proof of existence).

A trusted time stamp over the file proves everything it covers: signatures, certificates, revocation data. A time
stamp inside a signature proves that signature. Certificates are then judged at that time, so that a signature outlives
its certificate; without a stamp they are judged now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from asn1crypto import x509
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.status import PdfSignatureStatus

from appliance.signing.certificates import STAMPING, standing
from appliance.signing.material import NOTHING, Material, late, list_times
from appliance.signing.trust import TrustStore

CLOCK_SLACK = timedelta(minutes=5)
"""How far a time stamp may be ahead of our own clock."""


@dataclass(frozen=True)
class Stamp:
    """A time stamp that holds: its time, and the name of the service."""

    at: datetime
    authority: str


@dataclass(frozen=True)
class Proof:
    """What is known about everything below a point of the file.

    ``moment``: it existed then (a stamp's time, or now); ``whole``: the revocation data of the whole file, believed
    only at the present moment, where an issuer with an expired certificate can no longer have signed it;
    ``covered``: the revocation data under a document time stamp that holds; ``stamp``: whose word it is;
    ``stampers``: the certificates of the document time stamps.
    """

    moment: datetime
    whole: Material
    covered: Material = NOTHING
    stamp: Stamp | None = None
    document: bool = False
    now: datetime | None = None
    stampers: tuple[x509.Certificate, ...] = ()

    @property
    def material(self) -> Material:
        """The revocation data that may be used at ``moment``."""
        if self.stamp is None:
            return self.whole
        return self.covered + self._still_fresh()

    def _still_fresh(self) -> Material:
        """Data of the file that no stamp covers and that is still current now: nobody has had time to forge it."""
        now = self.now or self.moment
        alive = {c.subject.dump() for c in self.whole.certificates if c.not_valid_before <= now <= c.not_valid_after}
        fresh = (one for one in self.whole.crls if one.issuer.dump() in alive and _current(list_times(one), now))
        return Material(self.whole.certificates, tuple(fresh))

    def by_document(self, stamp: Stamp, covered: Material, stamper: x509.Certificate) -> Proof:
        """Below a document time stamp that holds."""
        return replace(
            self,
            moment=min(stamp.at, self.moment),
            covered=self.covered + covered,
            stamp=stamp,
            document=True,
            stampers=(*self.stampers, stamper),
            now=self.now or self.moment,
        )

    def by_inner(self, stamp: Stamp) -> Proof:
        """Of a signature with a time stamp of its own that holds."""
        return replace(self, moment=min(stamp.at, self.moment), stamp=stamp, now=self.now or self.moment)


def _current(times: tuple[datetime, datetime | None], now: datetime) -> bool:
    return times[0] <= now + CLOCK_SLACK and times[1] is not None and now <= times[1]


@dataclass(frozen=True)
class Inner:
    """A time stamp inside a signature that holds."""

    stamp: Stamp
    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]


def inner_stamp(
    status: PdfSignatureStatus, embedded: EmbeddedPdfSignature, trust: TrustStore, proof: Proof
) -> Inner | None:
    """The signature's own time stamp, when it holds at ``proof``; None when it has none or none to be believed."""
    found = status.timestamp_validity
    if found is None or not (found.intact and found.valid) or found.timestamp > proof.moment + CLOCK_SLACK:
        return None
    token = next(extract_tst_data_iter(embedded.signer_info, signed=False))
    others = tuple(
        choice.chosen for choice in token["certificates"] if choice.name == "certificate" and choice.chosen is not None
    )
    certificate = found.signing_cert
    judged = standing(certificate, others, trust, proof.moment, material=proof.material, purpose=STAMPING)
    if judged.verdict != "valid":
        return None
    name = first(certificate.subject.native, "common_name", "organization_name")
    return Inner(Stamp(found.timestamp, name), certificate, others)


def level_of(
    certificate: x509.Certificate,
    others: list[x509.Certificate],
    trust: TrustStore,
    proof: Proof,
    inner: Inner | None,
) -> str:
    """What the signature has, by what really holds: see ``report.LEVELS``."""
    held = proof.covered or proof.whole
    complete = (
        bool(held)
        and standing(certificate, others, trust, proof.moment, material=held, cached=False).verdict == "valid"
    )
    if inner and complete:
        judged = standing(
            inner.certificate, inner.others, trust, inner.stamp.at, material=held, purpose=STAMPING, cached=False
        )
        complete = judged.verdict == "valid"
    if inner is None:
        return "B-B" + (" + DSS" if complete else "") + (" + DTS" if proof.document else "")
    if complete and proof.document:
        involved = [certificate, inner.certificate, *proof.stampers]
        return "B-LT + DTS" if late(proof.whole, involved) else "B-LTA"
    if complete:
        return "B-LT"
    return "B-T + DTS" if proof.document else "B-T"


def first(name: dict[str, object], *keys: str) -> str:
    """The first attribute a distinguished name has; several values are joined."""
    for key in keys:
        value = name.get(key)
        if value:
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return ""
