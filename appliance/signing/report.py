"""What a check of a PDF's signatures says, in the clerk's words (articles 15.3, 16)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from appliance.errors import N_

WORST_FIRST = ("invalid", "unknown", "valid")


@dataclass(frozen=True)
class Check:
    """One criterion (Thông tư 15/2025/TT-BKHCN, annex II): ``name`` of ``CHECKS``, ``result`` 'pass', 'fail' or
    'unknown' (could not be established), ``reason`` in Vietnamese where it is no pass.
    """

    name: str
    result: str
    reason: str = ""


CHECKS: dict[str, str] = {
    "integrity": N_("Nội dung đã ký còn nguyên vẹn"),
    "key": N_("Chữ ký khớp với khóa của chứng thư số"),
    "coverage": N_("Chữ ký bao trùm nội dung tại thời điểm ký"),
    "changes": N_("Chỉ có các thay đổi được phép sau khi ký"),
    "structure": N_("Cấu trúc tệp theo chuẩn"),
    "algorithm": N_("Thuật toán và độ dài khóa được phép"),
    "chain": N_("Chứng thư số do tổ chức được tin cậy cấp"),
    "purpose": N_("Chứng thư số được cấp để ký văn bản"),
    "validity": N_("Chứng thư số còn hiệu lực khi ký"),
    "revocation": N_("Chứng thư số không bị thu hồi"),
}
"""The criteria in the order they are looked at, with their names for people."""


NOT_REACHED = N_("Không xét tiếp vì tiêu chí trước không đạt")


@dataclass(frozen=True)
class SignatureReport:
    """One signature.

    ``field``: name of its form field; ``signer_name``, ``signer_organ``, ``issuer``: from the certificate;
    ``serial``: the certificate's serial, hexadecimal; ``signing_time``: ISO 8601 at +07:00 or '', as the signer
    states it; ``verdict``: 'valid', 'invalid' or 'unknown'; ``reasons``: why not valid, Vietnamese; ``coverage``:
    'whole' (nothing after it), 'revision' (later steps follow) or 'partial' (covers only pieces: never valid);
    ``changes``: what happened to the file after this signature, Vietnamese; ``level``: the PAdES baseline level that
    the signature itself reaches ('B-B', 'B-T' with a time stamp inside it); ``checks``: each criterion's result.
    """

    field: str
    signer_name: str
    signer_organ: str
    issuer: str
    serial: str
    signing_time: str
    verdict: str
    reasons: list[str]
    coverage: str
    changes: list[str]
    certificate_until: str = ""
    kind: str = "signature"
    level: str = "B-B"
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole file: ``verdict`` is the worst of its signatures', or 'unsigned'."""

    verdict: str
    signatures: list[SignatureReport] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return asdict(self)


def summed_up(signatures: list[SignatureReport]) -> Report:
    """The report of a file with these signatures."""
    verdicts = {signature.verdict for signature in signatures}
    return Report(next((verdict for verdict in WORST_FIRST if verdict in verdicts), "unsigned"), signatures)


def verdict_of(checks: list[Check]) -> str:
    """'invalid' when one fails, 'unknown' when one could not be established, else 'valid'."""
    results = {check.result for check in checks}
    return "invalid" if "fail" in results else "unknown" if "unknown" in results else "valid"


def reasons_of(checks: list[Check]) -> list[str]:
    """Why not valid, without what was only not looked at any more."""
    return list(dict.fromkeys(check.reason for check in checks if check.reason and check.reason != NOT_REACHED))
