"""What a package says, free of any dialect: the reader's answer, and what the writer can write again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

from appliance.errors import BadInput
from appliance.office.desk import Answered, Business

ABSENT, UNVERIFIABLE = "absent", "unverifiable"
"""A signature on the envelope: none, or one that nobody can verify (see ``ReadDocument.signature``)."""


class BadPackage(BadInput):
    """The bytes are not a package that can be read: torn, hostile, or something else altogether."""


@dataclass(frozen=True)
class Organ:
    """An organ as the package names it (items 1.1, 1.2); any part may be empty."""

    code: str
    name: str
    address: str = ""
    in_charge: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


@dataclass(frozen=True)
class Reference:
    """The document that a status is about, and who gets the status; ``date`` is ISO or empty."""

    organ_code: str
    code: str
    document_code: str
    date: str


@dataclass(frozen=True)
class Staff:
    """Who handled it at the other end (item 2.2.5)."""

    department: str = ""
    name: str = ""
    email: str = ""
    mobile: str = ""
    department_id: str = ""
    staff_id: str = ""


@dataclass(frozen=True)
class Hop:
    """One stop on the way (TraceHeader, item 2.1); ``at`` is an ISO text without zone, Vietnam local, or empty."""

    organ_code: str
    at: str


@dataclass(frozen=True)
class Listed:
    """One line of the manifest: what the sender says is attached. ``content_id`` without ``cid:``."""

    content_id: str
    media_type: str
    name: str
    description: str = ""


@dataclass(frozen=True)
class ReadFile:
    """One attachment: its clean name and its durable bytes; ``media_type`` by magic bytes, ``declared`` as written."""

    name: str
    media_type: str
    sha256: str
    size: int
    declared: str = ""
    content_id: str = ""
    description: str = ""


@dataclass(frozen=True)
class ReadDocument:
    """A document package. Dates are ISO texts or empty; ``content_sha256`` ignores the trace of hops.

    ``copies`` PromulgationAmount, ``sphere`` SphereOfPromulgation, ``typist_mark`` TyperNotation, ``steering``
    SteeringType as it stands (sources disagree what its numbers mean), ``tasks`` ResponseForTask.
    ``signature``: envelope signatures in use sign nothing that can be checked (placeholders, or broken by the hops).
    """

    sender: Organ
    recipients: tuple[Organ, ...]
    document_code: str
    number: str
    notation: str
    place: str
    issue_date: str
    type_name: str
    subject: str
    content: str
    competence: str
    signer_position: str
    signer_name: str
    reply_due: str
    urgency: int
    page_count: int
    appendixes: tuple[str, ...]
    answers: tuple[Answered, ...]
    to_places: tuple[str, ...]
    business: Business
    staff: Staff
    files: tuple[ReadFile, ...]
    warnings: tuple[str, ...] = ()
    content_sha256: str = ""
    type_number: int | None = None
    type_detail: int | None = None
    copies: int = 0
    sphere: str = ""
    typist_mark: str = ""
    direction: bool | None = None
    reply_fors: tuple[str, ...] = ()
    reference_codes: tuple[str, ...] = ()
    steering: int | None = None
    tasks: tuple[str, ...] = ()
    application_type: str = ""
    trace: tuple[Hop, ...] = ()
    manifest: tuple[Listed, ...] = ()
    signature: str = ABSENT


@dataclass(frozen=True)
class ReadStatus:
    """A status package (codes 01-16). ``at`` is an ISO text without zone, Vietnam local, or empty."""

    sender: Organ
    response_for: Reference
    status_code: str
    description: str
    staff: Staff
    at: str
    warnings: tuple[str, ...] = ()


def essence(document: ReadDocument) -> ReadDocument:
    """What the document says, whoever wrote it down: without hops, signature, ids and types of parts, and notes."""
    files = tuple(ReadFile(file.name, "", file.sha256, file.size) for file in document.files)
    return replace(document, files=files, manifest=(), trace=(), signature=ABSENT, warnings=(), content_sha256="")


def content_digest(document: ReadDocument) -> str:
    """SHA-256 of the essence: equal for copies that came by other hops or were written in another dialect."""
    said = json.dumps(asdict(essence(document)), ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()
