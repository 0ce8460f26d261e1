"""What a hostile sender writes into a package or a statement is refused in time and in words."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.envelope import may_receive
from appliance.office.proof.contents import places
from sync import jws


@pytest.mark.parametrize(
    "hostile",
    [b"<e:ContentTransferEncoded>" + b" " * 1_000_000 + b"&#65;", b"ContentTransferEncoded " * 40_000],
    ids=["white space", "the name again and again"],
)
def test_a_hostile_package_does_not_hold_up_the_proof(tmp_path: Path, hostile: bytes) -> None:
    package, data = tmp_path / "a.edxml", b"the file"
    good = b"<e:ContentTransferEncoded>\n" + base64.b64encode(data) + b"\n</e:ContentTransferEncoded>"
    package.write_bytes(b"<a>" + hostile[:2000] + b"<b/>" + good + b"</a>")
    assert [one.sha256 for one in places(package, [hashlib.sha256(data).hexdigest()])]
    package.write_bytes(b"<a>" + hostile[:20_000] + b"</a>")
    began = time.process_time()
    places(package, ["x"])
    assert time.process_time() - began < 1
    package.write_bytes(b"<a>" + hostile + b"</a>")
    places(package, ["x"])
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("old", "new"),
    [("06082a8648ce3d030107", "06082a8648ce3d03017f"), ("a003020102", "a003020105")],
    ids=["unknown curve", "unknown version"],
)
def test_a_statement_with_a_strange_certificate_is_refused_in_words(old: str, new: str) -> None:
    der = _strange(old, new)
    header = {"alg": "ES256", "typ": "R1", "x5c": [base64.b64encode(der).decode()]}
    parts = (json.dumps(header).encode(), b'{"acceptedAt":"2026-11-01T00:00:00Z"}', b"0" * 64)
    token = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    with pytest.raises(jws.BadStatement):
        jws.verify(token, [], "R1")


def test_nothing_is_encrypted_to_a_key_of_an_unknown_kind() -> None:
    certificate = x509.load_der_x509_certificate(_strange("06082a8648ce3d030107", "06082a8648ce3d03017f"))
    assert "Loại khóa" in may_receive(certificate, datetime(2026, 6, 1, tzinfo=UTC))


def _strange(old: str, new: str) -> bytes:
    """A certificate in which the bytes ``old`` (hex) have become ``new``."""
    key, day = ec.generate_private_key(ec.SECP256R1()), datetime(2026, 1, 1, tzinfo=UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 5, day, day.replace(year=2030))
    der = made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return der.replace(bytes.fromhex(old), bytes.fromhex(new))
