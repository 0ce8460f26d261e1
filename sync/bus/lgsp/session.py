"""A session at an LGSP bus: the token and its renewal, the headers of every request, and the bus's own day."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import httpx

from appliance.clock import VN
from sync.bus import wire
from sync.bus.account import Account
from sync.bus.body import Body
from sync.bus.lgsp import answers

NEEDED = ("secret", "username", "password", "application_code")
"""What the secret file must hold."""
_TOKEN_SECONDS = 29 * 60.0
"""The bus gives a token for half an hour."""


class Session:
    """May be shared by threads. ``base`` without its last slash."""

    def __init__(self, base: str, account: Account, http: httpx.Client) -> None:
        self._base, self._account, self._http = base, account, http
        self._guard = threading.Lock()
        self._token, self._token_until = "", 0.0
        self._bus_day: date | None = None

    def days(self) -> tuple[date, date]:
        """Vietnam's day now by our clock and by the bus's last word, the earlier first; either clock may be wrong.

        Raises BusError.
        """
        self._bearer()  # the bus says its day at the latest when it lets us in
        ours = datetime.fromtimestamp(time.time(), VN).date()
        bus = self._bus_day or ours
        return min(ours, bus), max(ours, bus)

    def forget_token(self) -> None:
        """The bus did not take it: the next request logs in again."""
        with self._guard:
            self._token = ""

    def call(
        self, method: str, path: str, *, most: int = wire.MAX_JSON, **options: Any
    ) -> tuple[dict[str, Any], wire.Answer]:
        """One repeatable request for ``most`` bytes, with a fresh token after the first 401. Raises BusError."""
        answer = self._ask(lambda: self.request(method, path, **options), most)
        if answer.status == 401:
            self.forget_token()
            answer = self._ask(lambda: self.request(method, path, **options), most)
        if answer.status == 401:
            raise answers.unauthorised(answer.status, answer.content)
        if answer.status == 429:
            raise wire.later(answer)
        found = answer.json()
        if not answers.good(answer.status, found):
            raise answers.failure(found, answer.status)
        return found, answer

    def request(
        self, method: str, path: str, *, body: Body | None = None, size: int = 0, media: str = "", **options: Any
    ) -> httpx.Request:
        """One request with the token, fetched when there is none or it is old. Raises BusError."""
        headers = [
            (b"Authorization", f"Bearer {self._bearer()}".encode()),
            (b"X-SystemId", self._account.system_id.encode()),
            (b"X-SecretKey", self._account.secret("secret").encode()),
        ]
        url = self._base + path
        if body is not None:
            headers += [(b"Content-Type", media.encode()), (b"Content-Length", str(size).encode())]
            return httpx.Request(method, url, headers=headers, content=iter(body))
        return httpx.Request(method, url, headers=headers, **options)

    def _bearer(self) -> str:
        with self._guard:
            if not self._token or time.monotonic() >= self._token_until:
                self._token = self._log_in()
                self._token_until = time.monotonic() + _TOKEN_SECONDS
            return self._token

    def _log_in(self) -> str:
        words = {
            "username": self._account.secret("username"), "password": self._account.secret("password"),
            "applicationCode": self._account.secret("application_code"), "otp": None, "twoFactorProvider": None,
            "typeObjs": [0, 1],
        }  # fmt: skip
        url = f"{self._base}/auth/login"
        return answers.token(
            self._ask(lambda: httpx.Request("POST", url, params={"allow_anonymous": "true"}, json=words))
        )

    def _ask(self, make: Callable[[], httpx.Request], most: int = wire.MAX_JSON) -> wire.Answer:
        answer = wire.ask_again(self._http, make, most)
        if answer.seen is not None:
            self._bus_day = answer.seen.utc.astimezone(VN).date()
        return answer
