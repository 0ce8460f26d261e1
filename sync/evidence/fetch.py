"""Small, bounded HTTP for trust services: a limit on bytes and on seconds, http(s) only, and a breaker per host."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import httpx

from appliance.errors import N_, Unavailable

BREAK_SECONDS = 60.0
"""A host that failed is left alone that long: an office must not wait for it at every signature."""
MOST_REDIRECTS = 3


class Fetcher:
    """Asks trust services. May be shared by threads. ``timeout``: seconds for one answer; ``seconds`` of a question:
    what its asker has left, if that is less.
    """

    def __init__(self, *, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout, self._clock = timeout, clock
        self._resting: dict[str, float] = {}
        self._lock = threading.Lock()

    def rests(self, url: str) -> bool:
        """Whether the host of ``url`` failed lately and is being left alone."""
        with self._lock:
            return self._resting.get(_host(url), 0.0) > self._clock()

    def get(self, url: str, *, limit: int, seconds: float = math.inf) -> bytes:
        """The body at ``url``. Raises Unavailable."""
        return self._bounded("GET", url, None, "", "", limit, seconds)

    def post(self, url: str, body: bytes, *, sends: str, takes: str, limit: int, seconds: float = math.inf) -> bytes:
        """The reply to ``body``, media types ``sends`` and ``takes``. Raises Unavailable."""
        return self._bounded("POST", url, body, sends, takes, limit, seconds)

    def _bounded(
        self, method: str, url: str, body: bytes | None, sends: str, takes: str, limit: int, seconds: float
    ) -> bytes:
        if self.rests(url):
            raise _failed(url, "resting")
        try:
            return self._follow(method, url, body, sends, takes, limit, min(seconds, self._timeout))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            with self._lock:
                self._resting[_host(url)] = self._clock() + BREAK_SECONDS
            raise _failed(url, str(error) or type(error).__name__) from error

    def _follow(
        self, method: str, url: str, body: bytes | None, sends: str, takes: str, limit: int, seconds: float
    ) -> bytes:
        deadline = self._clock() + seconds
        with httpx.Client(timeout=seconds, follow_redirects=False) as client:
            for _ in range(MOST_REDIRECTS + 1):
                if urlsplit(url).scheme not in ("http", "https"):
                    raise ValueError("not an http address")
                headers = {"Accept": takes or "*/*"} | ({"Content-Type": sends} if sends else {})
                with client.stream(method, url, content=body, headers=headers) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("location", ""))
                        continue
                    if response.status_code != 200:
                        raise ValueError(f"status {response.status_code}")
                    if takes and response.headers.get("content-type", "").split(";")[0].strip().lower() != takes:
                        raise ValueError(f"the reply is {response.headers.get('content-type', 'of no type')}")
                    return self._read(response, limit, deadline)
        raise ValueError("redirected too often")

    def _read(self, response: httpx.Response, limit: int, deadline: float) -> bytes:
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > limit:
                raise ValueError(f"more than {limit} bytes")
            if self._clock() > deadline:
                raise ValueError("too slow")
        return bytes(data)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _failed(url: str, reason: str) -> Unavailable:
    return Unavailable(
        N_("Không lấy được %(url)s (%(reason)s)"),
        next_step=N_("Trạm sẽ tự thử lại; nếu kéo dài, kiểm tra đường truyền và địa chỉ dịch vụ"),
        url=url,
        reason=reason,
    )
