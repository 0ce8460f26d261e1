"""Envelopes: what we write OpenSSL opens, what OpenSSL writes we open, and whatever is altered stays shut."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from appliance.envelope import SoftwareKey, may_receive, recipients, seal, unseal
from appliance.errors import BadInput

TEXT = "Nội dung mật của xã Hòa Bình\n".encode() * 100
NOW = datetime.now(UTC)


def reader(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, usage: x509.KeyUsage | None = None, days: int = 30
) -> SoftwareKey:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ủy ban nhân dân xã Đông Hải")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=40))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    return SoftwareKey(builder.sign(key, hashes.SHA256()), key)


RSA = reader(rsa.generate_private_key(public_exponent=65537, key_size=2048))
P256 = reader(ec.generate_private_key(ec.SECP256R1()))
P384 = reader(ec.generate_private_key(ec.SECP384R1()))
KEYS = {"rsa": RSA, "p256": P256, "p384": P384}


def sealed(*readers: SoftwareKey, text: bytes = TEXT) -> bytes:
    target = BytesIO()
    seal(BytesIO(text), len(text), [one.certificate for one in readers], target)
    return target.getvalue()


def opened(data: bytes, key: SoftwareKey) -> bytes:
    target = BytesIO()
    assert unseal(data, key, target) == len(target.getvalue())
    return target.getvalue()


def files(folder: Path, key: SoftwareKey) -> tuple[str, str]:
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(key.certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return str(certificate), str(private)


@pytest.mark.parametrize("name", KEYS)
def test_each_of_several_readers_opens_it_and_nobody_else(name: str) -> None:
    data = sealed(*KEYS.values())
    assert opened(data, KEYS[name]) == TEXT
    assert len(recipients(data)) == 3
    assert sum(one.is_for(KEYS[name].certificate) for one in recipients(data)) == 1
    stranger = reader(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(BadInput, match="bằng khóa này"):
        unseal(data, stranger, BytesIO())


@pytest.mark.parametrize("name", KEYS)
def test_openssl_opens_what_we_write(name: str, tmp_path: Path) -> None:
    certificate, key = files(tmp_path, KEYS[name])
    (tmp_path / "sealed").write_bytes(sealed(RSA, P256, P384))
    command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", str(tmp_path / "sealed"), "-recip", certificate]
    done = subprocess.run([*command, "-inkey", key, "-binary"], capture_output=True, check=True)
    assert done.stdout == TEXT


@pytest.mark.parametrize("options", [[], ["-keyid"]], ids=["issuer", "key identifier"])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("rsa", []),
        ("rsa", ["-keyopt", "rsa_padding_mode:oaep"]),
        ("rsa", ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"]),
        ("p256", []),
        ("p256", ["-keyopt", "ecdh_kdf_md:sha256"]),
        ("p384", []),
    ],
)
def test_we_open_what_openssl_writes(name: str, how: list[str], options: list[str], tmp_path: Path) -> None:
    certificate, _ = files(tmp_path, KEYS[name])
    (tmp_path / "text").write_bytes(TEXT)
    command = ["openssl", "cms", "-encrypt", "-aes-256-gcm", "-binary", "-outform", "DER", *options]
    command += ["-in", str(tmp_path / "text"), "-recip", certificate, *how]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    assert opened(data, KEYS[name]) == TEXT


@given(st.binary(max_size=3000))
def test_any_content_comes_back(text: bytes) -> None:
    assert opened(sealed(P256, text=text), P256) == text


@given(st.data())
def test_one_altered_byte_anywhere_never_gives_other_content(data: st.DataObject) -> None:
    whole = bytearray(sealed(P256, text=b"So 15, muc Noi bo"))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    target = BytesIO()
    try:
        unseal(bytes(whole), P256, target)
    except BadInput:
        return
    assert target.getvalue() == b"So 15, muc Noi bo"  # the byte said nothing that counts


def test_a_type_that_the_asn1_library_knows_by_name_only_is_refused() -> None:
    whole = bytearray(sealed(P256, text=b"So 15"))
    whole[whole.index(bytes.fromhex("060960864801650304012d"))] = 0x07  # the OID aes256-wrap as an ObjectDescriptor
    with pytest.raises(BadInput):
        unseal(bytes(whole), P256, BytesIO())


def test_empty_parameters_of_the_cipher_are_refused() -> None:
    whole = bytearray(sealed(P256, text=b"So 15"))
    place = whole.index(bytes.fromhex("060960864801650304012e")) + 11  # after the OID aes256-GCM: its parameters
    assert whole[place : place + 2] == b"\x30\x11"
    whole[place + 1] = 0
    with pytest.raises(BadInput):
        unseal(bytes(whole), P256, BytesIO())


@given(st.binary(max_size=400))
def test_noise_is_no_envelope(noise: bytes) -> None:
    with pytest.raises(BadInput):
        unseal(noise, P256, BytesIO())


@given(st.integers(0, 600))
def test_a_torn_envelope_is_refused(end: int) -> None:
    whole = sealed(P256, text=b"x" * 50)
    with pytest.raises(BadInput):
        unseal(whole[: min(end, len(whole) - 1)], P256, BytesIO())


def test_a_source_that_changes_meanwhile_is_refused() -> None:
    with pytest.raises(BadInput, match="đã đổi"):
        seal(BytesIO(b"abc"), 4, [P256.certificate], BytesIO())
    with pytest.raises(BadInput, match="Chưa có chứng thư"):
        seal(BytesIO(b"abc"), 3, [], BytesIO())


def usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def test_only_certificates_meant_for_it_may_receive() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert may_receive(RSA.certificate, NOW) == may_receive(P256.certificate, NOW) == ""
    assert may_receive(reader(key, usage=usage(key_agreement=True)).certificate, NOW) == ""
    assert "chỉ để ký" in may_receive(reader(key, usage=usage(digital_signature=True)).certificate, NOW)
    assert "hết hạn" in may_receive(reader(key, days=-1).certificate, NOW)
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert "quá ngắn" in may_receive(reader(short).certificate, NOW)
