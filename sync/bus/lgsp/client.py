"""The client of an LGSP bus: one request per verb, an outcome only from the dialect's own words (bus-link A.8, C.2)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx

from appliance.clock import VN
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
    OrganEntry,
    Outbound,
    Outcome,
    RecipientState,
    SendResult,
)  # fmt: skip
from sync.bus.body import Body
from sync.bus.lgsp import answers
from sync.bus.lgsp.session import NEEDED, Session
from sync.bus.listing import word
from sync.bus.native.answers import not_the_bus
from sync.bus.native.failures import link_error, tls_refusal
from sync.bus.vxp.download import save_data
from sync.edxml.names import MAX_PACKAGE_BYTES

_TIMEOUT = httpx.Timeout(connect=15, read=120, write=120, pool=15)
_OVERLAP = timedelta(days=1)
_FIRST_WINDOW = timedelta(days=30)
"""How far back a box without a cursor looks."""
_KINDS: tuple[Kind, Kind] = ("status", "edoc")
_MAX_PAGES, _MAX_ORGANS = 1500, 250_000
"""Of the address book; the whole country's has some 120,000 organs, 200 on a page."""


class LgspClient:
    """Implements ``sync.bus.base.BusClient``. May be shared by threads. Raises ConfigError when it cannot be set up."""

    def __init__(self, settings: Settings, timeout: httpx.Timeout = _TIMEOUT) -> None:
        base = checked_address(settings, plain_loopback=False)
        account = read_account(settings, NEEDED)
        context = tls_context(settings)
        self.info = BusInfo("lgsp", MAX_PACKAGE_BYTES, can_find_sent=False)
        # A stale kept-alive connection fails in a way that looks ambiguous: every send gets a fresh one.
        self._sending = wire.new_http(context, timeout, keep=0)
        self._asking = wire.new_http(context, timeout, keep=2)
        self._session = Session(base, account, self._asking)

    def close(self) -> None:
        """Give up the connections."""
        self._sending.close()
        self._asking.close()

    def send(self, message: Outbound) -> SendResult:
        """POST /sendEdoc as multipart with its length told: the bus refuses chunks. Never repeated, but for a 401."""
        answer = self._try_send(message)
        if isinstance(answer, tuple) and answer[0].status == 401:  # refused before it was looked at: a stale token
            self._session.forget_token()
            answer = self._try_send(message)
        return answer if isinstance(answer, SendResult) else self._sent(*answer)

    def _try_send(self, message: Outbound) -> SendResult | tuple[wire.Answer, int]:
        mark = secrets.token_hex(16)
        body = Body(message.path, *_multipart(mark, message.kind))
        size = message.size + sum(map(len, _multipart(mark, message.kind)))
        media = f"multipart/form-data; boundary={mark}"
        request = self._session.request("POST", "/sendEdoc", body=body, size=size, media=media)
        try:
            return wire.ask(self._sending, request, body.deadline), body.sent
        except httpx.HTTPError as error:
            failure = link_error(error, connected=body.sent > 0, bytes_sent=body.sent)
            if body.last_left and tls_refusal(error) is None:
                return SendResult(Outcome.UNKNOWN, reason=str(failure), bytes_sent=body.sent)
            raise failure from error
        except BusError as error:
            return SendResult(Outcome.UNKNOWN, reason=str(error), bytes_sent=body.sent)

    def _sent(self, answer: wire.Answer, bytes_sent: int) -> SendResult:
        if answer.status == 413:
            reason = N_("Gói tin vượt dung lượng mà trục nhận.")
            return codes.refused_package(reason, answer.status, bytes_sent)
        if answer.status == 429:
            raise wire.later(answer)
        if answer.status == 401:
            raise answers.unauthorised(answer.status, answer.content)
        try:
            found = answer.json()
        except BusError as error:
            return SendResult(Outcome.UNKNOWN, reason=str(error), bytes_sent=bytes_sent, http_status=answer.status)
        data, code = answers.inner(found)
        doc_id = listing.identity(data.get("docId"))
        if answers.good(answer.status, found) and word(data.get("status")).upper() == "OK" and not code.strip("0"):
            if doc_id:
                at = wire.now_by(answer.seen)
                return SendResult(Outcome.ACCEPTED, doc_id, at, answer.content, "", bytes_sent, answer.status)
        elif code in codes.CODES:
            said = data.get("errorDesc") or answers.words(found)
            return codes.refused_send(code, str(said), http_status=answer.status, bytes_sent=bytes_sent)
        # {code: 500} says that something failed, not that nothing was taken.
        reason = answers.words(found) or str(not_the_bus())
        return SendResult(Outcome.UNKNOWN, reason=reason, bytes_sent=bytes_sent, http_status=answer.status)

    def find_sent(self, message: Outbound) -> SendResult | None:
        """The dialect has no list of what was sent."""
        return SendResult(Outcome.UNKNOWN, reason=N_("Trục loại này không cho tra lại gói tin đã gửi."))

    def recipients(self, message_id: str, doc_id: str) -> Sequence[RecipientState]:
        """Nothing: the recipients' own statuses tell."""
        return ()

    def list_incoming(self, cursor: str, limit: int = 50) -> InboxPage:
        """GET /syncReceivedEdocList from the day before ``cursor``, a day, to today; the next cursor is today.

        A day too many only repeats entries. The cursor never passes the bus's own day, whatever our clock says.
        """
        earliest, latest = self._session.days()
        reached = _day(cursor, latest)
        start = reached - _OVERLAP if reached else earliest - _FIRST_WINDOW
        known: dict[str, InboxItem] = {}
        nameless = 0
        newest = latest
        for kind in _KINDS:
            window = {"messageType": kind, "fromDate": f"{start:%Y/%m/%d}", "toDate": f"{latest + _OVERLAP:%Y/%m/%d}"}
            found, answer = self._session.call("GET", "/syncReceivedEdocList", params=window)
            if answer.seen is not None:
                newest = min(newest, answer.seen.utc.astimezone(VN).date())
            items, more = listing.items(listing.rows(found.get("data")), kind)
            listing.add(known, items)
            nameless += more
        return InboxPage(tuple(known.values()), max(newest, reached or newest).isoformat(), nameless)

    def wait(self, cursor: str, seconds: float) -> bool:
        """The dialect cannot."""
        return False

    def fetch(self, item: InboxItem, target: Path) -> None:
        """GET /getEdoc; always from the start, because the dialect cannot resume."""
        found = self._download(item, target)
        if found is None:
            self._session.forget_token()
            found = self._download(item, target)
        if found is None:
            raise answers.unauthorised(401, b"")
        if not target.exists() or not target.stat().st_size:
            raise BusError(N_("Trục trả gói tin rỗng."), connected=True, permanent=True)

    def _download(self, item: InboxItem, target: Path) -> dict[str, Any] | None:
        """The answer without its data; None for a 401."""
        request = self._session.request("GET", "/getEdoc", params={"docId": item.doc_id})
        try:
            answer = self._asking.send(request, stream=True)
            try:
                if answer.status_code == 401:
                    return None
                found = save_data(wire.flowing(answer.iter_bytes(), answer.request), target, 2 * MAX_PACKAGE_BYTES)
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise link_error(error, connected=True, bytes_sent=0) from error
        if not answers.good(answer.status_code, found):
            target.unlink(missing_ok=True)
            raise answers.failure(found, answer.status_code)
        return found

    def ack(self, item_id: str, outcome: Literal["done", "fail"], *, reason: str, sha256: str) -> bytes:
        """POST /updateStatus; the dialect has no place for a reason or a digest."""
        self._session.call("POST", "/updateStatus", json={"docId": item_id, "status": outcome})
        return b""

    def directory(self, cursor: str = "") -> DirectoryPage:
        """GET /getAgenciesList, page by page until two in a row bring nothing new. Raises BusError for one without end.

        Buses count their pages from 0 or from 1, and some take no notice of the number at all.
        """
        entries: dict[str, OrganEntry] = {}
        idle = 0
        for page in range(_MAX_PAGES):
            query = {"page": page, "size": 200}
            found, _ = self._session.call("GET", "/getAgenciesList", params=query, most=wire.MAX_DIRECTORY)
            rows = [listing.organ(row, parent="parentId") for row in listing.rows(found.get("data"))]
            new = {entry.code: entry for entry in rows if entry.code and entry.code not in entries}
            entries |= new
            if len(entries) > _MAX_ORGANS:
                break
            idle = 0 if new else idle + 1
            if idle == 2 or (page and not rows):
                return DirectoryPage(tuple(entries.values()))
        raise BusError(N_("Danh bạ của trục dài không hết; trạm giữ danh bạ đang có."), connected=True)

    def report(self, statistics: Mapping[str, object]) -> bool:
        """The dialect has no place for it."""
        return False

    def time(self) -> BusTime:
        """The Date header of a small answer."""
        today = f"{self._session.days()[1]:%Y/%m/%d}"
        window = {"messageType": "status", "fromDate": today, "toDate": today}
        _, answer = self._session.call("GET", "/syncReceivedEdocList", params=window)
        if answer.seen is None:
            raise not_the_bus()
        return answer.seen


def _day(cursor: str, latest: date) -> date | None:
    """The day in ``cursor``; None for one of another dialect, or later than any clock says: it proves nothing."""
    try:
        day = date.fromisoformat(cursor)
    except ValueError:
        return None
    return day if day <= latest else None


def _multipart(mark: str, kind: str) -> tuple[bytes, bytes]:
    """What stands before and after the file (RFC 7578)."""
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="messageType"\r\n\r\n{kind}\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="edocFile"; filename="package.edxml"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode(), f"\r\n--{mark}--\r\n".encode()
