"""Finding the signature block of a draft: the signer's title over the signer's name (NĐ 30/2020, annex I, cell 7)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher

import pypdfium2

from appliance.signing.placement import Area
from appliance.signing.textlines import Line, read_lines

SIGNATURE_WIDTH, SIGNATURE_HEIGHT = 130.0, 62.0
_SAME_COLUMN = 120.0
_LEAST_GAP, _MOST_GAP = 30.0, 260.0
_ALIKE = 0.84
"""Share of equal letters from which two words are the same word, once misread by a recognition program."""
_READ_WHOLE = 3
"""Pages from the end that are read even when neither title nor name is in their plain text."""
_PAIR, _NAME, _TITLE = 3, 2, 1
"""What a page shows: title over name; the name alone; the title alone."""
_TITLES = (
    "chutich", "phochutich", "chanhvanphong", "phochanhvanphong", "truongphong", "photruongphong", "giamdoc",
    "phogiamdoc", "bithu", "phobithu", "thutruong", "hieutruong", "phohieutruong", "truongban", "chihuytruong",
)  # fmt: skip
"""Titles as they are printed, for an account whose title says more ('Chủ tịch UBND xã')."""


@dataclass(frozen=True)
class Block:
    """The personal signature's place, the lines of its page, and what was found: 0 nothing … 3 title and name."""

    area: Area
    lines: tuple[Line, ...]
    points: int

    @property
    def sure(self) -> bool:
        """Whether the drafter need not look twice."""
        return self.points == _PAIR


def find_signature(document: pypdfium2.PdfDocument, title: str, name: str) -> Block:
    """The best block of all pages, the last of equals; an appendix after it has no title over a name."""
    title, name = dense(title), dense(name)
    best: Block | None = None
    for index in range(len(document) - 1, -1, -1):
        page = document[index]
        printed = dense(page.get_textpage().get_text_range())
        worth = any(wanted and wanted in printed for wanted in (title, name))
        if not worth and index < len(document) - _READ_WHOLE:
            continue
        found = _on_page(page, index, title, name)
        if found.points == _PAIR:
            return found
        if best is None or found.points > best.points:
            best = found
    assert best is not None  # a document has at least one page
    return best


def _on_page(page: pypdfium2.PdfPage, index: int, title: str, name: str) -> Block:
    lines = tuple(part for line in read_lines(page, index) for part in line.segments())
    names = [line for line in lines if name and _is_name(dense(line.text), name)]
    titles = [line for line in lines if title and _is_title(line.text, title)]
    for below in reversed(names):
        above = [line for line in titles if _heads(line, below)]
        if above:
            return Block(_between(above[-1], below), lines, _PAIR)
    if names:
        below = names[-1]
        floor = below.baseline + 1.3 * below.size
        return Block(_centred(index, _middle(below), floor), lines, _NAME)
    capital = [line for line in titles if line.text.isupper()]
    if capital:
        top = capital[-1].baseline - 15
        return Block(_centred(index, _middle(capital[-1]), max(top - SIGNATURE_HEIGHT, 20)), lines, _TITLE)
    lowest = min((line.baseline for line in lines), default=page.get_height() / 2)
    y = max(60.0, lowest - 40 - SIGNATURE_HEIGHT)
    return Block(_centred(index, 0.68 * page.get_width(), y), lines, 0)


def _is_name(seen: str, name: str) -> bool:
    """Whether a line is the name, perhaps after a degree ('ThS.', 'BS CKI'); a sentence about the person is not."""
    if not seen or len(seen) > len(name) + 10:
        return False
    return name in seen or _alike(seen[-len(name) :], name)


def _is_title(text: str, title: str) -> bool:
    """Whether a line is the title, perhaps after 'KT.'; also the shorter form in which it is printed."""
    seen = dense(text)
    if not seen or len(seen) > len(title) + 24:
        return False
    if title in seen or _alike(seen, title):
        return True
    return any(title.startswith(printed) and _alike(seen, printed) for printed in _TITLES)


def _alike(one: str, two: str) -> bool:
    return SequenceMatcher(None, one, two, autojunk=False).ratio() >= _ALIKE


def _heads(title: Line, name: Line) -> bool:
    """Whether ``title`` stands over ``name`` as in a signature block."""
    gap = title.baseline - name.baseline
    return _LEAST_GAP < gap < _MOST_GAP and abs(_middle(title) - _middle(name)) < _SAME_COLUMN


def _between(title: Line, name: Line) -> Area:
    """Centred between title and name (Nghị định 30/2020/NĐ-CP, annex I, cell 7c)."""
    floor, ceiling = name.baseline + name.size, title.baseline - 0.35 * title.size
    height = min(SIGNATURE_HEIGHT, max(ceiling - floor, 36.0))
    middle = (_middle(title) + _middle(name)) / 2
    return Area(name.page, middle - SIGNATURE_WIDTH / 2, (floor + ceiling - height) / 2, SIGNATURE_WIDTH, height)


def _centred(page: int, middle: float, y: float) -> Area:
    return Area(page, middle - SIGNATURE_WIDTH / 2, y, SIGNATURE_WIDTH, SIGNATURE_HEIGHT)


def _middle(line: Line) -> float:
    area = line.area(0, len(line.text))
    return area.x + area.width / 2


def dense(text: str) -> str:
    """Small letters and digits only, without marks and blanks: what survives every program and most scanners."""
    bare = unicodedata.normalize("NFD", text).lower().replace("đ", "d")
    return "".join(c for c in bare if c.isalnum())
