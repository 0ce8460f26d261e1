"""Judging a signer's certificate: chain, validity, purpose, revocation (Thông tư 15/2025/TT-BKHCN, annex II)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import CertificateRevocationList, load_der_x509_certificate, load_der_x509_crl
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    InvalidCertificateError,
    NotYetValidError,
    PathBuildingError,
    RevokedError,
    StaleRevinfoError,
    ValidationError,
)
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule

from appliance.clock import VN
from appliance.errors import N_, RuleRefused
from appliance.signing.algorithms import LEAST_BITS
from appliance.signing.material import NOTHING, Material
from appliance.signing.report import NOT_REACHED, Check
from appliance.signing.token import TokenKey
from appliance.signing.trust import TrustStore

SIGNING, STAMPING = "signing", "stamping"
"""What a certificate is used for: a person's or an organ's signature; a time stamp (RFC 3161)."""
_USAGES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    SIGNING: (frozenset({"non_repudiation"}), frozenset()),
    STAMPING: (frozenset(), frozenset({"time_stamping"})),
}
_HASHES = frozenset(
    {"sha224", "sha256", "sha384", "sha512", "sha512_256", "sha3_224", "sha3_256", "sha3_384", "sha3_512"}
)

# Which certificates must be on no revocation list, by a fresh list. pyHanko's named modes look at certificates that
# declare a list's address only; the lists of an offline office lie in a folder instead.
_LISTED, _UNLISTED = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.NO_CHECK
_WHOLE_CHAIN = RevocationCheckingPolicy(_LISTED, _LISTED)
_SIGNER_ONLY = RevocationCheckingPolicy(_LISTED, _UNLISTED)
_NO_LISTS = RevocationCheckingPolicy(_UNLISTED, _UNLISTED)

UNTRUSTED = N_("Chứng thư số không do tổ chức được tin cậy cấp")
UNCHECKED = N_("Chưa kiểm tra được tình trạng thu hồi của chứng thư số")
_WRONG_PURPOSE = {
    SIGNING: N_("Chứng thư số không được cấp để ký văn bản"),
    STAMPING: N_("Chứng thư số không được cấp để đóng dấu thời gian"),
}
STALE = N_("Chưa kiểm tra được tình trạng thu hồi của chứng thư số: danh sách thu hồi đang có đã quá hạn")


@dataclass(frozen=True)
class Standing:
    """``verdict``: 'valid', 'invalid' or 'unknown'; ``code``: '' or one of expired, not_yet, revoked, untrusted,
    purpose, weak, unchecked, broken; ``reason``: the Vietnamese sentence for a verdict other than 'valid'.
    """

    verdict: str
    code: str = ""
    reason: str = ""


def standing(
    certificate: x509.Certificate,
    others: Iterable[x509.Certificate],
    trust: TrustStore,
    moment: datetime,
    *,
    material: Material = NOTHING,
    purpose: str = SIGNING,
    cached: bool = True,
) -> Standing:
    """Judge ``certificate`` at ``moment``. ``others``: certificates that came with it; ``material``: revocation data
    besides the folder's (``cached`` False: instead of it).

    Without fresh revocation data for every authority of the chain the best verdict is 'unknown'. Must not be called
    inside a running event loop.
    """
    if weak := _weak(certificate):
        return weak
    if certificate.self_issued and certificate not in trust.roots:
        return Standing("invalid", "untrusted", UNTRUSTED)
    # each once: most files bring along what the folder has, and paths are built through every copy
    authorities = list({one.dump(): one for one in (*others, *trust.intermediates, *material.certificates)}.values())
    known = material + Material(crls=trust.crls) if cached else material
    if revoked := _listed(certificate, [*authorities, *trust.roots], known, moment):
        return revoked
    usable = known.proper(named_chain(certificate, authorities))
    case = _Case(certificate, authorities, trust, moment, usable, purpose)
    judged = _judged(case, _WHOLE_CHAIN)
    if judged.code == "unchecked":
        # missing data must not hide what is known for certain: the signer revoked, the chain or the purpose wrong
        for rules in (_SIGNER_ONLY, _NO_LISTS):
            if (certain := _judged(case, rules)).verdict == "invalid":
                return certain
    return judged


@dataclass(frozen=True)
class _Case:
    """One certificate to be judged, with everything that may be used for it."""

    certificate: x509.Certificate
    authorities: list[x509.Certificate]
    trust: TrustStore
    moment: datetime
    material: Material
    purpose: str


def _listed(
    certificate: x509.Certificate, authorities: list[x509.Certificate], known: Material, moment: datetime
) -> Standing | None:
    """Revoked by any list its issuer has signed, fresh or not, whatever a later answer says: a 'no' stays one."""
    for entry in known.crls:
        if entry.issuer != certificate.issuer:
            continue
        read = load_der_x509_crl(entry.dump())
        named = read.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if named is None or named.revocation_date_utc > moment or not signed_by(read, authorities):
            continue
        return _revoked(named.revocation_date_utc)
    return None


def signed_by(entry: CertificateRevocationList, authorities: Iterable[x509.Certificate]) -> bool:
    """Whether one of ``authorities`` has signed the list."""
    issuer = entry.issuer.public_bytes()
    for authority in authorities:
        if authority.subject.dump() != issuer:
            continue
        key = load_der_x509_certificate(authority.dump()).public_key()
        if isinstance(key, RSAPublicKey | EllipticCurvePublicKey) and entry.is_signature_valid(key):
            return True
    return False


def _revoked(when: datetime) -> Standing:
    text = f"{when.astimezone(VN):%H:%M ngày %d/%m/%Y}"
    return Standing("invalid", "revoked", N_("Chứng thư số đã bị thu hồi lúc %s") % text)


def named_chain(certificate: x509.Certificate, authorities: list[x509.Certificate]) -> list[x509.Certificate]:
    """The certificate and the authorities above it below the root, by their names alone."""
    by_name = {authority.subject.dump(): authority for authority in authorities}
    chain = [certificate]
    while (above := by_name.get(chain[-1].issuer.dump())) and above not in chain:
        chain.append(above)
    return [one for one in chain if not one.self_issued]


def _judged(case: _Case, rules: RevocationCheckingPolicy) -> Standing:
    certificate = case.certificate
    context = ValidationContext(
        trust_roots=list(case.trust.roots),
        other_certs=case.authorities,
        moment=case.moment,
        crls=list(case.material.crls),
        ocsps=list(case.material.ocsps),
        allow_fetching=False,
        # a list published after the signature knows more, not less
        revinfo_policy=CertRevTrustPolicy(rules, retroactive_revinfo=True),
    )
    validator = CertificateValidator(certificate, case.authorities, validation_context=context)
    key_usage, extended = _USAGES[case.purpose]
    try:
        asyncio.run(validator.async_validate_usage(set(key_usage), set(extended)))  # type: ignore[no-untyped-call]
    except PathBuildingError:
        return Standing("invalid", "untrusted", UNTRUSTED)
    except RevokedError as error:
        return _revoked(error.revocation_dt)
    except ExpiredError:
        until = certificate.not_valid_after.astimezone(VN)
        return Standing("invalid", "expired", N_("Chứng thư số đã hết hạn ngày %s") % f"{until:%d/%m/%Y}")
    except NotYetValidError:
        since = certificate.not_valid_before.astimezone(VN)
        reason = N_("Chứng thư số chưa có hiệu lực, bắt đầu từ ngày %s") % f"{since:%d/%m/%Y}"
        return Standing("invalid", "not_yet", reason)
    except DisallowedAlgorithmError:
        return Standing("invalid", "weak", N_("Chứng thư số dùng thuật toán không còn an toàn"))
    except InvalidCertificateError:
        return Standing("invalid", "purpose", _WRONG_PURPOSE[case.purpose])
    except StaleRevinfoError:
        return Standing("unknown", "unchecked", STALE)
    except InsufficientRevinfoError:
        return Standing("unknown", "unchecked", UNCHECKED)
    except ValidationError:
        return Standing("invalid", "broken", N_("Chứng thư số hoặc đường dẫn chứng thực không hợp lệ"))
    return Standing("valid")


# Which criterion a code belongs to, in the order they are judged: after one fails the later ones are not reached.
_CRITERIA = ("algorithm", "chain", "purpose", "validity", "revocation")
_CRITERION = {
    "weak": "algorithm",
    "untrusted": "chain",
    "broken": "chain",
    "purpose": "purpose",
    "expired": "validity",
    "not_yet": "validity",
    "revoked": "revocation",
    "unchecked": "revocation",
}


def certificate_checks(judged: Standing) -> list[Check]:
    """A standing as the criteria of the report."""
    if judged.verdict == "valid":
        return [Check(name, "pass") for name in _CRITERIA]
    at = _CRITERIA.index(_CRITERION[judged.code])
    result = "fail" if judged.verdict == "invalid" else "unknown"
    passed = [Check(name, "pass") for name in _CRITERIA[:at]]
    later = [Check(name, "unknown", NOT_REACHED) for name in _CRITERIA[at + 1 :]]
    return [*passed, Check(_CRITERIA[at], result, judged.reason), *later]


def _weak(certificate: x509.Certificate) -> Standing | None:
    """Key size by Thông tư 15/2025/TT-BKHCN, annex I."""
    algorithm = certificate.public_key.algorithm
    if algorithm in LEAST_BITS and certificate.public_key.bit_size >= LEAST_BITS[algorithm]:
        return None
    return Standing("invalid", "weak", N_("Khóa của chứng thư số quá ngắn hoặc dùng thuật toán không được phép"))


def weak_hash(signer: cms.SignerInfo) -> Standing | None:
    """A signature over a hash that Thông tư 15/2025/TT-BKHCN, annex I, does not allow (SHA-1, MD5)."""
    used = {signer["digest_algorithm"]["algorithm"].native}
    with contextlib.suppress(ValueError):  # plain RSA names no hash of its own
        used.add(signer["signature_algorithm"].hash_algo)
    if weak := used - _HASHES:
        names = ", ".join(sorted(name.upper().replace("SHA1", "SHA-1") for name in weak))
        return Standing("invalid", "weak", N_("Chữ ký số dùng hàm băm không còn an toàn (%s)") % names)
    return None


def check_before_signing(key: TokenKey, trust: TrustStore, at: datetime) -> x509.Certificate:
    """The certificate of ``key`` when one may sign with it at ``at``; raises RuleRefused with the reason.

    Expired, not yet valid, revoked, made for another purpose or not issued by a trusted authority: nobody signs.
    A list that is missing or old does not stop an office that is offline; the receiver sees 'unknown'.
    """
    certificate = x509.Certificate.load(key.certificate)
    judged = standing(certificate, (), trust, at)
    if judged.verdict == "invalid":
        raise RuleRefused(
            N_("Không ký được: %(reason)s"),
            next_step=N_("Báo cán bộ kỹ thuật kiểm tra chứng thư số của thiết bị, gia hạn hoặc cấp lại nếu cần"),
            reason=judged.reason[0].lower() + judged.reason[1:],
        )
    return certificate
