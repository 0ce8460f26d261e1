"""The one typeface the box writes with: TeX Gyre Termes, the free look-alike of Times New Roman.

It has every Vietnamese letter and 1000 units per em; pyHanko spreads the letters of fonts with another grid
(Liberation and DejaVu have 2048). Debian: package fonts-texgyre.
"""

from __future__ import annotations

import functools
import io
import logging
from pathlib import Path

from fontTools import subset, ttLib  # type: ignore[import-untyped]

from appliance.errors import N_, ConfigError

FOLDERS = (
    Path("/usr/share/texmf/fonts/opentype/public/tex-gyre"),
    Path("/usr/share/texlive/texmf-dist/fonts/opentype/public/tex-gyre"),
    Path("/usr/share/fonts/opentype/tex-gyre"),
    Path("/usr/share/fonts/tex-gyre"),
)
_FILES = {False: "texgyretermes-regular.otf", True: "texgyretermes-italic.otf"}
POSTSCRIPT = {False: "TeXGyreTermes-Regular", True: "TeXGyreTermes-Italic"}
"""The faces' names, upright and italic, in the files themselves."""

# Latin with all Vietnamese letters, dashes, quotes, ellipsis, đồng sign.
_LETTERS = [
    *range(0x20, 0x7F), *range(0xA0, 0x100), 0x102, 0x103, 0x110, 0x111, 0x128, 0x129, 0x168, 0x169, 0x1A0, 0x1A1,
    0x1AF, 0x1B0, *range(0x1EA0, 0x1EFA), 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026, 0x20AB,
]  # fmt: skip

# pyHanko remarks on every fresh font that it is not CID-keyed; that is as intended
logging.getLogger("pyhanko.pdf_utils.font.opentype").setLevel(logging.ERROR)


@functools.cache
def font(italic: bool) -> bytes:
    """The typeface as an OpenType file cut down to Vietnamese; raises ConfigError when it is not installed.

    Cutting once makes a visible signature four times faster than handing the whole font over each time.
    """
    name = _FILES[italic]
    path = next((folder / name for folder in FOLDERS if (folder / name).exists()), None)
    if path is None:
        raise ConfigError(N_("Máy chưa cài phông chữ TeX Gyre Termes"), next_step=N_("Cài gói fonts-texgyre"))
    options = subset.Options(hinting=False, layout_features=[], name_IDs=["*"], notdef_outline=True)
    options.drop_tables += ["GPOS", "GSUB", "GDEF"]
    typeface = ttLib.TTFont(path)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=_LETTERS)
    cutter.subset(typeface)
    out = io.BytesIO()
    typeface.save(out)
    return out.getvalue()


def warm_up() -> None:
    """Cut both fonts down now; the first signature of the process need not wait for it. Raises what ``font`` raises."""
    font(False)
    font(True)


@functools.cache
def _advances() -> tuple[dict[int, str], dict[str, tuple[int, int]], int]:
    typeface = ttLib.TTFont(io.BytesIO(font(False)))
    return typeface.getBestCmap(), typeface["hmtx"].metrics, typeface["head"].unitsPerEm


def text_width(text: str, size: float) -> float:
    """How wide an NFC text is in the regular face, points; a letter the face lacks counts as a blank square."""
    glyphs, metrics, grid = _advances()
    return sum(metrics[glyphs.get(ord(letter), ".notdef")][0] for letter in text) * size / grid
