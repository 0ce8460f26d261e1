"""The trust folder's files: what is in them, what a stranger's file brings, and writing them so that none is ever half.

Nothing here decides what may be trusted: that is ``appliance.office.anchors``.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from asn1crypto import crl, pem, x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import load_der_x509_certificate, load_der_x509_crl

from appliance.errors import N_, BadInput
from appliance.signing.certificates import signed_by

ENDINGS = (".pem", ".crt", ".cer", ".der", ".crl", ".zip")
MOST_BYTES = 50 << 20
MOST_THINGS = 500


@dataclass(frozen=True)
class Found:
    """A certificate or a revocation list in a file; ``fingerprint``: SHA-256 over its DER, hexadecimal."""

    thing: x509.Certificate | crl.CertificateList
    file: str

    @property
    def fingerprint(self) -> str:
        """How people tell it apart."""
        return sha256(self.thing.dump()).hexdigest()

    @property
    def kind(self) -> str:
        """'root', 'intermediate', 'other' (a certificate of no authority) or 'list'."""
        if isinstance(self.thing, crl.CertificateList):
            return "list"
        if not self.thing.ca:
            return "other"
        return "root" if self.thing.self_issued else "intermediate"


def contents(name: str, data: bytes) -> list[Found]:
    """Every certificate and list in a PEM, DER or ZIP file. Raises BadInput for anything else, and for too much."""
    if len(data) > MOST_BYTES:
        raise BadInput(N_("Tệp “%(name)s” lớn hơn giới hạn %(limit)s MB."), name=name, limit=MOST_BYTES >> 20)
    found = list(_unzipped(name, data) if data[:4] == b"PK\x03\x04" else _read(name, data))
    if len(found) > MOST_THINGS:
        raise BadInput(N_("Tệp “%(name)s” chứa quá nhiều chứng thư số."), name=name)
    return found


def _unzipped(name: str, data: bytes) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [e for e in archive.infolist() if e.filename.lower().endswith(ENDINGS[:-1])]
            if len(entries) > MOST_THINGS or sum(e.file_size for e in entries) > MOST_BYTES:
                raise BadInput(N_("Tệp “%(name)s” chứa quá nhiều dữ liệu."), name=name)
            for entry in entries:
                with archive.open(entry) as stream:  # the size in the directory may be a lie
                    yield from _read(f"{name}/{Path(entry.filename).name}", stream.read(entry.file_size + 1))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _unreadable(name) from error


def _read(name: str, data: bytes) -> Iterator[Found]:
    try:
        blocks = [der for _, _, der in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
    except ValueError as error:
        raise _unreadable(name) from error
    for der in blocks:
        yield Found(_parsed(name, der), name)


def _parsed(name: str, der: bytes) -> x509.Certificate | crl.CertificateList:
    """One DER object; looked at by two libraries, so that what is written into the folder can be read by both."""
    for kind, check in ((x509.Certificate, load_der_x509_certificate), (crl.CertificateList, load_der_x509_crl)):
        try:
            thing = kind.load(der, strict=True)
            thing.native  # noqa: B018 - asn1crypto parses when touched
            check(der)
        except Exception:  # noqa: BLE001 - hostile bytes make parsers raise anything; the other kind is next
            continue
        return thing
    raise _unreadable(name)


def _unreadable(name: str) -> BadInput:
    return BadInput(
        N_("Tệp “%(name)s” không phải chứng thư số hay danh sách thu hồi đọc được."),
        next_step=N_("Chọn tệp PEM, DER (.crt, .cer, .crl) hoặc ZIP của chúng do tổ chức chứng thực cung cấp."),
        name=name,
    )


def issued_by(certificate: x509.Certificate, issuers: Iterable[x509.Certificate]) -> bool:
    """Whether one of ``issuers`` has signed the certificate."""
    own = load_der_x509_certificate(certificate.dump())
    for issuer in issuers:
        try:
            own.verify_directly_issued_by(load_der_x509_certificate(issuer.dump()))
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def list_signed_by(entry: crl.CertificateList, issuers: Iterable[x509.Certificate]) -> bool:
    """Whether one of ``issuers`` has signed the list."""
    return signed_by(load_der_x509_crl(entry.dump()), issuers)


def write(folder: Path, name: str, things: Iterable[x509.Certificate | crl.CertificateList]) -> None:
    """Put a file into the folder in one step: nobody ever reads half of it; durable when this returns."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = []
    for thing in things:
        label = "X509 CRL" if isinstance(thing, crl.CertificateList) else "CERTIFICATE"
        blocks.append(pem.armor(label, thing.dump()))
    temporary = folder / f".{name}.new"
    with temporary.open("wb") as file:
        file.write(b"".join(blocks))
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(0o644)
    temporary.replace(folder / name)
    _settle(folder)


def drop(folder: Path, name: str) -> None:
    """Take a file out of the folder; nothing happens when it is not there."""
    (folder / name).unlink(missing_ok=True)
    _settle(folder)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
