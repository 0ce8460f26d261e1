"""The two pictures an office registers: the blue signature and the red seal, PNG with a clear ground.

NĐ 30/2020/NĐ-CP, annex I: the signature blue, the seal red at its real size, both .png with a transparent ground.
"""

from __future__ import annotations

import colorsys
import io
from dataclasses import dataclass

from PIL import Image, ImageChops, UnidentifiedImageError

from appliance.errors import N_, BadInput

SEAL_LEAST_MM, SEAL_MOST_MM = 20.0, 60.0
"""A declared size outside this is a scanner's default, not the seal's diameter."""
_BLUE, _RED = (0.50, 0.78), (0.92, 1.04)
"""Hues from 0 to 1; red lies around 1 = 0."""
_CLEAR = 40  # alpha, of 255: fainter is ground, not ink
_LEAST_CLEAR = 0.2  # part of the picture that is ground
_MOST_PIXELS = 40_000_000
_SAMPLE = 300  # pixels, longest side: enough to judge colours


@dataclass(frozen=True)
class CheckedPicture:
    """A picture fit to be registered: ``mm`` its declared width, None when it declares none; ``warnings`` to show."""

    png: bytes
    mm: float | None
    warnings: tuple[str, ...]


def check_signature(data: bytes, *, clear_white: bool = False) -> CheckedPicture:
    """A personal signature: blue ink on a clear ground. ``clear_white``: take white paper away. Raises BadInput."""
    image, mm = _opened(data)
    image = _fit(image, _BLUE, N_("Chữ ký phải có màu xanh"), clear_white)
    return CheckedPicture(_png(image, mm), mm, ())


def check_seal(data: bytes, *, seal_mm: float | None = None, clear_white: bool = False) -> CheckedPicture:
    """An organ's seal: red ink on a clear ground, its declared size plausible.

    ``seal_mm``: the diameter on file; a warning says when the picture declares another. Raises BadInput.
    """
    image, mm = _opened(data)
    image = _fit(image, _RED, N_("Con dấu phải có màu đỏ"), clear_white)
    warnings = []
    if not 0.8 <= image.width / image.height <= 1.25:
        warnings.append(N_("Ảnh con dấu không vuông; kiểm tra lại đã cắt sát mép dấu chưa."))
    if mm is not None and not SEAL_LEAST_MM <= mm <= SEAL_MOST_MM:
        warnings.append(
            N_("Ảnh ghi kích thước %(mm).1f mm, không phải cỡ của con dấu; trạm dùng số mm đã khai.") % {"mm": mm}
        )
        mm = None
    elif mm is not None and seal_mm is not None and abs(mm - seal_mm) > 0.5:
        sizes = {"mm": mm, "known": seal_mm}
        warnings.append(N_("Ảnh ghi kích thước %(mm).1f mm, khác số đã khai %(known).1f mm; trạm theo ảnh.") % sizes)
    return CheckedPicture(_png(image, mm), mm, tuple(warnings))


def declared_mm(png: bytes) -> float | None:
    """The width a PNG declares (its pHYs chunk), millimetres; None without one, or when it is no seal's size."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            mm = _declared(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return mm if mm is not None and SEAL_LEAST_MM <= mm <= SEAL_MOST_MM else None


def _declared(image: Image.Image) -> float | None:
    dpi = image.info.get("dpi")  # Pillow sets it only where pHYs counts per metre
    return round(image.width / dpi[0] * 25.4, 2) if dpi and dpi[0] > 0 else None


def _opened(data: bytes) -> tuple[Image.Image, float | None]:
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise BadInput(
                    N_("Ảnh chữ ký hoặc con dấu quá lớn"), next_step=N_("Dùng ảnh PNG dưới 40 triệu điểm ảnh")
                )
            return image.convert("RGBA"), _declared(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(
            N_("Tệp này không phải là ảnh PNG đọc được"),
            next_step=N_("Quét chữ ký, con dấu ở 300 dpi, lưu dạng PNG nền trong suốt rồi tải lên"),
        ) from error


def _fit(image: Image.Image, hues: tuple[float, float], wrong_colour: str, clear_white: bool) -> Image.Image:
    """The picture when ground and ink are as they must be. Raises BadInput."""
    if clear_white:
        image = _without_white(image)
    clear, coloured = _seen(image, hues)
    if clear < _LEAST_CLEAR:
        raise BadInput(
            N_("Nền của ảnh không trong suốt"),
            next_step=N_("Đánh dấu “Xóa nền trắng” để trạm làm trong nền, hoặc tải ảnh PNG nền trong suốt"),
        )
    if clear > 0.999:
        raise BadInput(N_("Ảnh trống, không có nét nào"), next_step=N_("Quét lại rồi tải ảnh khác"))
    if coloured < 0.7:
        raise BadInput(wrong_colour, next_step=N_("Quét màu bản ký mực xanh, dấu đỏ rồi tải lên lại"))
    return image


def _seen(image: Image.Image, hues: tuple[float, float]) -> tuple[float, float]:
    """(part of the picture that is clear, part of its ink that has one of ``hues``), weighed by how strong it is."""
    small = image.copy()
    small.thumbnail((_SAMPLE, _SAMPLE))
    raw = small.tobytes()
    pixels = [tuple(raw[at : at + 4]) for at in range(0, len(raw), 4)]
    ink = [pixel for pixel in pixels if pixel[3] > _CLEAR]
    weight = good = 0.0
    for red, green, blue, alpha in ink:
        hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
        inside = any(hues[0] <= turn <= hues[1] for turn in (hue, hue + 1))
        weight += alpha
        good += alpha if inside and saturation > 0.25 and value > 0.2 else 0
    return 1 - len(ink) / len(pixels), good / weight if weight else 1.0


def _without_white(image: Image.Image) -> Image.Image:
    """White paper becomes clear: alpha is how far a pixel is from white, and the ink gets its full colour back."""
    paper = Image.new("RGBA", image.size, "white")
    red, green, blue, _ = Image.alpha_composite(paper, image).split()
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    # paper is never pure white: the lightest eighth counts as ground
    alpha = darkest.point([min(255, max(0, round((224 - level) * 255 / 160))) for level in range(256)])
    return Image.merge("RGBA", (red, green, blue, alpha))


def _png(image: Image.Image, mm: float | None) -> bytes:
    out = io.BytesIO()
    dpi = image.width / mm * 25.4 if mm else None
    image.save(out, "PNG", optimize=True, **({"dpi": (dpi, dpi)} if dpi else {}))
    return out.getvalue()
