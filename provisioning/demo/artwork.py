"""Pictures for the demo: a red round seal at its real size and a blue handwritten signature, PNG, transparent.

The seal bears a plain star, not the national emblem: it is nobody's seal.
"""

from __future__ import annotations

import io
import math
import random
import unicodedata
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from appliance.signing.fonts import FOLDERS

DPI = 300
_SCALE = 4
"""Everything is drawn this much larger, then reduced: smooth edges."""
_RED, _BLUE = (200, 16, 28), (24, 52, 150)


def seal_png(organ: str, place: str, *, seal_mm: float = 36.0) -> bytes:
    """A seal of ``seal_mm`` millimetres at 300 dpi: ``organ`` along the upper ring, ``place`` along the lower."""
    size = round(seal_mm / 25.4 * DPI) * _SCALE
    ink = Image.new("L", (size, size), 0)
    pen = ImageDraw.Draw(ink)
    middle = size / 2
    mm = size / seal_mm
    for radius, width in ((seal_mm / 2, 0.75), (seal_mm / 2 - 1.25, 0.3), (seal_mm / 2 - 6.4, 0.35)):
        box = [middle - radius * mm, middle - radius * mm, middle + radius * mm, middle + radius * mm]
        pen.ellipse(box, outline=255, width=max(1, round(width * mm)))
    _star(pen, middle, middle, 7.2 * mm)
    letters = _font(round(3.5 * mm), bold=True)
    ring = (seal_mm / 2 - 3.85) * mm
    _curved(ink, organ.upper(), letters, middle, ring, upper=True)
    _curved(ink, place.upper(), letters, middle, ring, upper=False)
    for side in (-1, 1):
        angle = math.radians(90 + side * 62)
        _star(pen, middle + ring * math.cos(angle), middle + ring * math.sin(angle), 1.15 * mm)
    ink = ink.resize((size // _SCALE, size // _SCALE), Image.Resampling.LANCZOS)
    return _png(_worn(ink, random.Random(organ)), _RED)


def signature_png(name: str, *, width_mm: float = 46.0) -> bytes:
    """A handwritten-looking signature; the same ``name`` always gives the same strokes."""
    chance = random.Random(unicodedata.normalize("NFC", name))
    width, height = round(width_mm / 25.4 * DPI) * _SCALE, round(width_mm * 0.46 / 25.4 * DPI) * _SCALE
    ink = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(ink)
    for stroke in _strokes(chance):
        _draw_stroke(pen, [(x * width, y * height) for x, y in stroke], height / 62)
    return _png(
        ink.filter(ImageFilter.GaussianBlur(1)).resize((width // _SCALE, height // _SCALE), Image.Resampling.LANCZOS),
        _BLUE,
    )


def _strokes(chance: random.Random) -> list[list[tuple[float, float]]]:
    """Pen strokes as points of chained cubic Bézier curves, in parts of the picture's width and height."""

    def near(value: float, spread: float = 0.025) -> float:
        return value + chance.uniform(-spread, spread)

    # a tall initial with a loop
    first = [(near(0.10), near(0.72)), (near(0.02), near(0.30)), (near(0.20), near(-0.12)), (near(0.24), near(0.22)),
             (near(0.27), near(0.50)), (near(0.17), near(0.98)), (near(0.13), near(0.80)),
             (near(0.10), near(0.62)), (near(0.24), near(0.46)), (near(0.33), near(0.44))]  # fmt: skip
    # a running middle of narrowing waves
    middle, x, tall = [first[-1]], 0.33, 0.26
    for _ in range(chance.randint(4, 6)):
        step = chance.uniform(0.055, 0.075)
        up, down = near(0.52 - tall, 0.03), near(0.52 + tall * 0.55, 0.03)
        middle += [(x + step * 0.2, up), (x + step * 0.75, up), (x + step * 0.55, near(0.5, 0.03))]
        middle += [(x + step * 0.4, down), (x + step * 0.9, down), (x + step, near(0.5, 0.03))]
        x, tall = x + step, tall * 0.8
    # the sweep: out to the right, back under everything, and out again
    sweep = [middle[-1], (x + 0.12, near(0.28)), (near(0.97), near(0.18)), (near(0.90), near(0.46)),
             (near(0.80), near(0.80)), (near(0.30), near(0.96)), (near(0.20), near(0.86)),
             (near(0.16), near(0.76)), (near(0.60), near(0.70)), (near(0.93), near(0.74))]  # fmt: skip
    return [_curve(first), _curve(middle), _curve(sweep)]


def _curve(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points along cubic Bézier curves chained end to end."""
    path = []
    for start in range(0, len(points) - 3, 3):
        p = points[start : start + 4]
        for i in range(60):
            t = i / 59
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            path.append(
                (
                    sum(w * q[0] for w, q in zip(weights, p, strict=True)),
                    sum(w * q[1] for w, q in zip(weights, p, strict=True)),
                )
            )
    return path


def _draw_stroke(pen: ImageDraw.ImageDraw, path: list[tuple[float, float]], nib: float) -> None:
    """A line that is thinner where the pen moves fast and at both ends."""
    for i, (x, y) in enumerate(path):
        back = path[max(0, i - 1)]
        speed = math.hypot(x - back[0], y - back[1]) / nib
        ends = min(1.0, (i + 6) / 30, (len(path) - i + 3) / 30)
        r = nib * ends * (0.62 + 0.75 / (1 + speed))
        pen.ellipse([x - r, y - r, x + r, y + r], fill=255)
        pen.line([back, (x, y)], fill=255, width=max(1, round(2 * r)))


def _star(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    points = []
    for i in range(10):
        angle, r = math.radians(-90 + 36 * i), radius * (1 if i % 2 == 0 else 0.382)
        points.append((x + r * math.cos(angle), y + r * math.sin(angle)))
    pen.polygon(points, fill=255)


def _curved(
    ink: Image.Image, text: str, letters: ImageFont.FreeTypeFont, middle: float, radius: float, *, upper: bool
) -> None:
    """Letters along a circle, their feet inwards on the upper half and outwards on the lower."""
    text = unicodedata.normalize("NFC", text)
    advances = [letters.getlength(c) * 1.04 for c in text]
    most = math.radians(232 if upper else 96) * radius
    squeeze = min(1.0, most / sum(advances))
    at = -sum(advances) * squeeze / 2
    ascent, descent = letters.getmetrics()
    for character, advance in zip(text, advances, strict=True):
        angle = (at + advance * squeeze / 2) / radius
        at += advance * squeeze
        side = ascent + descent
        tile = Image.new("L", (side * 2, side * 2), 0)
        ImageDraw.Draw(tile).text((side, side * 1.28), character, font=letters, fill=255, anchor="ms")
        if squeeze < 1:
            narrow = tile.resize((round(tile.width * squeeze), tile.height), Image.Resampling.BICUBIC)
            tile = Image.new("L", tile.size, 0)
            tile.paste(narrow, ((tile.width - narrow.width) // 2, 0))
        tile = tile.rotate(math.degrees(-angle if upper else angle), resample=Image.Resampling.BICUBIC)
        direction = -1 if upper else 1
        x, y = middle + radius * math.sin(angle), middle + direction * radius * math.cos(angle)
        box = (round(x - tile.width / 2), round(y - tile.height / 2))
        ink.paste(255, (*box, box[0] + tile.width, box[1] + tile.height), tile)


def _worn(ink: Image.Image, chance: random.Random) -> Image.Image:
    """A little unevenness, as rubber on paper leaves it."""
    cells = Image.new("L", (48, 48))
    cells.putdata([chance.randint(195, 255) for _ in range(48 * 48)])
    veil = cells.resize(ink.size, Image.Resampling.BICUBIC)
    return Image.composite(veil, Image.new("L", ink.size, 0), ink)


def _png(ink: Image.Image, colour: tuple[int, int, int]) -> bytes:
    """``ink`` as transparency over one colour, with the resolution that gives it its real size."""
    picture = Image.new("RGBA", ink.size, (*colour, 0))
    picture.putalpha(ink)
    out = io.BytesIO()
    picture.save(out, "PNG", dpi=(DPI, DPI), optimize=True)
    return out.getvalue()


def _font(size: int, *, bold: bool) -> ImageFont.FreeTypeFont:
    name = f"texgyreheroscn-{'bold' if bold else 'regular'}.otf"
    path = next((folder / name for folder in FOLDERS if (folder / name).exists()), Path(name))
    return ImageFont.truetype(str(path), size)
