"""A monthly report as tables; what a box of another make adds to it stays in lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.office.statistics import RECEIVED, SENT
from appliance.regulation.document_types import URGENCY

_MOST = 400
"""Rows or lines of a report that the page shows."""
_SIDES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "sent": ("Văn bản đi", SENT),
    "received": ("Văn bản đến", RECEIVED),
}


@dataclass(frozen=True)
class Table:
    """One direction: ``parts`` are (heading, rows), a row its name and its counts in the order of ``columns``."""

    heading: str
    columns: Sequence[str]
    parts: Sequence[tuple[str, Sequence[tuple[str, Sequence[int | None]]]]]
    left_out: int


@dataclass(frozen=True)
class Shown:
    """A report on the page; ``left_out`` lines are not shown."""

    tables: Sequence[Table]
    lines: Sequence[tuple[str, str]]
    left_out: int


def shown(content: Mapping[str, Any]) -> Shown:
    """Any JSON object: the figures that we know as tables, the rest as lines."""
    rest, tables = dict(content), []
    for side, (heading, columns) in _SIDES.items():
        block = content.get(side)
        if isinstance(block, dict) and any(type(block.get(key)) is int for key in columns):
            tables.append(_table(block, heading, columns))
            rest[side] = {key: value for key, value in block.items() if key not in (*columns, *_PARTS)}
    lines = list(_lines(rest))
    return Shown(tables, lines[:_MOST], max(0, len(lines) - _MOST))


def _urgency(key: str) -> str:
    return {str(number): words for number, words in URGENCY.items()}.get(key, key)


_PARTS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "byUrgency": ("Theo độ khẩn", _urgency),
    "byType": ("Theo loại văn bản", str),
    "byOrgan": ("Theo cơ quan", str),
}


def _table(block: Mapping[str, Any], heading: str, columns: Mapping[str, str]) -> Table:
    """One direction's totals and its breakdowns, whatever of them is there."""
    parts, left_out = [("", [("Tổng số", _counts(block, columns))])], 0
    for key, (words, name) in _PARTS.items():
        rows = [(name(label), _counts(counts, columns)) for label, counts in _rows(block.get(key))]
        left_out += max(0, len(rows) - _MOST)
        if rows:
            parts.append((words, rows[:_MOST]))
    return Table(heading, list(columns.values()), parts, left_out)


def _counts(counts: Mapping[str, Any], columns: Mapping[str, str]) -> list[int | None]:
    return [value if type(value := counts.get(key)) is int else None for key in columns]


def _rows(part: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, counts) of {name: counts} or of [{"name", "code", counts…}]."""
    if isinstance(part, dict):
        yield from ((str(name), counts) for name, counts in part.items() if isinstance(counts, dict))
    if isinstance(part, list):
        yield from ((f"{row.get('name')} ({row.get('code')})", row) for row in part if isinstance(row, dict))


def _lines(content: object, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, value) lines, whatever shape a box gave it."""
    if isinstance(content, list):
        content = {str(place): value for place, value in enumerate(content, 1)}
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _lines(value, f"{path} › {key}" if path else str(key))
    else:
        yield path, "" if content is None else str(content)
