"""What the bus's answers must look like to be believed. Anything else is a captive portal or a broken proxy."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from appliance.errors import N_
from sync.bus.base import BusError, DigestMismatch, Fault, InboxItem, OrganEntry, Outcome, SendResult

_PROBLEM = "application/problem+json"
_TRY_LATER = (408, 425, 429, 503)
"""The bus says itself that it did not take the request; the same one may be repeated."""
_NOT_OURS = (401, 403, 407, 511)
"""Permission of the link, not of this package: visible, and tried again when it is put right."""

_OUR_IDENTITY = (401, 403)
"""The bus knows this box by its certificate and does not let it in: no other request will fare better."""
_NOT_THIS_SENDER = "sender-not-in-certificate"
"""It lets the box in, but not as the organ that the package is from."""
_FIX_IDENTITY = N_("Kỹ thuật viên kiểm tra chứng thư kết nối và mã cơ quan của trạm với đơn vị vận hành trục.")


def not_the_bus() -> BusError:
    """The answer did not come from the bus, or not whole."""
    return BusError(
        N_("Đường truyền trả lời bằng nội dung không phải của trục liên thông."),
        next_step=N_("Kiểm tra mạng có đòi đăng nhập (cổng Wi-Fi) hay chặn kết nối; trạm tự thử lại."),
        link=True,
        connected=True,
    )


_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half a character beyond the first plane; alone it is no text, and no store takes it."""
_MOST = 1 << 63


def parse(content: bytes, *, mend: bool = False) -> dict[str, Any]:
    """A JSON object. Raises BusError for anything else: no JSON, nested without end, text that is none.

    ``mend``: half a character becomes '?' instead, for buses that cut texts anywhere.
    """
    try:
        found = json.loads(content)
        if _HALF.search(content):
            text = json.dumps(found, ensure_ascii=False)
            found = json.loads(text.encode("utf-8", "replace" if mend else "strict"))
    except (ValueError, RecursionError) as error:
        raise not_the_bus() from error
    if not isinstance(found, dict):
        raise not_the_bus()
    return found


def rows(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list of objects under ``key``. Raises BusError."""
    value = found.get(key)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise not_the_bus()
    return value


def text(row: dict[str, Any], key: str) -> str:
    """The text under ``key``. Raises BusError."""
    value = row.get(key)
    if not isinstance(value, str):
        raise not_the_bus()
    return value


def item(row: dict[str, Any]) -> InboxItem:
    """One inbox entry. Raises BusError when a field is missing or odd."""
    sha256, doc_id = text(row, "sha256"), text(row, "docId")
    numbers = [row.get(key) for key in ("seq", "size")]
    if not all(type(number) is int and 0 <= number < _MOST for number in numbers):
        raise not_the_bus()
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef") or not _plain(doc_id):
        raise not_the_bus()
    wish = row.get("priority")  # only an order; one that cannot be read is no reason to leave the rest of the page
    priority = wish if type(wish) is int and abs(wish) < _MOST else 0
    return InboxItem(
        seq=row["seq"], doc_id=doc_id, message_id=str(row.get("messageId") or ""), kind=str(row.get("kind") or "edoc"),
        priority=priority, sender=str(row.get("from") or ""), to=text(row, "to"), size=row["size"],
        sha256=sha256,
    )  # fmt: skip


def organ(row: dict[str, Any]) -> OrganEntry:
    """One line of the directory. Raises BusError."""
    old = row.get("oldCodes") or []
    if not isinstance(old, list):
        raise not_the_bus()
    further = {key: str(row.get(key) or "") for key in ("parent", "validFrom", "validTo", "successor")}
    return OrganEntry(
        text(row, "code"), text(row, "name"), tuple(map(str, old)), further["parent"], further["validFrom"],
        further["validTo"], further["successor"],
    )  # fmt: skip


def not_accepted(answer: httpx.Response, bytes_sent: int) -> SendResult:
    """What a send without a receipt came to. Raises BusError when the bus plainly did not take the package, but may."""
    status = answer.status_code
    if is_problem(answer) and (status in _TRY_LATER or status in _NOT_OURS):
        failure = refused(answer)
        failure.bytes_sent = bytes_sent
        raise failure
    if is_problem(answer) and slug(answer) == "digest-mismatch":
        raise DigestMismatch(
            N_("Gói tin bị hỏng trên đường truyền; trục không nhận và trạm gửi lại."),
            connected=True,
            bytes_sent=bytes_sent,
            http_status=status,
        )
    if is_problem(answer) and 400 <= status < 500:
        organs = _organs(answer)
        return SendResult(
            Outcome.REJECTED, reason=_detail(answer), bytes_sent=bytes_sent, http_status=status,
            fault=Fault.ORGAN if slug(answer) == "unknown-organ" else Fault.PACKAGE, organs=organs,
        )  # fmt: skip
    reason = _detail(answer) if is_problem(answer) else str(not_the_bus())
    return SendResult(Outcome.UNKNOWN, reason=reason, bytes_sent=bytes_sent, http_status=status)


def refused(answer: httpx.Response) -> BusError:
    """The error for an answer other than success."""
    if not is_problem(answer):
        return not_the_bus()
    status = answer.status_code
    fault = Fault.LINK if status in _OUR_IDENTITY else Fault.NONE
    if fault is Fault.LINK and slug(answer) == _NOT_THIS_SENDER:
        fault = Fault.SENDER
    return BusError(
        N_("Trục liên thông trả lời: %(detail)s"),
        next_step=_FIX_IDENTITY if fault is not Fault.NONE else "",
        permanent=400 <= status < 500 and status not in _TRY_LATER and status not in _NOT_OURS,
        connected=True,
        http_status=status,
        retry_after=retry_after(answer),
        fault=fault,
        detail=_detail(answer),
    )


def is_problem(answer: httpx.Response) -> bool:
    """Whether this is the bus's own refusal (RFC 9457) and not some proxy's page."""
    return str(answer.headers.get("Content-Type", "")).split(";")[0].strip() == _PROBLEM


def slug(answer: httpx.Response) -> str:
    """The last part of a problem's type."""
    try:
        return str(parse(answer.content).get("type") or "").rpartition("/")[2]
    except BusError:
        return ""


def is_ours(answer: httpx.Response) -> bool:
    """Whether the answer has one of the bus's own forms, and not a captive portal's."""
    kind = str(answer.headers.get("Content-Type", "")).split(";")[0].strip()
    return kind in (_PROBLEM, "application/json", "application/jose")


def _organs(answer: httpx.Response) -> tuple[str, ...]:
    """The codes that a problem names as its reason."""
    try:
        found = parse(answer.content).get("organs")
    except BusError:
        return ()
    return tuple(str(code) for code in found) if isinstance(found, list) else ()


def _detail(answer: httpx.Response) -> str:
    try:
        found = parse(answer.content)
    except BusError:
        return f"HTTP {answer.status_code}"
    return str(found.get("detail") or found.get("title") or f"HTTP {answer.status_code}")[:1000]


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds the bus asked for, at most an hour."""
    value = answer.headers.get("Retry-After", "")
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() else None


def _plain(doc_id: str) -> bool:
    """Whether the id can stand in a path and a file name as it is."""
    return 0 < len(doc_id) <= 100 and all(c.isascii() and (c.isalnum() or c in "-_") for c in doc_id)
