"""What opens an envelope: a key of some kind that knows its certificate. A device's key implements the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from appliance.errors import N_, BadInput


class Opener(Protocol):
    """A private key with its certificate. Both methods raise BadInput when what they get was not made for this key."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate of the key."""

    def decrypt(self, wrapped: bytes, oaep_hash: str | None) -> bytes:
        """The content key out of RSA key transport; ``oaep_hash`` 'sha1', 'sha256' …, None: PKCS#1 v1.5."""

    def agree(self, peer: ec.EllipticCurvePublicKey) -> bytes:
        """The raw shared secret of ECDH."""


@dataclass(frozen=True)
class SoftwareKey:
    """A key in a file of this box (the link's key); an ``Opener``."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def decrypt(self, wrapped: bytes, oaep_hash: str | None) -> bytes:
        """See ``Opener``."""
        if not isinstance(self.key, rsa.RSAPrivateKey):
            raise not_for_this_key()
        try:
            return self.key.decrypt(wrapped, rsa_padding(oaep_hash))
        except ValueError as error:
            raise not_for_this_key() from error

    def agree(self, peer: ec.EllipticCurvePublicKey) -> bytes:
        """See ``Opener``."""
        if not isinstance(self.key, ec.EllipticCurvePrivateKey):
            raise not_for_this_key()
        try:
            return self.key.exchange(ec.ECDH(), peer)
        except ValueError as error:
            raise not_for_this_key() from error


_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip


def rsa_padding(oaep_hash: str | None) -> padding.AsymmetricPadding:
    """The padding of RSA key transport. Raises BadInput for a hash that is not known."""
    if oaep_hash is None:
        return padding.PKCS1v15()
    if oaep_hash not in _HASHES:
        raise not_for_this_key()
    made = _HASHES[oaep_hash]
    return padding.OAEP(mgf=padding.MGF1(made), algorithm=made, label=None)


def not_for_this_key() -> BadInput:
    """One sentence for every reason: which step failed is nobody's business."""
    return BadInput(
        N_("Không mở được phong bì mã hóa bằng khóa này."),
        next_step=N_("Dùng đúng thiết bị của cơ quan nhận; nếu vẫn không được, đề nghị nơi gửi gửi lại."),
    )
