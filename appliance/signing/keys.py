"""Keys and certificates on an open device, and the raw signature (runs in the signer's worker only)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error

# DigestInfo (RFC 8017, section 9.2, note 1), for devices that only do the bare RSA operation.
_DIGEST_INFO = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
}
_PSS = {
    "sha256": (Mechanism.SHA256, MGF.SHA256, 32),
    "sha384": (Mechanism.SHA384, MGF.SHA384, 48),
}
# scheme and hash -> (hashing on the device, hashing here)
_MECHANISMS = {
    ("rsa-pkcs1", "sha256"): (Mechanism.SHA256_RSA_PKCS, Mechanism.RSA_PKCS),
    ("rsa-pkcs1", "sha384"): (Mechanism.SHA384_RSA_PKCS, Mechanism.RSA_PKCS),
    ("rsa-pss", "sha256"): (Mechanism.SHA256_RSA_PKCS_PSS, Mechanism.RSA_PKCS_PSS),
    ("rsa-pss", "sha384"): (Mechanism.SHA384_RSA_PKCS_PSS, Mechanism.RSA_PKCS_PSS),
    ("ecdsa", "sha256"): (Mechanism.ECDSA_SHA256, Mechanism.ECDSA),
    ("ecdsa", "sha384"): (Mechanism.ECDSA_SHA384, Mechanism.ECDSA),
}
_OAEP = {
    None: None,
    "sha1": (Mechanism.SHA_1, MGF.SHA1, None),
    "sha256": (Mechanism.SHA256, MGF.SHA256, None),
    "sha384": (Mechanism.SHA384, MGF.SHA384, None),
}
_KEY_TYPE = {"rsa-pkcs1": KeyType.RSA, "rsa-pss": KeyType.RSA, "ecdsa": KeyType.EC}


class Refused(Exception):
    """The operation ended with a code of ``failures.FAILURES``; ``detail`` fills the sentence."""

    def __init__(self, code: str, **detail: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def certificates(session: Any) -> list[list[str]]:
    """Pairs of CKA_ID (hexadecimal) and certificate (DER, base64), readable without a PIN."""
    return [
        [(_read(entry, Attribute.ID) or b"").hex(), base64.b64encode(value).decode("ascii")]
        for entry in list(session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}))
        if (value := _read(entry, Attribute.VALUE))
    ]


def schemes(token: Any) -> list[str]:
    """The schemes (``algorithms.SCHEMES``) this device has a mechanism for, with SHA-256."""
    able = token.slot.get_mechanisms()
    return sorted({name for (name, digest), ways in _MECHANISMS.items() if digest == "sha256" and able & set(ways)})


def find(session: Any, key_id: bytes, public: dict[str, str]) -> Any:
    """The private key of a certificate: by CKA_ID where that fits, else by its public half.

    Makers write what they like into CKA_ID: a certificate's may differ from its key's, and one may be used twice.
    ``public``: 'modulus' (RSA) or 'point' (EC), hexadecimal. Raises Refused 'no_key'.
    """
    present = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
    named = [key for key in present if (_read(key, Attribute.ID) or b"") == key_id]
    known = [(key, _public_half(session, key)) for key in present]
    if fitting := [key for key, half in known if half == public]:
        return next((key for key in fitting if key in named), fitting[0])
    # A device that shows no public half: the CKA_ID decides, and the signature is checked with the certificate.
    blind = [key for key, half in known if half is None]
    if by_name := [key for key in blind if key in named]:
        return by_name[0]
    if len(blind) == len(present) == 1:
        return blind[0]
    raise Refused("no_key")


def asks_every_time(key: Any) -> bool:
    """Whether the key wants the PIN again for each signature (CKA_ALWAYS_AUTHENTICATE)."""
    return bool(_read(key, Attribute.ALWAYS_AUTHENTICATE))


def signature(key: Any, data: bytes, scheme: str, digest: str, pin: str | None) -> bytes:
    """Sign with hashing on the device where it can, else hash here; r || s for ECDSA. Raises Refused 'unsupported'."""
    if (scheme, digest) not in _MECHANISMS or key.key_type != _KEY_TYPE[scheme]:
        raise Refused("unsupported")
    whole, bare = _MECHANISMS[scheme, digest]
    able = key.session.token.slot.get_mechanisms()
    parameters = _PSS[digest] if scheme == "rsa-pss" else None
    if whole in able:
        return bytes(key.sign(data, mechanism=whole, mechanism_param=parameters, pin=pin))
    if bare not in able:
        raise Refused("unsupported")
    prefix = _DIGEST_INFO[digest] if scheme == "rsa-pkcs1" else b""
    hashed = prefix + hashlib.new(digest, data).digest()
    return bytes(key.sign(hashed, mechanism=bare, mechanism_param=parameters, pin=pin))


def opened(key: Any, wrapped: bytes, oaep: str | None, pin: str | None) -> bytes:
    """A content key out of RSA key transport; ``oaep``: the hash, None: PKCS#1 v1.5. Raises Refused 'unsupported'."""
    if key.key_type != KeyType.RSA or oaep not in _OAEP:
        raise Refused("unsupported")
    mechanism = Mechanism.RSA_PKCS if oaep is None else Mechanism.RSA_PKCS_OAEP
    if mechanism not in key.session.token.slot.get_mechanisms():
        raise Refused("unsupported")
    return bytes(key.decrypt(wrapped, mechanism=mechanism, mechanism_param=_OAEP[oaep], pin=pin))


def _public_half(session: Any, key: Any) -> dict[str, str] | None:
    """What the device says of a private key's public half; None when it says nothing."""
    if key.key_type == KeyType.RSA:
        modulus = _read(key, Attribute.MODULUS)
        return {"modulus": modulus.lstrip(b"\0").hex()} if modulus else None
    if key.key_type != KeyType.EC:
        return {}
    same = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.KEY_TYPE: KeyType.EC}
    twins = list(session.get_objects({**same, Attribute.ID: _read(key, Attribute.ID) or b""}))
    point = _read(twins[0], Attribute.EC_POINT) if len(twins) == 1 else None
    return {"point": _bare_point(point).hex()} if point else None


def _bare_point(point: bytes) -> bytes:
    """CKA_EC_POINT is an OCTET STRING around the point; some devices leave the wrapping out."""
    length = point[1] if len(point) > 2 else 0
    if point[0] == 0x04 and length == len(point) - 2:
        return point[2:]
    if point[:2] == b"\x04\x81" and len(point) > 3 and point[2] == len(point) - 3:
        return point[3:]
    return point


def _read(entry: Any, attribute: Attribute) -> Any:
    """An attribute, or None where the device does not have it or does not say."""
    try:
        return entry[attribute]
    except (PKCS11Error, IndexError):
        return None
