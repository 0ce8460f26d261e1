"""Renewal of link certificates over the old one, and the list of those that may come in no more (bus-link C.4)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from flask import Flask, Response, request

from appliance.errors import N_, ConfigError
from sync.reference_bus import bodies
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.problems import BadRequest, CertificateRevoked, NoSuchThing
from sync.reference_bus.tls import ORGAN_URI, ORGANS, SERIAL

_DAYS = 365
_MOST_BYTES = 16_384


def add_certificates(app: Flask, exchange: Exchange) -> None:
    """POST /v1/certificate, and the check of every caller's serial number. Raises ConfigError."""
    config = exchange.config
    authority = x509.load_pem_x509_certificates(config.client_ca.read_bytes())[0]
    key = _key(config.client_ca_key) if config.client_ca_key else None

    @app.before_request
    def refuse_revoked() -> None:
        if config.revoked is not None and request.environ.get(SERIAL) in _revoked(config.revoked):
            raise CertificateRevoked(
                N_("Chứng thư kết nối của trạm đã bị thu hồi."),
                next_step=N_("Kỹ thuật viên xin cấp lại chứng thư kết nối."),
            )

    @app.post("/v1/certificate")
    def post_certificate() -> Response:
        if key is None:
            raise NoSuchThing(N_("Trục này không tự cấp lại chứng thư kết nối."))
        try:
            asked = x509.load_pem_x509_csr(bodies.small(_MOST_BYTES))
            public, subject, signed = asked.public_key(), asked.subject, asked.is_signature_valid
        except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
            raise BadRequest(N_("Không đọc được yêu cầu cấp chứng thư.")) from error
        strong = isinstance(public, ec.EllipticCurvePublicKey) or (
            isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048
        )
        if not signed or not strong:
            raise BadRequest(N_("Yêu cầu cấp chứng thư có chữ ký sai hoặc khóa yếu."))
        # Whom it speaks for is what the old certificate says, never what the request asks for.
        names = [x509.UniformResourceIdentifier(ORGAN_URI + code) for code in request.environ.get(ORGANS, ())]
        if not names:
            raise BadRequest(N_("Chứng thư kết nối không nêu đơn vị nào."))
        now = exchange.store.clock.now()
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=_DAYS))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        return Response(made.public_bytes(Encoding.PEM), status=201, content_type="application/pem-certificate-chain")


def _revoked(path: Path) -> set[str]:
    """Serial numbers in hex, one a line; read anew each time, so that adding one needs no restart."""
    try:
        lines = path.read_text("ascii").split()
    except FileNotFoundError:
        return set()
    return {line.upper().lstrip("0") for line in lines}


def _key(path: Path) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(N_("Không dùng được khóa %(path)s: %(error)s"), path=path.name, error=error) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ConfigError(N_("Không dùng được khóa %(path)s: %(error)s"), path=path.name, error=type(key).__name__)
    return key
