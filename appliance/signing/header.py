"""Finding 'Số: …' and 'ngày … tháng … năm …' in the head of a draft, however its program or a scanner spells them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.signing.placement import (
    DAY_FIELD,
    DESCENT,
    LEFT_INSET,
    LINE,
    MONTH_FIELD,
    NUMBER_FIELD,
    YEAR_FIELD,
    Area,
    TextSlot,
)
from appliance.signing.textlines import Glyph, Line

WHOLE_DATE = "{place}, ngày {day} tháng {month} năm {year}"
WHOLE_NUMBER = "Số: {number}/{notation}"


def _word(letters: str) -> str:
    """A pattern for a word without its marks, letters perhaps apart, with what recognition makes of round letters."""
    return r"\s*".join({"n": "[nN]", "t": "[tT]", "g": "[gq9]"}.get(c, c) for c in letters)


_BLANK = r"[\s.…_·•,\-‐-―]*"
_SPACE = r"[\s.…_·•]*"
_LABEL = r"(?:^|(?<=\s))(?P<label>[Ss5]\s*[oO06]\s*(?P<colon>[:;])?)"
_NOTATION = r"(?:TTr|[A-Z0-9&.]+)(?:-[A-Z0-9&.]+)+(?![a-z])|\S+"
"""A notation ends before the 'Hòa' that touches it in the next cell."""
_NUMBER = re.compile(rf"{_LABEL}(?P<blank>{_SPACE})(?P<number>\d*){_SPACE}(?P<slash>/)\s*(?P<notation>{_NOTATION})")
_LOST_SLASH = re.compile(rf"{_LABEL}(?P<blank>\s*[.…_·•][\s.…_·•]*)(?P<notation>[A-Z&]{{2,}}(?:-[A-Z&]+)+)")
_BARE_NUMBER = re.compile(rf"{_LABEL}(?P<blank>{_SPACE})(?=$|\D)")
_DATE = re.compile(
    rf"(?P<place>\S[^,.]*)(?P<comma>[,.])?\s*(?P<w1>{_word('ngay')})(?P<day>{_BLANK}\d{{0,2}}{_BLANK})"
    rf"(?P<w2>{_word('thang')})(?P<month>{_BLANK}\d{{0,2}}{_BLANK})(?P<w3>{_word('nam')})"
    rf"(?P<year>{_SPACE}\d{{0,4}}{_SPACE})"
)
_FIELD = {"day": DAY_FIELD, "month": MONTH_FIELD, "year": YEAR_FIELD}
_WIDE_ENOUGH = 1.15
"""Font sizes a gap must have to take two digits without touching the words beside it."""
_TOP = 0.75
"""Number and date usually stand above this part of the page's height."""
_SCANNED_SIZES = (11.0, 14.0)
"""Recognition programs guess the font size; the law knows 13 and 14 points."""
_SCAN_INSET = 0.45
"""Font sizes by which a slot over a scan stays away from the words beside it."""
_ENOUGH, _SURE = 3, 5
"""Points a line needs to be taken for the number or date line, and to be taken without a doubt."""


@dataclass(frozen=True)
class HeadLine:
    """What one line of the head gives: its slots, the values it already prints, and how sure that is."""

    slots: tuple[TextSlot, ...]
    printed: dict[str, str]
    points: int

    @property
    def sure(self) -> bool:
        """Whether the drafter need not look twice."""
        return self.points >= _SURE


def find_number(head: list[Line], height: float) -> HeadLine | None:
    """The best 'Số:' line; a citation ('Nghị định số 30/2020/NĐ-CP') has too few points. ``height`` of the page."""
    return _best(head, lambda line: _number(line, height))


def find_date(head: list[Line], height: float) -> HeadLine | None:
    """The best date line."""
    return _best(head, lambda line: _date(line, height))


def _best(head: list[Line], look: Callable[[Line], HeadLine | None]) -> HeadLine | None:
    found = [seen for line in head if (seen := look(line)) and seen.points >= _ENOUGH]
    return max(found, key=lambda seen: seen.points, default=None)


def _number(line: Line, height: float) -> HeadLine | None:
    match = _NUMBER.search(line.bare) or _LOST_SLASH.search(line.bare) or _BARE_NUMBER.search(line.bare)
    if match is None:
        return None
    parts = match.groupdict()
    number, notation = parts.get("number") or "", parts.get("notation")
    dotted = bool(match["blank"].strip())
    points = 3 * _starts_column(line, match.start("label")) + bool(match["colon"]) + (not number)
    points += ("-" in (notation or "")) + (line.baseline > _TOP * height)
    left = _right(line, match.end("label") - 1)
    if notation is None:
        after = [g.left - 6 for g in line.glyphs[match.end("blank") :] if g]
        right = min(left + 12 * line.size, *after, left + 12 * line.size)
        slot = _gap(NUMBER_FIELD, line, left, right, "{number}/{notation}", align="left", cover=dotted)
        return HeadLine((slot,), {}, points) if match["colon"] else None
    # a recognition program's letters are a guess: nothing may be refused because of them
    printed = {} if line.hidden else {"notation": line.text[match.start("notation") : match.end("notation")]}
    if number:
        return HeadLine((), {**printed, "number": number}, points)
    if parts.get("slash"):
        right = _left(line, match.start("slash"))
        if right - left >= _WIDE_ENOUGH * line.size:
            return HeadLine((_gap(NUMBER_FIELD, line, left, right, "{number}", cover=dotted),), printed, points)
    # no room between 'Số:' and '/': write over the printed notation, number and notation together
    end = _right(line, match.end("notation") - 1)
    room = [g.left - 0.4 * line.size for g in line.glyphs[match.end("notation") :] if g]
    right = max(end, min([end + 2 * line.size, *room]))
    slot = _gap(NUMBER_FIELD, line, left, right, "{number}/{notation}", align="left", cover=True)
    return HeadLine((slot,), printed, points)


def _date(line: Line, height: float) -> HeadLine | None:
    """Slots in the date line: one for each blank, or one over the whole line when the blanks are too narrow."""
    match = _DATE.search(line.bare)
    if match is None:
        return None
    edges = {
        "day": (_right(line, match.end("w1") - 1), _left(line, match.start("w2"))),
        "month": (_right(line, match.end("w2") - 1), _left(line, match.start("w3"))),
    }
    year_left = _right(line, match.end("w3") - 1) + 0.25 * line.size
    edges["year"] = (year_left, year_left + 2.4 * line.size)
    shown = {part: re.sub(r"\D", "", match[part]) for part in edges}
    printed = {part: digits for part, digits in shown.items() if digits and _complete(part, digits)}
    open_parts = [part for part in edges if part not in printed]
    points = 2 * bool(match["comma"]) + ("day" in open_parts) + 2 * (line.baseline > _TOP * height)
    points += _starts_column(line, match.start("place"))
    if any(right - left < _WIDE_ENOUGH * line.size for part, (left, right) in edges.items() if part in open_parts):
        left = _date_start(line, match) - LEFT_INSET * line.size
        right = edges["year"][1] + line.size
        slots = [_gap(DAY_FIELD, line, left, right, WHOLE_DATE, italic=True, align="left", cover=True)]
    else:
        slots = [
            _gap(_FIELD[part], line, *edges[part], f"{{{part}}}", italic=True, cover=bool(match[part].strip()))
            for part in open_parts
        ]
    if line.hidden:
        printed.pop("year", None)
    return HeadLine(tuple(slots), printed, points)


def _complete(part: str, digits: str) -> bool:
    """Whether a printed value is one; 'năm 20…' is half a year."""
    return len(digits) == 4 if part == "year" else True


def _starts_column(line: Line, index: int) -> bool:
    """Whether the letter at ``index`` is the first of the line, of its column, or follows the number in a table."""
    glyph = next(g for g in line.glyphs[index:] if g)
    number = _NUMBER.search(line.bare)
    after = next((g for g in line.glyphs[number.end() :] if g), None) if number else None
    return glyph is after or any(part.glyphs[0] is glyph for part in line.segments())


def _date_start(line: Line, match: re.Match[str]) -> float:
    """Left edge of the date line: its column's first letter, or in touching table cells the first after the number."""
    number = _NUMBER.search(line.bare)
    start = _column_start(line, match.start("w1"))
    if number and number.end() <= match.start("w1"):
        start = max(start, _left(line, number.end()))
    return start


def _gap(name: str, line: Line, left: float, right: float, template: str, **look: Any) -> TextSlot:
    """A slot between two x, on the baseline and in the size of the printed letter before it.

    Both columns of the header make one line here, and their baselines differ by a hair.
    """
    before = _glyph_before(line, left)
    if line.hidden and right - left > 3 * _SCAN_INSET * line.size:  # its letters stand only about where they are seen
        left, right = left + _SCAN_INSET * line.size, right - _SCAN_INSET * line.size
    size = min(max(before.size, _SCANNED_SIZES[0]), _SCANNED_SIZES[1]) if line.hidden else before.size
    return text_slot(name, line.page, left, before.baseline, right - left, size, template, **look)


def text_slot(
    name: str, page: int, x: float, baseline: float, width: float, size: float, template: str, **look: Any
) -> TextSlot:
    """A slot whose text stands on ``baseline``."""
    return TextSlot(name, Area(page, x, baseline - DESCENT * size, width, LINE * size), template, size, **look)


def _glyph_before(line: Line, x: float) -> Glyph:
    """The last letter that begins left of ``x``, or the first letter of all."""
    inked = [g for g in line.glyphs if g]
    return next((g for g in reversed(inked) if g.left < x - 0.1 * g.size), inked[0])


def _left(line: Line, index: int) -> float:
    """Left edge of the first letter at or after ``index``."""
    return next(g.left for g in line.glyphs[index:] if g)


def _right(line: Line, index: int) -> float:
    """Right edge of the last letter at or before ``index``."""
    return next(g.right for g in reversed(line.glyphs[: index + 1]) if g)


def _column_start(line: Line, index: int) -> float:
    """Left edge of the column that holds the letter at ``index``."""
    x = _left(line, index)
    return max(glyph.left for part in line.segments() if (glyph := part.glyphs[0]) and glyph.left <= x)
