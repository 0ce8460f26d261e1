"""Where number, date, signature and seal stand on a document, in PDF points.

All coordinates have their origin at the bottom left corner of the page as displayed (the crop box), y upwards.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from string import Formatter
from typing import Any

from appliance.errors import N_, BadInput

POINTS_PER_MM = 72 / 25.4

SIGNATURE_FIELD = "ChuKyLanhDao"
SEAL_FIELD = "ConDau"
COPY_FIELD = "DauBanSao"  # an original that keeps its own signatures may hold a field ConDau already
NUMBER_FIELD = "SoVanBan"
DAY_FIELD = "NgayVanBan"
MONTH_FIELD = "ThangVanBan"
YEAR_FIELD = "NamVanBan"
TEMPLATE_NAMES = ("number", "notation", "day", "month", "year", "place")
SLOT_FIELDS = (NUMBER_FIELD, DAY_FIELD, MONTH_FIELD, YEAR_FIELD)

DESCENT = 0.3
"""A slot's baseline stands this many font sizes above its lower edge."""
LINE = 1.3
"""A slot is this many font sizes high: room for 'Ậ' above and 'g' below."""
LEFT_INSET = 0.2
"""Text aligned left starts this many font sizes inside its slot, about a blank."""

NOTE_SIZE = 7.0
"""Font size of the organ's name and the signing time beside the seal (article 13.4)."""
NOTE_WIDTH, NOTE_HEIGHT = 118.0, 3 * 8.5
_NOTE_REACH = 60.0
"""Farther than this from the seal, the block no longer belongs to it."""

_SCANNED = {
    "picture": N_(
        "Đây là bản chụp, không có chữ để tìm vị trí; hãy kéo từng khung vào đúng chỗ trên trang trước khi trình ký"
    ),
    "recognised": N_(
        "Đây là bản chụp có lớp chữ do máy nhận dạng; hãy so từng khung với chữ trên trang trước khi trình ký"
    ),
}


@dataclass(frozen=True)
class Area:
    """A rectangle on a page: ``page`` counts from 0; points."""

    page: int
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """x of the right edge."""
        return self.x + self.width

    @property
    def top(self) -> float:
        """y of the upper edge."""
        return self.y + self.height

    def touches(self, other: Area) -> bool:
        """Whether the two rectangles overlap."""
        apart = self.right <= other.x or other.right <= self.x or self.top <= other.y or other.top <= self.y
        return self.page == other.page and not apart

    def around(self, other: Area) -> Area:
        """The smallest rectangle that holds both (same page)."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Area(self.page, x, y, max(self.right, other.right) - x, max(self.top, other.top) - y)

    def grown(self, by: float) -> Area:
        """The same rectangle with ``by`` more points on every side."""
        return Area(self.page, self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def shifted(self, dx: float, dy: float) -> Area:
        """The same rectangle, moved."""
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(frozen=True)
class TextSlot:
    """An empty form field that number_and_seal fills.

    ``template``: what is written, with {number}, {notation}, {day}, {month}, {year}, {place};
    ``size``: font size in points; ``align``: 'left' or 'center'; ``cover``: paint white first, over printed dots or a
    printed text that the slot replaces.
    """

    name: str
    area: Area
    template: str
    size: float
    italic: bool = False
    align: str = "center"
    cover: bool = False


@dataclass(frozen=True)
class Placement:
    """All places of one document.

    ``seal`` is the square of the seal itself, its real size; ``note`` the block with the organ's name and the time;
    ``found``: the names among SoVanBan, NgayVanBan, ChuKyLanhDao that were read from the text (the others stand at
    the usual place of Nghị định 30/2020/NĐ-CP, or where ``usual`` has the name too, of the office itself);
    ``unsure``: names in ``found`` that the drafter should check; ``scanned``: 'picture' when the first page has no
    text at all, 'recognised' when its text was read off a scan; ``printed``: values the draft already shows, by
    template name ('number', 'notation', 'day', 'month', 'year'), which the issued values must equal;
    ``by_hand``: names of places that a person set;
    ``signed``: the draft came with a signature in it; ``signed_field``: the field of a signature made elsewhere whose
    file has no fields of ours: number and date then stand beside the seal.
    """

    slots: tuple[TextSlot, ...]
    signature: Area
    seal: Area
    found: tuple[str, ...] = ()
    printed: tuple[tuple[str, str], ...] = ()
    note: Area | None = None
    unsure: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()
    scanned: str = ""
    by_hand: tuple[str, ...] = ()
    signed: bool = False
    signed_field: str = ""

    @property
    def seal_note(self) -> Area:
        """Where the block beside the seal goes: ``note``, unless the seal was moved away from it by hand."""
        if self.note is not None and self.seal.touches(self.note.grown(_NOTE_REACH)):
            return self.note
        return note_below(self.seal)

    @property
    def warnings(self) -> list[str]:
        """Vietnamese sentences for the drafter: a scan, values that should have been left blank."""
        shown = dict(self.printed)
        sentences = [_SCANNED[self.scanned]] if self.scanned in _SCANNED else []
        if "number" in shown:
            sentences.append(N_("Dự thảo đã in sẵn số văn bản; hãy để trống, hệ thống cấp số khi đóng dấu"))
        if "day" in shown:
            sentences.append(
                N_("Dự thảo đã in sẵn ngày ban hành; nếu ban hành ngày khác, văn thư sẽ không đóng dấu được")
            )
        return sentences

    def to_json(self) -> str:
        """The placement as JSON text, read back by ``from_json``."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Placement:
        """Read what ``to_json`` wrote or a page sent; raises BadInput."""
        try:
            raw = json.loads(text)
            note = raw.get("note")
            return cls(
                slots=tuple(_slot(entry) for entry in raw["slots"]),
                signature=_area(raw["signature"]),
                seal=_area(raw["seal"]),
                found=tuple(str(name) for name in raw.get("found", ())),
                printed=tuple((str(name), str(value)) for name, value in raw.get("printed", ())),
                note=_area(note) if note else None,
                unsure=tuple(str(name) for name in raw.get("unsure", ())),
                usual=tuple(str(name) for name in raw.get("usual", ())),
                scanned=str(raw.get("scanned", "")),
                by_hand=tuple(str(name) for name in raw.get("by_hand", ())),
                signed=bool(raw.get("signed", False)),
                signed_field=str(raw.get("signed_field", "")),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(
                N_("Không đọc được vị trí chữ ký, con dấu"), next_step=N_("Tải lại trang rồi đặt lại vị trí")
            ) from error


def note_below(seal: Area, height: float = NOTE_HEIGHT) -> Area:
    """The usual place of the block: under the seal, centred on it."""
    middle = seal.x + seal.width / 2
    return Area(seal.page, middle - NOTE_WIDTH / 2, seal.y - height - 2, NOTE_WIDTH, height)


def seal_over(signature: Area, seal_mm: float) -> Area:
    """The seal's square: real size, over the left third of the signature (article 13.4), vertically centred on it."""
    side = seal_mm * POINTS_PER_MM
    right = signature.x + signature.width / 3
    return Area(signature.page, right - side, signature.y + (signature.height - side) / 2, side, side)


def _area(raw: dict[str, Any]) -> Area:
    area = Area(int(raw["page"]), *(float(raw[name]) for name in ("x", "y", "width", "height")))
    inside = abs(area.x) < 1e5 and abs(area.y) < 1e5  # written so that NaN fails too
    if not (area.page >= 0 and 0 < area.width < 1e5 and 0 < area.height < 1e5 and inside):
        raise ValueError("not a rectangle on a page")
    return area


def _slot(raw: dict[str, Any]) -> TextSlot:
    if raw["name"] not in SLOT_FIELDS or raw.get("align", "center") not in ("left", "center"):
        raise ValueError("unknown slot")
    if not 4 <= float(raw["size"]) <= 40:
        raise ValueError("unreadable font size")
    template = str(raw["template"])
    # a page sent it: nothing but plain {names} may reach str.format
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None and (name not in TEMPLATE_NAMES or form or conversion):
            raise ValueError("unknown name in a template")
    return TextSlot(
        name=raw["name"],
        area=_area(raw["area"]),
        template=template[:200],
        size=float(raw["size"]),
        italic=bool(raw.get("italic", False)),
        align=raw.get("align", "center"),
        cover=bool(raw.get("cover", False)),
    )
