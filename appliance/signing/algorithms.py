"""With which scheme and hash a key signs: the policy of ``algorithms.toml`` (Thông tư 15/2025/TT-BKHCN, annex I)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asn1crypto import algos, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import load_der_x509_certificate

POLICY: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
SCHEMES: tuple[str, ...] = tuple(POLICY["schemes"])
LEAST_BITS: dict[str, int] = {kind: POLICY[kind]["least_bits"] for kind in ("rsa", "ec")}
_HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}


@dataclass(frozen=True)
class Scheme:
    """How one signature is made: ``name`` of SCHEMES, ``digest`` 'sha256' or 'sha384'."""

    name: str
    digest: str

    @property
    def cms(self) -> algos.SignedDigestAlgorithm:
        """The signatureAlgorithm of CMS (RFC 5754, RFC 5758; RFC 4056 for PSS)."""
        if self.name == "ecdsa":
            return algos.SignedDigestAlgorithm({"algorithm": f"{self.digest}_ecdsa"})
        if self.name == "rsa-pkcs1":
            return algos.SignedDigestAlgorithm({"algorithm": f"{self.digest}_rsa"})
        parameters = algos.RSASSAPSSParams(
            {
                "hash_algorithm": algos.DigestAlgorithm({"algorithm": self.digest}),
                "mask_gen_algorithm": algos.MaskGenAlgorithm(
                    {"algorithm": "mgf1", "parameters": {"algorithm": self.digest}}
                ),
                "salt_length": _HASHES[self.digest].digest_size,
            }
        )
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def scheme_for(certificate: x509.Certificate, rsa_padding: str, able: tuple[str, ...] = SCHEMES) -> Scheme:
    """The scheme for a certificate's key. ``rsa_padding``: 'pss' (where the device is ``able``) or 'pkcs1v15'."""
    key = certificate.public_key
    if key.algorithm == "ec":
        longer = key.bit_size >= 384
        return Scheme("ecdsa", POLICY["ec"]["hash_from_384_bits" if longer else "hash"])
    pss = rsa_padding == "pss" and "rsa-pss" in able
    return Scheme("rsa-pss" if pss else "rsa-pkcs1", POLICY["rsa"]["hash"])


def verified(certificate: bytes, scheme: Scheme, raw: bytes, data: bytes) -> bytes:
    """A device's raw signature as CMS wants it, checked against the certificate (DER) first.

    Raises ``cryptography.exceptions.InvalidSignature``, also for r || s of a wrong length and a key of another kind.
    """
    public, digest = load_der_x509_certificate(certificate).public_key(), _HASHES[scheme.digest]
    if isinstance(public, ec.EllipticCurvePublicKey):
        der: bytes = algos.DSASignature.from_p1363(raw).dump()  # PKCS#11 gives r || s, CMS wants DER (RFC 5753)
        public.verify(der, data, ec.ECDSA(digest))
        return der
    if isinstance(public, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        public.verify(raw, data, pss if scheme.name == "rsa-pss" else padding.PKCS1v15(), digest)
    return raw
