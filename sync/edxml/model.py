"""What a package that came in says: the reader's answer, free of any dialect."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import BadInput


class BadPackage(BadInput):
    """The bytes are not a package that can be read: torn, hostile, or something else altogether."""


@dataclass(frozen=True)
class Organ:
    """An organ as the package names it; any part may be empty."""

    code: str
    name: str
    address: str = ""
    in_charge: str = ""
    email: str = ""
    telephone: str = ""


@dataclass(frozen=True)
class Reference:
    """Another document that this one answers (ResponseFor, item 1.12); ``date`` is ISO or empty."""

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


@dataclass(frozen=True)
class ReadFile:
    """One attachment: its clean name and its durable bytes; ``media_type`` by magic bytes, ``declared`` as written."""

    name: str
    media_type: str
    sha256: str
    size: int
    declared: str = ""


@dataclass(frozen=True)
class ReadDocument:
    """A document package. Dates are ISO texts or empty; ``content_sha256`` ignores the trace of hops."""

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
    response_for: tuple[Reference, ...]
    business_type: int
    business_reason: str
    business_document_code: str
    paper_follows: bool
    staff: Staff
    files: tuple[ReadFile, ...]
    warnings: tuple[str, ...]
    content_sha256: str


@dataclass(frozen=True)
class ReadStatus:
    """A status package (codes 01-16). ``at`` is an ISO text without zone, Vietnam local, or empty."""

    sender: Organ
    response_for: Reference
    status_code: str
    description: str
    staff: Staff
    at: str
    warnings: tuple[str, ...]
