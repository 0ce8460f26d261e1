"""Finding the blanks of a draft: 'Số:', 'ngày … tháng … năm …', the signer's title and name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import pypdfium2

from appliance.signing.placement import (
    DAY_FIELD,
    DESCENT,
    LEFT_INSET,
    LINE,
    MONTH_FIELD,
    NOTE_HEIGHT,
    NOTE_WIDTH,
    NUMBER_FIELD,
    SIGNATURE_FIELD,
    YEAR_FIELD,
    Area,
    Placement,
    TextSlot,
    note_below,
    seal_over,
)
from appliance.signing.textlines import Glyph, Line, read_lines

_HEADER = 0.6
"""Number and date stand above this part of the first page's height."""
_BLANK = r"[\s.…_·]*"
_NUMBER = re.compile(rf"(?:^|\s)(?P<label>[Ss]ố\s*:?)(?P<blank>{_BLANK})(?P<number>\d*){_BLANK}/\s*(?P<notation>\S+)")
_BARE_NUMBER = re.compile(rf"(?:^|\s)(?P<label>[Ss]ố\s*:)(?P<blank>{_BLANK})(?=$|\D)")
_DATE = re.compile(
    rf"(?P<all>(?P<place>\S[^,]*),\s*(?P<w1>ngày)(?P<day>{_BLANK}\d{{0,2}}{_BLANK})(?P<w2>tháng)"
    rf"(?P<month>{_BLANK}\d{{0,2}}{_BLANK})(?P<w3>năm)(?P<year>{_BLANK}\d{{0,4}}{_BLANK}))"
)
_FIELD = {"day": DAY_FIELD, "month": MONTH_FIELD, "year": YEAR_FIELD}
_WHOLE_DATE = "{place}, ngày {day} tháng {month} năm {year}"

_SIGNATURE_WIDTH, _SIGNATURE_HEIGHT = 130.0, 62.0
_SAME_COLUMN = 120.0
_LEAST_GAP, _MOST_GAP = 30.0, 260.0
_WIDE_ENOUGH = 1.15
"""Font sizes a gap must have to take two digits without touching the words beside it."""


def find_places(data: bytes, *, signer_title: str, signer_name: str, seal_mm: float) -> Placement:
    """Read a draft (``PdfFacts.ready`` of ``prepare.inspect``) and say where everything goes.

    ``signer_title``, ``signer_name`` as printed at the end of the document; ``seal_mm``: the seal's real diameter.
    What is not found stands at the usual place (Nghị định 30/2020/NĐ-CP, annex I) and is missing in ``found``.
    """
    with pypdfium2.PdfDocument(data) as document:
        first = document[0]
        width, height = first.get_size()
        head = [line for line in read_lines(first, 0) if line.baseline > height * (1 - _HEADER)]
        number, number_printed = _number(head)
        dates, date_printed = _date(head)
        signature, lines, certain = _signature(document, _fold(signer_title), _fold(signer_name))
    found = [NUMBER_FIELD] * bool(number or number_printed) + [DAY_FIELD] * bool(dates or date_printed)
    found += [SIGNATURE_FIELD] * certain
    if NUMBER_FIELD not in found:
        number = [_slot(NUMBER_FIELD, 0, 0.17 * width, height - 118, 0.25 * width, 13, "Số: {number}/{notation}")]
    if DAY_FIELD not in found:
        dates = [_slot(DAY_FIELD, 0, 0.46 * width, height - 118, 0.46 * width, 13, _WHOLE_DATE, italic=True)]
    seal = seal_over(signature, seal_mm)
    return Placement(
        slots=(*number, *dates),
        signature=signature,
        seal=seal,
        found=tuple(found),
        printed=(*number_printed.items(), *date_printed.items()),
        note=_free_note(seal, signature, lines),
    )


def _number(head: list[Line]) -> tuple[list[TextSlot], dict[str, str]]:
    """The slot in the 'Số:' line, and what the line already shows."""
    for line in head:
        if whole := _NUMBER.search(line.text):
            left, right = _right(line, whole.end("label") - 1), _left(line, line.text.index("/", whole.start("blank")))
            printed = {"notation": whole["notation"]}
            if whole["number"]:
                return [], {**printed, "number": whole["number"]}
            dotted = bool(whole["blank"].strip())
            if right - left >= _WIDE_ENOUGH * line.size:
                return [_gap(NUMBER_FIELD, line, left, right, "{number}", cover=dotted)], printed
            # no room between 'Số:' and '/': write over the printed notation, number and notation together
            end = _right(line, whole.end("notation") - 1) + 2 * line.size
            template = "{number}/{notation}"
            return [_gap(NUMBER_FIELD, line, left, end, template, align="left", cover=True)], printed
        if bare := _BARE_NUMBER.search(line.text):
            left = _right(line, bare.end("label") - 1)
            after = [g.left for g in line.glyphs[bare.end("blank") :] if g]
            right = min(left + 12 * line.size, *(x - 6 for x in after), left + 12 * line.size)
            dotted = bool(bare["blank"].strip())
            template = "{number}/{notation}"
            return [_gap(NUMBER_FIELD, line, left, right, template, align="left", cover=dotted)], {}
    return [], {}


def _date(head: list[Line]) -> tuple[list[TextSlot], dict[str, str]]:
    """Slots in the date line: one for each blank, or one over the whole line when the blanks are too narrow."""
    for line in head:
        match = _DATE.search(line.text)
        if not match:
            continue
        edges = {
            "day": (_right(line, match.end("w1") - 1), _left(line, match.start("w2"))),
            "month": (_right(line, match.end("w2") - 1), _left(line, match.start("w3"))),
        }
        year_left = _right(line, match.end("w3") - 1) + 0.25 * line.size
        edges["year"] = (year_left, year_left + 2.4 * line.size)
        shown = {part: re.sub(r"\D", "", match[part]) for part in edges}
        printed = {part: digits for part, digits in shown.items() if digits and _complete(part, digits)}
        open_parts = [part for part in edges if part not in printed]
        if any(right - left < _WIDE_ENOUGH * line.size for part, (left, right) in edges.items() if part in open_parts):
            left = _column_start(line, match.start("w1")) - LEFT_INSET * line.size
            right = edges["year"][1] + line.size
            return [_gap(DAY_FIELD, line, left, right, _WHOLE_DATE, italic=True, align="left", cover=True)], printed
        return [
            _gap(_FIELD[part], line, *edges[part], f"{{{part}}}", italic=True, cover=bool(match[part].strip()))
            for part in open_parts
        ], printed
    return [], {}


def _complete(part: str, digits: str) -> bool:
    """Whether a printed value is one; 'năm 20…' is half a year."""
    return len(digits) == 4 if part == "year" else True


def _signature(document: pypdfium2.PdfDocument, title: str, name: str) -> tuple[Area, list[Line], bool]:
    """The personal signature's place, the lines of its page, and whether title or name was found."""
    for index in range(len(document) - 1, -1, -1):
        page = document[index]
        printed = _fold(page.get_textpage().get_text_range())
        if not any(wanted and wanted in printed for wanted in (title, name)):
            continue
        lines = [part for line in read_lines(page, index) for part in line.segments()]
        names = [line for line in lines if name and name in _fold(line.text)]
        titles = [line for line in lines if title and title in _fold(line.text)]
        for below in reversed(names):
            above = [line for line in titles if _heads(line, below)]
            if above:
                return _between(above[-1], below), lines, True
        if titles and (last := titles[-1]).text.isupper() and not names:
            middle, bottom = _middle(last), last.baseline - 15 - _SIGNATURE_HEIGHT
            place = Area(index, middle - _SIGNATURE_WIDTH / 2, max(bottom, 20), _SIGNATURE_WIDTH, _SIGNATURE_HEIGHT)
            return place, lines, True
    page = document[len(document) - 1]
    lines = [part for line in read_lines(page, len(document) - 1) for part in line.segments()]
    lowest = min((line.baseline for line in lines), default=page.get_height() / 2)
    y = max(60.0, lowest - 40 - _SIGNATURE_HEIGHT)
    x = 0.68 * page.get_width() - _SIGNATURE_WIDTH / 2
    return Area(len(document) - 1, x, y, _SIGNATURE_WIDTH, _SIGNATURE_HEIGHT), lines, False


def _heads(title: Line, name: Line) -> bool:
    """Whether ``title`` stands over ``name`` as in a signature block."""
    gap = title.baseline - name.baseline
    return _LEAST_GAP < gap < _MOST_GAP and abs(_middle(title) - _middle(name)) < _SAME_COLUMN


def _between(title: Line, name: Line) -> Area:
    """Centred between title and name (Nghị định 30/2020/NĐ-CP, annex I, cell 7c)."""
    floor, ceiling = name.baseline + name.size, title.baseline - 0.35 * title.size
    height = min(_SIGNATURE_HEIGHT, max(ceiling - floor, 36.0))
    middle = (_middle(title) + _middle(name)) / 2
    return Area(name.page, middle - _SIGNATURE_WIDTH / 2, (floor + ceiling - height) / 2, _SIGNATURE_WIDTH, height)


def _free_note(seal: Area, signature: Area, lines: Iterable[Line]) -> Area:
    """A place for the block with organ and time that covers no printed text and not the signature."""
    inked = [line.area(0, len(line.text)) for line in lines] + [signature]
    below = note_below(seal)
    beside = Area(seal.page, seal.x - NOTE_WIDTH - 4, seal.y + (seal.height - NOTE_HEIGHT) / 2, NOTE_WIDTH, NOTE_HEIGHT)
    above = below.shifted(0, seal.height + NOTE_HEIGHT + 4)
    for candidate in (*(below.shifted(0, -step) for step in range(0, 54, 6)), beside, above):
        if candidate.y > 15 and candidate.x > 15 and not any(candidate.touches(area) for area in inked):
            return candidate
    return below


def _gap(name: str, line: Line, left: float, right: float, template: str, **look: Any) -> TextSlot:
    """A slot between two x, on the baseline and in the size of the printed letter before it.

    Both columns of the header make one line here, and their baselines differ by a hair.
    """
    before = _glyph_before(line, left)
    return _slot(name, line.page, left, before.baseline, right - left, before.size, template, **look)


def _slot(
    name: str, page: int, x: float, baseline: float, width: float, size: float, template: str, **look: Any
) -> TextSlot:
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


def _middle(line: Line) -> float:
    area = line.area(0, len(line.text))
    return area.x + area.width / 2


def _fold(text: str) -> str:
    """NFC, small letters, single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())
