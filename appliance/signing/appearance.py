"""What people see of number, date, signature and seal: text on an exact baseline, pictures at their real size."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from PIL import Image, UnidentifiedImageError
from pyhanko.pdf_utils.content import AppearanceContent, PdfResources, ResourceType
from pyhanko.pdf_utils.font.opentype import GlyphAccumulator
from pyhanko.pdf_utils.form_tools import find_existing_empty_field, get_single_field_annot
from pyhanko.pdf_utils.generic import NumberObject, TextStringObject, pdf_name
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.stamp.base import BaseStamp, BaseStampStyle

from appliance.errors import N_, BadInput
from appliance.signing.fonts import POSTSCRIPT, font
from appliance.signing.placement import DESCENT, LEFT_INSET, NOTE_SIZE, POINTS_PER_MM, Area, TextSlot

BLACK = (0.0, 0.0, 0.0)
BLUE = (0.05, 0.15, 0.65)
_PICTURE_DPI = 400
_MOST_PIXELS = 40_000_000


class Look(Protocol):
    """The text part of an appearance profile (``appliance.regulation.appearances``), which this room does not know."""

    @property
    def size(self) -> float:
        """Font size, points."""

    @property
    def colour(self) -> tuple[float, float, float]:
        """Red, green, blue from 0 to 1."""

    def texts(self, at: datetime, **values: str) -> tuple[str, ...]:
        """The lines for a signing time and the names the profile uses."""


@dataclass(frozen=True)
class TextLine:
    """One line of text inside a box: ``baseline`` from the box's lower edge, points; ``align`` 'left' or 'center'."""

    text: str
    size: float
    baseline: float
    align: str = "center"


class _Letters:
    """Draws lines with the box's typeface; pyHanko's own TextBox knows whole-point sizes only."""

    def __init__(self, writer: Any, italic: bool) -> None:
        # one of each face for a whole revision: every engine embeds a subset of its own, the slowest step of a seal
        engines: dict[Any, GlyphAccumulator] = writer.get_subset_collection(POSTSCRIPT[italic]).subsets
        self.engine = next(iter(engines.values()), None) or GlyphAccumulator(
            writer, io.BytesIO(font(italic)), font_size=10
        )

    def draw(self, lines: tuple[TextLine, ...], left: float, width: float, colour: tuple[float, float, float]) -> bytes:
        """Content stream operators; a line wider than the box is set smaller."""
        operators = [b"q %g %g %g rg" % colour]
        for line in lines:
            text = unicodedata.normalize("NFC", line.text)
            advance = self.engine.shape(text).x_advance
            size = min(line.size, width / (advance + LEFT_INSET)) if advance else line.size
            self.engine.font_size = size  # type: ignore[assignment]  # annotated as int, used as a number
            shaped = self.engine.shape(text)
            x = left + ((width - advance * size) / 2 if line.align == "center" else LEFT_INSET * size)
            operators.append(b"BT /F1 %g Tf %g %g Td %s ET" % (size, x, line.baseline, shaped.graphics_ops))
        return b" ".join([*operators, b"Q"])

    def register(self, resources: PdfResources) -> None:
        """Name the font in a content's resources."""
        resources[ResourceType.FONT][pdf_name("/F1")] = self.engine.as_resource()


class _SlotContent(AppearanceContent):
    """A filled text slot."""

    def __init__(self, writer: Any, slot: TextSlot, text: str) -> None:
        super().__init__(writer=writer, box=BoxConstraints(width=slot.area.width, height=slot.area.height))
        self._slot, self._text = slot, text

    def render(self) -> bytes:
        slot = self._slot
        letters = _Letters(self.writer, slot.italic)
        letters.register(self.resources)
        line = TextLine(self._text, slot.size, DESCENT * slot.size, slot.align)
        paper = b"q 1 g 0 0 %g %g re f Q " % (slot.area.width, slot.area.height) if slot.cover else b""
        return paper + b"/Tx BMC " + letters.draw((line,), 0, slot.area.width, BLACK) + b" EMC"


@dataclass(frozen=True)
class DrawnStyle(BaseStampStyle):
    """A picture and lines of text, each at its own place in the field's box.

    ``picture_area`` and ``text_area`` are relative to the box's lower left corner, points; ``turned``: the page's
    rotation in degrees (0, 90, 180, 270), against which everything is turned to stand upright.
    """

    picture: Image.Image | None = None
    picture_area: Area | None = None
    lines: tuple[TextLine, ...] = ()
    text_area: Area | None = None
    colour: tuple[float, float, float] = BLACK
    turned: int = 0

    def create_stamp(self, writer: Any, box: BoxConstraints, text_params: dict[str, Any]) -> BaseStamp:
        """pyHanko's hook."""
        return _DrawnStamp(writer, self, box)


class _DrawnStamp(BaseStamp):
    def render(self) -> bytes:
        style: DrawnStyle = self.style
        width, height = self.box.width, self.box.height
        upright = {90: (0, 1, -1, 0, width, 0), 180: (-1, 0, 0, -1, width, height), 270: (0, -1, 1, 0, 0, height)}
        operators = [b"q"]
        if style.turned:
            operators.append(b"%g %g %g %g %g %g cm" % upright[style.turned])
        if style.picture is not None and style.picture_area is not None:
            place = style.picture_area
            image = PdfImage(style.picture, writer=self.writer, box=BoxConstraints(place.width, place.height))
            operators.append(b"q 1 0 0 1 %g %g cm %s Q" % (place.x, place.y, image.render()))
            self.import_resources(image.resources)
        if style.lines and style.text_area is not None:
            letters = _Letters(self.writer, italic=False)
            letters.register(self.resources)
            operators.append(b"q 1 0 0 1 0 %g cm" % style.text_area.y)
            operators.append(letters.draw(style.lines, style.text_area.x, style.text_area.width, style.colour))
            operators.append(b"Q")
        return b" ".join([*operators, b"Q"])


def fill_slot(writer: IncrementalPdfFileWriter, slot: TextSlot, text: str) -> None:
    """Write ``text`` into the empty field of ``slot``, value and appearance; a filled field is refused by pyHanko."""
    text = unicodedata.normalize("NFC", text)
    reference = find_existing_empty_field(writer, slot.name, field_type="/Tx")
    field: Any = reference.get_object()
    widget = get_single_field_annot(field)
    _SlotContent(writer, slot, text).apply_appearance(widget)
    writer.update_container(widget)
    field["/V"] = TextStringObject(text)
    field["/Ff"] = NumberObject(int(field.get("/Ff", 0)) | 1)  # type: ignore[no-untyped-call]
    field.pop("/DA", None)
    writer.mark_update(reference)


def signature_style(area: Area, image_png: bytes | None, signer_name: str) -> DrawnStyle:
    """The leader's blue signature picture, as large as fits; without a picture, the name in blue."""
    if image_png is None:
        size = min(16.0, area.height * 0.5)
        line = TextLine(signer_name, size, area.height / 2 - 0.3 * size)
        return DrawnStyle(lines=(line,), text_area=Area(0, 0, 0, area.width, area.height), colour=BLUE)
    image = picture(image_png, area.width)
    scale = min(area.width / image.width, area.height / image.height)
    width, height = image.width * scale, image.height * scale
    place = Area(0, (area.width - width) / 2, (area.height - height) / 2, width, height)
    return DrawnStyle(picture=image, picture_area=place)


def seal_style(seal: Area, note: Area, seal_png: bytes, lines: tuple[str, ...], look: Look | None) -> DrawnStyle:
    """The red seal at its real size, and ``lines`` under it (organ and signing time, article 13.4), if any.

    Lines that do not fit their block are set smaller than ``look`` says.
    """
    box = seal.around(note)
    step = note.height / max(len(lines), 3)
    size = min(look.size if look else NOTE_SIZE, step / 1.15)
    texts = tuple(
        TextLine(text, size, note.height - step * (number + 1) + 0.25 * size) for number, text in enumerate(lines)
    )
    return DrawnStyle(
        picture=picture(seal_png, seal.width),
        picture_area=seal.shifted(-box.x, -box.y),
        lines=texts,
        text_area=note.shifted(-box.x, -box.y),
        colour=look.colour if look else BLACK,
    )


def picture(png: bytes, width: float) -> Image.Image:
    """A PNG with its transparency, not finer than print needs at ``width`` points; raises BadInput."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise BadInput(
                    N_("Ảnh chữ ký hoặc con dấu quá lớn"), next_step=N_("Dùng ảnh PNG dưới 40 triệu điểm ảnh")
                )
            drawn = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(
            N_("Không đọc được ảnh chữ ký hoặc con dấu"), next_step=N_("Tải lên lại ảnh dạng PNG, nền trong suốt")
        ) from error
    most = round(width / POINTS_PER_MM / 25.4 * _PICTURE_DPI)
    if drawn.width > most:
        drawn = drawn.resize((most, max(1, round(drawn.height * most / drawn.width))), Image.Resampling.LANCZOS)
    return drawn
