"""pyHanko's half of a signature with a device's key: attributes here, the raw signature from the signer."""

from __future__ import annotations

import logging

from asn1crypto import algos, cms, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import load_der_x509_certificate
from pyhanko.sign.signers import Signer
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

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
        mechanism = "sha256_ecdsa" if certificate.public_key.algorithm == "ec" else "sha256_rsa"
        super().__init__(
            signing_cert=certificate,
            cert_registry=authorities,
            embed_roots=False,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": mechanism}),
        )
        self._key, self._pin, self._client = key, pin, client

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The raw signature; blocking is fine, the event loop is ours and does nothing else."""
        if dry_run:
            return bytes(512)
        raw = self._client.sign(self._key, self._pin, data)
        public = load_der_x509_certificate(self._key.certificate).public_key()
        try:
            if isinstance(public, ec.EllipticCurvePublicKey):
                raw = algos.DSASignature.from_p1363(raw).dump()  # PKCS#11 gives r || s, CMS wants DER (RFC 5753)
                public.verify(raw, data, ec.ECDSA(hashes.SHA256()))
            elif isinstance(public, rsa.RSAPublicKey):
                public.verify(raw, data, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise signer_error("key_mismatch") from error
        return raw

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
