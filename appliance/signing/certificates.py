"""Judging a signer's certificate: chain, validity, purpose, revocation (Thông tư 15/2025/TT-BKHCN, annex II)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509
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
from appliance.signing.report import NOT_REACHED, Check
from appliance.signing.token import TokenKey
from appliance.signing.trust import TrustStore

PURPOSE = frozenset({"non_repudiation"})
_LEAST_BITS = {"rsa": 2048, "ec": 256}

# Which certificates must be on no revocation list, by a fresh list. pyHanko's named modes look at certificates that
# declare a list's address only; the lists of an offline office lie in a folder instead.
_LISTED, _UNLISTED = RevocationCheckingRule.CRL_REQUIRED, RevocationCheckingRule.NO_CHECK
_WHOLE_CHAIN = RevocationCheckingPolicy(_LISTED, _LISTED)
_SIGNER_ONLY = RevocationCheckingPolicy(_LISTED, _UNLISTED)
_NO_LISTS = RevocationCheckingPolicy(_UNLISTED, _UNLISTED)

UNCHECKED = N_("Chưa kiểm tra được tình trạng thu hồi của chứng thư số")
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
    certificate: x509.Certificate, others: Iterable[x509.Certificate], trust: TrustStore, moment: datetime
) -> Standing:
    """Judge ``certificate`` at ``moment``. ``others``: certificates that came with it.

    Without a fresh revocation list for every authority of the chain the best verdict is 'unknown'. Must not be called
    inside a running event loop.
    """
    if weak := _weak(certificate):
        return weak
    extra = [*others, *trust.intermediates]
    judged = _judged(certificate, extra, trust, moment, _WHOLE_CHAIN)
    if judged.code == "unchecked":
        # a missing list must not hide what is known for certain: the signer revoked, the chain or the purpose wrong
        for rules in (_SIGNER_ONLY, _NO_LISTS):
            if (certain := _judged(certificate, extra, trust, moment, rules)).verdict == "invalid":
                return certain
    return judged


def _judged(
    certificate: x509.Certificate,
    extra: list[x509.Certificate],
    trust: TrustStore,
    moment: datetime,
    rules: RevocationCheckingPolicy,
) -> Standing:
    context = ValidationContext(
        trust_roots=list(trust.roots),
        other_certs=extra,
        moment=moment,
        crls=list(trust.crls),
        allow_fetching=False,
        # a list published after the signature knows more, not less
        revinfo_policy=CertRevTrustPolicy(rules, retroactive_revinfo=True),
    )
    validator = CertificateValidator(certificate, extra, validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage(set(PURPOSE)))  # type: ignore[no-untyped-call]
    except PathBuildingError:
        return Standing("invalid", "untrusted", N_("Chứng thư số không do tổ chức được tin cậy cấp"))
    except RevokedError as error:
        when = error.revocation_dt.astimezone(VN)
        return Standing("invalid", "revoked", N_("Chứng thư số đã bị thu hồi lúc %s") % f"{when:%H:%M ngày %d/%m/%Y}")
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
        return Standing("invalid", "purpose", N_("Chứng thư số không được cấp để ký văn bản"))
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
    if algorithm in _LEAST_BITS and certificate.public_key.bit_size >= _LEAST_BITS[algorithm]:
        return None
    return Standing("invalid", "weak", N_("Khóa của chứng thư số quá ngắn hoặc dùng thuật toán không được phép"))


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
