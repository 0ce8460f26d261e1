"""Encrypted content opened by a real SoftHSM2 token through the real signer."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from appliance.envelope import seal
from appliance.errors import BadInput, SignerError
from appliance.signing.token import Pin
from provisioning.opening import open_with_device
from tests.signing_fixtures import LEADER_PIN, SEAL_PIN, Signing, signing  # noqa: F401

CONTENT = "Nội dung mật của cơ quan".encode() * 5000


def sealed(certificate: bytes, folder: Path) -> Path:
    """An envelope for this certificate, as a sender makes it."""
    target = io.BytesIO()
    seal(io.BytesIO(CONTENT), len(CONTENT), [x509.load_der_x509_certificate(certificate)], target)
    file = folder / "mat.pdf.p7m"
    file.write_bytes(target.getvalue())
    return file


def test_the_organs_token_opens_what_was_encrypted_to_it(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    file, output = sealed(signing.seal.certificate, tmp_path), tmp_path / "mat.pdf"
    open_with_device(signing.client, file, output, lambda: SEAL_PIN)
    assert output.read_bytes() == CONTENT
    with pytest.raises(BadInput):
        open_with_device(signing.client, file, output, lambda: SEAL_PIN)


def test_a_wrong_pin_and_altered_content_leave_nothing(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    file, output = sealed(signing.seal.certificate, tmp_path), tmp_path / "mat.pdf"
    with pytest.raises(SignerError) as caught:
        open_with_device(signing.client, file, output, lambda: LEADER_PIN + "0")
    assert caught.value.code == "wrong_pin"
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    with pytest.raises(BadInput):
        open_with_device(signing.client, file, output, lambda: SEAL_PIN)
    file.write_bytes(b"%PDF-1.4")
    with pytest.raises(BadInput):
        open_with_device(signing.client, file, output, lambda: SEAL_PIN)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_pkcs1_padding_opens_too_and_another_keys_content_does_not(signing: Signing) -> None:  # noqa: F811
    public = x509.load_der_x509_certificate(signing.seal.certificate).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    wrapped = public.encrypt(b"k" * 32, padding.PKCS1v15())
    assert signing.client.open(signing.seal, Pin(SEAL_PIN), wrapped, None) == b"k" * 32
    other = rsa.generate_private_key(65537, 2048).public_key()
    made = other.encrypt(b"k" * 32, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    with pytest.raises(SignerError) as caught:
        signing.client.open(signing.seal, Pin(SEAL_PIN), made, "sha1")
    assert caught.value.code == "not_for_key"
