"""Text as people type or paste it, made into text the box can print: one normal form, no invisible characters."""

from __future__ import annotations

import re
import unicodedata

from appliance.errors import N_, BadInput

_BULLETS = (
    "\u2022\u25cf\u25aa\u25a0\u25ab\u25a1\u25cb\u2023\u2043\u00b7\uf0b7\uf0a7\uf0d8\uf0fc\u27a2\u2756\u2714\u2713"
)
"""Marks that word processors put before list items; the private ones are those of the Symbol and Wingdings fonts."""
_BULLET = re.compile(rf"^([^\S\n]*)[{_BULLETS}][^\S\n]*", re.MULTILINE)
_ALIKE = str.maketrans(
    {
        "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n",
        "\u2015": "—", "\u2012": "–", "\u2032": "'", "\u2033": '"', "\u201f": "“", "\u201b": "‘", "\uff0c": ",",
        "\u2219": "·", "\u2500": "—", "\u2001": " ", "\u3000": " ",
    }
)  # fmt: skip

_PRINTABLE = (
    (0x20, 0x7E), (0xA1, 0x137), (0x139, 0x148), (0x14A, 0x165), (0x168, 0x17F), (0x1A0, 0x1A1), (0x1AF, 0x1B0),
    (0x391, 0x3A1), (0x3A3, 0x3A9), (0x3B1, 0x3C9), (0x1EA0, 0x1EF9), (0x2010, 0x2011), (0x2013, 0x2014),
    (0x2018, 0x201A), (0x201C, 0x201E), (0x2020, 0x2022), (0x2026, 0x2026), (0x2030, 0x2030), (0x2044, 0x2044),
    (0x20AB, 0x20AC), (0x2103, 0x2103), (0x2116, 0x2116), (0x2122, 0x2122), (0x2126, 0x2126), (0x2190, 0x2193),
    (0x2212, 0x2212), (0x221A, 0x221A), (0x2248, 0x2248), (0x2260, 0x2260), (0x2264, 0x2265),
)  # fmt: skip
"""What the typeface has a picture for (TeX Gyre Termes); a test compares it with the font itself."""


def printable(character: str) -> bool:
    """Whether the typeface of the box's documents has this letter."""
    return any(low <= ord(character) <= high for low, high in _PRINTABLE)


def clean(text: str) -> str:
    """``text`` in NFC with ordinary spaces, line ends and list marks; tabs stay, for tables.

    Raises BadInput naming the first character that cannot be printed.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).translate(_ALIKE)
    text = _BULLET.sub(r"\1- ", text)
    text = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text if not _invisible(c))
    for character in text:
        if character not in "\n\t" and not printable(character):
            raise BadInput(
                N_("Ký tự “%(character)s” (%(name)s) không in được bằng phông chữ của văn bản hành chính."),
                next_step=N_("Xóa hoặc thay ký tự đó rồi làm lại; nội dung đã nhập vẫn còn."),
                character=character,
                name=f"U+{ord(character):04X}",
            )
    return "\n".join(re.sub(r" {2,}", " ", line).strip(" ") for line in text.split("\n")).strip("\n")


def clean_line(text: str) -> str:
    """The same for a field of one line: line ends and tabs become spaces."""
    return " ".join(clean(text).split())


def clean_lines(text: str) -> tuple[str, ...]:
    """A list typed one item a line; list marks, and the ';' or '.' that the layout adds itself, taken off."""
    items = (re.sub(r"^-\s*", "", " ".join(line.split())).rstrip(";").rstrip() for line in clean(text).split("\n"))
    return tuple(item.removesuffix(".") if item.count(".") == 1 else item for item in items if item)


def _invisible(character: str) -> bool:
    """Control and format characters: zero-width joiners, soft hyphens, writing direction, byte order marks."""
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn")
