"""What the dialects with accounts share: a package without an id of its own becomes one submission like any other."""

from __future__ import annotations

import hashlib
import json
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, BinaryIO
from xml.parsers import expat

from appliance.clock import VN
from appliance.errors import BadInput, TramError
from sync.reference_bus.accounts import Account
from sync.reference_bus.exchange import Exchange, Submission
from sync.reference_bus.peek import Header
from sync.reference_bus.problems import BadRequest, BusProblem, TooLarge, UnknownOrgan

_NAMES = uuid.UUID("8d1c1f0e-51a0-4d43-9a4f-6c5a9b0f6a51")
_CHUNK = 1 << 16
_HEADER = "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/"
_MAX_HEADER = 4 << 20
SENT_ROWS = 500
"""The newest entries of the list of what was sent."""


class WrongAccount(TramError):
    """Name, secret or signature are not those of an account, or too old."""


class BrokenPackage(TramError):
    """The bytes do not say, as edXML, where they should go."""


def code_of(error: TramError) -> str:
    """The number for a refusal (bus-link A.8)."""
    if isinstance(error, WrongAccount):
        return "15"
    if isinstance(error, UnknownSender):
        return "19"
    if isinstance(error, UnknownOrgan):
        return "18"
    if isinstance(error, BrokenPackage):
        return "22"
    return "10" if isinstance(error, BusProblem | BadInput) else "20"


class UnknownSender(TramError):
    """The account may not speak for the organ that it names."""


@dataclass(frozen=True)
class Addresses:
    """Who sends a package and to whom, as its own header says."""

    sender: str
    recipients: tuple[str, ...]


@contextmanager
def spooled(exchange: Exchange, stream: BinaryIO, *, drop_end: bytes = b"") -> Iterator[tuple[IO[bytes], str]]:
    """The body on disk with its SHA-256, less ``drop_end`` at its very end. Raises TooLarge."""
    limit = exchange.config.max_message_mb << 20
    digest, size, held = hashlib.sha256(), 0, b""
    with tempfile.TemporaryFile(dir=exchange.config.data) as file:
        while chunk := stream.read(_CHUNK):
            held += chunk
            ready, held = held[: len(held) - len(drop_end)], held[len(held) - len(drop_end) :]
            size += len(ready)
            if size > limit:
                raise TooLarge("Gói tin lớn hơn %(limit)s MB, trục không nhận.", limit=limit >> 20)
            digest.update(ready)
            file.write(ready)
        if held != drop_end:
            digest.update(held)
            file.write(held)
        file.seek(0)
        yield file, digest.hexdigest()


def addresses(file: IO[bytes]) -> Addresses:
    """From the header of the package; the file is at its start again. Raises BrokenPackage."""
    reader = _Addresses()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.text, reader.doctype
    left = _MAX_HEADER
    try:
        while left > 0 and (chunk := file.read(_CHUNK)):
            parser.Parse(chunk, False)
            left -= len(chunk)
    except _Enough:
        left = 1
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BrokenPackage("Gói tin không phải edXML đúng dạng.") from error
    finally:
        file.seek(0)
    senders, to, answered = (
        reader.found.get(_HEADER + path, []) for path in ("From/OrganId", "To/OrganId", "ResponseFor/OrganId")
    )
    recipients = tuple(dict.fromkeys(code for code in to or answered[:1] if code))
    if not senders or not recipients:
        raise BrokenPackage("Gói tin không nêu nơi gửi, nơi nhận.")
    return Addresses(senders[0], recipients)


class _Enough(Exception):
    """The attachments begin."""


class _Addresses:
    """expat handlers: the OrganId of From, To and ResponseFor. Prefixes are ignored."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self._stack: list[str] = []

    def start(self, name: str, _attributes: object) -> None:
        """Open an element."""
        local = name.rpartition(":")[2]
        if local in ("edXMLBody", "AttachmentEncoded"):
            raise _Enough
        if len(self._stack) > 64:
            raise ValueError("too deep")
        self._stack.append(local)
        if local == "OrganId":
            self.found.setdefault("/".join(self._stack), []).append("")

    def end(self, _name: str) -> None:
        """Close an element."""
        self._stack.pop()

    def text(self, data: str) -> None:
        """Gather the text of a code."""
        if self._stack and self._stack[-1] == "OrganId":
            codes = self.found["/".join(self._stack)]
            codes[-1] = (codes[-1] + data).strip()[:200]

    def doctype(self, *_arguments: object) -> None:
        """No DTD, hence no entities."""
        raise ValueError("DOCTYPE")


def submit(
    exchange: Exchange, account: Account, *, kind: str, sender: str, recipients: Sequence[str], sha256: str,
    file: BinaryIO,
) -> str:  # fmt: skip
    """Through the one door of every package; returns the bus's DocId. The same bytes again get the same one.

    These dialects have no id, and the national SDK repeats a request by itself: the id is made of the content.
    Raises UnknownSender, UnknownOrgan, BadRequest, TooLarge, Unavailable.
    """
    if kind not in ("edoc", "status"):
        raise BadRequest("Loại gói tin phải là “edoc” hoặc “status”.")
    if sender not in spoken_for(exchange, account):
        raise UnknownSender("Tài khoản không được gửi với tư cách đơn vị “%(code)s”.", code=sender)
    try:
        exchange.directory.resolve(sender)
    except UnknownOrgan as error:
        raise UnknownSender("Đơn vị gửi “%(code)s” không có trên trục.", code=sender) from error
    name = "|".join((account.system_id, kind, sender, ",".join(recipients), sha256))
    message_id = str(uuid.uuid5(_NAMES, name))
    exchange.accept(Submission(message_id, kind, 0, sender, tuple(recipients), sha256, file))
    row = exchange.known(message_id)
    assert row is not None, "an accepted message is never deleted"
    return str(row["doc_id"])


def registered(exchange: Exchange, account: Account) -> tuple[str, ...]:
    """The codes of the organs that the account entered into the directory itself."""
    query = "SELECT code FROM registered WHERE system_id = ? ORDER BY code"
    return tuple(row["code"] for row in exchange.store.db.query(query, [account.system_id]))


def spoken_for(exchange: Exchange, account: Account) -> tuple[str, ...]:
    """The codes of the organs for which the account speaks: by configuration, and those that it registered."""
    return (*account.organs, *registered(exchange, account))


def own_codes(exchange: Exchange, account: Account) -> set[str]:
    """The codes under which the bus keeps what is for the account's organs."""
    found = (exchange.directory.find(code) for code in spoken_for(exchange, account))
    return {organ.code for organ in found if organ is not None}


def waiting(exchange: Exchange, account: Account, kind: str) -> list[dict[str, Any]]:
    """What waits for the account's organs, oldest first."""
    codes = sorted(own_codes(exchange, account))
    marks = ", ".join("?" for _ in codes) or "''"
    return exchange.store.db.query(
        "SELECT delivery.*, message.kind, message.sender, message.accepted_at FROM delivery"
        " JOIN message ON message.id = delivery.message_id"
        f" WHERE delivery.organ IN ({marks}) AND delivery.state = 'waiting' AND message.kind = ? ORDER BY delivery.seq",
        [*codes, kind],
    )


def waiting_between(exchange: Exchange, account: Account, kind: str, first: date, last: date) -> list[dict[str, Any]]:
    """Of what waits, that which came on the days from ``first`` to ``last``, Vietnam's."""
    days = (first, last)
    return [
        row
        for row in waiting(exchange, account, kind)
        if days[0] <= datetime.fromisoformat(row["accepted_at"]).astimezone(VN).date() <= days[1]
    ]


def sent(exchange: Exchange, account: Account, kind: str, doc_id: str = "") -> list[tuple[dict[str, Any], Header]]:
    """Deliveries of what the account's organs sent, newest first, each with the header of its package."""
    codes = sorted(own_codes(exchange, account))
    marks = ", ".join("?" for _ in codes) or "''"
    only = " AND (message.doc_id = ? OR delivery.doc_id = ?)" if doc_id else ""
    rows = exchange.store.db.query(
        "SELECT delivery.doc_id, delivery.addressed_as, delivery.state, delivery.at, delivery.reason,"
        " message.doc_id AS sent_doc_id, message.accepted_at, message.sender, message.header FROM delivery"
        " JOIN message ON message.id = delivery.message_id"
        f" WHERE message.sender IN ({marks}) AND message.kind = ?{only} ORDER BY delivery.seq DESC LIMIT ?",
        [*codes, kind, *([doc_id, doc_id] if doc_id else []), SENT_ROWS],
    )
    return [(row, Header(**json.loads(row["header"]))) for row in rows]


def local_time(stamp: str | None) -> str:
    """A time of the store as these buses write it: Vietnam's clock."""
    return f"{datetime.fromisoformat(stamp).astimezone(VN):%Y-%m-%d %H:%M:%S}" if stamp else ""


def drain(stream: Any, limit: int = 128 << 20) -> None:
    """Read what is left of a body (bounded), else the client meets a reset instead of the answer."""
    while limit > 0 and (chunk := stream.read(_CHUNK)):
        limit -= len(chunk)
