"""Signed statements of the link: compact JWS (RFC 7515) with the signer's certificate chain in ``x5c``.

The bus says "I have it" (R1) and the receiving box "I hold it" (R2) with these. A statement is kept as its exact bytes
and stands for ever: the certificate must have been valid at the moment that the statement itself names, not today.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from appliance.errors import N_, TramError

MEDIA_TYPE = "application/jose"
"""RFC 7515 9.2.1: the compact form; ``application/jose+json`` would promise the JSON form."""
RECEIPT, HANDOVER = "R1", "R2"
"""The bus accepted a package; the receiving box holds it."""
MAX_BYTES = 64 << 10

_PURPOSE = {RECEIPT: ExtendedKeyUsageOID.SERVER_AUTH, HANDOVER: ExtendedKeyUsageOID.CLIENT_AUTH}
"""What the signer's certificate must be for: a box cannot sign as the bus, although one authority made both."""
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_ALGORITHMS = (*_CURVES.values(), "RS256", "PS256")
_ORGAN_URI = "urn:x-edoc:organ:"
_MOMENTS = ("acceptedAt", "at")
_MAX_CHAIN = 6
_ODD = (UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
"""What cryptography says of a strange certificate; none of them is a ValueError."""

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class BadStatement(TramError):
    """A signed statement that proves nothing."""


@dataclass(frozen=True)
class Verified:
    """A statement that holds, and whose certificate it is.

    ``signed`` are the signed bytes, ``signature`` in the form ``openssl dgst -sha256 -verify`` reads (DER for EC).
    """

    payload: dict[str, Any]
    certificate: x509.Certificate
    signed: bytes
    signature: bytes


class _Registry(jws.JWSRegistry):
    """Room for a certificate chain in the header."""

    max_header_length = MAX_BYTES


def sign(payload: Mapping[str, object], key: Key, chain: Sequence[x509.Certificate], typ: str) -> bytes:
    """``payload`` as a statement of kind ``typ``; ``chain`` is the signer's certificate first, without the root.

    Signatures of elliptic curves differ each time: keep the bytes, never make them again. Raises ValueError for a key
    of another kind.
    """
    algorithm = _algorithm(key.public_key())
    header = {
        "alg": algorithm,
        "typ": typ,
        "x5c": [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in chain],
    }
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    jwk = ECKey.import_key(key) if isinstance(key, ec.EllipticCurvePrivateKey) else RSAKey.import_key(key)
    return jws.serialize_compact(header, body, jwk, registry=_Registry(algorithms=_ALGORITHMS)).encode("ascii")


def verify(token: bytes, trusted: Sequence[x509.Certificate], typ: str) -> Verified:
    """The statement in ``token``, signed by somebody whom one of ``trusted`` vouches for. Raises BadStatement."""
    if len(token) > MAX_BYTES:
        raise _bad(N_("dài quá mức"))
    registry = _Registry(algorithms=_ALGORITHMS)
    try:
        parts = jws.extract_compact(token, registry=registry)
        header = parts.headers()
        chain = [x509.load_der_x509_certificate(base64.b64decode(text, validate=True)) for text in header["x5c"]]
        _ = [one.extensions for one in chain]  # read when asked: what is odd must show here
        public = chain[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if header["alg"] != "PS256" and header["alg"] != _algorithm(chain[0].public_key()):
            raise _bad(N_("thuật toán không hợp với khóa"))
        key = ECKey.import_key(public) if header["alg"].startswith("ES") else RSAKey.import_key(public)
        holds = jws.validate_compact(parts, key, registry=registry)
        payload = json.loads(parts.payload)
        raw = _unpadded(token.rsplit(b".", 1)[1])
    except (JoseError, ValueError, LookupError, TypeError, AttributeError, RecursionError, *_ODD) as error:
        raise _bad(N_("không đọc được")) from error
    if not holds:
        raise _bad(N_("chữ ký sai"))
    if header.get("typ") != typ or not isinstance(payload, dict) or payload.get("typ", typ) != typ:
        raise _bad(N_("thuộc loại khác"))
    _check_chain(chain, trusted, _moment(payload))
    _check_purpose(chain[0], typ)
    return Verified(payload, chain[0], token.rsplit(b".", 1)[0], _as_der(header["alg"], raw))


def looks_signed(data: bytes) -> bool:
    """Whether ``data`` has the outer form of a compact JWS; says nothing about its truth."""
    return data.count(b".") == 2 and data.startswith(b"eyJ")


def content(token: bytes) -> dict[str, Any]:
    """The payload of a statement of one's own, not checked. Raises BadStatement when it has another form."""
    try:
        found = json.loads(_unpadded(token.split(b".")[1]))
    except (ValueError, LookupError, RecursionError) as error:
        raise _bad(N_("không đọc được")) from error
    if not isinstance(found, dict):
        raise _bad(N_("không đọc được"))
    return found


def organ_codes(certificate: x509.Certificate) -> tuple[str, ...]:
    """The organs a link certificate speaks for: its SAN URIs ``urn:x-edoc:organ:<code>`` (bus-link C.4)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return tuple(uri.removeprefix(_ORGAN_URI) for uri in uris if uri.startswith(_ORGAN_URI))


def _algorithm(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return "RS256"
    raise ValueError("a statement is signed with NIST P-256, P-384, P-521 or RSA from 2048 bits")


def _moment(payload: dict[str, Any]) -> datetime:
    """When the statement says it was made."""
    text = next((payload[name] for name in _MOMENTS if name in payload), None)
    try:
        found = datetime.fromisoformat(str(text))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise _bad(N_("không nói thời điểm")) from error


def _check_chain(chain: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], moment: datetime) -> None:
    """From the signer up to one of ``trusted``, every link valid at ``moment``."""
    current, above, below = chain[0], list(chain[1:_MAX_CHAIN]), 0
    while True:
        if not current.not_valid_before_utc <= moment <= current.not_valid_after_utc:
            raise _bad(N_("chứng thư không có hiệu lực vào thời điểm ghi trong đó"))
        if any(_issued(current, anchor, below) for anchor in trusted):
            return
        if not above or not _issued(current, above[0], below):
            raise _bad(N_("chứng thư không do CA của tỉnh cấp"))
        current, below = above.pop(0), below + 1


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> bool:
    """Whether ``issuer`` made ``certificate`` and may have (RFC 5280 4.2.1.3, 4.2.1.9).

    ``below``: authorities between the two ends of the chain that stand under ``issuer``.
    """
    try:
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not basic.ca or (basic.path_length is not None and below > basic.path_length):
            return False
        if not _may_sign_certificates(issuer):
            return False
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _may_sign_certificates(issuer: x509.Certificate) -> bool:
    """What its key usage says; without that extension nothing is forbidden. Raises ValueError."""
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def _check_purpose(certificate: x509.Certificate, typ: str) -> None:
    wanted = _PURPOSE.get(typ)
    if wanted is None:
        return
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    if wanted not in usages:
        raise _bad(N_("chứng thư không dành cho việc này"))


def _as_der(algorithm: str, raw: bytes) -> bytes:
    """ECDSA in JWS is r and s side by side (RFC 7518 3.4); openssl wants them in DER."""
    if not algorithm.startswith("ES"):
        return raw
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


def _unpadded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def _bad(why: str) -> BadStatement:
    return BadStatement(N_("Xác nhận đã ký không có giá trị: %(why)s."), why=why)
