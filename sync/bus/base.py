"""One interface for every bus: five verbs, one error, three outcomes of a send. The engines never know the dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Literal, Protocol

from appliance.errors import TramError

Kind = Literal["edoc", "status"]


class Fault(Enum):
    """Whose fault a refusal is (bus-link C.6); the adapter says it, the engine decides what follows."""

    NONE = ""
    """Nobody's in particular: for a BusError try again later, for REJECTED the same as PACKAGE."""
    PACKAGE = "package"
    """The package as it is (VXP codes 10, 21, 22; 413): rejected, a person corrects it."""
    ORGAN = "organ"
    """An addressed organ (codes 18, 23): with several recipients the package is split, one for each."""
    SENDER = "sender"
    """The organ of this box that sends (code 19, not in the certificate): its packages wait, the others' go on."""
    LINK = "link"
    """The box itself (code 15, wrong secret or certificate): all pauses until a technician resumes it."""


class BusError(TramError):
    """The bus was not reached, or did not do what was asked; the message says why in Vietnamese.

    ``permanent``: the same request will never work. ``link``: the line or its TLS failed, so nothing else will work
    either until it is back. ``connected``: at least one byte of the request may have left the box. ``bytes_sent``:
    how much of a package left. ``retry_after``: seconds the bus asked for. ``fault``: LINK when no request of this box
    will work until a technician has put its secret or certificate right; nothing is sent meanwhile. SENDER: the same
    for one of its organs. ``dates``: TLS said no because of the dates of the bus's certificate, so one of the two
    clocks may be wrong.
    """

    permanent = False
    status = 503

    def __init__(
        self,
        message: str,
        *,
        next_step: str = "",
        permanent: bool = False,
        link: bool = False,
        connected: bool = False,
        bytes_sent: int = 0,
        http_status: int | None = None,
        retry_after: float | None = None,
        fault: Fault = Fault.NONE,
        dates: bool = False,
        **params: object,
    ) -> None:
        super().__init__(message, next_step=next_step, rule=None, permanent=permanent, **params)
        self.link = link
        self.connected = connected
        self.bytes_sent = bytes_sent
        self.http_status = http_status
        self.retry_after = retry_after
        self.fault = fault
        self.dates = dates


class Outcome(Enum):
    """What became of one send."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """Nobody can say: the last byte left without a usable answer, or the bus cannot be asked about it (yet)."""


@dataclass(frozen=True)
class SendResult:
    """``receipt``: the bus's own bytes, kept as evidence. ``reason``: Vietnamese, for REJECTED and UNKNOWN.

    ``fault``: PACKAGE or ORGAN, for REJECTED (a refusal of the box itself is a BusError with Fault.LINK). ``organs``:
    the codes at fault among ``Outbound.recipients``, where the bus names them.
    """

    outcome: Outcome
    doc_id: str = ""
    accepted_at: str = ""
    receipt: bytes = b""
    reason: str = ""
    bytes_sent: int = 0
    http_status: int | None = None
    fault: Fault = Fault.NONE
    organs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outbound:
    """One package to send: its id and exact bytes for life, and the envelope's addresses.

    ``yield_to``: asked while a resumable upload is under way; True: something more urgent is due, raise ``Yielded``.
    """

    id: str
    kind: Kind
    priority: int
    sender: str
    recipients: tuple[str, ...]
    path: Path
    size: int
    sha256: str
    yield_to: Callable[[], bool] = field(default=lambda: False, compare=False)


@dataclass(frozen=True)
class BusInfo:
    """What holds for a bus of this dialect, as far as known; a client may learn more on the way.

    ``absent_after``: for how many seconds the bus must have denied a package before the same one may be sent again.
    ``max_bytes``: the largest package it takes, by its own word once ``limit_told``. ``can_find_sent``: False where
    ``find_sent`` always says UNKNOWN, so that only an incoming status or sending the same bytes again can settle a
    doubt. ``speaks_for``: the organs that the link's certificate names, where the dialect has one.
    """

    dialect: str
    max_bytes: int
    absent_after: float = 0.0
    can_find_sent: bool = True
    limit_told: bool = False
    speaks_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class InboxItem:
    """One entry of the bus's inbox for us. ``size`` -1, ``sha256``, ``to``, ``sender`` '' and ``seq`` 0: not told."""

    seq: int
    doc_id: str
    message_id: str
    kind: str
    priority: int
    sender: str
    to: str
    size: int
    sha256: str


@dataclass(frozen=True)
class InboxPage:
    """Some entries, and the cursor to ask with next, once all of them are stored. No entries: nothing more waits.

    ``nameless``: how many more the bus lists without an id that they could be fetched by.
    """

    items: tuple[InboxItem, ...]
    cursor: str
    nameless: int = 0


@dataclass(frozen=True)
class RecipientState:
    """How far a package got with one recipient: 'waiting', 'delivered' or 'failed'; ``at`` ISO 8601 or ''.

    ``proof``: the recipient's own signed word (R2, the exact bytes), where the dialect passes it on.
    """

    organ: str
    state: str
    at: str
    proof: bytes = b""


@dataclass(frozen=True)
class OrganEntry:
    """One line of the bus's directory. Days are ISO texts or '' (open); ``successor`` the code that took over."""

    code: str
    name: str
    old_codes: tuple[str, ...] = field(default=())
    parent: str = ""
    valid_from: str = ""
    valid_to: str = ""
    successor: str = ""


@dataclass(frozen=True)
class DirectoryPage:
    """What changed in the directory, and the cursor to ask with next time ('' where the dialect has none)."""

    entries: tuple[OrganEntry, ...]
    cursor: str = ""


@dataclass(frozen=True)
class BusTime:
    """The bus's clock beside ours: ``offset`` = bus - box in seconds, ``error`` the bound on it."""

    utc: datetime
    offset: float
    error: float


class BusClient(Protocol):
    """What an adapter of a bus can do. Every method raises BusError; none retries a send by itself."""

    info: BusInfo

    def send(self, message: Outbound) -> SendResult:
        """Hand over one package, once. BusError means: it certainly was not taken."""

    def find_sent(self, message: Outbound) -> SendResult | None:
        """Whether the bus has the package; None when it answered properly that it has not.

        UNKNOWN when this dialect cannot tell. None counts only after ``info.absent_after`` seconds.
        """

    def recipients(self, message_id: str, doc_id: str) -> Sequence[RecipientState]:
        """The state of every recipient of an accepted package, by our id of it and by the bus's ('': not known)."""

    def list_incoming(self, cursor: str, limit: int = 50) -> InboxPage:
        """Entries after ``cursor`` ('' = from the start), the most urgent first. May repeat entries already taken."""

    def wait(self, cursor: str, seconds: float) -> bool:
        """Wait until something new is there for us, at most ``seconds``; False at once where the dialect cannot."""

    def fetch(self, item: InboxItem, target: Path) -> None:
        """Bring the content into ``target``, going on where an earlier try stopped; checked against a told digest."""

    def ack(self, item_id: str, outcome: Literal["done", "fail"], *, reason: str, sha256: str) -> bytes:
        """Tell the bus that we have the content, or that it cannot be used. Repeatable.

        Returns the signed statement that the bus was given (R2), b'' where the dialect has no place for one.
        """

    def directory(self, cursor: str = "") -> DirectoryPage:
        """The address book, or what changed in it since ``cursor``."""

    def report(self, statistics: Mapping[str, object]) -> bool:
        """Hand over a month's statistics (article 17), repeatable; False where the dialect has no place for it."""

    def time(self) -> BusTime:
        """The bus's clock; also the probe that says whether the line works."""

    def close(self) -> None:
        """Give up the connections."""


class DigestMismatch(BusError):
    """What came is not what was announced, in either direction: damaged on the way, worth another try.

    What was fetched stays in the target for inspection.
    """


class Yielded(BusError):
    """An upload made room for something more urgent; it was not taken, and goes on later where it stopped."""
