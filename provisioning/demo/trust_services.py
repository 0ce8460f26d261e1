"""The demo authority's services on the network: revocation lists, OCSP (RFC 6960), time stamps (RFC 3161), over HTTP.

Real protocols with real answers, on loopback; ``Misbehaviour`` makes them fail as services and lines do.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from appliance.clock import VN
from provisioning.demo.pki import Authority, make_ca

CAPTIVE_PORTAL = "<!DOCTYPE html><title>Đăng nhập Wi-Fi</title><p>Bấm vào đây để vào mạng.</p>".encode()
_TYPES = {
    "/tsa": "application/timestamp-reply",
    "/ocsp": "application/ocsp-response",
    "/crl": "application/pkix-crl",
}
_LIMIT = 64 * 1024


@dataclass
class Misbehaviour:
    """What goes wrong, until ``clear``. ``fails``: paths that answer 503; ``html``: paths behind a captive portal;
    ``hangs``: paths that never answer; ``replies``: bytes to send instead of the right answer, by path;
    ``slow``: seconds until an answer comes. ``wrong_digest``, ``wrong_nonce``: the time-stamp service lies about them.
    """

    fails: set[str] = field(default_factory=set)
    html: set[str] = field(default_factory=set)
    hangs: set[str] = field(default_factory=set)
    replies: dict[str, bytes] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    wrong_digest: bool = False
    wrong_nonce: bool = False

    def clear(self) -> None:
        """Everything works again."""
        self.fails, self.html, self.hangs, self.replies, self.slow = set(), set(), set(), {}, {}
        self.wrong_digest = self.wrong_nonce = False


class TrustServices:
    """An authority's services at ``authority.services``. ``now``: what time it is there (tests travel in time)."""

    def __init__(self, authority: Authority, *, now: Callable[[], datetime] = lambda: datetime.now(VN)) -> None:
        self.authority, self.now = authority, now
        self.misbehaviour = Misbehaviour()
        self.asked: list[str] = []
        self.released = threading.Event()
        self._first_responder = authority.issue_service(
            "Tra cứu chứng thư thử nghiệm", ExtendedKeyUsageOID.OCSP_SIGNING
        )
        self._first = authority.issue_service("Dấu thời gian thử nghiệm", ExtendedKeyUsageOID.TIME_STAMPING)
        self.first_tsa()

    def renew_tsa(self, *, not_before: datetime, days: int) -> None:
        """The time-stamp service gets a new key and certificate."""
        self.tsa, self._tsa_key = self.authority.issue_service(
            "Dấu thời gian thử nghiệm", ExtendedKeyUsageOID.TIME_STAMPING, not_before=not_before, days=days
        )

    def renew_responder(self, *, not_before: datetime) -> None:
        """The OCSP responder gets a new key and certificate."""
        self._responder = self.authority.issue_service(
            "Tra cứu chứng thư thử nghiệm", ExtendedKeyUsageOID.OCSP_SIGNING, not_before=not_before
        )

    def first_tsa(self) -> None:
        """Back to the key and certificate of the beginning, and the responder too."""
        self.tsa, self._tsa_key = self._first
        self._responder = self._first_responder

    @property
    def host_port(self) -> tuple[str, int]:
        """Where to listen."""
        host, _, port = self.authority.services.removeprefix("http://").rpartition(":")
        return host, int(port)

    def stamp(self, request: bytes) -> bytes:
        """A time-stamp response (DER)."""
        asked = tsp.TimeStampReq.load(request)
        if self.misbehaviour.wrong_digest:
            asked["message_imprint"]["hashed_message"] = bytes(32)
        if self.misbehaviour.wrong_nonce:
            asked["nonce"] = 1
        certificate, key = _pair(self.tsa, self._tsa_key)
        chain: Any = [asn1_x509.Certificate.load(self.authority.intermediate.public_bytes(Encoding.DER))]
        stamper = DummyTimeStamper(certificate, key, certs_to_embed=chain, fixed_dt=self.now())
        return bytes(stamper.request_tsa_response(asked).dump())

    def answer(self, request: bytes) -> bytes:
        """An OCSP response (DER)."""
        asked = ocsp.load_der_ocsp_request(request)
        revoked = self.authority.revocations().get(asked.serial_number)
        now = self.now()
        certificate, key = self._responder
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            asked.issuer_name_hash,
            asked.issuer_key_hash,
            asked.serial_number,
            asked.hash_algorithm,
            ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            now,
            now + timedelta(days=1),
            revoked,
            None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
        for extension in asked.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, critical=False)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    def list_named(self, name: str) -> bytes | None:
        """A revocation list, or None."""
        path = self.authority.trust / name
        return path.read_bytes() if name in ("root.crl", "intermediate.crl") and path.exists() else None


@contextmanager
def serving(services: TrustServices) -> Iterator[TrustServices]:
    """Answer HTTP on a thread of this process."""

    class Handler(_Handler):
        world = services

    with ThreadingHTTPServer(services.host_port, Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield services
        finally:
            services.released.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    world: TrustServices
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        name = self.path.removeprefix("/crl/")
        self._serve("/crl", lambda: self.world.list_named(name))

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _LIMIT))
        makers: dict[str, Callable[[bytes], bytes]] = {"/tsa": self.world.stamp, "/ocsp": self.world.answer}
        make = makers.get(self.path)
        self._serve(self.path, lambda: make(body) if make else None)

    def _serve(self, path: str, make: Callable[[], bytes | None]) -> None:
        wrong = self.world.misbehaviour
        self.world.asked.append(path)
        if path in wrong.hangs:
            self.world.released.wait(60)
            return
        if path in wrong.slow:
            self.world.released.wait(wrong.slow[path])
        if path in wrong.fails:
            self._send(503, "text/plain", b"")
        elif path in wrong.html:
            self._send(200, "text/html; charset=utf-8", CAPTIVE_PORTAL)
        elif (data := wrong.replies.get(path) or make()) is None:
            self._send(404, "text/plain", b"")
        else:
            self._send(200, _TYPES[path], data)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the demo's terminal tells its own story."""


def _pair(certificate: x509.Certificate, key: Any) -> tuple[asn1_x509.Certificate, keys.PrivateKeyInfo]:
    """The same in the form pyHanko takes."""
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)), keys.PrivateKeyInfo.load(private)


def main(arguments: list[str]) -> None:
    """``python -m provisioning.demo.trust_services FOLDER ADDRESS``: answer for the authority in FOLDER until ended."""
    folder, address = arguments
    with serving(TrustServices(make_ca(Path(folder), services=address))) as services:
        signal.signal(signal.SIGTERM, lambda *_: services.released.set())
        services.released.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
