"""The native profile "commune link v1" over HTTPS with mutual TLS: one PUT per package, digests everywhere."""

from __future__ import annotations

import math
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import httpx

from appliance.config import Settings
from appliance.errors import N_, ConfigError
from sync import jws
from sync.bus import wire
from sync.bus.base import (
    BusError,
    BusInfo,
    BusTime,
    DigestMismatch,
    DirectoryPage,
    InboxItem,
    InboxPage,
    Outbound,
    Outcome,
    RecipientState,
    SendResult,
)
from sync.bus.native import answers, hint, renewal
from sync.bus.native.download import Downloader
from sync.bus.native.failures import link_error
from sync.bus.native.receipts import ReceiptJudge
from sync.bus.native.spool import SMALL, Spool
from sync.bus.native.tls import authorities, client_context, no_password, own_organs
from sync.bus.native.upload import PATIENCE, Uploader
from sync.bus.native.wire import pool
from sync.bus.native.words import Words
from sync.edxml.names import MAX_PACKAGE_BYTES

_NO_TIME = (404, 405, 410, 500, 501, 502, 503, 504)
"""The bus itself answered, but not with its time: then its Date header is as good as it gets."""
_TIMEOUT = httpx.Timeout(connect=15, read=120, write=120, pool=15)


class NativeClient:
    """Implements ``sync.bus.base.BusClient``. May be shared by threads. Raises ConfigError when it cannot be set up.

    ``patience``: seconds a large package may stay without a new byte at the bus before its send gives up.
    """

    def __init__(self, settings: Settings, timeout: httpx.Timeout = _TIMEOUT, patience: float = PATIENCE) -> None:
        if not settings.bus_url.startswith("https://"):
            raise ConfigError(N_("Địa chỉ trục (bus_url) phải bắt đầu bằng https://."))
        self._base = settings.bus_url.rstrip("/")
        self._settings = settings
        context = self._context = client_context(settings)
        self.info = BusInfo("native", MAX_PACKAGE_BYTES, speaks_for=own_organs(settings))
        receipts = self._receipts = ReceiptJudge(authorities(settings), settings.data / "odd-receipts")
        self._sending = pool(context, settings.link_congestion)
        self._uploads = Uploader(self._sending, self._base, receipts, patience)
        self._spool = Spool(settings.data / "spool")
        self._asking = _http(context, timeout, self._note_codings)
        self._downloads = Downloader(self._asking, self._base)
        self._codings: str | None = None
        self._changes = 0
        self._words = Words(settings)

    def close(self) -> None:
        """Give up the connections."""
        self._sending.close()
        self._asking.close()

    def send(self, message: Outbound) -> SendResult:
        """PUT, or a resumable upload. BusError only while the last byte had not left; afterwards it is UNKNOWN."""
        coded = self._spool.coded(message, self._takes_gzip(message))
        try:
            result = self._uploads.send(message, coded)
        except DigestMismatch:
            self._spool.discard(message)  # a coded copy damaged on our own disk would be refused for ever
            raise
        if result.outcome is not Outcome.UNKNOWN:
            self._spool.discard(message)
        if result.http_status == 413:  # the next one is refused at the box's own door
            with suppress(BusError):
                self.hello()
        return result

    def find_sent(self, message: Outbound) -> SendResult | None:
        """GET /messages/{id}, then its receipt."""
        found = self._json("GET", f"/messages/{message.id}", missing_ok=True)
        if found is None:
            return None
        if found.get("sha256") != message.sha256:
            return SendResult(Outcome.REJECTED, reason=N_("Trục đã dùng mã gói tin này cho một nội dung khác."))
        receipt = self._request("GET", f"/messages/{message.id}/receipt")
        return self._receipts.judge(receipt.content, message, 0, receipt.status_code)

    def recipients(self, message_id: str, doc_id: str = "") -> Sequence[RecipientState]:
        """GET /messages/{id}; a recipient's signed word only where it holds and speaks of this message."""
        found = self._json("GET", f"/messages/{message_id}") or {}
        return [
            RecipientState(
                answers.text(row, "organ"),
                answers.text(row, "state"),
                str(row.get("at") or ""),
                self._words.checked(str(row.get("proof") or ""), message_id, str(found.get("sha256") or "")),
            )
            for row in answers.rows(found, "recipients")
        ]

    def list_incoming(self, cursor: str, limit: int = 50) -> InboxPage:
        """GET /inbox."""
        found = self._json("GET", "/inbox", params={"after": _after(cursor), "limit": limit}) or {}
        for row in answers.rows(found, "items"):
            self._words.note(row)
        items = sorted((answers.item(row) for row in answers.rows(found, "items")), key=lambda item: item.seq)
        return InboxPage(tuple(items), str(items[-1].seq) if items else cursor)

    def wait(self, cursor: str, seconds: float) -> bool:
        """GET /events with a long poll; False at once when the bus has no seat left for waiting."""
        wish = {"Prefer": f"wait={max(1, int(seconds))}"}
        query = {"after": _after(cursor), "changes": self._changes}
        found = (
            self._json("GET", "/events", params=query, headers=wish, timeout=httpx.Timeout(15, read=seconds + 30)) or {}
        )
        events = answers.rows(found, "events")
        self._changes = max([self._changes, *(n for row in events if type(n := row.get("change")) is int)])
        return bool(events)

    def fetch(self, item: InboxItem, target: Path) -> None:
        """GET /inbox/{docId}/content, coded where the bus can, with Range from the bytes that are there already."""
        self._downloads.fetch(item, target)

    def ack(self, item_id: str, outcome: Literal["done", "fail"], *, reason: str, sha256: str) -> bytes:
        """PUT /inbox/{docId}/ack, signed with the link's key where the bus can keep that (R2)."""
        path, said = f"/inbox/{item_id}/ack", {"outcome": outcome, "reason": reason, "sha256": sha256}
        word = self._words.word(item_id, said, lambda: self._json("GET", f"/inbox/{item_id}", missing_ok=True))
        if word:
            try:
                self._json("PUT", path, content=word, headers={"Content-Type": jws.MEDIA_TYPE})
                return word
            except BusError as error:
                if not error.permanent or error.http_status not in (400, 415, 422):
                    raise
        # A bus that keeps no signatures, or a clock of ours too wrong to sign with: the plain word still counts.
        self._json("PUT", path, json=said)
        return b""

    def directory(self, cursor: str = "") -> DirectoryPage:
        """GET /directory, only what changed after ``cursor``."""
        since = {"since": cursor} if cursor else None
        found = self._json("GET", "/directory", params=since, most=wire.MAX_DIRECTORY) or {}
        entries = (answers.organ(row) for row in answers.rows(found, "organs"))
        return DirectoryPage(tuple(entries), str(found.get("cursor") or ""))

    def report(self, statistics: Mapping[str, object]) -> bool:
        """PUT /statistics/{organ}/{month}; False at a bus that has no such place."""
        path = f"/statistics/{statistics['organ']}/{statistics['month']}"
        return self._json("PUT", path, missing_ok=True, json=dict(statistics)) is not None

    def renew(self) -> None:
        """POST /certificate: a new key made here, certified over the old certificate, used from the next connection."""
        certificate, key_file = self._settings.link_certificate, self._settings.link_key
        assert certificate is not None
        assert key_file is not None
        key, asked = renewal.request_for(certificate)
        headers = {"Content-Type": "application/pkcs10"}
        try:
            answer = self._whole("POST", "/certificate", content=asked, headers=headers)
        except httpx.HTTPError as error:
            raise link_error(error, connected=True, bytes_sent=0) from error
        if answer.status_code != 201:
            raise answers.refused(answer)
        renewal.take(key, answer.content, authorities(self._settings), certificate, key_file)
        self._context.load_cert_chain(str(certificate), str(key_file), password=no_password)

    def hello(self) -> None:
        """GET /hello: the bus's limits and codings, from now on in ``info``."""
        found = self._json("GET", "/hello") or {}
        limits = found.get("limits")
        size = limits.get("maxSize") if isinstance(limits, dict) else None
        if type(size) is int and size > 0:
            self.info = replace(self.info, max_bytes=min(size, MAX_PACKAGE_BYTES), limit_told=True)

    def time(self) -> BusTime:
        """GET /time: offset by the middle of the round trip, error = half of it + what the bus admits.

        A bus that cannot tell the time there still tells it in its answer's Date header, to half a second.
        """
        wall, start = time.time(), time.monotonic()
        answer = self._ask("GET", "/time")
        trip = time.monotonic() - start
        if answer.status_code in _NO_TIME and answers.is_problem(answer):
            seen = wire.date_of(answer, wall, trip)
            if seen is not None:
                return seen
        if answer.status_code != 200:
            raise answers.refused(answer)
        found = answers.parse(answer.content)
        try:
            utc = datetime.fromisoformat(answers.text(found, "utc"))
            uncertainty = float(found.get("uncertaintyMs") or 0) / 1000
            if not 0 <= uncertainty < math.inf:
                raise answers.not_the_bus()  # a negative bound would make a liar's clock the best of all samples
            return BusTime(utc, utc.timestamp() - (wall + trip / 2), trip / 2 + uncertainty)
        except (ValueError, TypeError, OverflowError) as error:
            raise answers.not_the_bus() from error

    def date_hint(self) -> BusTime | None:
        """What the other end says of the time when its certificate's dates do not fit ours; never to be believed."""
        return hint.date_hint(self._settings)

    def _takes_gzip(self, message: Outbound) -> bool:
        """Whether the bus says that it takes coded packages (RFC 9110 12.5.3); a large one is worth the question."""
        if self._codings is None and message.size >= SMALL:
            try:
                self.hello()
            except BusError as error:
                if error.link:
                    raise
                self._codings = ""  # a bus that knows no hello
        return "gzip" in (self._codings or "")

    def _note_codings(self, answer: httpx.Response) -> None:
        if answers.is_ours(answer):
            self._codings = answer.headers.get("Accept-Encoding", "")

    def _json(self, method: str, path: str, *, missing_ok: bool = False, **options: Any) -> dict[str, Any] | None:
        answer = self._request(method, path, missing_ok=missing_ok, **options)
        return None if answer.status_code == 404 else answers.parse(answer.content)

    def _request(self, method: str, path: str, *, missing_ok: bool = False, **options: Any) -> httpx.Response:
        """A small request that must end well. Raises BusError."""
        answer = self._ask(method, path, **options)
        if answer.status_code == 404 and missing_ok and answers.is_problem(answer):
            return answer
        if answer.status_code != 200:
            raise answers.refused(answer)
        return answer

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One small repeatable request; a kept connection that had gone stale is tried once more on a fresh one."""
        try:
            try:
                return self._whole(method, path, **options)
            except httpx.RemoteProtocolError:
                return self._whole(method, path, **options)
        except httpx.HTTPError as error:
            raise link_error(error, connected=True, bytes_sent=0) from error

    def _whole(self, method: str, path: str, *, most: int = wire.MAX_JSON, **options: Any) -> httpx.Response:
        """Ask once. Raises httpx.HTTPError, and BusError for an answer of more than ``most`` bytes."""
        with self._asking.stream(method, self._base + path, **options) as answer:
            return wire.loaded(answer, most)


def _after(cursor: str) -> str:
    """The number of the last entry seen; 0 for a cursor that the bus of another dialect left."""
    return cursor if cursor.isascii() and cursor.isdigit() else "0"


def _http(context: ssl.SSLContext, timeout: httpx.Timeout, listen: Callable[[httpx.Response], None]) -> httpx.Client:
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=2, keepalive_expiry=60)
    options = [(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)]
    transport = httpx.HTTPTransport(verify=context, limits=limits, socket_options=options, trust_env=False)
    # trust_env off: a proxy or another CA from the environment has no say over this link.
    return httpx.Client(
        transport=transport, timeout=timeout, follow_redirects=False, trust_env=False,
        event_hooks={"response": [listen]},
    )  # fmt: skip
