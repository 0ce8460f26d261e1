"""The client of a VXP bus: one request per verb, an outcome only from the dialect's own words (bus-link A.7, C.2)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import httpx

from appliance.config import Settings
from appliance.errors import N_
from sync.bus import codes, listing, wire
from sync.bus.account import checked_address, read_account, tls_context
from sync.bus.base import (
    BusError,
    BusInfo,
    BusTime,
    DirectoryPage,
    InboxItem,
    InboxPage,
    Kind,
    Outbound,
    Outcome,
    RecipientState,
    SendResult,
)  # fmt: skip
from sync.bus.body import Body
from sync.bus.native.answers import not_the_bus
from sync.bus.native.failures import link_error, tls_refusal
from sync.bus.vxp import answers, sent, signing
from sync.bus.vxp.download import save_data
from sync.edxml.names import MAX_PACKAGE_BYTES

_TIMEOUT = httpx.Timeout(connect=15, read=120, write=120, pool=15)
_ABSENT_AFTER = 1800.0
"""The bus must have denied a package for half an hour before it goes again (bus-link C.2 rule 2)."""
_KINDS: tuple[Kind, Kind] = ("status", "edoc")
_END = b"\r\n"


class VxpClient:
    """Implements ``sync.bus.base.BusClient``. May be shared by threads. Raises ConfigError when it cannot be set up."""

    def __init__(self, settings: Settings, timeout: httpx.Timeout = _TIMEOUT) -> None:
        self._base = checked_address(settings, plain_loopback=True)
        self._account = read_account(settings, ("secret",))
        context = tls_context(settings) if self._base.startswith("https:") else True
        self.info = BusInfo("vxp", MAX_PACKAGE_BYTES, absent_after=_ABSENT_AFTER)
        # A stale kept-alive connection fails in a way that looks ambiguous: every send gets a fresh one.
        self._sending = wire.new_http(context, timeout, keep=0)
        self._asking = wire.new_http(context, timeout, keep=2)

    def close(self) -> None:
        """Give up the connections."""
        self._sending.close()
        self._asking.close()

    def send(self, message: Outbound) -> SendResult:
        """POST /sendEdoc. BusError only while the last byte had not left, or for a code to retry later."""
        fields = [
            ("systemid", self._account.system_id), ("servicetype", "eDoc"), ("messagetype", message.kind),
            ("hash-file", signing.file_hash(message.path)), ("from", message.sender),
        ]  # fmt: skip
        if message.kind == "status":  # a document names its recipients itself, a status only whom it answers
            fields.append(("to", json.dumps(list(message.recipients), separators=(",", ":"))))
        body = Body(message.path, tail=_END)
        request = self._request(
            "sendEdoc", fields, body, kind="application/octet-stream", size=message.size + len(_END)
        )
        try:
            answer = wire.ask(self._sending, request, body.deadline)
        except httpx.HTTPError as error:
            failure = link_error(error, connected=body.sent > 0, bytes_sent=body.sent)
            if body.last_left and tls_refusal(error) is None:
                return SendResult(Outcome.UNKNOWN, reason=str(failure), bytes_sent=body.sent)
            raise failure from error
        except BusError as error:
            return SendResult(Outcome.UNKNOWN, reason=str(error), bytes_sent=body.sent)
        return self._sent(answer, body.sent)

    def _sent(self, answer: wire.Answer, bytes_sent: int) -> SendResult:
        if answer.status == 413:
            reason = N_("Gói tin vượt dung lượng mà trục nhận.")
            return codes.refused_package(reason, answer.status, bytes_sent)
        if answer.status == 429:
            raise wire.later(answer)
        try:
            found = answer.json()
        except BusError as error:
            return SendResult(Outcome.UNKNOWN, reason=str(error), bytes_sent=bytes_sent, http_status=answer.status)
        doc_id = listing.identity(found.get("DocId"))
        if answers.good(answer.status, found) and doc_id:
            at = wire.now_by(answer.seen)
            return SendResult(Outcome.ACCEPTED, doc_id, at, answer.content, "", bytes_sent, answer.status)
        if answers.verdict(found) == "FAIL":
            code, said = answers.error(found)
            if code == answers.WRONG_ACCOUNT:
                answers.blame_the_clock(answer.seen)
            return codes.refused_send(code, said, http_status=answer.status, bytes_sent=bytes_sent)
        reason = str(not_the_bus())
        return SendResult(Outcome.UNKNOWN, reason=reason, bytes_sent=bytes_sent, http_status=answer.status)

    def find_sent(self, message: Outbound) -> SendResult | None:
        """POST /getSentEdocList, looked through for the document's number, sender, recipients and time.

        A status is never found: 01 and 03 about one document look alike there, and a repeated status harms nobody.
        """
        if message.kind == "status":
            return None
        try:
            known = sent.traits(message.path)
        except ValueError:
            reason = N_("Không đọc được số, ký hiệu của gói tin để đối chiếu với danh sách đã gửi.")
            return SendResult(Outcome.UNKNOWN, reason=reason)
        found, answer = self._call("getSentEdocList", [("servicetype", "eDoc"), ("messagetype", message.kind)])
        result = sent.find(message, known, listing.rows(found.get("data")), answer.seen.offset if answer.seen else 0.0)
        if result is None or result.outcome is not Outcome.ACCEPTED:
            return result
        return SendResult(Outcome.ACCEPTED, result.doc_id, wire.now_by(answer.seen), answer.content, http_status=200)

    def recipients(self, message_id: str, doc_id: str) -> Sequence[RecipientState]:
        """POST /getSentEdocList of this one package: what each receiver's system said of taking it over."""
        if not doc_id.isascii() or not doc_id.isprintable() or not doc_id:
            return ()
        fields = [("servicetype", "eDoc"), ("messagetype", "edoc"), ("docId", doc_id)]
        found, _ = self._call("getSentEdocList", fields)
        return sent.states(doc_id, listing.rows(found.get("data")))

    def list_incoming(self, cursor: str, limit: int = 50) -> InboxPage:
        """POST /getReceivedEdocList for statuses, then documents; the bus itself forgets what was acknowledged."""
        known: dict[str, InboxItem] = {}
        nameless = 0
        for kind in _KINDS:
            found, _ = self._call("getReceivedEdocList", [("servicetype", "eDoc"), ("messagetype", kind)])
            items, more = listing.items(listing.rows(found.get("data")), kind)
            listing.add(known, items)
            nameless += more
        return InboxPage(tuple(known.values()), cursor, nameless)

    def wait(self, cursor: str, seconds: float) -> bool:
        """The dialect cannot."""
        return False

    def fetch(self, item: InboxItem, target: Path) -> None:
        """POST /getEdoc; always from the start, because the dialect cannot resume."""
        fields = [
            ("systemid", self._account.system_id),
            ("docId", _ascii(item.doc_id)),
            ("filePath", signing.FILE_PATH),
        ]
        request = self._request("getEdoc", fields, b"{}")
        try:
            answer = self._asking.send(request, stream=True)
            try:
                found = save_data(wire.flowing(answer.iter_bytes(), answer.request), target, 2 * MAX_PACKAGE_BYTES)
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise link_error(error, connected=True, bytes_sent=0) from error
        if not answers.good(answer.status_code, found):
            target.unlink(missing_ok=True)
            raise answers.failure(found, answer.status_code, wire.date_of(answer, time.time(), 0))
        if not target.exists() or not target.stat().st_size:
            raise BusError(N_("Trục trả gói tin rỗng."), connected=True, permanent=True)

    def ack(self, item_id: str, outcome: Literal["done", "fail"], *, reason: str, sha256: str) -> bytes:
        """POST /updateStatus; the dialect has no place for a reason or a digest."""
        self._call("updateStatus", [("docid", _ascii(item_id))], b"{}", last=[("status", outcome)])
        return b""

    def directory(self, cursor: str = "") -> DirectoryPage:
        """POST /getAgenciesList."""
        found, _ = self._call("getAgenciesList", [], most=wire.MAX_DIRECTORY)
        entries = (listing.organ(row, parent="pcode") for row in listing.rows(found.get("data")))
        return DirectoryPage(tuple(entry for entry in entries if entry.code))

    def report(self, statistics: Mapping[str, object]) -> bool:
        """The dialect has no place for it."""
        return False

    def time(self) -> BusTime:
        """The Date header of a small answer, believed even when the clock is the very reason why it is a refusal."""
        answer = self._ask("getReceivedEdocList", [("servicetype", "eDoc"), ("messagetype", "status")])
        found = answer.json()
        if answer.seen is None or answers.verdict(found) not in ("OK", "FAIL"):
            raise not_the_bus()
        if answers.error(found)[0] == answers.WRONG_ACCOUNT and abs(answer.seen.offset) < answers.CLOCK_ALARM:
            raise answers.failure(found, answer.status, answer.seen)
        return answer.seen

    def _call(
        self, verb: str, fields: signing.Fields, body: bytes = b"", *, last: signing.Fields = (),
        most: int = wire.MAX_JSON,
    ) -> tuple[dict[str, Any], wire.Answer]:  # fmt: skip
        """One small repeatable request and its OK. Raises BusError."""
        answer = self._ask(verb, fields, body, last, most)
        if answer.status == 429:
            raise wire.later(answer)
        found = answer.json()
        if not answers.good(answer.status, found):
            raise answers.failure(found, answer.status, answer.seen)
        return found, answer

    def _ask(
        self, verb: str, fields: signing.Fields, body: bytes = b"", last: signing.Fields = (), most: int = wire.MAX_JSON
    ) -> wire.Answer:
        account = [("systemid", self._account.system_id)]
        return wire.ask_again(self._asking, lambda: self._request(verb, [*account, *fields], body, last=last), most)

    def _request(
        self, verb: str, fields: signing.Fields, body: bytes | Body, *, last: signing.Fields = (),
        kind: str = "application/json", size: int | None = None,
    ) -> httpx.Request:  # fmt: skip
        """The SDK's own headers in its own order; nothing that httpx would add of itself."""
        stamp = signing.timestamp(wire.moment(time.time()))
        signed = [*fields, ("timestamp", stamp), ("Content-Type", kind), *last]
        headers = signing.headers(self._account.secret("secret"), signed)
        if isinstance(body, Body):
            headers += [("Cache-Control", "no-cache"), ("Pragma", "no-cache"), ("Content-Length", str(size))]
            headers.append(("Accept", "text/html, image/gif, image/jpeg, */*; q=0.2"))
            return httpx.Request("POST", f"{self._base}/{verb}", headers=headers, content=iter(body))
        headers.append(("Accept-Encoding", "gzip,deflate"))
        return httpx.Request("POST", f"{self._base}/{verb}", headers=headers, content=body)


def _ascii(text: str) -> str:
    """A header's value; ids and codes are ASCII everywhere, and no recording shows what the SDK does with others."""
    if not text.isascii() or not text.isprintable():
        raise BusError(N_("Mã của trục có ký tự không gửi được."), permanent=True)
    return text
