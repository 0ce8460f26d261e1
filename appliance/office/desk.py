"""What a piece of office work is done with: the store, the clock, the scanner, the signer, the law."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from sqlite_utils import Database

from appliance.antivirus import Scanner
from appliance.clock import Clock
from appliance.config import Settings
from appliance.signing.client import SignerClient
from appliance.signing.evidence_line import EvidenceLine, NoLine
from appliance.signing.trust import TrustStore
from appliance.store.blobs import BlobStore


@dataclass(frozen=True)
class Actor:
    """The person (or process) who acts, in one organ, with the roles held there."""

    account_id: str
    full_name: str
    organ_id: str
    roles: frozenset[str]

    def has(self, *roles: str) -> bool:
        """Whether any of ``roles`` is held."""
        return bool(self.roles & set(roles))


SYSTEM = Actor("system", "Hệ thống", "", frozenset({"system"}))


@dataclass(frozen=True)
class Party:
    """An organ as it stands on the wire: its code and name at that time."""

    code: str
    name: str
    address: str = ""


@dataclass(frozen=True)
class PackageFile:
    """One attachment of a package: the name people see and its durable bytes."""

    name: str
    media_type: str
    sha256: str


@dataclass(frozen=True)
class Answered:
    """Another document that this one answers (ResponseFor, item 1.12)."""

    organ_code: str
    code: str
    document_code: str
    issue_date: date | None


@dataclass(frozen=True)
class ReceiverChange:
    """An update that changes who receives: ``added`` or taken off (ReceiverList)."""

    code: str
    added: bool


@dataclass(frozen=True)
class Replaced:
    """A document that this one replaces, and for whom (ReplacementInfo)."""

    document_code: str
    organ_codes: tuple[str, ...]


@dataclass(frozen=True)
class Business:
    """What the package does (Bussiness, item 2.2). ``kind``: 0 new, 1 recall, 2 update, 3 replace.

    ``document_code``: the document acted on, for recall and update.
    """

    kind: int = 0
    reason: str = ""
    document_code: str = ""
    information_changed: bool = False
    receivers: tuple[ReceiverChange, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    paper_follows: bool = False


@dataclass(frozen=True)
class DocumentPackage:
    """What an edXML document package says (QCVN 102 items 1.1-1.14, 2.1-2.2), free of any dialect."""

    message_id: str
    sender: Party
    recipients: tuple[Party, ...]
    document_code: str
    number: str
    notation: str
    place: str
    issue_date: date
    type_name: str
    subject: str
    competence: str
    signer_position: str
    signer_name: str
    reply_due: date | None
    urgency: int
    page_count: int
    staff_name: str
    department: str
    at: datetime
    files: tuple[PackageFile, ...] = field(default=())
    business: Business = field(default=Business())
    answers: tuple[Answered, ...] = field(default=())
    content: str = ""
    to_places: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class StatusPackage:
    """What a status message says (codes 01-16), free of any dialect."""

    message_id: str
    sender: Party
    addressee_code: str
    document_code: str
    code: str
    issue_date: str
    status_code: str
    description: str
    staff_name: str
    department: str
    at: datetime


@dataclass(frozen=True)
class Correction:
    """What of a queued package may be put right without touching a signed file; empty or None: as it was."""

    recipients: tuple[Party, ...] = ()
    urgency: int | None = None
    subject: str = ""


class PackageWriter(Protocol):
    """Makes the exact bytes of a package; implemented by ``sync.edxml.packer``, injected by ``provisioning.box``."""

    def document(self, package: DocumentPackage, blobs: BlobStore) -> tuple[str, int]:
        """Write a document package into ``blobs``, durable; returns its (SHA-256, bytes)."""

    def status(self, package: StatusPackage) -> bytes:
        """The edXML bytes of a status package."""

    def corrected(self, sha256: str, change: Correction, blobs: BlobStore) -> tuple[str, int]:
        """One of our own packages again with ``change``, attachments byte for byte; returns (SHA-256, bytes)."""


@dataclass
class Desk:
    """One request's or one job's working set. ``db`` belongs to one thread."""

    settings: Settings
    db: Database
    blobs: BlobStore
    clock: Clock
    scanner: Scanner
    signer: SignerClient
    trust: TrustStore
    packages: PackageWriter
    evidence: EvidenceLine = field(default_factory=NoLine)
