"""What an LGSP bus answers, as the link's own kinds (bus-link A.8)."""

from __future__ import annotations

from typing import Any

from appliance.errors import N_
from sync.bus import codes, wire
from sync.bus.base import BusError, Fault, InboxItem, Kind, OrganEntry
from sync.bus.native.answers import not_the_bus
from sync.bus.vxp.client import plain_id

UNAUTHORISED = N_("Trục không nhận tài khoản của trạm.")


def good(answer: wire.Answer, found: dict[str, Any]) -> bool:
    """Whether it is the dialect's own yes: HTTP and the envelope both say 200."""
    return answer.status == 200 and found.get("code") == 200


def html(answer: wire.Answer) -> bool:
    """Whether a page came instead of an answer (a captive portal, a proxy)."""
    return answer.content.lstrip()[:1] == b"<"


def words(found: dict[str, Any]) -> str:
    """What the bus says of its own failure."""
    detail = found.get("errorDetail") or found.get("message") or ""
    parts = detail if isinstance(detail, list) else [detail]
    return "; ".join(str(part)[:300] for part in parts[:5] if part)


def failure(found: dict[str, Any], status: int) -> BusError:
    """The error for a proper refusal, or for something that is not the bus."""
    if not isinstance(found.get("code"), int):
        return not_the_bus()
    data = found.get("data")
    code = str((data if isinstance(data, dict) else {}).get("errorCode") or "").strip()
    said = words(found)
    if code in codes.CODES:
        return codes.refusal(code, said, http_status=status)
    return BusError(
        N_("Trục liên thông trả lời: %(detail)s"), connected=True, http_status=status, detail=said or found["code"]
    )


def unauthorised(status: int) -> BusError:
    """A fresh token was refused too: the account, not the line."""
    return BusError(
        UNAUTHORISED,
        next_step=N_("Kỹ thuật viên kiểm tra bus_system_id và tệp bus_secret_file với đơn vị vận hành trục."),
        connected=True,
        http_status=status,
        fault=Fault.LINK,
    )


def token(answer: wire.Answer) -> str:
    """The session's token out of the answer to a log-in. Raises BusError."""
    if answer.status in (401, 403) and not html(answer):
        raise unauthorised(answer.status)
    found = answer.json()
    data = found.get("data")
    text = data.get("token") if isinstance(data, dict) else None
    if good(answer, found) and isinstance(text, str) and text.isascii() and text.isprintable():
        return text
    raise unauthorised(answer.status) if found.get("code") in (400, 401, 403) else failure(found, answer.status)


def rows(rows: object) -> list[dict[str, Any]]:
    """A list of objects, or nothing where there are none. Raises BusError."""
    rows = rows or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise not_the_bus()
    return rows


def item(row: dict[str, Any], kind: Kind) -> InboxItem:
    """A row of the inbox; size and digest are not told. Raises BusError."""
    doc_id = row.get("docId")
    if not isinstance(doc_id, str) or not plain_id(doc_id):
        raise not_the_bus()
    told = {name: row[name] if isinstance(row.get(name), str) else "" for name in ("from", "to")}
    return InboxItem(0, doc_id, "", kind, 0, told["from"], told["to"], -1, "")


def organ(row: dict[str, Any]) -> OrganEntry:
    """A row of the address book."""
    code, name, old = (str(row.get(key) or "").strip() for key in ("code", "name", "oldCode"))
    return OrganEntry(code, name, (old,) if old and old != code else (), parent=str(row.get("parentId") or ""))
