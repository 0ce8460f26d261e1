"""What the dialects with an account share: requests exactly as written, answers read with bounds, the Date header."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from sync.bus.base import BusError, BusTime
from sync.bus.body import total_seconds
from sync.bus.native.answers import not_the_bus, parse, retry_after
from sync.bus.native.failures import link_error

MAX_JSON = 16 << 20
"""Longest answer we read, in bytes."""
MAX_DIRECTORY = 64 << 20
"""Longest address book in one answer: the country's 120,000 organs and some."""


@dataclass(frozen=True)
class Answer:
    """A whole small answer. ``seen``: the bus's clock by its Date header, None without one."""

    status: int
    content: bytes
    retry_after: float | None
    seen: BusTime | None

    def json(self) -> dict[str, Any]:
        """The JSON object. Raises BusError: a captive portal, a proxy, a torn answer."""
        return parse(self.content, mend=True)


def new_http(context: Any, timeout: httpx.Timeout, *, keep: int) -> httpx.Client:
    """trust_env off: a proxy or another CA from the environment has no say over this link; no redirect is followed."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=keep, keepalive_expiry=60)
    return httpx.Client(verify=context, timeout=timeout, limits=limits, follow_redirects=False, trust_env=False)


def ask(http: httpx.Client, request: httpx.Request, deadline: float = math.inf, most: int = MAX_JSON) -> Answer:
    """Send ``request`` once and read the whole answer, until ``deadline`` by the monotonic clock.

    Raises httpx.HTTPError, also for an answer that drips, and BusError over ``most`` bytes.
    """
    wall, start = time.time(), time.monotonic()
    answer = http.send(request, stream=True)
    try:
        trip = time.monotonic() - start
        content = content_of(answer, deadline, most)
    finally:
        answer.close()
    return Answer(answer.status_code, content, retry_after(answer), date_of(answer, wall, trip))


def content_of(answer: httpx.Response, deadline: float = math.inf, most: int = MAX_JSON) -> bytes:
    """The rest of an answer, decoded. Raises httpx.HTTPError, also for one that drips, and BusError over ``most``."""
    content = bytearray()
    for chunk in flowing(answer.iter_bytes(), answer.request, deadline):
        content += chunk
        if len(content) > most:
            raise not_the_bus()
    return bytes(content)


def loaded(answer: httpx.Response, most: int = MAX_JSON) -> httpx.Response:
    """The same answer with all of its content, plain. Raises what ``content_of`` raises."""
    content = content_of(answer, most=most)
    framing = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in framing]
    return httpx.Response(answer.status_code, headers=headers, content=content, request=answer.request)


def flowing(pieces: Iterable[bytes], request: httpx.Request, deadline: float = math.inf) -> Iterator[bytes]:
    """The pieces of an answer. Raises httpx.ReadTimeout after ``deadline``, or when it drips (bus-link C.2 rule 1)."""
    start, total = time.monotonic(), 0
    for chunk in pieces:
        total += len(chunk)
        if time.monotonic() > min(deadline, start + total_seconds(total)):
            raise httpx.ReadTimeout("the answer takes longer than its whole time", request=request)
        yield chunk


def ask_again(http: httpx.Client, make: Callable[[], httpx.Request], most: int = MAX_JSON) -> Answer:
    """A small repeatable request; a kept connection that had gone stale is tried once more. Raises BusError."""
    try:
        try:
            return ask(http, make(), most=most)
        except httpx.RemoteProtocolError:
            return ask(http, make(), most=most)
    except httpx.HTTPError as error:
        raise link_error(error, connected=True, bytes_sent=0) from error


def date_of(answer: httpx.Response, wall: float, trip: float) -> BusTime | None:
    """The Date header counts whole seconds, so half a second is added and admitted (bus-link C.5)."""
    try:
        utc = parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return BusTime(utc, utc.timestamp() + 0.5 - (wall + trip / 2), trip / 2 + 0.5)


def now_by(seen: BusTime | None) -> str:
    """The bus's time of an answer as ISO 8601, or ''."""
    return seen.utc.isoformat() if seen else ""


def moment(seconds: float) -> datetime:
    """A clock reading as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def later(answer: Answer) -> BusError:
    """429: the bus says itself that it did not take the request."""
    failure = not_the_bus()
    failure.link = False
    failure.http_status = answer.status
    failure.retry_after = answer.retry_after
    return failure
