"""The validation report of a stored PDF, as the templates read it."""

from __future__ import annotations

from typing import Any

from appliance.office.desk import Desk
from appliance.signing.validate import validate


def report_of(desk: Desk, sha256: str) -> dict[str, Any]:
    """``{'verdict', 'signatures': [...]}`` of the file with this digest. Raises Unavailable when the file is lost."""
    report: dict[str, Any] = validate(desk.blobs.read(sha256), desk.trust).to_dict()
    return report
