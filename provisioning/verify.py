"""``tram verify``: the box's verdict on the signatures of any PDF, for people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.clock import VN
from appliance.errors import N_, BadInput
from appliance.signing.report import CHECKS, Report
from appliance.signing.trust import GivenTrust, TrustStore
from appliance.signing.validate import validate

EXIT = {"valid": 0, "invalid": 1, "unknown": 2}
_UNSIGNED = N_("Tệp không có chữ ký số nào")
VERDICTS = {"valid": N_("HỢP LỆ"), "invalid": N_("KHÔNG HỢP LỆ"), "unknown": N_("CHƯA KẾT LUẬN ĐƯỢC")}
_MARKS = {"pass": "✓", "fail": "✗", "unknown": "?"}


def verify(file: Path, trust: TrustStore, *, at: datetime | None, as_json: bool) -> int:
    """Print the verdict on ``file``; returns 0 valid, 1 invalid, 2 unknown (unsigned files too).

    Raises BadInput when the file cannot be read from the disk; one that is no readable PDF is a verdict: invalid.
    """
    moment = at or datetime.now(VN)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(N_("Không đọc được tệp %(name)s: %(error)s"), name=file.name, error=error.strerror) from error
    result: dict[str, Any] = {"file": file.name, "at": moment.isoformat(), "signatures": []}
    try:
        report = validate(data, trust, at=moment)
        unsigned = report.verdict == "unsigned"
        verdict, reason = ("unknown", _UNSIGNED) if unsigned else (report.verdict, "")
        result |= {"verdict": verdict, "reason": reason, "signatures": report.to_dict()["signatures"]}
    except BadInput as error:
        report = Report("invalid")
        result |= {"verdict": "invalid", "reason": str(error)}
    print(json.dumps(result, ensure_ascii=False, indent=2) if as_json else _text(result, report))
    return EXIT[str(result["verdict"])]


def given_trust(roots: Sequence[Path], intermediates: Sequence[Path], crls: Sequence[Path]) -> GivenTrust:
    """The anchors named on the command line. Raises ConfigError naming a file that cannot be read."""
    return GivenTrust(roots, intermediates, crls)


def _text(result: dict[str, Any], report: Report) -> str:
    lines = [f"{result['file']}: {VERDICTS[result['verdict']]}", *([result["reason"]] if result["reason"] else [])]
    for signature in report.signatures:
        named = ", ".join(part for part in (signature.field, signature.level) if part)
        lines.append(f"\n{signature.signer_name} ({named}) {signature.signing_time}")
        for check in signature.checks:
            reason = f": {check.reason}" if check.reason else ""
            lines.append(f"  {_MARKS[check.result]} {CHECKS[check.name]}{reason}")
        lines += [f"  → {change}" for change in signature.changes]
    return "\n".join(lines)
