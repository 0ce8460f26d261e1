"""The reason a person gives for a step back, the same for documents and devices."""

from __future__ import annotations

from appliance.errors import N_, BadInput
from appliance.regulation import rules
from appliance.store.text import nfc


def reason_text(reason: str) -> str:
    """A reason in normal form. Raises BadInput when it is empty or too long."""
    text = nfc(reason)
    if not text or len(text) > rules.REASON_MAX:
        raise BadInput(N_("Phải ghi lý do."), next_step=N_("Ghi rõ, không quá 500 ký tự."))
    return text
