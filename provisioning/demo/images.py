"""Pictures of the demo's seal and signatures: red and blue PNG on a transparent ground, at their real size.

A real box gets scans of the organ's seal and of the leader's signature; these only look the part.
"""

from __future__ import annotations

import io
import math
import random
import unicodedata

from PIL import Image, ImageDraw, ImageFont

DPI = 300
SEAL_MM = 36.0
RED = (204, 16, 24, 255)
BLUE = (16, 58, 160, 255)
_CLEAR = (255, 255, 255, 0)
_SCALE = 3
"""Drawn larger and scaled down, which smooths the edges."""
_FONT = "/usr/share/texmf/fonts/opentype/public/tex-gyre/texgyretermes-bold.otf"


def seal_png(organ_name: str) -> bytes:
    """A round red seal of 36 mm with the organ's name around a star."""
    size = round(SEAL_MM / 25.4 * DPI)
    full = size * _SCALE
    image = Image.new("RGBA", (full, full), _CLEAR)
    pen = ImageDraw.Draw(image)
    centre = full / 2
    for radius, width in ((0.495, 0.016), (0.462, 0.005), (0.305, 0.006)):
        _ring(pen, centre, radius * full, width * full)
    _star(pen, centre, 0.15 * full)
    words = unicodedata.normalize("NFC", organ_name).upper()
    _round_text(image, words, centre, 0.385 * full, 0.085 * full)
    return _png(image.resize((size, size), Image.Resampling.LANCZOS))


def signature_png(full_name: str) -> bytes:
    """A blue scribble of about 42 × 20 mm, the same for the same name every time."""
    width, height = round(42 / 25.4 * DPI), round(20 / 25.4 * DPI)
    image = Image.new("RGBA", (width * _SCALE, height * _SCALE), _CLEAR)
    pen = ImageDraw.Draw(image)
    hand = random.Random(full_name)
    x, middle, tall = 0.08, 0.55, 0.36
    points = [(x, middle)]
    for letter in range(9):
        lift = tall if letter in (0, 4) else tall * hand.uniform(0.15, 0.5)
        step = hand.uniform(0.055, 0.085)
        points += [(x + step * 0.2, middle - lift), (x + step * 0.9, middle - lift * 0.9), (x + step, middle + 0.06)]
        x += step
    _stroke(pen, points, image.size, 0.018)
    flourish = [(x, middle), (x + 0.2, middle - 0.25), (0.25, middle + 0.42), (0.95, middle + 0.12)]
    _stroke(pen, flourish, image.size, 0.014)
    return _png(image.resize((width, height), Image.Resampling.LANCZOS))


def _ring(pen: ImageDraw.ImageDraw, centre: float, radius: float, width: float) -> None:
    box = (centre - radius, centre - radius, centre + radius, centre + radius)
    pen.ellipse(box, outline=RED, width=round(width))


def _star(pen: ImageDraw.ImageDraw, centre: float, radius: float) -> None:
    corners = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.382
        angle = math.pi / 5 * corner - math.pi / 2
        corners.append((centre + reach * math.cos(angle), centre + reach * math.sin(angle)))
    pen.polygon(corners, fill=RED)


def _round_text(image: Image.Image, words: str, centre: float, radius: float, height: float) -> None:
    """Letters along a circle, clockwise, starting left of the foot and ending right of it."""
    font = ImageFont.truetype(_FONT, round(height))
    text = f"{words} •"
    widths = [font.getlength(letter) for letter in text]
    stretch = 2 * math.pi * radius / sum(widths)
    along = 0.0
    for letter, width in zip(text, widths, strict=True):
        angle = (along + width / 2) * stretch / radius + math.pi / 2
        along += width
        side = round(height * 2)
        tile = Image.new("RGBA", (side, side), _CLEAR)
        ImageDraw.Draw(tile).text((side / 2, side / 2 + height * 0.34), letter, font=font, fill=RED, anchor="ms")
        turned = tile.rotate(-math.degrees(angle) - 90, Image.Resampling.BICUBIC)
        x, y = centre + radius * math.cos(angle), centre + radius * math.sin(angle)
        image.alpha_composite(turned, (round(x - side / 2), round(y - side / 2)))


def _stroke(
    pen: ImageDraw.ImageDraw, points: list[tuple[float, float]], size: tuple[int, int], thickness: float
) -> None:
    """Cubic curves through ``points`` (shares of width and height), thinner where the hand is fast."""
    width, height = size
    for start in range(0, len(points) - 3, 3):
        a, b, c, d = points[start : start + 4]
        previous = None
        for step in range(61):
            t = step / 60
            weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t * t, t**3)
            x = sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)) * width
            y = sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)) * height
            radius = thickness * height * (0.55 + 0.45 * math.sin(math.pi * t))
            if previous:
                pen.line((*previous, x, y), fill=BLUE, width=round(radius * 2))
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=BLUE)
            previous = (x, y)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(DPI, DPI), optimize=True)
    return out.getvalue()
