"""Article 3 as a function of what validation said."""

from __future__ import annotations

import json

import pytest

from appliance.office.legal_value import VALUES, legal_value


def _file(verdict: str | None) -> dict[str, str]:
    return {"signatures": "[]" if verdict is None else json.dumps({"verdict": verdict, "signatures": []})}


@pytest.mark.parametrize(
    ("verdicts", "value"),
    [
        (["valid"], "full"),
        (["valid", "valid"], "full"),
        (["valid", "unsigned"], "reference"),
        (["valid", None], "reference"),
        (["invalid"], "reference"),
        (["unknown"], "unknown"),
        (["valid", "unknown"], "unknown"),
        (["unknown", "invalid"], "reference"),
        ([], "reference"),
    ],
)
def test_only_documents_whose_every_signature_holds_are_worth_paper(verdicts: list[str | None], value: str) -> None:
    assert legal_value([_file(verdict) for verdict in verdicts]) == value
    assert VALUES[value]
