"""Signed offline, extended online, validated years later; and every way in which the services from outside fail."""

# ruff: noqa: F811 - a fixture is used by its name
from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from asn1crypto import crl
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.errors import RuleRefused, Unavailable
from appliance.signing.validate import validate
from provisioning.demo import pki
from provisioning.demo.trust_services import TrustServices
from tests.evidence_fixtures import YEAR, Evidence, evidence  # noqa: F401
from tests.strict_validation import strict

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def calm(evidence: Evidence) -> Iterator[None]:
    """Every test starts now, with services that work and no list in the folder."""
    evidence.services.misbehaviour.clear()
    evidence.services.first_tsa()
    evidence.travel(timedelta(0))
    evidence.fresh_line()
    for old in evidence.settings.trust.glob("*.crl"):
        old.unlink()
    yield
    evidence.services.released.set()
    evidence.services.released.clear()


@pytest.fixture(scope="module")
def offline(evidence: Evidence) -> bytes:
    """Made while no service answered."""
    evidence.travel(timedelta(0))
    evidence.services.first_tsa()
    return evidence.sealed(stamped=False)


@pytest.fixture(scope="module")
def online(evidence: Evidence) -> bytes:
    """Made while the services answered."""
    evidence.travel(timedelta(0))
    evidence.services.first_tsa()
    return evidence.sealed(stamped=True)


def have_lists(office: Evidence) -> None:
    """The technician puts today's lists into the folder."""
    for name in ("root.crl", "intermediate.crl"):
        (office.settings.trust / name).write_bytes((office.signing.authority.trust / name).read_bytes())


def levels(data: bytes, office: Evidence, **when: object) -> list[tuple[str, str]]:
    report = validate(data, office.trust, at=office.now())
    return [(one.verdict, one.level) for one in report.signatures if one.kind == "signature"]


def test_offline_then_extended_both_signatures_stay_valid_by_everybody(
    evidence: Evidence,
    offline: bytes,
    tmp_path: Path,
) -> None:
    assert levels(offline, evidence) == [("unknown", "B-B")] * 2  # no revocation data: never 'valid'
    made = evidence.extended(offline)
    assert made.data.startswith(offline)  # what was signed is not touched
    assert made.level == "B-B + DSS + DTS"
    assert levels(made.data, evidence) == [("valid", "B-B + DSS + DTS")] * 2
    for embedded in PdfFileReader(io.BytesIO(made.data)).embedded_regular_signatures:  # stock pyHanko
        assert isinstance(embedded, EmbeddedPdfSignature)
        context = ValidationContext(
            trust_roots=list(evidence.trust.roots), other_certs=list(evidence.trust.intermediates)
        )
        assert validate_pdf_signature(embedded, context).bottom_line, embedded.field_name
    file = tmp_path / "extended.pdf"
    file.write_bytes(made.data)
    said = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.count("Signature is Valid.") == 2, said  # poppler 22.12 does not look at the time stamp


def test_the_changes_are_said_in_words(evidence: Evidence, offline: bytes) -> None:
    leader, seal, stamp = evidence.extended(offline).report.signatures
    assert leader.changes[0].startswith("Đã điền số; đã điền ngày; đã đóng dấu")
    assert "dấu thời gian" in seal.changes[0] or "kiểm tra lâu dài" in seal.changes[0]
    assert stamp.kind == "timestamp"
    assert stamp.signer_name == "Dấu thời gian thử nghiệm"
    assert seal.stamped_by == "Dấu thời gian thử nghiệm"


def test_a_signature_made_online_carries_its_own_time_stamp(evidence: Evidence, online: bytes) -> None:
    have_lists(evidence)
    assert levels(online, evidence) == [("valid", "B-T")] * 2
    assert levels(evidence.extended(online).data, evidence) == [("valid", "B-LTA")] * 2


def test_ten_years_later_every_signing_certificate_has_expired(
    evidence: Evidence,
    offline: bytes,
) -> None:
    made = evidence.extended(offline).data
    for years in (4, 8):  # two renewals, each before the stamp's service ends, each by a new service
        evidence.travel(years * YEAR)
        evidence.fresh_line()
        evidence.services.renew_tsa(not_before=evidence.now() - timedelta(days=1), days=4 * 365 + 300)
        made = evidence.extended(made).data
    evidence.travel(9 * YEAR + timedelta(days=300))
    have_lists(evidence)
    report = validate(made, evidence.trust, at=evidence.now())
    assert report.verdict == "valid", report
    assert [one.kind for one in report.signatures] == ["signature", "signature", "timestamp", "timestamp", "timestamp"]
    now = evidence.now().isoformat()
    assert all(one.certificate_until < now for one in report.signatures[:-1])  # all but the newest service
    assert all(one.proven_at[:4] == "2026" for one in report.signatures[:2])


def test_without_renewal_the_same_file_is_not_known_to_be_good(evidence: Evidence, offline: bytes) -> None:
    made = evidence.extended(offline).data
    evidence.travel(9 * YEAR)
    have_lists(evidence)
    report = validate(made, evidence.trust, at=evidence.now())
    assert report.verdict == "unknown", report


def test_a_list_of_after_the_certificates_end_proves_nothing(evidence: Evidence, offline: bytes) -> None:
    evidence.travel(6 * YEAR)
    have_lists(evidence)
    assert {verdict for verdict, _ in levels(offline, evidence)} == {"unknown"}


@pytest.mark.parametrize("fault", ["fails", "html", "wrong_digest", "wrong_nonce", "torn"])
def test_a_time_stamp_service_that_fails_or_lies_leaves_a_basic_signature(
    evidence: Evidence,
    fault: str,
) -> None:
    wrong = evidence.services.misbehaviour
    if fault in ("fails", "html"):
        getattr(wrong, fault).add("/tsa")
    elif fault == "torn":
        wrong.replies["/tsa"] = b"0\x82\x01"
    else:
        setattr(wrong, fault, True)
    data = evidence.sealed(stamped=True)
    have_lists(evidence)
    assert levels(data, evidence) == [("valid", "B-B")] * 2
    with pytest.raises(Unavailable):
        evidence.extended(data)


def test_a_service_nobody_trusts_is_not_used(evidence: Evidence, tmp_path: Path) -> None:
    stranger = TrustServices(pki.make_ca(tmp_path / "other", services=evidence.signing.authority.services))
    right, key = evidence.services.tsa, evidence.services._tsa_key
    evidence.services.tsa, evidence.services._tsa_key = stranger.tsa, stranger._tsa_key
    try:
        data = evidence.sealed(stamped=True)
    finally:
        evidence.services.tsa, evidence.services._tsa_key = right, key
    have_lists(evidence)
    assert levels(data, evidence) == [("valid", "B-B")] * 2


def test_a_hanging_service_costs_its_few_seconds_once(evidence: Evidence) -> None:
    evidence.services.misbehaviour.hangs.add("/tsa")
    started = time.monotonic()
    with pytest.raises(Unavailable):
        evidence.line.stamp(b"0\x00")
    first = time.monotonic() - started
    assert first < evidence.settings.tsa_timeout_seconds + 1
    assert not evidence.line.stamps()
    started = time.monotonic()
    for _ in range(5):
        with pytest.raises(Unavailable):
            evidence.line.stamp(b"0\x00")
    assert time.monotonic() - started < 0.5


def test_revoked_between_signing_and_extension_is_not_extended(
    evidence: Evidence,
    offline: bytes,
) -> None:
    authority = evidence.signing.authority
    leader = PdfFileReader(io.BytesIO(offline)).embedded_regular_signatures[0].signer_cert
    serial = leader.serial_number
    (authority.directory / "revoked.txt").write_text(f"{serial:x} {evidence.now().isoformat()}\n", "ascii")
    try:
        evidence.travel(timedelta(minutes=1))
        with pytest.raises((Unavailable, RuleRefused)) as refused:
            evidence.extended(offline)
        assert "thu hồi" in str(refused.value)
    finally:
        (authority.directory / "revoked.txt").unlink()


def test_revoked_after_the_stamp_stays_valid(evidence: Evidence, online: bytes) -> None:
    leader = PdfFileReader(io.BytesIO(online)).embedded_regular_signatures[0].signer_cert
    authority = evidence.signing.authority
    (authority.directory / "revoked.txt").write_text(
        f"{leader.serial_number:x} {(evidence.now() + timedelta(days=1)).isoformat()}\n", "ascii"
    )
    try:
        evidence.travel(timedelta(days=2))
        have_lists(evidence)
        assert levels(online, evidence) == [("valid", "B-T")] * 2
    finally:
        (authority.directory / "revoked.txt").unlink()


@pytest.mark.parametrize("what", ["portal", "old", "stranger"])
def test_a_false_revocation_list_is_not_taken(evidence: Evidence, what: str, tmp_path: Path) -> None:
    wrong, authority = evidence.services.misbehaviour, evidence.signing.authority
    if what == "portal":
        wrong.html.add("/crl")
    elif what == "old":
        authority.publish_lists(now=evidence.now() - timedelta(days=60))
    else:
        other = pki.make_ca(tmp_path / "other")
        wrong.replies["/crl"] = (other.trust / "intermediate.crl").read_bytes()
    found = evidence.line.revocation([*evidence.trust.intermediates])
    assert found.crls == ()


def test_the_true_list_is_taken(evidence: Evidence) -> None:
    (entry,) = evidence.line.revocation([*evidence.trust.intermediates]).crls
    assert isinstance(entry, crl.CertificateList)


def test_strict_validation_passes_what_was_signed_online(evidence: Evidence, online: bytes) -> None:
    made = evidence.extended(online)
    assert made.level == "B-LTA"
    assert strict(made.data, evidence.trust.roots, at=evidence.now()) == [("AdESPassed", "OK")] * 2


def test_strict_validation_does_not_take_a_later_stamp_for_the_missing_one(evidence: Evidence, offline: bytes) -> None:
    made = evidence.extended(offline)
    assert "B-LTA" not in made.level
    assert (
        strict(made.data, evidence.trust.roots, at=evidence.now())
        == [("AdESIndeterminate", "SIG_CONSTRAINTS_FAILURE")] * 2
    )


def years_ahead(data: bytes, office: Evidence, folder: Path) -> list[str]:
    """Strict validation with the machine's clock put to the office's time, by a validator who has the root's newest
    list and a new answer about the newest time-stamp service.
    """
    newest = PdfFileReader(io.BytesIO(data)).embedded_timestamp_signatures[-1].signer_cert
    found = office.line.revocation([newest, *office.trust.intermediates])
    (root,) = office.trust.roots
    (folder / "file.pdf").write_bytes(data)
    (folder / "root.der").write_bytes(root.dump())
    (folder / "root.crl").write_bytes(next(one for one in found.crls if one.issuer == root.subject).dump())
    for number, answer in enumerate(found.ocsps):
        (folder / f"{number}.ocsp").write_bytes(answer.dump())
    clock = office.now().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    child = [sys.executable, "-m", "tests.strict_validation", str(folder)]
    done = subprocess.run(
        ["faketime", clock, *child], capture_output=True, text=True, timeout=120, check=True,
        env=os.environ | {"TZ": "UTC"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("renewed_after", "level"),
    [(4 * YEAR + timedelta(days=300), "B-LTA"), (5 * YEAR + timedelta(days=100), "B-LT + DTS")],
)
def test_a_renewed_file_is_called_what_strict_validation_passes_when_all_old_certificates_have_ended(
    evidence: Evidence, renewed_after: timedelta, level: str, tmp_path: Path
) -> None:
    # the signers' certificates last 5 years: renewed before their end, and after it
    evidence.services.renew_tsa(not_before=evidence.now() - timedelta(days=1), days=6 * 365)
    made = evidence.extended(evidence.sealed(stamped=True)).data
    evidence.travel(renewed_after)
    evidence.fresh_line()
    evidence.services.renew_tsa(not_before=evidence.now() - timedelta(days=1), days=5 * 365)
    evidence.services.renew_responder(not_before=evidence.now() - timedelta(days=1))
    renewed = evidence.extended(made)
    assert renewed.level == level
    evidence.travel(6 * YEAR + timedelta(days=200))
    evidence.fresh_line()
    evidence.services.renew_responder(not_before=evidence.now() - timedelta(days=1))
    outcomes = years_ahead(renewed.data, evidence, tmp_path)
    assert (outcomes == ["AdESPassed OK"] * 2) == (level == "B-LTA"), outcomes
    have_lists(evidence)
    assert levels(renewed.data, evidence) == [("valid", level)] * 2  # our own check walks the chain in both
