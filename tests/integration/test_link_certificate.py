"""The link's own certificate: renewed over the old one, refused when revoked, said loudly when its end is near."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.clock import FLOOR
from appliance.errors import Unavailable
from appliance.store import facts
from sync import jws, link_certificate
from sync.bus.base import BusError
from sync.bus.native.client import NativeClient
from tests import sync_fixtures
from tests.sync_fixtures import HDND, UBND, Box

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


def loaded(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


@pytest.fixture
def pair(box: Box, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A copy of the box's link pair, with ten days left; the box is set to it."""
    names = [x509.UniformResourceIdentifier(f"urn:x-edoc:organ:{code}") for code in (UBND, HDND)]
    made = box.bus.ca._issue("short", names, ExtendedKeyUsageOID.CLIENT_AUTH, 10)
    certificate, key = tmp_path / "link.pem", tmp_path / "link.key"
    shutil.copy(made[0], certificate)
    shutil.copy(made[1], key)
    box.desk.settings = replace(box.settings, link_certificate=certificate, link_key=key)
    yield certificate, key
    box.desk.settings = box.settings


def test_a_renewed_certificate_speaks_for_the_same_organs_and_is_used_at_once(
    box: Box, pair: tuple[Path, Path]
) -> None:
    before, old_key = loaded(pair[0]), pair[1].read_bytes()
    with closing(NativeClient(box.desk.settings)) as client:
        client.renew()
        client.time()
    after = loaded(pair[0])
    assert after.serial_number != before.serial_number
    assert after.not_valid_after_utc - datetime.now(UTC) > timedelta(days=360)
    assert set(jws.organ_codes(after)) == {UBND, HDND}
    assert pair[1].read_bytes() != old_key
    assert pair[1].stat().st_mode & 0o777 == 0o600
    revoke(box, before)  # the old one is of no more use, the new one is
    try:
        with closing(NativeClient(box.desk.settings)) as client:
            client.list_incoming("")
    finally:
        revoke(box)


def revoke(box: Box, *certificates: x509.Certificate) -> None:
    lines = "\n".join(f"{certificate.serial_number:x}" for certificate in certificates)
    (box.bus.folder / "revoked.txt").write_text(lines, "ascii")


def test_a_revoked_certificate_is_told_so_and_the_link_waits(box: Box, pair: tuple[Path, Path]) -> None:
    revoke(box, loaded(pair[0]))
    try:
        with (
            closing(NativeClient(box.desk.settings)) as client,
            pytest.raises(BusError, match="đã bị thu hồi") as caught,
        ):
            client.list_incoming("")
    finally:
        revoke(box)
    assert (caught.value.http_status, caught.value.permanent) == (403, False)


def test_the_watch_renews_in_time_and_writes_it_down(box: Box, pair: tuple[Path, Path]) -> None:
    now = box.desk.clock.now()
    names = [x509.UniformResourceIdentifier(f"urn:x-edoc:organ:{UBND}")]
    fresh = box.bus.ca._issue("fresh", names, ExtendedKeyUsageOID.CLIENT_AUTH, 365)
    with closing(NativeClient(box.desk.settings)) as client:
        box.desk.settings = replace(box.desk.settings, link_certificate=fresh[0], link_key=fresh[1])
        assert not link_certificate.keep(box.desk, client), "a certificate of a year is left alone on its first day"
        old = self_dated(box, pair, days_left=50, life=365)
        assert link_certificate.keep(box.desk, client)
        assert loaded(pair[0]).serial_number != old
    actions = [row["action"] for row in box.rows("SELECT action FROM audit WHERE at >= ?", now.isoformat())]
    assert "link.renew" in actions


def self_dated(box: Box, pair: tuple[Path, Path], *, days_left: float, life: float) -> int:
    """The pair replaced by one of the bus's authority with these dates; returns its serial number."""
    key = ec.generate_private_key(ec.SECP256R1())
    end = datetime.now(UTC) + timedelta(days=days_left)
    names = [x509.UniformResourceIdentifier(f"urn:x-edoc:organ:{code}") for code in (UBND, HDND)]
    made = (
        x509.CertificateBuilder()
        .subject_name(box.bus.ca._name)
        .issuer_name(box.bus.ca._name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=life))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(box.bus.ca._key, hashes.SHA256())
    )
    pair[0].write_bytes(made.public_bytes(Encoding.PEM))
    pair[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    box.desk.settings = replace(box.desk.settings, link_certificate=pair[0], link_key=pair[1])
    return made.serial_number


@pytest.mark.parametrize(("days_left", "words"), [(30, "còn 29 ngày"), (-2, "đã hết hạn")])
def test_an_end_that_is_near_and_no_renewal_is_said_loudly(
    box: Box, pair: tuple[Path, Path], days_left: float, words: str
) -> None:
    self_dated(box, pair, days_left=days_left, life=365)
    nobody = NativeClient(replace(box.desk.settings, bus_url="https://localhost:9/v1"))
    with closing(nobody) as client, pytest.raises(Unavailable, match=words) as caught:
        link_certificate.keep(box.desk, client)
    assert "soạn, ký, tra cứu vẫn làm bình thường" in caught.value.next_step


def test_the_staff_is_told_once_at_each_step_towards_the_end_and_not_by_a_wrong_clock(
    box: Box, pair: tuple[Path, Path]
) -> None:
    nobody = NativeClient(replace(box.desk.settings, bus_url="https://localhost:9/v1"))

    def told(days_left: float | None) -> int:
        """New notices with so many days left (None: with the certificate of the time before)."""
        before = len(box.rows("SELECT 1 FROM notice WHERE kind = 'link_expiry'"))
        if days_left is not None:
            self_dated(box, pair, days_left=days_left, life=365)
        with pytest.raises(Unavailable):
            link_certificate.keep(box.desk, nobody)
        return len(box.rows("SELECT 1 FROM notice WHERE kind = 'link_expiry'")) - before

    with closing(nobody):
        staff = told(59)
        assert staff >= 1
        assert told(None) == 0, "the same step is said once"
        assert [told(days) for days in (29, 13, 6, 0.9, -1)] == [staff] * 5
        facts.put(box.desk.db, FLOOR, "9999999999")
        assert told(5) == 0


def test_a_change_cut_short_by_a_kill_is_finished_or_undone(box: Box, pair: tuple[Path, Path]) -> None:
    other = box.bus.ca.client(UBND, HDND)
    fresh = [path.with_name(f"{path.name}.new") for path in pair]
    before = [path.read_bytes() for path in pair]
    fresh[1].write_bytes(other[1].read_bytes())  # a key alone
    with closing(NativeClient(box.desk.settings)) as client:
        client.time()
    assert [path.read_bytes() for path in pair] == before
    shutil.copy(other[1], pair[1])  # the key has its place, the certificate not yet
    shutil.copy(other[0], fresh[0])
    with closing(NativeClient(box.desk.settings)) as client:
        client.time()
    assert loaded(pair[0]) == loaded(other[0])
    shutil.copy(box.bus.ca.client(UBND)[0], fresh[0])  # a certificate that fits no key
    with closing(NativeClient(box.desk.settings)) as client:
        client.time()
    assert loaded(pair[0]) == loaded(other[0])
    assert not any(path.exists() for path in fresh)


def test_a_request_cannot_ask_for_another_organ(box: Box) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    wish = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("urn:x-edoc:organ:H99.01")])
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(wish, critical=False)
        .sign(key, hashes.SHA256())
    )
    client = box.bus.client(UBND)
    answer = client.post("certificate", content=asked.public_bytes(Encoding.PEM))
    assert answer.status_code == 201
    assert jws.organ_codes(x509.load_pem_x509_certificates(answer.content)[0]) == (UBND,)
    assert client.post("certificate", content=b"nonsense").status_code == 400
