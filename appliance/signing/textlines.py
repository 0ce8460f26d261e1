"""The printed lines of a PDF page with exact positions, text in NFC whatever the file uses."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pypdfium2.raw as pdfium_raw

from appliance.signing.placement import Area

_SAME_LINE = 0.35
"""Font sizes of baseline difference within one line: superscripts, rounding, a page that lay askew in the scanner."""
_STROKES = str.maketrans("đĐ", "dD")
_WORD_GAP = 0.15
_COLUMN_GAP = 2.0
"""Gaps in font sizes: what separates words, what separates columns."""
_INVISIBLE = 3
"""Text rendering mode 'neither fill nor stroke' (ISO 32000-1, table 106)."""
_SPACED = 6
"""Letters a line must have before it can count as letter-spaced."""


@dataclass
class Glyph:
    """One letter with its marks. ``text`` is NFC; points from the crop box's corner; ``size`` is the real font size.

    ``hidden``: not painted, as in the text layer that a recognition program lays under a scan.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float
    hidden: bool = False


@dataclass(frozen=True)
class Line:
    """Letters of one baseline, left to right. ``text[i]`` belongs to ``glyphs[i]``, None for a gap between words."""

    page: int
    baseline: float
    text: str
    glyphs: tuple[Glyph | None, ...]

    @property
    def bare(self) -> str:
        """The text without marks ('Đ' as 'D'), same length: what a recognition program drops first."""
        return "".join(unicodedata.normalize("NFD", c)[0] for c in self.text).translate(_STROKES)

    @property
    def hidden(self) -> bool:
        """Whether most letters are not painted."""
        inked = [g for g in self.glyphs if g]
        return 2 * sum(g.hidden for g in inked) > len(inked)

    @property
    def size(self) -> float:
        """The font size most letters have."""
        sizes = [round(g.size, 1) for g in self.glyphs if g]
        return max(set(sizes), key=sizes.count)

    def area(self, start: int, end: int) -> Area:
        """The rectangle of ``text[start:end]``, from descender to accent."""
        glyphs = [g for g in self.glyphs[start:end] if g]
        left, right = min(g.left for g in glyphs), max(g.right for g in glyphs)
        return Area(self.page, left, self.baseline - 0.25 * self.size, right - left, 1.2 * self.size)

    def segments(self) -> Iterator[Line]:
        """The line cut at column gaps (signature block and 'Nơi nhận' share a baseline)."""
        start = 0
        inked = [(i, g) for i, g in enumerate(self.glyphs) if g]
        for (i, one), (j, two) in pairwise(inked):
            if two.left - one.right > _COLUMN_GAP * one.size:
                yield Line(self.page, self.baseline, self.text[start : i + 1], self.glyphs[start : i + 1])
                start = j
        yield Line(self.page, self.baseline, self.text[start:], self.glyphs[start:])


def read_lines(page: Any, index: int) -> list[Line]:
    """The lines of a pypdfium2 page, top to bottom."""
    rows: list[list[Glyph]] = []
    for glyph in sorted(_glyphs(page), key=lambda g: -g.baseline):
        if rows and abs(rows[-1][0].baseline - glyph.baseline) <= max(_SAME_LINE * glyph.size, 2.5):
            rows[-1].append(glyph)
        else:
            rows.append([glyph])
    return [_line(index, row) for row in rows]


def _glyphs(page: Any) -> list[Glyph]:
    """Every visible letter, marks joined to their letter."""
    left, bottom, *_ = page.get_bbox()
    text = page.get_textpage()
    found: list[Glyph] = []
    x, y, matrix = ctypes.c_double(), ctypes.c_double(), pdfium_raw.FS_MATRIX()
    for i in range(text.count_chars()):
        code = pdfium_raw.FPDFText_GetUnicode(text, i)
        character = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        if pdfium_raw.FPDFText_IsGenerated(text, i) == 1 or character.isspace() or not character.isprintable():
            continue
        if found and unicodedata.combining(character):
            found[-1].text = unicodedata.normalize("NFC", found[-1].text + character)
            continue
        pdfium_raw.FPDFText_GetCharOrigin(text, i, x, y)
        pdfium_raw.FPDFText_GetMatrix(text, i, matrix)
        size = pdfium_raw.FPDFText_GetFontSize(text, i) * math.hypot(matrix.c, matrix.d)
        box = text.get_charbox(i, loose=True)
        letter = unicodedata.normalize("NFC", character)
        hidden = pdfium_raw.FPDFTextObj_GetTextRenderMode(pdfium_raw.FPDFText_GetTextObject(text, i)) == _INVISIBLE
        found.append(Glyph(letter, box[0] - left, box[2] - left, y.value - bottom, size, hidden))
    return [g for g in found if g.size > 0]


def _line(index: int, row: list[Glyph]) -> Line:
    text: list[str] = []
    glyphs: list[Glyph | None] = []
    row.sort(key=lambda g: g.left)
    word_gap = _word_gap(row)
    for glyph in row:
        last = glyphs[-1] if glyphs else None
        if last and glyph.left - last.right > word_gap * glyph.size:
            text.append(" ")
            glyphs.append(None)
        text.extend(glyph.text)
        glyphs.extend([glyph] * len(glyph.text))
    baselines = sorted(g.baseline for g in row)
    return Line(index, baselines[len(baselines) // 2], "".join(text), tuple(glyphs))


def _word_gap(row: list[Glyph]) -> float:
    """The gap that separates words, in font sizes: wider when every letter stands apart, as in 'T H Ô N G  B Á O'."""
    gaps = sorted((two.left - one.right) / two.size for one, two in pairwise(row))
    usual = gaps[len(gaps) // 3] if len(gaps) >= _SPACED else 0.0
    return max(_WORD_GAP, 1.5 * usual)
