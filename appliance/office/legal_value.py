"""The legal value of an incoming document (article 3): as paper when its signatures hold, else "for information"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from appliance.errors import N_

VALUES: dict[str, str] = {
    "full": N_("Có giá trị như văn bản giấy"),
    "reference": N_("Để biết, tham khảo; không thay văn bản giấy"),
    "unknown": N_("Chưa kết luận được: chưa kiểm tra đủ chữ ký số"),
}


def legal_value(files: Iterable[Mapping[str, Any]]) -> str:
    """'full', 'reference' or 'unknown' for the attachments of a document (rows of ``incoming_file``).

    Every file must carry signatures that hold: one that lies in a file of its own is signed too (article 6.2b). What
    could not be established is 'unknown', never 'full'.
    """
    verdicts = {_verdict(file["signatures"]) for file in files}
    if not verdicts or verdicts & {"invalid", "unsigned"}:
        return "reference"
    return "full" if verdicts == {"valid"} else "unknown"


def _verdict(signatures: str) -> str:
    """The verdict kept with a file; a file that was not looked at (no PDF) has no signatures."""
    report = json.loads(signatures)
    return str(report["verdict"]) if isinstance(report, dict) else "unsigned"
