"""A signed statement (compact JWS, RFC 7515) taken apart into what openssl reads. Nothing is judged here.

The judgement is ``sync.jws``'s; a proof shows the parts so that a stranger can come to their own.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.clock import parse

_DIGEST = {"256": "sha256", "384": "sha384", "512": "sha512"}


@dataclass(frozen=True)
class Statement:
    """``signature`` in DER for elliptic curves; ``digest`` and ``options`` as ``openssl dgst`` wants them."""

    signed: bytes
    payload: bytes
    padding: str
    signature: bytes
    certificates: bytes
    digest: str
    options: str
    moment: int
    """Seconds since 1970 that the statement names for itself."""
    facts: dict[str, Any]


def take_apart(token: bytes) -> Statement | None:
    """The parts of a statement, or None when ``token`` is something else (the answer of a bus without signatures)."""
    try:
        head, body, raw = (part.encode() for part in token.decode("ascii").split("."))
        header, payload = json.loads(_decoded(head)), _decoded(body)
        facts = json.loads(payload)
        algorithm, signature = str(header["alg"]), _decoded(raw)
        chain = [x509.load_der_x509_certificate(base64.b64decode(text)) for text in header["x5c"]]
        moment = parse(str(facts.get("acceptedAt") or facts["at"]))
        digest = _DIGEST[algorithm[2:]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if algorithm.startswith("ES"):
        half = len(signature) // 2
        signature = encode_dss_signature(
            int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        )
    return Statement(
        signed=head + b"." + body,
        payload=payload,
        padding="=" * (-len(body) % 4),
        signature=signature,
        certificates=b"".join(one.public_bytes(Encoding.PEM) for one in chain),
        digest=digest,
        options="-sigopt rsa_padding_mode:pss " if algorithm.startswith("PS") else "",
        moment=int(moment.timestamp()),
        facts=facts,
    )


def _decoded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
