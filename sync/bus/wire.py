"""What the dialects with an account share: requests exactly as written, answers read with bounds, the Date header."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from sync.bus.base import BusError, BusTime
from sync.bus.native.answers import not_the_bus, parse
from sync.bus.native.failures import link_error

MAX_JSON = 16 << 20
"""Longest list or directory page we read, in bytes."""
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """A whole small answer. ``seen``: the bus's clock by its Date header, None without one."""

    status: int
    content: bytes
    retry_after: float | None
    seen: BusTime | None

    def json(self) -> dict[str, Any]:
        """The JSON object. Raises BusError: a captive portal, a proxy, a torn answer."""
        return parse(self.content)


def new_http(context: Any, timeout: httpx.Timeout, *, keep: int) -> httpx.Client:
    """trust_env off: a proxy or another CA from the environment has no say over this link; no redirect is followed."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=keep, keepalive_expiry=60)
    return httpx.Client(verify=context, timeout=timeout, limits=limits, follow_redirects=False, trust_env=False)


def ask(http: httpx.Client, request: httpx.Request, deadline: float = math.inf) -> Answer:
    """Send ``request`` once and read the whole answer, until ``deadline`` by the monotonic clock.

    Raises httpx.HTTPError, BusError over ``MAX_JSON``.
    """
    wall, start = time.time(), time.monotonic()
    answer = http.send(request, stream=True)
    try:
        trip = time.monotonic() - start
        content = bytearray()
        for chunk in answer.iter_bytes(_CHUNK):
            content += chunk
            if len(content) > MAX_JSON:
                raise not_the_bus()
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer takes longer than its whole time", request=request)
    finally:
        answer.close()
    return Answer(answer.status_code, bytes(content), retry_after(answer), date_of(answer, wall, trip))


def ask_again(http: httpx.Client, make: Any) -> Answer:
    """A small repeatable request; a kept connection that had gone stale is tried once more. Raises BusError."""
    try:
        try:
            return ask(http, make())
        except httpx.RemoteProtocolError:
            return ask(http, make())
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


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds the bus asked for, at most an hour."""
    value = answer.headers.get("Retry-After", "")
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() else None


def later(answer: Answer) -> BusError:
    """429: the bus says itself that it did not take the request."""
    failure = not_the_bus()
    failure.link = False
    failure.http_status = answer.status
    failure.retry_after = answer.retry_after
    return failure
