"""Encryption when asked (article 15): the sealed files of a document, closed for everybody but its receivers.

Signed first, encrypted after: the sealed PDF is whole inside. What the register needs (number, date, subject) stays
readable. A receiver's certificate for encryption is kept in the address book; one organ may have several.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlite_utils import Database

from appliance.envelope import may_receive, seal
from appliance.errors import N_, BadInput, NotAllowed
from appliance.office import organs
from appliance.office.desk import Actor, Desk, PackageFile
from appliance.regulation import rules
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import fold

EXTENSION = ".p7m"
MEDIA_TYPE = "application/pkcs7-mime"
MOST_BYTES = 100 << 20
ROLES = ("clerk", "technician")


@dataclass(frozen=True)
class Kept:
    """A receiver's certificate; ``problem`` in Vietnamese when nothing may be encrypted to it now, else ''.

    ``other_name``: it is made out to another name than the organ's, so it may be somebody else's.
    """

    sha256: str
    organ_id: str
    organ: str
    holder: str
    until: datetime
    problem: str
    other_name: bool


def kept(db: Database, now: datetime) -> list[Kept]:
    """Every certificate in the address book, by organ."""
    rows = db.execute(
        "SELECT c.sha256, organ.id, organ.name, certificate FROM organ_certificate c JOIN organ ON organ.id ="
        " c.organ_id ORDER BY organ.name, added_at DESC"
    ).fetchall()
    found = []
    for sha256, organ_id, name, der in rows:
        certificate = x509.load_der_x509_certificate(der)
        problem, until = may_receive(certificate, now), certificate.not_valid_after_utc
        other = _one_name(name) not in _one_name(certificate.subject.rfc4514_string())
        found.append(Kept(sha256, organ_id, name, _holder(certificate), until, problem, other))
    return found


def _holder(certificate: x509.Certificate) -> str:
    """The common name, or the whole subject where it has none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _one_name(name: str) -> str:
    """A name as it is compared: without marks and case, UBND and HĐND in full."""
    plain = fold(name)
    return plain.replace("ubnd", fold("Ủy ban nhân dân")).replace("hdnd", fold("Hội đồng nhân dân"))


def keep(desk: Desk, actor: Actor, organ_id: str, data: bytes) -> None:
    """Put a receiver's certificate (PEM or DER) into the address book. Raises NotAllowed, NotFound, BadInput."""
    _allowed(actor)
    organ, now = organs.get(desk.db, organ_id), desk.clock.now()
    try:
        pem = data.lstrip().startswith(b"-----")
        certificate = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
    except (ValueError, x509.InvalidVersion) as error:
        raise BadInput(
            N_("Tệp này không phải chứng thư số."), next_step=N_("Chọn tệp .cer, .crt hoặc .pem của nơi nhận.")
        ) from error
    problem = may_receive(certificate, now)
    if problem:
        raise BadInput(problem, next_step=N_("Đề nghị nơi nhận cung cấp chứng thư dùng để mã hóa còn hạn."))
    der = certificate.public_bytes(Encoding.DER)
    sha256 = hashlib.sha256(der).hexdigest()
    with transaction(desk.db):
        desk.db.execute(
            "INSERT OR IGNORE INTO organ_certificate VALUES (?, ?, ?, ?, ?)",
            [sha256, organ.id, der, actor.account_id, now.isoformat()],
        )
        detail = {"certificate": sha256, "holder": certificate.subject.rfc4514_string()}
        audit.append(desk.db, now, actor.account_id, "organ.certificate", f"organ:{organ.id}", detail)


def forget(desk: Desk, actor: Actor, organ_id: str, sha256: str) -> None:
    """Take a certificate out of the address book. Raises NotAllowed."""
    _allowed(actor)
    now = desk.clock.now()
    with transaction(desk.db):
        desk.db.execute("DELETE FROM organ_certificate WHERE organ_id = ? AND sha256 = ?", [organ_id, sha256])
        detail = {"certificate": sha256}
        audit.append(desk.db, now, actor.account_id, "organ.certificate_removed", f"organ:{organ_id}", detail)


def close(desk: Desk, files: tuple[PackageFile, ...], organ_ids: tuple[str, ...]) -> tuple[PackageFile, ...]:
    """Each file encrypted to every receiver, durable. Raises RuleRefused naming the receivers without a certificate."""
    readers = _readers(desk, organ_ids)
    closed = []
    for file in files:
        path = desk.blobs.path(file.sha256)
        with path.open("rb") as source, tempfile.TemporaryFile(dir=desk.blobs.root) as target:
            seal(source, path.stat().st_size, readers, target)
            target.seek(0)
            sha256, _size = desk.blobs.put_stream(target, MOST_BYTES)
        closed.append(PackageFile(f"{file.name}{EXTENSION}", MEDIA_TYPE, sha256))
    return tuple(closed)


def missing(db: Database, organ_ids: tuple[str, ...], now: datetime) -> list[str]:
    """The names of receivers to whom nothing can be encrypted now."""
    able = {one.organ_id for one in kept(db, now) if not one.problem}
    return [organs.get(db, organ_id).name for organ_id in organ_ids if organ_id not in able]


def is_closed(name: str) -> bool:
    """Whether a file says of itself that it is encrypted."""
    return name.lower().endswith(EXTENSION)


def _readers(desk: Desk, organ_ids: tuple[str, ...]) -> list[x509.Certificate]:
    now = desk.clock.now()
    without = missing(desk.db, organ_ids, now)
    if without:
        raise rules.refuse(
            rules.ENCRYPTION,
            N_("Chưa có chứng thư mã hóa dùng được của: %(names)s."),
            N_("Nạp chứng thư của nơi nhận ở trang Chứng thư mã hóa, hoặc phát hành không mã hóa."),
            names="; ".join(without),
        )
    marks = ", ".join("?" * len(organ_ids))
    query = f"SELECT certificate FROM organ_certificate WHERE organ_id IN ({marks}) ORDER BY organ_id, sha256"
    found = [x509.load_der_x509_certificate(row[0]) for row in desk.db.execute(query, list(organ_ids)).fetchall()]
    return [certificate for certificate in found if not may_receive(certificate, now)]


def _allowed(actor: Actor) -> None:
    if not actor.has(*ROLES):
        raise NotAllowed(N_("Chỉ văn thư hoặc kỹ thuật viên được làm việc này."))
