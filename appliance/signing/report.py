"""What a check of a PDF's signatures says, in the clerk's words (articles 15.3, 16)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

WORST_FIRST = ("invalid", "unknown", "valid")


@dataclass(frozen=True)
class SignatureReport:
    """One signature.

    ``field``: name of its form field; ``signer_name``, ``signer_organ``, ``issuer``: from the certificate;
    ``serial``: the certificate's serial, hexadecimal; ``signing_time``: ISO 8601 at +07:00 or '', as the signer
    states it; ``verdict``: 'valid', 'invalid' or 'unknown'; ``reasons``: why not valid, Vietnamese; ``coverage``:
    'whole' (nothing after it), 'revision' (later steps follow) or 'partial' (covers only pieces: never valid);
    ``changes``: what happened to the file after this signature, Vietnamese.
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
