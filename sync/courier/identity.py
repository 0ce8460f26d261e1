"""Who this box is on a stick, and to whom it may seal: link certificates as PEM files named after their organ."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.envelope import SoftwareKey, may_receive, recipients
from appliance.errors import N_, BadInput, ConfigError
from appliance.office import courier_certificates, organs
from appliance.office.desk import Desk
from sync import jws
from sync.bus.native.renewal import before
from sync.bus.native.tls import authorities
from sync.courier.container import BUS, MAX_BYTES, Identity

_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)
"""What cryptography says of a strange key or certificate."""


def own(certificate: Path | None, key: Path | None) -> Identity:
    """The link's key and certificates in these files. Raises ConfigError."""
    try:
        if certificate is None or key is None:
            raise ValueError("link_certificate, link_key")
        secret = load_pem_private_key(key.read_bytes(), None)
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        if not isinstance(secret, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ValueError(type(secret).__name__)
    except (OSError, TypeError, *_UNREADABLE) as error:
        raise ConfigError(
            N_("Không dùng được khóa kết nối của máy này cho gói USB (%(error)s)."),
            next_step=N_("Kỹ thuật viên kiểm tra các tệp link_certificate, link_key."),
            error=error,
        ) from error
    return Identity(secret, chain)


def opener_of(container: Path, certificate: Path, key: Path) -> SoftwareKey:
    """The key that opens ``container``: ours of today, or the one before the last renewal.

    Raises BadInput when it is no container, ConfigError.
    """
    me = own(certificate, key)
    small_enough = before(key).exists() and container.stat().st_size <= MAX_BYTES  # it is read whole to tell
    if small_enough and not any(one.is_for(me.chain[0]) for one in recipients(container.read_bytes())):
        with suppress(ConfigError):  # an older pair that does not load opens nothing
            older = own(before(certificate), before(key))
            return SoftwareKey(older.chain[0], older.key)
    return SoftwareKey(me.chain[0], me.key)


def reader(desk: Desk, to: str) -> x509.Certificate:
    """The link certificate of the organ ``to`` (or of the bus). Raises BadInput: none, not theirs, expired."""
    path = courier_certificates.path_for(desk, to)
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, *_UNREADABLE) as error:
        raise BadInput(
            N_("Chưa có chứng thư kết nối của nơi nhận “%(code)s” để mã hóa gói USB."),
            next_step=N_("Kỹ thuật viên chép chứng thư (PEM) của nơi đó vào %(path)s."),
            code=to,
            path=path,
        ) from error
    if to != BUS and not set(jws.organ_codes(found)) & set(organs.codes_of(desk.db, to)):
        raise BadInput(N_("Chứng thư trong tệp %(name)s không phải của “%(code)s”."), name=path.name, code=to)
    if not any(_made_by(found, anchor) for anchor in authorities(desk.settings)):
        raise BadInput(N_("Chứng thư trong tệp %(name)s không do CA của tỉnh cấp."), name=path.name)
    why = may_receive(found, desk.clock.now())
    if why:
        raise BadInput(why, next_step=N_("Xin chứng thư kết nối mới của nơi nhận."))
    return found


def _made_by(certificate: x509.Certificate, anchor: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(anchor)
    except (TypeError, InvalidSignature, *_UNREADABLE):
        return False
    return True
