"""The client of an LGSP bus: one request per verb, an outcome only from the dialect's own words (bus-link A.8, C.2)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx

from appliance.clock import VN
from appliance.config import Settings
from appliance.errors import N_
from sync.bus import codes, wire
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
from sync.bus.native.answers import not_the_bus
from sync.bus.native.failures import link_error, tls_refusal
from sync.bus.vxp.download import save_data
from sync.edxml.names import MAX_PACKAGE_BYTES

_TIMEOUT = httpx.Timeout(connect=15, read=120, write=120, pool=15)
_TOKEN_SECONDS = 29 * 60.0
"""The bus gives a token for half an hour."""
_OVERLAP = timedelta(days=1)
_FIRST_WINDOW = timedelta(days=30)
"""How far back a box without a cursor looks."""
_KINDS: tuple[Kind, Kind] = ("status", "edoc")
_MAX_PAGES = 10_000


class LgspClient:
    """Implements ``sync.bus.base.BusClient``. May be shared by threads. Raises ConfigError when it cannot be set up."""

    def __init__(self, settings: Settings, timeout: httpx.Timeout = _TIMEOUT) -> None:
        self._base = checked_address(settings, plain_loopback=False)
        self._account = read_account(settings, ("secret", "username", "password", "application_code"))
        context = tls_context(settings)
        self.info = BusInfo("lgsp", MAX_PACKAGE_BYTES, can_find_sent=False)
        # A stale kept-alive connection fails in a way that looks ambiguous: every send gets a fresh one.
        self._sending = wire.new_http(context, timeout, keep=0)
        self._asking = wire.new_http(context, timeout, keep=2)
        self._guard = threading.Lock()
        self._token, self._token_until = "", 0.0

    def close(self) -> None:
        """Give up the connections."""
        self._sending.close()
        self._asking.close()

    def send(self, message: Outbound) -> SendResult:
        """POST /sendEdoc as multipart with its length told: the bus refuses chunks. Never repeated, but for a 401."""
        answer = self._try_send(message)
        if isinstance(answer, tuple) and answer[0].status == 401:  # refused before it was looked at: a stale token
            self._forget_token()
            answer = self._try_send(message)
        return answer if isinstance(answer, SendResult) else self._sent(*answer)

    def _try_send(self, message: Outbound) -> SendResult | tuple[wire.Answer, int]:
        token = self._bearer()
        mark = secrets.token_hex(16)
        body = Body(message.path, *_multipart(mark, message.kind))
        size = message.size + sum(map(len, _multipart(mark, message.kind)))
        request = self._request(
            "POST", "/sendEdoc", token, body=body, size=size, media=f"multipart/form-data; boundary={mark}"
        )
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
            raise answers.unauthorised(answer.status)
        try:
            found = answer.json()
        except BusError as error:
            return SendResult(Outcome.UNKNOWN, reason=str(error), bytes_sent=bytes_sent, http_status=answer.status)
        data = found.get("data")
        data = data if isinstance(data, dict) else {}
        doc_id, code = data.get("docId"), str(data.get("errorCode") or "").strip()
        if answers.good(answer, found) and data.get("status") == "OK" and code in ("", "0") and isinstance(doc_id, str):
            if doc_id:
                at = wire.now_by(answer.seen)
                return SendResult(Outcome.ACCEPTED, doc_id, at, answer.content, "", bytes_sent, answer.status)
        elif code in codes.CODES:
            said = str(data.get("errorDesc") or "")
            return codes.refused_send(code, said, http_status=answer.status, bytes_sent=bytes_sent)
        # {code: 500} says that something failed, not that nothing was taken.
        reason = answers.words(found) or str(not_the_bus())
        return SendResult(Outcome.UNKNOWN, reason=reason, bytes_sent=bytes_sent, http_status=answer.status)

    def find_sent(self, message: Outbound) -> SendResult | None:
        """The dialect has no list of what was sent."""
        return SendResult(Outcome.UNKNOWN, reason=N_("Trục loại này không cho tra lại gói tin đã gửi."))

    def recipients(self, message_id: str) -> Sequence[RecipientState]:
        """Nothing: the recipients' own statuses tell."""
        return ()

    def list_incoming(self, cursor: str, limit: int = 50) -> InboxPage:
        """GET /syncReceivedEdocList from the day before ``cursor``, a day, to today; the next cursor is today.

        A day too many only repeats entries. The cursor never passes the bus's own day, whatever our clock says.
        """
        today = datetime.fromtimestamp(time.time(), VN).date()
        start = (date.fromisoformat(cursor) - _OVERLAP) if cursor else today - _FIRST_WINDOW
        items: dict[str, InboxItem] = {}
        newest = today
        for kind in _KINDS:
            window = {"messageType": kind, "fromDate": f"{start:%Y/%m/%d}", "toDate": f"{today + _OVERLAP:%Y/%m/%d}"}
            found, answer = self._call("GET", "/syncReceivedEdocList", params=window)
            if answer.seen is not None:
                newest = min(newest, answer.seen.utc.astimezone(VN).date())
            for row in answers.rows(found.get("data")):
                item = answers.item(row, kind)
                items.setdefault(item.doc_id, item)
        return InboxPage(tuple(items.values()), max(newest.isoformat(), cursor))

    def wait(self, cursor: str, seconds: float) -> bool:
        """The dialect cannot."""
        return False

    def fetch(self, item: InboxItem, target: Path) -> None:
        """GET /getEdoc; always from the start, because the dialect cannot resume."""
        found = self._download(item, target)
        if found is None:
            self._forget_token()
            found = self._download(item, target)
        if found is None:
            raise answers.unauthorised(401)
        if not target.exists() or not target.stat().st_size:
            raise BusError(N_("Trục trả gói tin rỗng."), connected=True, permanent=True)

    def _download(self, item: InboxItem, target: Path) -> dict[str, Any] | None:
        """The answer without its data; None for a 401."""
        request = self._request("GET", "/getEdoc", self._bearer(), params={"docId": item.doc_id})
        try:
            answer = self._asking.send(request, stream=True)
            try:
                if answer.status_code == 401:
                    return None
                found = save_data(answer.iter_bytes(), target, 2 * MAX_PACKAGE_BYTES)
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise link_error(error, connected=True, bytes_sent=0) from error
        if answer.status_code != 200 or found.get("code") != 200:
            target.unlink(missing_ok=True)
            raise answers.failure(found, answer.status_code)
        return found

    def ack(self, item_id: str, outcome: Literal["done", "fail"], *, reason: str, sha256: str) -> bytes:
        """POST /updateStatus; the dialect has no place for a reason or a digest."""
        self._call("POST", "/updateStatus", json={"docId": item_id, "status": outcome})
        return b""

    def directory(self, cursor: str = "") -> DirectoryPage:
        """GET /getAgenciesList, page by page until one is empty or repeats."""
        entries: dict[str, OrganEntry] = {}
        for page in range(_MAX_PAGES):
            found, _ = self._call("GET", "/getAgenciesList", params={"page": page, "size": 200})
            data = found.get("data")
            rows = answers.rows(data.get("content") if isinstance(data, dict) else data)
            new = {
                entry.code: entry for row in rows if (entry := answers.organ(row)).code and entry.code not in entries
            }
            if not new:
                break
            entries |= new
        return DirectoryPage(tuple(entries.values()))

    def report(self, statistics: Mapping[str, object]) -> bool:
        """The dialect has no place for it."""
        return False

    def time(self) -> BusTime:
        """The Date header of a log-in or of a small answer."""
        today = f"{datetime.fromtimestamp(time.time(), VN):%Y/%m/%d}"
        window = {"messageType": "status", "fromDate": today, "toDate": today}
        _, answer = self._call("GET", "/syncReceivedEdocList", params=window)
        if answer.seen is None:
            raise not_the_bus()
        return answer.seen

    def _bearer(self) -> str:
        """The token, fetched when there is none or it is old. Raises BusError."""
        with self._guard:
            if not self._token or time.monotonic() >= self._token_until:
                self._token = self._log_in()
                self._token_until = time.monotonic() + _TOKEN_SECONDS
            return self._token

    def _forget_token(self) -> None:
        with self._guard:
            self._token = ""

    def _log_in(self) -> str:
        words = {
            "username": self._account.secret("username"), "password": self._account.secret("password"),
            "applicationCode": self._account.secret("application_code"), "otp": None, "twoFactorProvider": None,
            "typeObjs": [0, 1],
        }  # fmt: skip
        url = f"{self._base}/auth/login"

        def make() -> httpx.Request:
            return httpx.Request("POST", url, params={"allow_anonymous": "true"}, json=words)

        return answers.token(wire.ask_again(self._asking, make))

    def _call(self, method: str, path: str, **options: Any) -> tuple[dict[str, Any], wire.Answer]:
        """One small repeatable request with a fresh token after the first 401. Raises BusError."""
        answer = self._ask(lambda: self._request(method, path, self._bearer(), **options))
        if answer.status == 401:
            self._forget_token()
            answer = self._ask(lambda: self._request(method, path, self._bearer(), **options))
        if answer.status == 401:
            raise answers.unauthorised(answer.status)
        if answer.status == 429:
            raise wire.later(answer)
        found = answer.json()
        if not answers.good(answer, found):
            raise answers.failure(found, answer.status)
        return found, answer

    def _ask(self, make: Callable[[], httpx.Request]) -> wire.Answer:
        return wire.ask_again(self._asking, make)

    def _request(
        self, method: str, path: str, token: str, *, body: Body | None = None, size: int = 0, media: str = "",
        **options: Any,
    ) -> httpx.Request:  # fmt: skip
        headers = [
            (b"Authorization", f"Bearer {token}".encode()),
            (b"X-SystemId", self._account.system_id.encode()),
            (b"X-SecretKey", self._account.secret("secret").encode()),
        ]
        url = self._base + path
        if body is not None:
            headers += [(b"Content-Type", media.encode()), (b"Content-Length", str(size).encode())]
            return httpx.Request(method, url, headers=headers, content=iter(body))
        return httpx.Request(method, url, headers=headers, **options)


def _multipart(mark: str, kind: str) -> tuple[bytes, bytes]:
    """What stands before and after the file (RFC 7578)."""
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="messageType"\r\n\r\n{kind}\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="edocFile"; filename="package.edxml"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode(), f"\r\n--{mark}--\r\n".encode()
