"""A device's key that opens what was encrypted for it; structurally an ``appliance.envelope.Opener``."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.signing.client import SignerClient
from appliance.signing.failures import signer_error
from appliance.signing.token import Pin, TokenKey


@dataclass(frozen=True)
class DeviceKey:
    """A key on a device. Devices give no raw ECDH secret here: RSA only."""

    certificate: x509.Certificate
    key: TokenKey
    pin: Pin
    client: SignerClient

    def decrypt(self, wrapped: bytes, oaep_hash: str | None) -> bytes:
        """See ``Opener``. Raises SignerError."""
        return self.client.open(self.key, self.pin, wrapped, oaep_hash)

    def agree(self, peer: ec.EllipticCurvePublicKey) -> bytes:
        """Refused. Raises SignerError."""
        del peer
        raise signer_error("unsupported")
