"""Acceptance: the one door through which every package enters the bus, from a box or from the operator page."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from appliance.errors import N_, BadInput
from appliance.store.blobs import OtherBytes
from sync import jws
from sync.reference_bus import statuses
from sync.reference_bus.config import BusConfig, OrganEntry
from sync.reference_bus.directory import Directory
from sync.reference_bus.faults import Switchboard
from sync.reference_bus.organ_files import read_organs
from sync.reference_bus.peek import Header, peek
from sync.reference_bus.problems import BadRequest, DigestMismatch, IdReused, NoSuchThing, TooLarge
from sync.reference_bus.receipts import ReceiptSigner
from sync.reference_bus.store import BusStore


@dataclass(frozen=True)
class Submission:
    """What a sender asks the bus to carry. Codes as the sender wrote them; ``sha256`` in hex, as announced, or ''.

    ``stream`` is None while the bytes are still to come.
    """

    message_id: str
    kind: str
    priority: int
    sender: str
    recipients: tuple[str, ...]
    sha256: str
    stream: BinaryIO | None


@dataclass(frozen=True)
class Accepted:
    """``receipt`` is the same signed bytes for the first acceptance and every repeat; ``new`` tells them apart."""

    receipt: bytes
    new: bool


class Exchange:
    """The bus's working set: store, directory, configuration and the bell that wakes the virtual organs."""

    def __init__(self, config: BusConfig) -> None:
        self.config = config
        self.store = BusStore(config)
        self.directory = Directory(self.store, (*config.organs, *read_organs(config.organs_file)))
        self._signer = ReceiptSigner(config)
        self.bell = self.store.bell
        self.faults = Switchboard()

    def accept(self, submission: Submission) -> Accepted:
        """Take a package over: bytes durable, then committed, then the receipt (bus-link B.9 rule 1).

        Raises BadRequest, UnknownOrgan, TooLarge, DigestMismatch, IdReused; Unavailable when the disk refuses.
        """
        message_id = _uuid(submission.message_id)
        sender = self.directory.get(submission.sender)
        recipients = self._recipients(submission.recipients)
        known = self.known(message_id)
        if known is not None:  # refused before its bytes are taken in: what is refused must not stay
            _same_or_refuse(known, submission, sender, submission.sha256)
        sha256, size = self._keep(submission)
        with self.store.blobs.path(sha256).open("rb") as package:
            header = peek(package)
        row = self._row(message_id, submission, sender, sha256, size, header)
        with self.store.transaction(news=True):
            new = self._write(row, recipients, header)
        if new:
            return Accepted(row["receipt"].encode("ascii"), new=True)
        known = self.known(message_id)
        assert known is not None, "messages are never deleted"
        return Accepted(_same_or_refuse(known, submission, sender, sha256), new=False)

    def redeliver(self, doc_id: str) -> str:
        """Put a delivered package into the same inbox again, as buses do that send twice; returns its new docId.

        A fault on purpose: another message id, other docIds, the same bytes. Raises NoSuchThing.
        """
        with self.store.transaction(news=True):
            found = self.store.db.one("SELECT * FROM delivery WHERE doc_id = ?", [doc_id])
            if found is None:
                raise NoSuchThing(N_("Không có văn bản này trên trục."))
            message = self.known(found["message_id"])
            assert message is not None, "a delivery has a message"
            again = message | {"id": str(uuid.uuid4()), "doc_id": str(uuid.uuid4())}
            self.store.db.insert("message", again)
            names = {"message_id": again["id"], "organ": found["organ"], "addressed_as": found["addressed_as"]}
            entry = {"seq": self.store.numbers("delivery", 1)[0], "doc_id": str(uuid.uuid4()), **names}
            self.store.db.insert("delivery", entry)
        return str(entry["doc_id"])

    def expect(self, submission: Submission) -> Accepted | None:
        """Whether a package may come, before its bytes do; the first receipt when it is there already.

        Raises BadRequest, UnknownOrgan, IdReused.
        """
        sender = self.directory.get(submission.sender)
        self._recipients(submission.recipients)
        known = self.known(_uuid(submission.message_id))
        if known is None:
            return None
        return Accepted(_same_or_refuse(known, submission, sender, submission.sha256 or known["sha256"]), new=False)

    def known(self, message_id: str) -> dict[str, Any] | None:
        """The row of a message already accepted."""
        return self.store.db.one("SELECT * FROM message WHERE id = ?", [message_id])

    def _recipients(self, codes: tuple[str, ...]) -> dict[str, str]:
        """Current code of each recipient organ → the code the sender used, in the sender's order, each organ once."""
        if not codes:
            raise BadRequest(N_("Gói tin không có nơi nhận (Edoc-To)."))
        found: dict[str, str] = {}
        for code in codes:
            found.setdefault(self.directory.resolve(code).code, code)
        return found

    def _codes_left(self, codes: list[str]) -> dict[str, str]:
        """Of ``codes`` those that another process has just replaced, with the new ones.

        Asked while the counter of deliveries is held, which whoever replaces a code needs too.
        """
        marks = ", ".join("?" for _ in codes)
        query = f"SELECT code, organ FROM organ_code WHERE current = 0 AND code IN ({marks})"
        return {row["code"]: row["organ"] for row in self.store.db.query(query, codes)}

    def _keep(self, submission: Submission) -> tuple[str, int]:
        """Stream the body to a durable file; returns (sha256, bytes)."""
        limit = self.config.max_message_mb << 20
        if submission.stream is None:
            raise BadRequest(N_("Gói tin không có nội dung."))
        try:
            return self.store.blobs.put_stream(submission.stream, limit, submission.sha256)
        except OtherBytes as error:
            raise DigestMismatch(
                N_("Gói tin đến nơi không giống gói tin đã gửi: giá trị băm không khớp."),
                next_step=N_("Gửi lại gói tin."),
            ) from error
        except BadInput as error:
            raise TooLarge(N_("Gói tin lớn hơn %(limit)s MB, trục không nhận."), limit=limit >> 20) from error

    def _row(
        self, message_id: str, submission: Submission, sender: OrganEntry, sha256: str, size: int, header: Header
    ) -> dict[str, Any]:
        """The row of a new message with its signed receipt, made before anybody has to wait for the transaction."""
        doc_id, now = str(uuid.uuid4()), self.store.clock.stamp()
        statement = {
            "typ": jws.RECEIPT,
            "messageId": message_id,
            "docId": doc_id,
            "documentId": header.document_id,
            "from": submission.sender,
            "to": list(submission.recipients),
            "sha256": sha256,
            "size": size,
            "acceptedAt": now,
            "bus": self.config.name,
        }
        receipt = self._signer.receipt(statement)
        return {
            "id": message_id,
            "kind": submission.kind,
            "priority": submission.priority,
            "sender": sender.code,
            "recipients": ",".join(submission.recipients),
            "sha256": sha256,
            "size": size,
            "doc_id": doc_id,
            "header": json.dumps(asdict(header), ensure_ascii=False),
            "document_id": header.document_id,
            "receipt": receipt.decode("ascii"),
            "accepted_at": now,
        }

    def _write(self, row: dict[str, Any], recipients: dict[str, str], header: Header) -> bool:
        """Write a new message inside the caller's transaction; False when its id is taken.

        The same id handed in at two processes at once: the second waits here until the first has committed.
        """
        if not self.store.db.insert("message", row, once=True):
            return False
        if row["kind"] == "status":
            statuses.apply(self.store.db, row["id"], header, row["sender"], tuple(recipients), row["accepted_at"])
        numbers = self.store.numbers("delivery", len(recipients))
        left = self._codes_left([*recipients, row["sender"]])
        if row["sender"] in left:
            self.store.db.execute("UPDATE message SET sender = ? WHERE id = ?", [left[row["sender"]], row["id"]])
        for seq, (code, addressed_as) in zip(numbers, recipients.items(), strict=True):
            names = {"message_id": row["id"], "organ": left.get(code, code), "addressed_as": addressed_as}
            self.store.db.insert("delivery", {"seq": seq, "doc_id": str(uuid.uuid4()), **names})
        return True


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise BadRequest(N_("Mã gói tin “%(id)s” không phải UUID."), id=text[:80]) from error


def _same_or_refuse(known: dict[str, Any], submission: Submission, sender: OrganEntry, sha256: str) -> bytes:
    """The first receipt again, if the repeat is really the same message (bus-link B.9 rule 3)."""
    same = (
        known["sha256"] == sha256
        and known["sender"] == sender.code
        and known["kind"] == submission.kind
        and known["recipients"] == ",".join(submission.recipients)
    )
    if not same:
        raise IdReused(
            N_("Mã gói tin %(id)s đã dùng cho một gói tin khác."),
            next_step=N_("Phát hành lại để có mã mới; gói tin cũ giữ nguyên."),
            id=known["id"],
        )
    return str(known["receipt"]).encode("ascii")
