"""The box's signed word that it holds a package (R2), and the words of others that come back to a sender."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.clock import VN
from appliance.config import Settings
from sync import jws
from sync.bus.native.tls import authorities

_REMEMBERED = 1000


class Words:
    """Signs with the link's key: link identity is no document signature (bus-link C.4)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._trusted = authorities(settings)
        self._seen: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def note(self, row: dict[str, Any]) -> None:
        """Remember which message an inbox entry is, and which organ got it."""
        doc_id, message_id, organ = (row.get(key) for key in ("docId", "messageId", "organ"))
        if isinstance(doc_id, str) and isinstance(message_id, str) and isinstance(organ, str):
            self._seen[doc_id] = (message_id, organ)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)

    def word(self, doc_id: str, said: dict[str, str], ask: Callable[[], dict[str, Any] | None]) -> bytes:
        """The signed acknowledgement of an entry; b'' when the bus does not say enough of it, or the key cannot."""
        if doc_id not in self._seen:
            self.note(ask() or {})
        if doc_id not in self._seen:
            return b""
        message_id, organ = self._seen[doc_id]
        key, chain = self._identity()
        if key is None or organ not in jws.organ_codes(chain[0]):
            return b""
        at = datetime.now(VN).isoformat(timespec="milliseconds")
        payload = {"typ": jws.HANDOVER, "messageId": message_id, "docId": doc_id, "organ": organ, **said, "at": at}
        return jws.sign(payload, key, chain, jws.HANDOVER)

    def checked(self, token: str, message_id: str, sha256: str) -> bytes:
        """The word of a recipient if it holds and says 'done' of these very bytes, else b''."""
        if not token:
            return b""
        try:
            word = token.encode("ascii", "replace")
            found = jws.verify(word, self._trusted, jws.HANDOVER)
        except jws.BadStatement:
            return b""
        said = {key: found.payload.get(key) for key in ("messageId", "sha256", "outcome")}
        right = said == {"messageId": message_id, "sha256": sha256, "outcome": "done"}
        return word if right and found.payload.get("organ") in jws.organ_codes(found.certificate) else b""

    def _identity(self) -> tuple[jws.Key | None, list[x509.Certificate]]:
        """The link's key and certificate as they are now: they are renewed while the process runs."""
        try:
            assert self._settings.link_key is not None
            assert self._settings.link_certificate is not None
            key = load_pem_private_key(self._settings.link_key.read_bytes(), None)
            chain = x509.load_pem_x509_certificates(self._settings.link_certificate.read_bytes())
        except (OSError, ValueError, TypeError):
            return None, []
        return (key if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) else None), chain
