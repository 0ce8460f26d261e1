"""Signed statements of the link: who may say what, and what becomes of a statement that was touched."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

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
