"""Where number, date, signature and seal go: shown on the page, changed in millimetres or by dragging."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, TramError
from appliance.office import outgoing, usual_places
from appliance.office.outgoing import Outgoing
from appliance.signing.placement import (
    DAY_FIELD,
    MONTH_FIELD,
    NUMBER_FIELD,
    SIGNATURE_FIELD,
    YEAR_FIELD,
    Area,
    Placement,
    TextSlot,
)
from appliance.signing.prepare import PdfFacts, inspect
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("placement", __name__, url_prefix="/van-ban-di/<document_id>/vi-tri")
MM = 72 / 25.4  # points in a millimetre
DATE_FIELDS = (DAY_FIELD, MONTH_FIELD, YEAR_FIELD)
WORDS: dict[str, str] = {
    "SoVanBan": N_("Số văn bản"),
    "NgayVanBan": N_("Ngày"),
    "ThangVanBan": N_("Tháng"),
    "NamVanBan": N_("Năm"),
    "signature": N_("Chữ ký của lãnh đạo"),
    "seal": N_("Con dấu"),
}
ORIGINS: dict[str, tuple[str, str]] = {
    "found": (N_("Tìm thấy trong văn bản"), "good"),
    "unsure": (N_("Tìm thấy, cần xem lại"), "wait"),
    "usual": (N_("Theo mẫu thường dùng của cơ quan"), "info"),
    "hand": (N_("Đặt bằng tay"), "good"),
    "default": (N_("Vị trí mặc định, cần xem lại"), "wait"),
}
"""Where a place comes from, as its chip says it."""
NUMBER_TEMPLATES: dict[str, str] = {
    "{number}": N_("Chỉ số: 12"),
    "{number}/{notation}": N_("Số và ký hiệu: 12/QĐ-UBND"),
    "Số: {number}/{notation}": N_("Cả dòng: Số: 12/QĐ-UBND"),
}


@dataclass(frozen=True)
class Box:
    """One place as people measure it: millimetres from the left and the top edge of page ``page`` (from 1).

    ``origin``: a key of ``ORIGINS``; ``slot``: the text that will stand there, None for signature and seal.
    """

    key: str
    words: str
    origin: tuple[str, str]
    page: int
    left: float
    top: float
    width: float
    height: float
    slot: TextSlot | None = None


@pages.get("")
@open_to("clerk", "leader", "official")
def form(document_id: str) -> str:
    """The page with the boxes."""
    document = outgoing.get(desk(), actor(), document_id)
    return _page(document, Placement.from_json(document.placement), None)


@pages.post("")
@open_to("clerk", "leader", "official")
def save(document_id: str) -> Response | tuple[str, int]:
    """Keep the places; then back to the document."""
    document = outgoing.get(desk(), actor(), document_id)
    placement = Placement.from_json(document.placement)
    try:
        facts = _facts(document)
        placement = _read(placement, facts)
        outgoing.set_placement(desk(), actor(), document_id, placement)
    except TramError as error:
        return _page(document, placement, error), error.status
    flash(_("Đã lưu các vị trí."))
    return redirect(url_for("outgoing.show", document_id=document_id), 303)


@pages.post("/quen")
@open_to("clerk", "leader", "official")
def forget(document_id: str) -> Response:
    """Forget the office's usual places for drafts of this kind."""
    document = outgoing.get(desk(), actor(), document_id)
    usual_places.forget(desk(), actor(), document.type_code, _facts(document))
    flash(_("Đã quên mẫu vị trí thường dùng cho loại văn bản này."))
    return redirect(url_for("placement.form", document_id=document_id), 303)


def _facts(document: Outgoing) -> PdfFacts:
    return inspect(desk().blobs.read(document.draft_sha256))


def _page(document: Outgoing, placement: Placement, error: TramError | None) -> str:
    facts = _facts(document)
    boxes = [
        _box(
            slot.name, slot.area, _origin(placement, DAY_FIELD if slot.name in DATE_FIELDS else slot.name), facts, slot
        )
        for slot in placement.slots  # the parts of the date line are found together
    ]
    signature = _origin(placement, SIGNATURE_FIELD)
    boxes.append(_box("signature", placement.signature, signature, facts))
    boxes.append(_box("seal", placement.seal, signature, facts))  # the seal's place follows from the signature's
    return render_template(
        "outgoing/placement.html",
        document=document,
        boxes=boxes,
        page_total=facts.pages,
        error=error,
        warnings=(*facts.mended, *facts.advice, *placement.warnings),
        number_field=NUMBER_FIELD,
        number_templates=NUMBER_TEMPLATES,
        signed=placement.signed,
        remembered=usual_places.known(desk(), document.organ_id, document.type_code, facts),
        editable=document.editable and not placement.signed,
    )


def _origin(placement: Placement, name: str) -> tuple[str, str]:
    """The chip of one place."""
    marks = (("hand", placement.by_hand), ("usual", placement.usual), ("unsure", placement.unsure))
    key = next((mark for mark, names in marks if name in names), "found" if name in placement.found else "default")
    words, tone = ORIGINS[key]
    return _(words), tone


def _box(key: str, area: Area, origin: tuple[str, str], facts: PdfFacts, slot: TextSlot | None = None) -> Box:
    height = facts.page_sizes[area.page][1]
    top = height - area.y - area.height
    left, top, width, height = (round(value / MM, 1) for value in (area.x, top, area.width, area.height))
    return Box(key, _(WORDS.get(key, key)), origin, area.page + 1, left, top, width, height, slot)


def _read(placement: Placement, facts: PdfFacts) -> Placement:
    """The posted places. Raises BadInput when one is no number or lies off the paper."""
    slots = tuple(_slot(slot, facts) for slot in placement.slots)
    seal = _area("seal", facts)
    # The seal is shown in its real size (article 13.4): it can be moved, not stretched; its upper left corner is kept.
    width, height = placement.seal.width, placement.seal.height
    seal = replace(seal, y=round(seal.y + seal.height - height, 2), width=width, height=height)
    note = placement.note
    if note is not None:  # the block with the organ's name moves with the seal
        note = replace(note.shifted(seal.x - placement.seal.x, seal.y - placement.seal.y), page=seal.page)
        paper_width, paper_height = facts.page_sizes[seal.page]
        if not (0 <= note.x <= note.right <= paper_width and 0 <= note.y <= note.top <= paper_height):
            note = None
    return replace(placement, slots=slots, signature=_area("signature", facts), seal=seal, note=note)


def _slot(slot: TextSlot, facts: PdfFacts) -> TextSlot:
    """One text's posted place and look; what the page did not send stays."""
    template = request.form.get(f"{slot.name}.template", slot.template)
    if slot.name == NUMBER_FIELD and template not in NUMBER_TEMPLATES:
        template = slot.template
    cover = f"{slot.name}.cover" in request.form if f"{slot.name}.look" in request.form else slot.cover
    return replace(slot, area=_area(slot.name, facts), template=template, cover=cover)


def _area(key: str, facts: PdfFacts) -> Area:
    words = _(WORDS.get(key, key))
    try:
        page = int(request.form[f"{key}.page"]) - 1
        left, top, width, height = (
            float(request.form[f"{key}.{name}"].replace(",", ".")) * MM for name in ("left", "top", "width", "height")
        )
        if not 0 <= page < facts.pages:
            raise ValueError(page)
    except (KeyError, ValueError) as error:
        raise BadInput(
            N_("Vị trí “%(place)s” chưa đúng: mỗi ô là một số, trang từ 1 đến %(pages)s."),
            next_step=N_("Sửa ô đó rồi lưu lại."),
            place=words,
            pages=facts.pages,
        ) from error
    paper_width, paper_height = facts.page_sizes[page][:2]
    slack = 1.0  # rounding to tenths of a millimetre may overshoot the edge
    inside = (
        left >= -slack
        and top >= -slack
        and left + width <= paper_width + slack
        and top + height <= paper_height + slack
    )
    if not (inside and width > 0 and height > 0):
        raise BadInput(
            N_("Vị trí “%(place)s” nằm ngoài trang giấy."),
            next_step=N_("Kéo khung vào trong trang, hoặc giảm số mm, rồi lưu lại."),
            place=words,
        )
    return Area(page, round(left, 2), round(paper_height - top - height, 2), round(width, 2), round(height, 2))
