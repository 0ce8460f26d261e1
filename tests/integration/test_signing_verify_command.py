"""`tram verify` on any PDF: the same verdict as the pages give, as text, as JSON, as exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.signing.report import CHECKS
from provisioning.cli import main
from tests.drafts import make_draft
from tests.signing_fixtures import LEADER, ORGAN, Signing


@pytest.fixture(scope="module")
def sealed(signing: Signing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("verify") / "Quyết định.pdf"
    file.write_bytes(signing.sealed())
    return file


def _run(capsys: pytest.CaptureFixture[str], file: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    status = main(["verify", str(file), "--json", *arguments])
    return status, json.loads(capsys.readouterr().out)


def _trust(signing: Signing, *, lists: bool = True) -> list[str]:
    folder = signing.authority.trust
    arguments = ["--trust", str(folder / "root.pem")]
    for crl in sorted(folder.glob("*.crl")) if lists else ():
        arguments += ["--crl", str(crl)]
    return arguments


def test_a_good_document_is_valid_with_every_check_named(
    capsys: pytest.CaptureFixture[str],
    sealed: Path,
    signing: Signing,
) -> None:
    status, result = _run(capsys, sealed, *_trust(signing))
    assert (status, result["verdict"]) == (0, "valid")
    assert [one["signer_name"] for one in result["signatures"]] == [LEADER, ORGAN]
    for one in result["signatures"]:
        assert {check["name"] for check in one["checks"]} == set(CHECKS)
        assert {check["result"] for check in one["checks"]} == {"pass"}
        assert one["level"] == "B-B"
        assert one["signing_time"].endswith("+07:00")
    assert [one["coverage"] for one in result["signatures"]] == ["revision", "whole"]


def test_without_revocation_lists_it_is_unknown_and_says_so(
    capsys: pytest.CaptureFixture[str],
    sealed: Path,
    signing: Signing,
) -> None:
    status, result = _run(capsys, sealed, *_trust(signing, lists=False))
    assert (status, result["verdict"]) == (2, "unknown")
    checks = {check["name"]: check for check in result["signatures"][0]["checks"]}
    assert checks["chain"]["result"] == "pass"
    assert checks["revocation"]["result"] == "unknown"
    assert "thu hồi" in checks["revocation"]["reason"]


def test_an_unknown_root_fails_the_chain(capsys: pytest.CaptureFixture[str], sealed: Path) -> None:
    status, result = _run(capsys, sealed)
    assert (status, result["verdict"]) == (1, "invalid")
    failed = [check["name"] for check in result["signatures"][0]["checks"] if check["result"] == "fail"]
    assert failed == ["chain"]


def test_a_flipped_byte_fails_integrity(
    capsys: pytest.CaptureFixture[str],
    sealed: Path,
    signing: Signing,
    tmp_path: Path,
) -> None:
    data = bytearray(sealed.read_bytes())
    data[data.index(b"stream") + 40] ^= 1  # in the page's text
    flipped = tmp_path / "flipped.pdf"
    flipped.write_bytes(data)
    status, result = _run(capsys, flipped, *_trust(signing))
    assert (status, result["verdict"]) == (1, "invalid")
    for one in result["signatures"]:
        assert one["checks"][0] == {
            "name": "integrity",
            "result": "fail",
            "reason": "NỘI DUNG ĐÃ BỊ THAY ĐỔI sau khi ký",
        }


def test_a_torn_file_is_invalid_and_an_unsigned_one_unknown(
    capsys: pytest.CaptureFixture[str], sealed: Path, tmp_path: Path
) -> None:
    torn, unsigned = tmp_path / "torn.pdf", tmp_path / "unsigned.pdf"
    torn.write_bytes(sealed.read_bytes()[:50_000])
    unsigned.write_bytes(make_draft())
    assert _run(capsys, torn)[0] == 1
    status, result = _run(capsys, unsigned)
    assert (status, result["verdict"], result["signatures"]) == (2, "unknown", [])
    assert result["reason"]


def test_as_of_a_time_before_the_certificate_it_is_not_valid(
    capsys: pytest.CaptureFixture[str],
    sealed: Path,
    signing: Signing,
) -> None:
    status, result = _run(capsys, sealed, *_trust(signing), "--at", "2020-01-01T08:00:00")
    assert status != 0
    assert result["at"] == "2020-01-01T08:00:00+07:00"


def test_the_text_is_for_people(
    capsys: pytest.CaptureFixture[str],
    sealed: Path,
    signing: Signing,
) -> None:
    assert main(["verify", str(sealed), *_trust(signing)]) == 0
    said = capsys.readouterr().out
    assert "HỢP LỆ" in said
    assert "✓ Chứng thư số không bị thu hồi" in said


def test_a_file_that_is_not_there_is_no_verdict(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["verify", str(tmp_path / "missing.pdf")]) == 3
    assert "missing.pdf" in capsys.readouterr().err


def test_wrong_use_is_no_verdict_either(capsys: pytest.CaptureFixture[str], sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "anchor.pem").write_bytes(b"no certificate")
    assert main(["verify", str(sealed), "--trust", str(tmp_path / "anchor.pem")]) == 3
    assert "anchor.pem" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["verify", str(sealed), "--at", "gần đây"])
    assert stopped.value.code == 3


def test_a_further_authority_may_be_named_and_der_will_do(
    capsys: pytest.CaptureFixture[str], sealed: Path, signing: Signing, tmp_path: Path
) -> None:
    root = tmp_path / "root.der"
    root.write_bytes(signing.authority.root.public_bytes(Encoding.DER))
    folder = signing.authority.trust
    more = ["--trust", str(root), "--cert", str(folder / "intermediate.pem")]
    lists = [part for crl in folder.glob("*.crl") for part in ("--crl", str(crl))]
    assert _run(capsys, sealed, *more, *lists)[0] == 0


def test_several_files_may_follow_one_flag_and_the_pdf_may_come_last(
    capsys: pytest.CaptureFixture[str], sealed: Path, signing: Signing, tmp_path: Path
) -> None:
    folder = signing.authority.trust
    lists = [str(crl) for crl in folder.glob("*.crl")]
    root, further = str(folder / "root.pem"), str(folder / "intermediate.pem")
    assert _run(capsys, sealed, "--crl", *lists, "--cert", further, "--trust", root)[0] == 0
    nameless = tmp_path / "van-ban"
    nameless.write_bytes(sealed.read_bytes())
    for file in (sealed, nameless):
        assert main(["verify", "--cert", further, "--crl", *lists, "--trust", root, str(file)]) == 0
    for wrong in (["--trust", root], [str(sealed), "--unheard-of"]):
        with pytest.raises(SystemExit) as stopped:
            main(["verify", *wrong])
        assert stopped.value.code == 3
