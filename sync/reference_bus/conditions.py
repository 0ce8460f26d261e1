"""What is wrong with the bus as a machine, on purpose: its clock, its disk, its certificate (bus-link C.9)."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.errors import N_, BadInput
from sync.reference_bus.config import BusConfig
from sync.reference_bus.store import BusStore
from sync.reference_bus.tls import MutualTlsServer, server_context

OTHER_AUTHORITY = "other-authority"
"""The certificate that is always at hand: the right names, signed by nobody whom the boxes know."""
_MOST = 1 << 40


class Conditions:
    """Switches of the store's clock and room and of the certificate that ``api`` shows to new connections."""

    def __init__(self, config: BusConfig, store: BusStore, api: MutualTlsServer) -> None:
        self._config, self._store, self._api = config, store, api
        self._certificate = ""

    def certificates(self) -> tuple[str, ...]:
        """Names of the wrong certificates there are, besides '' for the right one."""
        folder = self._config.wrong_certificates
        files = folder.glob("*.pem") if folder else ()
        return (OTHER_AUTHORITY, *sorted(file.stem for file in files if file.with_suffix(".key").exists()))

    def state(self) -> dict[str, object]:
        """All switches, for JSON and the page. ``room_bytes`` -1: as much as the disk has."""
        room, clock = self._store.room, self._store.clock
        return {
            "clock_offset_seconds": clock.offset_seconds,
            "room_bytes": -1 if room.left is None else room.left,
            "commits": room.commits,
            "certificate": self._certificate,
        }

    def change(self, values: Mapping[str, object]) -> None:
        """Set some switches. Raises BadInput naming one that is unknown or of the wrong kind; then nothing changed."""
        new = self.state() | dict(values)
        offset, room, commits, name = (
            new[key] for key in ("clock_offset_seconds", "room_bytes", "commits", "certificate")
        )
        if len(new) > 4 or type(offset) is not int or abs(offset) > _MOST // 1000:
            raise _unusable("clock_offset_seconds")
        if type(room) is not int or not -1 <= room < _MOST:
            raise _unusable("room_bytes")
        if type(commits) is not bool:
            raise _unusable("commits")
        if not isinstance(name, str) or name not in ("", *self.certificates()):
            raise _unusable("certificate")
        if name != self._certificate:
            self._api.present(self._context(name))
            self._certificate = name
        self._store.clock.offset_seconds = offset
        self._store.room.left = None if room < 0 else room
        self._store.room.commits = commits

    def words(self) -> list[str]:
        """What is wrong at the moment, a sentence each."""
        room, clock, words = self._store.room, self._store.clock, []
        if clock.offset_seconds:
            words.append(f"Đồng hồ của trục lệch {clock.offset_seconds:+d} giây.")
        if room.left is not None:
            words.append(f"Đĩa của trục chỉ còn {room.left} byte.")
        if not room.commits:
            words.append("Đĩa của cơ sở dữ liệu đã đầy: trục không ghi nhận được việc nào.")
        if self._certificate:
            words.append(f"Trục trình chứng thư sai: {self._certificate}.")
        return words

    def _context(self, name: str) -> ssl.SSLContext:
        config, folder = self._config, self._config.wrong_certificates
        if not name:
            return server_context(config.certificate, config.key, config.client_ca)
        if name == OTHER_AUTHORITY or folder is None:
            return _self_made(config)
        return server_context(folder / f"{name}.pem", folder / f"{name}.key", config.client_ca)


def _unusable(key: str) -> BadInput:
    return BadInput(N_("Giá trị của công tắc “%(key)s” không dùng được."), key=key)


def _self_made(config: BusConfig) -> ssl.SSLContext:
    """A certificate with the right names that signs itself."""
    right = x509.load_pem_x509_certificates(config.certificate.read_bytes())[0]
    names = right.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Another authority")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    with tempfile.TemporaryDirectory() as folder:
        certificate, secret = Path(folder, "made.pem"), Path(folder, "made.key")
        certificate.write_bytes(made.public_bytes(pem))
        secret.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        )
        return server_context(certificate, secret, config.client_ca)
