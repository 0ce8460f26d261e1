"""Signed statements of the link: who may say what, and what becomes of a statement that was touched."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sync import jws
from tests.bus_fixtures import Authority

NOW = datetime.now(UTC).isoformat()
PAYLOAD = {"typ": "R1", "messageId": "0199f2c4-0000-7000-8000-000000000000", "to": ["H99.22"], "acceptedAt": NOW}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def trusted(authority: Authority) -> Sequence[x509.Certificate]:
    return x509.load_pem_x509_certificates(authority.certificate.read_bytes())


def signed(pair: tuple[Path, Path], payload: dict[str, object] = PAYLOAD, typ: str = "R1") -> bytes:
    key = load_pem_private_key(pair[1].read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return jws.sign(payload, key, x509.load_pem_x509_certificates(pair[0].read_bytes()), typ)


def test_a_statement_says_what_was_signed_and_who_signed_it(authority: Authority) -> None:
    pair = authority.server()
    found = jws.verify(signed(pair), trusted(authority), jws.RECEIPT)
    assert found.payload == PAYLOAD
    assert found.certificate.public_bytes(Encoding.PEM) == pair[0].read_bytes()


def test_a_box_cannot_sign_as_the_bus_nor_the_bus_as_a_box(authority: Authority) -> None:
    with pytest.raises(jws.BadStatement, match="không dành cho việc này"):
        jws.verify(signed(authority.client("H99.22")), trusted(authority), jws.RECEIPT)
    handover = {"typ": "R2", "at": NOW}
    with pytest.raises(jws.BadStatement, match="không dành cho việc này"):
        jws.verify(signed(authority.server(), handover, "R2"), trusted(authority), jws.HANDOVER)
    box = signed(authority.client("H99.22", "H99.23"), handover, "R2")
    assert jws.organ_codes(jws.verify(box, trusted(authority), jws.HANDOVER).certificate) == ("H99.22", "H99.23")


def test_another_authority_of_the_same_name_vouches_for_nobody(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(jws.BadStatement, match="không do CA của tỉnh cấp"):
        jws.verify(signed(Authority(tmp_path).server()), trusted(authority), jws.RECEIPT)


def _made(
    names: tuple[str, str], keys: tuple[ec.EllipticCurvePrivateKey, ec.EllipticCurvePrivateKey], *,
    ca: bool, path_length: int | None = None, signs: bool = True,
) -> x509.Certificate:  # fmt: skip
    """A certificate of ``names[0]`` made by ``names[1]``; keys likewise."""
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in names)
    now = datetime.now(UTC)
    usage = x509.KeyUsage(True, False, False, False, False, signs, signs, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(keys[0].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(usage if ca else x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return builder.sign(keys[1], hashes.SHA256())


@pytest.mark.parametrize(
    ("root", "between", "holds"),
    [
        ({"path_length": 1}, {"path_length": 0}, True),
        ({}, {}, True),
        ({"path_length": 0}, {"path_length": 0}, False),
        ({"path_length": 1}, {"signs": False}, False),
        ({"path_length": 1, "signs": False}, {"path_length": 0}, False),
        ({"path_length": 1}, {"ca": False}, False),
    ],
    ids=["as allowed", "nothing said", "one authority too many", "no key for certificates", "nor the root's", "no CA"],
)
def test_an_authority_vouches_only_within_what_its_own_certificate_allows(
    root: dict[str, Any], between: dict[str, Any], holds: bool
) -> None:
    top, middle, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    anchor = _made(("root", "root"), (top, top), **{"ca": True, **root})
    authority = _made(("between", "root"), (middle, top), **{"ca": True, **between})
    own = _made(("bus", "between"), (leaf, middle), ca=False)
    token = jws.sign(PAYLOAD, leaf, [own, authority], "R1")
    if holds:
        assert jws.verify(token, [anchor], jws.RECEIPT).certificate == own
    else:
        with pytest.raises(jws.BadStatement, match="không do CA của tỉnh cấp"):
            jws.verify(token, [anchor], jws.RECEIPT)


def test_a_statement_is_not_good_for_another_purpose(authority: Authority) -> None:
    token = signed(authority.server(), PAYLOAD | {"typ": "R9"}, "R9")
    with pytest.raises(jws.BadStatement, match="loại khác"):
        jws.verify(token, trusted(authority), jws.RECEIPT)


@pytest.mark.parametrize("at", ["2001-01-01T00:00:00+07:00", "2099-01-01T00:00:00+07:00", "hôm qua", None])
def test_the_certificate_must_have_been_valid_at_the_moment_the_statement_names(
    authority: Authority, at: str | None
) -> None:
    with pytest.raises(jws.BadStatement):
        jws.verify(signed(authority.server(), PAYLOAD | {"acceptedAt": at}), trusted(authority), jws.RECEIPT)


def test_an_expired_certificate_does_not_undo_what_it_signed(authority: Authority) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    pair = authority.client("H99.22", days=-30)
    token = signed(pair, {"typ": "R2", "at": long_ago}, "R2")
    assert jws.verify(token, trusted(authority), jws.HANDOVER).payload["at"] == long_ago


def test_every_touched_byte_is_noticed(authority: Authority) -> None:
    token = signed(authority.server())
    header, payload, signature = token.split(b".")
    changed = json.loads(jws.content(token)["messageId"].join(['{"messageId":"', '"}'])) | {"typ": "R1"}
    other = base64.urlsafe_b64encode(json.dumps(PAYLOAD | changed | {"to": ["H99.99"]}).encode()).rstrip(b"=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"R1","x5c":["AA=="]}').rstrip(b"=")
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    for bad in (
        b".".join((header, other, signature)),
        b".".join((header, payload, flipped)),
        b".".join((header, payload, b"")),
        b".".join((none, payload, b"")),
        b".".join((none, payload, signature)),
        token[:-4],
        b"<html>xin dang nhap</html>",
        b"",
        b"." * 4,
        b"e" * (jws.MAX_BYTES + 1),
    ):
        with pytest.raises(jws.BadStatement):
            jws.verify(bad, trusted(authority), jws.RECEIPT)


def test_openssl_alone_can_check_a_statement(authority: Authority, tmp_path: Path) -> None:
    found = jws.verify(signed(authority.server()), trusted(authority), jws.RECEIPT)
    (tmp_path / "signed").write_bytes(found.signed)
    (tmp_path / "signature").write_bytes(found.signature)
    public = found.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(public)
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "signed"]
    assert "Verified OK" in subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout


def test_rsa_from_2048_bits_signs_and_smaller_keys_do_not() -> None:
    for bits, works in ((2048, True), (1024, False)):
        key = rsa.generate_private_key(65537, bits)
        if works:
            assert jws.content(jws.sign({"a": "ă"}, key, [], "x")) == {"a": "ă"}
        else:
            with pytest.raises(ValueError, match="2048"):
                jws.sign({"a": 1}, key, [], "x")
