"""The list of what was sent, the only witness after a lost answer: whether one of our packages stands on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lxml import etree

from appliance.clock import VN
from appliance.errors import N_
from appliance.store.text import nfc
from sync.bus.base import Outbound, Outcome, RecipientState, SendResult
from sync.bus.listing import identity, word

_SLACK = timedelta(seconds=3)
"""How much earlier than the package's own time the bus may say it was sent, its clock's difference allowed for."""
_LATEST, _FARTHEST_YEAR = 1 << 43, 2300
"""Milliseconds since 1970, and the year, from which on a time is none."""
_CUT = 40
"""A title of so many characters may have been cut by the bus."""
_STATES = {"done": "delivered", "fail": "failed"}
"""What receivers tell the bus with updateStatus; anything else means that they have not taken it over yet."""
_PATTERNS = (
    "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d-%m-%Y %H:%M:%S",
)  # fmt: skip


@dataclass(frozen=True)
class Traits:
    """By what a package is known on the list: printed number, subject, and when it was made (None: not said)."""

    code: str
    subject: str
    made: datetime | None


def traits(path: Path) -> Traits:
    """Of one of our own document packages. Raises ValueError when it is none."""
    texts: dict[str, str] = {}
    try:
        for event, element in etree.iterparse(path, events=("start", "end"), resolve_entities=False, no_network=True):
            name = etree.QName(element).localname
            if event == "start" and name in ("edXMLBody", "AttachmentEncoded"):
                break
            if event == "end" and name in ("CodeNumber", "CodeNotation", "Subject", "Timestamp"):
                texts.setdefault(name, nfc(element.text or "").strip())
    except etree.XMLSyntaxError as error:
        raise ValueError(f"{path.name} cannot be read") from error
    if "CodeNotation" not in texts:
        raise ValueError(f"no Code in {path.name}")
    code = f"{texts.get('CodeNumber', '')}/{texts['CodeNotation']}"
    return Traits(code, texts.get("Subject", ""), read_moment(texts.get("Timestamp")))


def find(message: Outbound, known: Traits, listed: Sequence[object], offset: float) -> SendResult | None:
    """ACCEPTED when the list shows this package for every recipient; UNKNOWN when that cannot be told; None: not there.

    A document's number comes back in its recall or update, so only entries younger than the package count.
    ``offset``: the bus's clock less ours, in seconds.
    """
    rows = [row for row in listed if isinstance(row, dict)]
    alike = [row for row in rows if _alike(known, row) and _text(row, "fromCode") == message.sender]
    reached: set[str] = set()
    undated = doubtful = False
    made = known.made + timedelta(seconds=offset) - _SLACK if known.made else None
    doc_id = ""
    for row in alike:
        when = read_moment(row.get("sentTime"))
        if when is None or made is None:
            undated = True
        elif when >= made:
            reached.add(_text(row, "toCode"))
            doc_id = doc_id or identity(row.get("senderDocId"))
    if reached and reached >= set(message.recipients):
        return SendResult(Outcome.ACCEPTED, doc_id, http_status=200)
    if reached:
        reason = N_("Trục mới ghi nhận một phần nơi nhận của gói tin.")
        return SendResult(Outcome.UNKNOWN, reason=reason, http_status=200)
    for row in rows:
        when = read_moment(row.get("sentTime"))
        late = when is None or made is None or when >= made
        doubtful |= late and row not in alike and _resembles(known, row)
    if doubtful:
        reason = N_("Danh sách đã gửi của trục có mục giống gói tin này nhưng ghi khác nơi gửi hoặc số, ký hiệu.")
        return SendResult(Outcome.UNKNOWN, reason=reason, http_status=200)
    if undated:
        reason = N_("Danh sách đã gửi của trục không ghi rõ thời điểm nên chưa chắc là gói tin này.")
        return SendResult(Outcome.UNKNOWN, reason=reason, http_status=200)
    return None


def states(doc_id: str, listed: Sequence[object]) -> list[RecipientState]:
    """How far the package that the bus calls ``doc_id`` got with each receiver; rows of other packages say nothing."""
    found = []
    for row in listed:
        if isinstance(row, dict) and identity(row.get("senderDocId")) == doc_id and _text(row, "toCode"):
            when = read_moment(row.get("receivedTime"))
            state = _STATES.get(word(row.get("receiveStatus")).lower(), "waiting")
            found.append(RecipientState(_text(row, "toCode"), state, when.isoformat() if when else ""))
    return found


def _alike(known: Traits, row: dict[str, Any]) -> bool:
    """The same number; a subject counts only as far as the bus kept it."""
    return _text(row, "notation") == known.code and (_same_title(known, row) or not _text(row, "title"))


def _resembles(known: Traits, row: dict[str, Any]) -> bool:
    """The same in another spelling: from another code of ours, or with its symbol alone where the number should be.

    Enough to keep from calling it not sent, too little to call it sent.
    """
    symbol = known.code.partition("/")[2]
    return _alike(known, row) or (_text(row, "notation") in (symbol, "") and _same_title(known, row))


def _same_title(known: Traits, row: dict[str, Any]) -> bool:
    title = _text(row, "title")
    return title == known.subject or (len(title) >= _CUT and known.subject.startswith(title))


def read_moment(value: object) -> datetime | None:
    """The bus's idea of a time: seconds or milliseconds since 1970, ISO 8601, or Vietnam's local time in words."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LATEST:
        return datetime.fromtimestamp(value / 1000 if value > 1 << 33 else value, UTC)
    if not isinstance(value, str) or not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        for pattern in _PATTERNS:
            try:
                found = datetime.strptime(f"{value} +0700", f"{pattern} %z")
                break
            except ValueError:
                continue
        else:
            return None
    if not 1970 <= found.year < _FARTHEST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=VN)


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return nfc(value).strip() if isinstance(value, str) else ""
