"""The whole way: draft, leader's signature, number, date and seal, on real tokens through the real signer."""

from __future__ import annotations

import subprocess
from pathlib import Path

from appliance.signing.validate import validate
from tests.signing_fixtures import Signing, signing  # noqa: F401


def test_both_signatures_are_valid_and_the_changes_are_said(signing: Signing) -> None:  # noqa: F811
    report = validate(signing.sealed(), signing.trust)
    assert report.verdict == "valid", report
    leader, seal = report.signatures
    assert (leader.field, seal.field) == ("ChuKyLanhDao", "ConDau")
    assert leader.changes == ["Đã điền số; đã điền ngày; đã đóng dấu; không có thay đổi nào khác"]
    assert seal.changes == ["Không có thay đổi nào sau chữ ký này"]
    assert (leader.coverage, seal.coverage) == ("revision", "whole")


def test_pdfsig_agrees(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "sealed.pdf"
    file.write_bytes(signing.sealed())
    said = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.count("Signature is Valid.") == 2, said
