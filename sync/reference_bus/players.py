"""Virtual organs: the province or another commune, played by the operator page and by a small automatic hand.

They use the same acceptance and acknowledgement as boxes do; only the wire is missing.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from appliance.errors import N_, BadInput, TramError
from appliance.office.desk import DocumentPackage, PackageFile, Party, StatusPackage
from sync.edxml.packer import EdxmlPacker
from sync.reference_bus import inbox, statuses
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.exchange import Accepted, Exchange, Submission
from sync.reference_bus.peek import Header

_AUTO_ANSWER = "auto_answer"
_PDF = "application/pdf"
_ANSWERS = uuid.UUID("7f0f2f0e-6d0a-4f0e-9f5b-0a3f6f3f1c11")
"""Name space of automatic statuses: the same answer to the same delivery has the same id after a crash."""
_STAFF, _DEPARTMENT = "Văn thư", "Văn phòng"
_DESCRIPTIONS = {
    "01": "Văn bản đã đến hệ thống quản lý văn bản, văn thư chưa xử lý",
    "03": "Văn thư đã tiếp nhận, vào sổ văn bản đến",
    "04": "Lãnh đạo đã phân công xử lý",
    "05": "Chuyên viên đang xử lý",
    "06": "Đã xử lý xong",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Letter:
    """What the form of the page says about a document to send. ``recipients`` are organ codes."""

    recipients: tuple[str, ...]
    subject: str
    type_name: str
    number: str
    notation: str
    issue_date: date
    urgency: int
    place: str
    signer_name: str
    signer_position: str


class Players:
    """Sends as virtual organs, and answers for them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._packer = EdxmlPacker()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="players", daemon=True)
        self._given_up: set[str] = set()
        """Deliveries that could not be answered; tried again after a restart."""

    @property
    def auto_answer(self) -> bool:
        """Whether virtual organs answer 01 by themselves."""
        default = "1" if self._exchange.config.auto_answer else "0"
        return self._exchange.store.setting(_AUTO_ANSWER, default) == "1"

    @auto_answer.setter
    def auto_answer(self, on: bool) -> None:
        self._exchange.store.set_setting(_AUTO_ANSWER, "1" if on else "0")
        self._exchange.bell.ring()

    def organ(self, code: str) -> OrganEntry:
        """The virtual organ with ``code``; raises UnknownOrgan, or BadInput when a box speaks for it."""
        organ = self._exchange.directory.get(code)
        if not organ.virtual:
            raise BadInput(N_("%(name)s có trạm riêng; trang này không gửi thay được."), name=organ.name)
        return organ

    def send(self, organ: OrganEntry, letter: Letter, file_name: str, stream: BinaryIO | None) -> Accepted:
        """Pack a letter with its PDF (the default one without ``stream``) and hand it in. Raises TramError."""
        name, sha256 = self._file(file_name, stream)
        code = f"{organ.code},{letter.issue_date:%Y/%m/%d},{letter.number}/{letter.notation}"
        message_id = str(uuid.uuid4())
        package = DocumentPackage(
            message_id=message_id,
            sender=Party(organ.code, organ.name),
            recipients=tuple(Party(c, self._exchange.directory.resolve(c).name) for c in letter.recipients),
            document_code=code,
            number=letter.number,
            notation=letter.notation,
            place=letter.place,
            issue_date=letter.issue_date,
            type_name=letter.type_name,
            subject=letter.subject,
            competence="",
            signer_position=letter.signer_position,
            signer_name=letter.signer_name,
            reply_due=None,
            urgency=letter.urgency,
            page_count=1,
            staff_name=_STAFF,
            department=_DEPARTMENT,
            at=self._exchange.store.clock.now(),
            files=(PackageFile(name, _PDF, sha256),),
        )
        kept, _ = self._packer.document(package, self._exchange.store.blobs)
        data = self._exchange.store.blobs.read(kept)
        return self._hand_in(message_id, "edoc", organ.code, letter.recipients, data, letter.urgency)

    def answer(self, organ: OrganEntry, doc_id: str, code: str, description: str) -> Accepted:
        """Send status ``code`` about a document that ``organ`` received. Raises BadInput when 02 has no reason."""
        found = inbox.entry(self._exchange.store, doc_id, [organ.code])
        if code not in statuses.NAMES or found["kind"] != "edoc":
            raise BadInput(N_("Không gửi được trạng thái “%(code)s” cho mục này."), code=code[:10])
        if code == "02" and not description.strip():
            raise BadInput(N_("Từ chối nhận văn bản phải nêu lý do."))
        return self._answer(organ, found, code, description.strip() or _DESCRIPTIONS.get(code, statuses.name(code)))

    def start(self) -> None:
        """Begin to answer by itself."""
        self._thread.start()

    def stop(self) -> None:
        """End the automatic hand."""
        self._stop.set()
        self._exchange.bell.ring()
        self._thread.join(timeout=5)

    def _file(self, file_name: str, stream: BinaryIO | None) -> tuple[str, str]:
        """The attachment as (name, digest), durable."""
        default, limit = self._exchange.config.default_pdf, self._exchange.config.max_message_mb << 20
        if stream is None:
            if default is None:
                raise BadInput(N_("Chưa chọn tệp PDF và trục không có văn bản mẫu."), next_step=N_("Chọn một tệp PDF."))
            with default.open("rb") as file:
                return default.name, self._exchange.store.blobs.put_stream(file, limit)[0]
        sha256, size = self._exchange.store.blobs.put_stream(stream, limit)
        if size == 0:
            raise BadInput(N_("Tệp đính kèm rỗng."))
        return file_name or "van-ban.pdf", sha256

    def _hand_in(
        self, message_id: str, kind: str, sender: str, recipients: tuple[str, ...], data: bytes, priority: int
    ) -> Accepted:
        digest = hashlib.sha256(data).hexdigest()
        return self._exchange.accept(
            Submission(message_id, kind, priority, sender, recipients, digest, io.BytesIO(data))
        )

    def _answer(self, organ: OrganEntry, entry: dict[str, Any], code: str, description: str) -> Accepted:
        row = self._exchange.known(entry["message_id"])
        header = Header(**json.loads(row["header"])) if row else Header(problem="?")
        if header.problem:
            raise BadInput(N_("Không đọc được gói tin nên không trả lời được: %(problem)s."), problem=header.problem)
        message_id = str(uuid.uuid5(_ANSWERS, f"{entry['doc_id']}/{code}"))
        known = self._exchange.known(message_id)
        if known is not None:
            return Accepted(str(known["receipt"]).encode("ascii"), new=False)
        package = StatusPackage(
            message_id=message_id,
            sender=Party(organ.code, organ.name),
            addressee_code=entry["sender"],
            document_code=header.document_id,
            code=header.code,
            issue_date=header.issue_date,
            status_code=code,
            description=description,
            staff_name=_STAFF,
            department=_DEPARTMENT,
            at=self._exchange.store.clock.now(),
        )
        data = self._packer.status(package)
        return self._hand_in(message_id, "status", organ.code, (entry["sender"],), data, entry["priority"])

    def _run(self) -> None:
        """Wait for the bell; look every few seconds anyway, because neither a crash nor another process rings it.

        Of several processes one plays.
        """
        rings = -1
        while not self._stop.is_set():
            self._exchange.bell.wait(rings, 3)
            rings = self._exchange.bell.rings
            if not self._exchange.store.db.lead("players"):
                continue
            query = (
                "SELECT delivery.doc_id, delivery.organ FROM delivery JOIN organ ON organ.code = delivery.organ"
                " WHERE organ.virtual = 1 AND delivery.state = 'waiting' ORDER BY delivery.seq"
            )
            for row in self._exchange.store.db.query(query):
                if not self._stop.is_set() and row["doc_id"] not in self._given_up:
                    self._serve(self._exchange.directory.get(row["organ"]), row["doc_id"])

    def _serve(self, organ: OrganEntry, doc_id: str) -> None:
        """Answer 01 and acknowledge what waits for ``organ``. The answer first: a crash between repeats both."""
        try:
            entry = inbox.entry(self._exchange.store, doc_id, [organ.code])
            if entry["kind"] == "edoc" and self.auto_answer:
                self._answer(organ, entry, "01", _DESCRIPTIONS["01"])
            inbox.acknowledge(self._exchange.store, doc_id, [organ.code], outcome="done")
        except BadInput as error:
            inbox.acknowledge(self._exchange.store, doc_id, [organ.code], outcome="fail", reason=str(error))
        except TramError as error:
            _log.error("virtual organ %s could not answer %s: %s", organ.code, doc_id, error)
            self._given_up.add(doc_id)
