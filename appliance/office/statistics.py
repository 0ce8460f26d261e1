"""Sent and received documents in figures (QĐ 15/2019, article 17), computed from the record each time: no counters.

On time: sent by the latest moment of article 10.2, which stands in the queue's row since the document was issued. For
registering what came the law names no figure ("in good time"); the same morning of the next working day is used. Tasks
are on time by the day their leader set.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database

from appliance.clock import VN, parse
from appliance.errors import N_, BadInput
from appliance.regulation.calendar import send_deadline
from appliance.regulation.copies import COPY_TYPES
from appliance.regulation.document_types import TYPES

SENT: dict[str, str] = {
    "issued": N_("Đã phát hành"),
    "on_time": N_("Gửi đúng hạn"),
    "late": N_("Gửi quá hạn"),
    "waiting": N_("Chờ gửi, còn hạn"),
    "refused": N_("Có nơi từ chối"),
    "recalled": N_("Đã thu hồi"),
}
RECEIVED: dict[str, str] = {
    "arrived": N_("Đã đến"),
    "registered_on_time": N_("Vào sổ đúng hạn"),
    "registered_late": N_("Vào sổ chậm"),
    "unregistered": N_("Chưa vào sổ, còn hạn"),
    "refused": N_("Đã từ chối"),
    "finished_on_time": N_("Xong đúng hạn"),
    "finished_late": N_("Xong quá hạn"),
    "overdue": N_("Quá hạn chưa xong"),
}
_PERIOD = re.compile(r"(?P<year>20\d\d)(?:-(?P<month>0[1-9]|1[0-2])|-Q(?P<quarter>[1-4]))?")


@dataclass(frozen=True)
class Period:
    """Whole months, both ends included, as 'YYYY-MM'; ``text`` as in addresses: 2026, 2026-Q4, 2026-11."""

    text: str
    first: str
    last: str


def period(text: str) -> Period:
    """Read a year, quarter or month. Raises BadInput."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise BadInput(
            N_("Kỳ thống kê “%(text)s” không đúng dạng."),
            next_step=N_("Nhập năm (2026), quý (2026-Q4) hoặc tháng (2026-11)."),
            text=text[:20],
        )
    if found["month"]:
        return Period(text, text, text)
    first, last = (3 * int(found["quarter"]) - 2, 3 * int(found["quarter"])) if found["quarter"] else (1, 12)
    return Period(text, f"{found['year']}-{first:02d}", f"{found['year']}-{last:02d}")


@dataclass(frozen=True, order=True)
class Other:
    """An organ as a document names it: many communes of the country bear one name, and a code may have changed."""

    name: str
    code: str


@dataclass(frozen=True)
class Fact:
    """One document. ``organs``: the other side; ``marks``: keys of SENT or RECEIVED that hold."""

    month: str
    urgency: int
    type: str
    organs: tuple[Other, ...]
    marks: frozenset[str]


@dataclass(frozen=True)
class Figures:
    """One organ's documents of a period."""

    sent: tuple[Fact, ...]
    received: tuple[Fact, ...]


def figures(db: Database, organ_id: str, span: Period, now: datetime) -> Figures:
    """All documents that were issued or arrived in the period, each with what holds at ``now``."""
    between = [organ_id, span.first, f"{span.last}-99"]
    return Figures(
        tuple(_sent(row, now) for row in db.query(_SENT, between)),
        tuple(_received(row, now) for row in db.query(_RECEIVED, between)),
    )


def total(facts: Iterable[Fact]) -> Counter[str]:
    """How many documents bear each mark."""
    return Counter(mark for fact in facts for mark in fact.marks)


def by(facts: Sequence[Fact], what: str) -> dict[str, Counter[str]]:
    """The same per 'month', 'urgency', 'type' or 'organ'; of organs with one name each with its code."""
    found: dict[str, Counter[str]] = {}
    if what == "organ":
        organs = by_organ(facts)
        names = Counter(organ.name for organ in organs)
        return {
            organ.name if names[organ.name] == 1 else f"{organ.name} ({organ.code})": counts
            for organ, counts in organs.items()
        }
    for fact in facts:
        found.setdefault(str(getattr(fact, what)), Counter()).update(fact.marks)
    return dict(sorted(found.items()))


def by_organ(facts: Iterable[Fact]) -> dict[Other, Counter[str]]:
    """The same per organ of the other side, by name; a document to several organs counts at each of them."""
    found: dict[Other, Counter[str]] = {}
    for fact in facts:
        for organ in fact.organs:
            found.setdefault(organ, Counter()).update(fact.marks)
    return dict(sorted(found.items()))


def report(db: Database, organ_id: str, code: str, month: str, now: datetime) -> dict[str, Any]:
    """A month as the bus takes it; everything but ``computedAt`` follows from the documents alone."""
    found = figures(db, organ_id, period(month), now)

    def counted(facts: Sequence[Fact], names: Iterable[str]) -> dict[str, Any]:
        def full(counts: Counter[str]) -> dict[str, int]:
            return {name: counts[name] for name in names}

        return {
            **full(total(facts)),
            "byUrgency": {key: full(one) for key, one in by(facts, "urgency").items()},
            "byType": {key: full(one) for key, one in by(facts, "type").items()},
            "byOrgan": [
                {"code": other.code, "name": other.name, **full(one)} for other, one in by_organ(facts).items()
            ],
        }

    return {
        "organ": code,
        "month": month,
        "computedAt": now.isoformat(timespec="seconds"),
        "sent": counted(found.sent, SENT),
        "received": counted(found.received, RECEIVED),
    }


def _sent(row: dict[str, Any], now: datetime) -> Fact:
    marks = {"issued"}
    latest = parse(row["due_latest"]) if row["due_latest"] else None
    if row["unsent"]:
        marks.add("late" if latest and now > latest else "waiting")
    elif row["accepted_at"]:
        marks.add("late" if latest and parse(row["accepted_at"]) > latest else "on_time")
    marks.update(name for name in ("refused", "recalled") if row[name])
    kind = (COPY_TYPES if row["kind"] == "copy" else TYPES)[row["type_code"]]
    return Fact(row["at"][:7], row["urgency"], kind.name, _organs(row["organs"]), frozenset(marks))


def _received(row: dict[str, Any], now: datetime) -> Fact:
    marks = {"arrived"}
    latest = send_deadline(parse(row["at"]), 0).latest
    if row["registered_at"]:
        marks.add("registered_late" if parse(row["registered_at"]) > latest else "registered_on_time")
    elif row["state"] == "refused":
        marks.add("refused")
    else:
        marks.add("registered_late" if now > latest else "unregistered")
    due = date.fromisoformat(row["task_due"][:10]) if row["task_due"] else None
    if row["finished_at"]:
        marks.add(
            "finished_late" if due and parse(row["finished_at"]).astimezone(VN).date() > due else "finished_on_time"
        )
    elif due and now.astimezone(VN).date() > due and row["state"] in ("assigned", "in_progress"):
        marks.add("overdue")
    return Fact(row["at"][:7], row["urgency"], row["type_name"] or "?", _organs(row["organs"]), frozenset(marks))


def _organs(text: str) -> tuple[Other, ...]:
    """Of a list of [name, code] in JSON; without one, a nameless one, so that the sums agree."""
    return tuple(dict.fromkeys(Other(name or "?", code) for name, code in json.loads(text) or [("", "")]))


_BY_RECEIVER = (
    "s.from_code IN (SELECT code FROM outgoing_recipient WHERE outgoing_id = o.id UNION ALL SELECT c.value FROM"
    " outgoing_recipient r JOIN organ_code c ON c.organ_id = r.organ_id WHERE r.outgoing_id = o.id)"
)
"""Only who was sent the document refuses it or gives it back, under any code it has or had."""
_SENT = f"""
SELECT o.issued_at AS at, o.urgency, o.type_code, o.kind,
  (SELECT json_group_array(json_array(name, code)) FROM (SELECT name, code FROM outgoing_recipient
     WHERE outgoing_id = o.id ORDER BY position)) AS organs,
  (SELECT max(due_latest) FROM message m WHERE m.outgoing_id = o.id AND m.kind = 'edoc') AS due_latest,
  (SELECT count(*) FROM message m WHERE m.outgoing_id = o.id AND m.kind = 'edoc' AND m.superseded_by IS NULL
     AND m.state <> 'accepted') AS unsent,
  (SELECT max(accepted_at) FROM message m WHERE m.outgoing_id = o.id AND m.kind = 'edoc'
     AND m.superseded_by IS NULL) AS accepted_at,
  EXISTS (SELECT 1 FROM status_in s WHERE s.outgoing_id = o.id AND s.status_code = '02' AND {_BY_RECEIVER}) AS refused,
  EXISTS (SELECT 1 FROM status_in s JOIN follow_up f ON f.outgoing_id = o.id AND f.kind = 'recall'
     AND f.at <= s.received_at WHERE s.outgoing_id = o.id AND s.status_code = '15' AND {_BY_RECEIVER}
     AND NOT EXISTS (SELECT 1 FROM follow_up u WHERE u.outgoing_id = o.id AND u.kind = 'update' AND u.at > f.at
     AND u.at <= s.received_at)
  ) AS recalled
FROM outgoing o WHERE o.organ_id = ? AND o.state = 'issued' AND o.issued_at BETWEEN ? AND ? ORDER BY o.issued_at, o.id
"""
_RECEIVED = """
SELECT i.received_at AS at, i.urgency, i.type_name, i.state, i.task_due,
  json_array(json_array(i.from_name, i.from_code)) AS organs,
  (SELECT min(queued_at) FROM message m WHERE m.incoming_id = i.id AND m.status_code = '03') AS registered_at,
  (SELECT min(queued_at) FROM message m WHERE m.incoming_id = i.id AND m.status_code = '06') AS finished_at
FROM incoming i WHERE i.organ_id = ? AND i.received_at BETWEEN ? AND ? ORDER BY i.received_at, i.id
"""
