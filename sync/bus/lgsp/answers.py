"""What an LGSP bus answers, as the link's own kinds (bus-link A.8)."""

from __future__ import annotations

from typing import Any

from appliance.errors import N_
from sync.bus import codes, wire
from sync.bus.base import BusError, Fault
from sync.bus.listing import word
from sync.bus.native.answers import not_the_bus

UNAUTHORISED = N_("Trục không nhận tài khoản của trạm.")
_LONGEST_TOKEN = 16 << 10


def good(status: int, found: dict[str, Any]) -> bool:
    """Whether it is the dialect's own yes: HTTP and the envelope both say 200."""
    return status == 200 and word(found.get("code")) == "200"


def words(found: dict[str, Any]) -> str:
    """What the bus says of its own failure."""
    detail = found.get("errorDetail") or found.get("message") or ""
    parts = detail if isinstance(detail, list) else [detail]
    return "; ".join(str(part)[:300] for part in parts[:5] if part)


def inner(found: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """``data``, where it is an object, and the error number in it."""
    data = found.get("data")
    data = data if isinstance(data, dict) else {}
    return data, word(data.get("errorCode"))


def failure(found: dict[str, Any], status: int) -> BusError:
    """The error for a proper refusal, or for something that is not the bus."""
    number = word(found.get("code"))
    if not number:
        return not_the_bus()
    code, said = inner(found)[1], words(found)
    if code in codes.CODES:
        return codes.refusal(code, said, http_status=status)
    return BusError(
        N_("Trục liên thông trả lời: %(detail)s"), connected=True, http_status=status, detail=said or number
    )


def unauthorised(status: int, content: bytes) -> BusError:
    """A fresh token was refused too: the account, not the line; but a page is a captive portal's or a proxy's."""
    if content.lstrip()[:1] == b"<":
        return not_the_bus()
    return BusError(
        UNAUTHORISED,
        next_step=N_("Kỹ thuật viên kiểm tra bus_system_id và tệp bus_secret_file với đơn vị vận hành trục."),
        connected=True,
        http_status=status,
        fault=Fault.LINK,
    )


def token(answer: wire.Answer) -> str:
    """The session's token out of the answer to a log-in. Raises BusError."""
    if answer.status in (401, 403):
        raise unauthorised(answer.status, answer.content)
    found = answer.json()
    text = inner(found)[0].get("token")
    if good(answer.status, found) and isinstance(text, str) and text.isascii() and text.isprintable():
        if 0 < len(text) <= _LONGEST_TOKEN:
            return text
        raise not_the_bus()
    raise (
        unauthorised(answer.status, b"")
        if word(found.get("code")) in ("400", "401", "403")
        else failure(found, answer.status)
    )
