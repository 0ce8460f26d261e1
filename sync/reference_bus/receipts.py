"""The bus's signature under its receipts (R1): with the server's key, or a key kept for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.errors import N_, ConfigError
from sync import jws
from sync.reference_bus.config import BusConfig


class ReceiptSigner:
    """Signs what the bus owes its senders. Raises ConfigError when key or certificate cannot be used."""

    def __init__(self, config: BusConfig) -> None:
        certificate = config.receipt_certificate or config.certificate
        self._key = _key(config.receipt_key or config.key)
        try:
            self._chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        except (OSError, ValueError) as error:
            raise _unusable(certificate, error) from error
        if self._chain[0].public_key() != self._key.public_key():
            raise _unusable(certificate, "key")

    def receipt(self, payload: Mapping[str, object]) -> bytes:
        """The signed receipt; made once per message and kept, because no two signatures are alike."""
        return jws.sign(payload, self._key, self._chain, jws.RECEIPT)


def _key(path: Path) -> jws.Key:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(path, error) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise _unusable(path, type(key).__name__)
    return key


def _unusable(path: Path, error: object) -> ConfigError:
    return ConfigError(
        N_("Không dùng được khóa ký biên nhận của trục (%(path)s: %(error)s)."), path=path.name, error=error
    )
