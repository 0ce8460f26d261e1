"""The link's certificate renewed over the old one: the key is made here and never leaves; the pair changes whole."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from appliance.errors import N_
from sync import jws
from sync.bus.base import BusError


def request_for(certificate: Path) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """A new key, and the request that it be certified under the name of ``certificate``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _first(certificate.read_bytes()).subject
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return key, asked.public_bytes(Encoding.PEM)


def take(
    key: ec.EllipticCurvePrivateKey, answer: bytes, trusted: list[x509.Certificate], certificate: Path, key_file: Path
) -> None:
    """Put the new pair in place of the old one, which stays beside it (``before``).

    Raises BusError when it is not what was asked for, OSError.
    """
    try:
        new, old = _first(answer), _first(certificate.read_bytes())
    except ValueError as error:
        raise _unusable() from error
    right = new.public_key() == key.public_key() and new.not_valid_after_utc > old.not_valid_after_utc
    if not right or not _issued(new, trusted) or set(jws.organ_codes(new)) != set(jws.organ_codes(old)):
        raise _unusable()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(before(certificate), certificate.read_bytes(), 0o644)
    _write(before(key_file), key_file.read_bytes(), 0o600)
    _write(_fresh(certificate), answer, 0o644)
    _write(_fresh(key_file), private, 0o600)
    finish(certificate, key_file)


def before(path: Path) -> Path:
    """Where the last one stays: others may have sealed to it what is still on its way by courier."""
    return path.with_name(f"{path.name}.before")


def finish(certificate: Path, key_file: Path) -> None:
    """Complete a change that a kill cut short: the certificate is written first and renamed last.

    A new key alone, or a pair that does not fit, is no change; the old pair stays.
    """
    new_certificate, new_key = _fresh(certificate), _fresh(key_file)
    if not new_certificate.exists():
        new_key.unlink(missing_ok=True)
        return
    if new_key.exists() and _fits(new_certificate, new_key):
        new_key.replace(key_file)
    if _fits(new_certificate, key_file):
        new_certificate.replace(certificate)
        _sync(certificate.parent)
        _sync(key_file.parent)
    else:
        new_certificate.unlink()


def _fits(certificate: Path, key_file: Path) -> bool:
    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
        return _first(certificate.read_bytes()).public_key() == key.public_key()
    except (OSError, ValueError, TypeError):
        return False


def _issued(certificate: x509.Certificate, trusted: list[x509.Certificate]) -> bool:
    for anchor in trusted:
        try:
            certificate.verify_directly_issued_by(anchor)
        except (InvalidSignature, ValueError, TypeError):
            continue
        return True
    return False


def _first(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificates(pem)[0]


def _fresh(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _write(path: Path, data: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable() -> BusError:
    return BusError(
        N_("Trục cấp lại một chứng thư kết nối không dùng được; trạm giữ chứng thư cũ."),
        next_step=N_("Kỹ thuật viên báo đơn vị vận hành trục."),
        connected=True,
    )
