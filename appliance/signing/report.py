"""What a check of a PDF's signatures says, in the clerk's words (articles 15.3, 16)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from appliance.errors import N_
from appliance.signing.details import Details

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


LEVELS: dict[str, str] = {
    "B-B": N_("B-B: chữ ký cơ bản, chưa có dấu thời gian"),
    "B-B + DSS": N_("B-B, tệp có thêm dữ liệu kiểm tra"),
    "B-B + DTS": N_("B-B, tệp có thêm dấu thời gian"),
    "B-B + DSS + DTS": N_("B-B, tệp có thêm dữ liệu kiểm tra và dấu thời gian"),
    "B-T": N_("B-T: có dấu thời gian trong chữ ký"),
    "B-T + DTS": N_("B-T, tệp có thêm dấu thời gian"),
    "B-LT": N_("B-LT: có dấu thời gian trong chữ ký và dữ liệu kiểm tra"),
    "B-LT + DTS": N_("B-LT, tệp có thêm dấu thời gian lưu trữ"),
    "B-LTA": N_("B-LTA: có dấu thời gian trong chữ ký, dữ liệu kiểm tra và dấu thời gian lưu trữ"),
}
"""What a signature has besides itself, the least first. B-… are ETSI EN 319 142-1's baseline levels; a signature
without a time stamp of its own (made offline) keeps B-B in its name, because strict validation does not take a later
stamp over the file for the missing one. B-LT + DTS is not called B-LTA: the file carries revocation data of after a
certificate's end, which strict validation does not get past (``material.late``). DSS: validation data in the file;
DTS: a time stamp over the file (document time stamp)."""


NOT_REACHED = N_("Không xét tiếp vì tiêu chí trước không đạt")


@dataclass(frozen=True)
class SignatureReport:
    """One signature.

    ``field``: name of its form field; ``signer_name``, ``signer_organ``, ``issuer``: from the certificate;
    ``serial``: the certificate's serial, hexadecimal; ``signing_time``: ISO 8601 at +07:00 or '', as the signer
    states it; ``verdict``: 'valid', 'invalid' or 'unknown'; ``reasons``: why not valid, Vietnamese; ``coverage``:
    'whole' (nothing after it), 'revision' (later steps follow) or 'partial' (covers only pieces: never valid);
    ``changes``: what happened to the file after this signature, Vietnamese; ``level``: what is really there and
    holds, one of ``LEVELS`` ('' for a time stamp); ``checks``: each criterion's result; ``proven_at``: when a trusted
    time stamp proves that the signature existed, ISO 8601 at +07:00, or '' without such a stamp; ``stamped_by``: who
    says so; ``kind``: 'signature', or 'timestamp' for a time stamp over the whole file; ``details``: certificate,
    algorithms and revocation data, None when the signature cannot be read.
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
    proven_at: str = ""
    stamped_by: str = ""
    details: Details | None = None


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
