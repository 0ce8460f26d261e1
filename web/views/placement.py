"""Where number, date, signature and seal go: shown on the page, changed in millimetres or by dragging."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, TramError
from appliance.office import outgoing
from appliance.office.outgoing import Outgoing
from appliance.signing.placement import (
    DAY_FIELD,
    MONTH_FIELD,
    SIGNATURE_FIELD,
    YEAR_FIELD,
    Area,
    Placement,
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


@dataclass(frozen=True)
class Box:
    """One place as people measure it: millimetres from the left and the top edge of page ``page`` (from 1)."""

    key: str
    words: str
    found: bool
    page: int
    left: float
    top: float
    width: float
    height: float


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


def _facts(document: Outgoing) -> PdfFacts:
    return inspect(desk().blobs.read(document.draft_sha256))


def _page(document: Outgoing, placement: Placement, error: TramError | None) -> str:
    facts = _facts(document)
    signature_found = SIGNATURE_FIELD in placement.found
    date_found = DAY_FIELD in placement.found  # the parts of the date line are found together
    boxes = [
        _box(slot.name, slot.area, date_found if slot.name in DATE_FIELDS else slot.name in placement.found, facts)
        for slot in placement.slots
    ]
    boxes.append(_box("signature", placement.signature, signature_found, facts))
    boxes.append(_box("seal", placement.seal, signature_found, facts))  # the seal's place follows from the signature's
    return render_template(
        "outgoing/placement.html",
        document=document,
        boxes=boxes,
        page_total=facts.pages,
        error=error,
        warnings=placement.warnings,
        editable=document.editable,
    )


def _box(key: str, area: Area, found: bool, facts: PdfFacts) -> Box:
    height = facts.page_sizes[area.page][1]
    top = height - area.y - area.height
    return Box(
        key, _(WORDS.get(key, key)), found, area.page + 1,
        *(round(value / MM, 1) for value in (area.x, top, area.width, area.height)),
    )  # fmt: skip


def _read(placement: Placement, facts: PdfFacts) -> Placement:
    """The posted places. Raises BadInput when one is no number or lies off the paper."""
    slots = tuple(replace(slot, area=_area(slot.name, facts)) for slot in placement.slots)
    seal = _area("seal", facts)
    # The seal is shown in its real size (article 13.4): it can be moved, not stretched; its upper left corner is kept.
    width, height = placement.seal.width, placement.seal.height
    seal = replace(seal, y=round(seal.y + seal.height - height, 2), width=width, height=height)
    return replace(placement, slots=slots, signature=_area("signature", facts), seal=seal)


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
