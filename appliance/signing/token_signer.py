"""pyHanko's half of a signature with a device's key: attributes here, the raw signature from the signer."""

from __future__ import annotations

import logging

from asn1crypto import cms, x509
from cryptography.exceptions import InvalidSignature
from pyhanko.sign.signers import Signer
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from appliance.errors import SignerError
from appliance.signing.algorithms import scheme_for, verified
from appliance.signing.client import SignerClient
from appliance.signing.failures import signer_error
from appliance.signing.token import Pin, TokenKey
from appliance.signing.trust import TrustStore

log = logging.getLogger("tram.signing")


class TokenSigner(Signer):
    """pyHanko's signer whose private key is on a device, behind the signer process."""

    def __init__(
        self, key: TokenKey, pin: Pin, client: SignerClient, certificate: x509.Certificate, trust: TrustStore
    ) -> None:
        authorities = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        authorities.register_multiple(trust.intermediates)
        self._scheme = scheme_for(certificate, client.rsa_padding, _able(client, key, certificate))
        super().__init__(
            signing_cert=certificate,
            cert_registry=authorities,
            embed_roots=False,
            signature_mechanism=self._scheme.cms,
        )
        self._key, self._pin, self._client = key, pin, client

    @property
    def digest(self) -> str:
        """The hash of the signature and of the document: 'sha256' or 'sha384'."""
        return self._scheme.digest

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The raw signature; blocking is fine, the event loop is ours and does nothing else."""
        if dry_run:
            return bytes(512)
        raw = self._client.sign(self._key, self._pin, data, self._scheme)
        try:
            return verified(self._key.certificate, self._scheme, raw, data)
        except InvalidSignature as error:
            raise signer_error("key_mismatch") from error

    async def unsigned_attrs(
        self,
        digest_algorithm: str,
        signature: bytes,
        signed_attrs: cms.CMSAttributes,
        timestamper: TimeStamper | None = None,
        dry_run: bool = False,
    ) -> cms.CMSAttributes | None:
        """The time stamp, when the service answers; a service that fails must not cost the person a second PIN."""
        if timestamper is None:
            return None
        try:
            attributes: cms.CMSAttributes | None = await super().unsigned_attrs(
                digest_algorithm, signature, signed_attrs, timestamper, dry_run
            )
        except OSError as error:  # pyHanko's TimestampRequestError is one
            log.warning("no time stamp in this signature: %s", error)
            return None
        return attributes


def _able(client: SignerClient, key: TokenKey, certificate: x509.Certificate) -> tuple[str, ...]:
    """What the device can do, asked only when it decides something: before RSA-PSS, which older devices lack.

    A device that does not answer now is asked to sign as usual, which says better what is wrong.
    """
    if client.rsa_padding != "pss" or certificate.public_key.algorithm != "rsa":
        return ()
    try:
        return next((token.schemes for token in client.tokens() if token.serial == key.token_serial), ())
    except SignerError:
        return ()
