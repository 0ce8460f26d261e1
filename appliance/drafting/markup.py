"""The text of a document as blocks, read from what a clerk types: one paragraph a line, little to learn.

* ``Chương I``, ``Mục 1``, ``Phần II`` alone on a line: in the middle, the next line is its title.
* ``Điều 1. …``, ``I. …``, ``1. …``, ``1.1. …``: bold label or, as a heading without a full stop, all bold.
* ``a) …``, ``- …``, ``+ …``: paragraphs like any other (annex I gives all of them the same first-line indent).
* Lines of cells between ``|``, or cells with tabs between them as they come from Word and Excel: a table.
* ``**đậm**`` and ``__nghiêng__`` inside a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

_MIDDLE = re.compile(r"^(Phần|Chương|Mục|Tiểu mục|PHẦN|CHƯƠNG|MỤC)\s+([IVXLC]+|\d+|thứ \S+|THỨ \S+)[.:]?$")
_ARTICLE = re.compile(r"^(Điều\s+\d+[a-zđ]?\.)\s*(.*)$", re.IGNORECASE)
_ROMAN = re.compile(r"^([IVXL]{1,6}\.|[A-HĐ]\.)\s+(\S.*)$")
_NUMBERED = re.compile(r"^(\d{1,3}(?:\.\d{1,3}){0,3}\.?)\s+(\S.*)$")
_LABEL_TAB = re.compile(r"^((?:\d{1,3}(?:\.\d{1,3})*|[a-zđ]|[IVXL]{1,6})[.)]|[-+])\t+")
_RUN = re.compile(r"(\*\*(?=\S)(?P<bold>.+?)(?<=\S)\*\*|__(?=\S)(?P<italic>.+?)(?<=\S)__)")
_RULE = re.compile(r"^\|[\s|:-]+$")
"""The line under a heading row as some people know it from other programs; it prints nothing."""
_TITLE_MOST = 160
"""A numbered line is a heading when it is not longer than this and ends without a mark."""
_ENDS = (".", ";", ":", ",", "/", "…", "?", "!")


@dataclass(frozen=True)
class Run:
    """Letters of one look."""

    text: str
    bold: bool = False
    italic: bool = False


@dataclass(frozen=True)
class Block:
    """A paragraph. ``middle``: a centred heading; ``heading``: it stays with what follows."""

    runs: tuple[Run, ...]
    kind: Literal["paragraph", "heading", "middle"] = "paragraph"


@dataclass(frozen=True)
class Table:
    """A simple table, the first row its heading; every row has the same number of cells."""

    rows: tuple[tuple[tuple[Run, ...], ...], ...]

    @property
    def narrow(self) -> tuple[bool, ...]:
        """Columns of numbers and short marks (STT, Số lượng), set in the middle."""
        body = self.rows[1:]
        return tuple(
            all(len(cell) <= 6 for cell in (_plain(row[i]) for row in body)) if body else False
            for i in range(len(self.rows[0]))
        )


def parse(text: str) -> list[Block | Table]:
    """The blocks of ``text`` (cleaned, see ``cleaning.clean``)."""
    lines = [_LABEL_TAB.sub(r"\1 ", line) for line in text.split("\n") if line.strip()]
    blocks: list[Block | Table] = []
    for kind, group in groupby(lines, key=_row_kind):
        rows = list(group)
        if kind == "|" or (kind and len(rows) > 1):
            blocks.append(_table([_cells(row) for row in rows if not _RULE.match(row)]))
        else:
            blocks.extend(_paragraphs([" ".join(row.split()) for row in rows]))
    return blocks


def runs(text: str) -> tuple[Run, ...]:
    """The looks inside one line."""
    found: list[Run] = []
    end = 0
    for match in _RUN.finditer(text):
        if match.start() > end:
            found.append(Run(text[end : match.start()]))
        found.append(Run(match["bold"], bold=True) if match["bold"] else Run(match["italic"], italic=True))
        end = match.end()
    if end < len(text):
        found.append(Run(text[end:]))
    return tuple(found)


def _row_kind(line: str) -> str:
    """What separates the cells of this line; '' for a line of text."""
    if line.startswith("|") and line.count("|") > 1:
        return "|"
    if "\t" in line.strip():
        return "\t"
    return " | " if " | " in line.strip() else ""  # as people type it: bars between the cells only


def _cells(line: str) -> tuple[tuple[Run, ...], ...]:
    cells = line.split("\t") if _row_kind(line) == "\t" else line.strip().strip("|").split("|")
    return tuple(runs(" ".join(cell.split())) for cell in cells)


def _table(rows: list[tuple[tuple[Run, ...], ...]]) -> Table:
    width = max((len(row) for row in rows), default=0)
    return Table(tuple(row + ((),) * (width - len(row)) for row in rows))


def _plain(cell: tuple[Run, ...]) -> str:
    return "".join(run.text for run in cell)


def _paragraphs(lines: list[str]) -> Iterator[Block]:
    titled = False
    for line in lines:
        heading_part, titled = titled, False
        if _MIDDLE.match(line):
            titled = True
            yield Block((Run(line, bold=True),), "middle")
        elif heading_part and not _labelled(line) and not line.endswith(_ENDS) and len(line) <= _TITLE_MOST:
            yield Block((Run(line, bold=True),), "middle")
        else:
            yield _paragraph(line)


def _labelled(line: str) -> bool:
    return any(pattern.match(line) for pattern in (_ARTICLE, _ROMAN, _NUMBERED))


def _paragraph(line: str) -> Block:
    if article := _ARTICLE.match(line):
        label, rest = article.groups()
        if rest and _is_heading(rest):
            return Block((Run(line, bold=True),), "heading")
        return Block((Run(label, bold=True), *((Run(" "), *runs(rest)) if rest else ())))
    for pattern in (_ROMAN, _NUMBERED):
        if (match := pattern.match(line)) and _is_heading(match[2]):
            return Block((Run(line, bold=True),), "heading")
    return Block(runs(line))


def _is_heading(text: str) -> bool:
    """Whether a numbered line is a title: short, no mark at its end, no looks of its own."""
    return len(text) <= _TITLE_MOST and not text.endswith(_ENDS) and "**" not in text and "__" not in text
