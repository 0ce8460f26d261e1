"""The key that two parties of an ECDH agreement share (RFC 5753 section 7.1.4 and 7.2)."""

from __future__ import annotations

from asn1crypto import cms, core
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

SCHEMES: dict[str, hashes.HashAlgorithm] = {
    "1.3.133.16.840.63.0.2": hashes.SHA1(),  # dhSinglePass-stdDH-sha1kdf: what OpenSSL writes unless told otherwise
    "1.3.132.1.11.0": hashes.SHA224(),
    "1.3.132.1.11.1": hashes.SHA256(),
    "1.3.132.1.11.2": hashes.SHA384(),
    "1.3.132.1.11.3": hashes.SHA512(),
}
OURS = "1.3.132.1.11.1"
KEY_BYTES = {"aes128_wrap": 16, "aes192_wrap": 24, "aes256_wrap": 32}


class _SharedInfo(core.Sequence):  # type: ignore[misc]
    """ECC-CMS-SharedInfo."""

    _fields = [  # noqa: RUF012 - asn1crypto's own way
        ("key_info", cms.KeyEncryptionAlgorithm),
        ("entity_u_info", core.OctetString, {"explicit": 0, "optional": True}),
        ("supp_pub_info", core.OctetString, {"explicit": 2}),
    ]


def wrapping_key(shared: bytes, scheme: str, wrap: cms.KeyEncryptionAlgorithm, ukm: bytes | None) -> bytes:
    """The key-wrapping key. Raises KeyError for a scheme or a wrap that is none of the above."""
    size = KEY_BYTES[wrap["algorithm"].native]
    values = {"key_info": wrap, "supp_pub_info": (size * 8).to_bytes(4, "big")}
    if ukm is not None:
        values["entity_u_info"] = ukm
    info = _SharedInfo(values).dump()
    return X963KDF(algorithm=SCHEMES[scheme], length=size, sharedinfo=info).derive(shared)
