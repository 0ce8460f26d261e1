"""Thống kê: documents sent and received in figures (QĐ 15/2019, article 17), as a page, for a spreadsheet, to print."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _

from appliance.errors import N_, TramError
from appliance.office import organs, statistics
from appliance.office.statistics import RECEIVED, SENT, Fact, Period
from appliance.regulation.document_types import URGENCY
from appliance.regulation.rules import STATISTICS
from appliance.typesetting import typeset
from web import reading
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("statistics", __name__, url_prefix="/thong-ke")
READERS = ("clerk", "leader", "auditor")
_PARTS = {
    "": N_("Cả năm"),
    **{f"Q{n}": f"Quý {n}" for n in range(1, 5)},
    **{f"{n:02d}": f"Tháng {n}" for n in range(1, 13)},
}


@dataclass(frozen=True)
class Block:
    """One direction: its columns, its sum, and the breakdowns as (heading, name of the first column, rows)."""

    heading: str
    organ_word: str
    columns: Mapping[str, str]
    total: Mapping[str, int]
    tables: Sequence[tuple[str, str, Mapping[str, Mapping[str, int]]]]


@pages.get("/")
@open_to(*READERS)
def index() -> str | tuple[str, int]:
    """The page; a period that is none is said above the current month."""
    error = None
    try:
        span = _span()
    except TramError as wrong:
        span, error = statistics.period(f"{desk().clock.now():%Y-%m}"), wrong
    year, _dash, part = span.text.partition("-")
    db, organ_id = desk().db, actor().organ_id
    known = {y for kind in ("outgoing", "incoming") for y in reading.register_years(db, organ_id, kind)}
    page = render_template(
        "statistics/index.html",
        blocks=_blocks(span),
        span=span,
        title=_title(span),
        year=year,
        part=part,
        years=sorted({*known, int(year), desk().clock.now().year}, reverse=True),
        parts=_PARTS,
        rule=STATISTICS,
        error=error,
    )
    return (page, error.status) if error else page


@pages.get("/bang-tinh.csv")
@open_to(*READERS)
def sheet() -> Response:
    """The same for a spreadsheet: UTF-8 with a mark, semicolons as Vietnamese spreadsheets read them."""
    span, text = _span(), io.StringIO()
    out = csv.writer(text, delimiter=";", lineterminator="\r\n")
    out.writerow([_("Kỳ"), span.text])
    for block in _blocks(span):
        for heading, first, rows in [(_("Tổng số"), "", {_("Tổng số"): block.total}), *block.tables]:
            out.writerow([])
            out.writerow([f"{block.heading}: {heading}"])
            out.writerow([first, *(_(words) for words in block.columns.values())])
            for name, counts in rows.items():
                out.writerow([_harmless(name), *(counts.get(key, 0) for key in block.columns)])
    answer = Response("\ufeff" + text.getvalue(), mimetype="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=f"thong-ke-{span.text}.csv")
    return answer


@pages.get("/ban-in.pdf")
@open_to(*READERS)
def paper() -> Response:
    """The same as an A4 page to sign and keep."""
    span = _span()
    html = render_template(
        "statistics/paper.html",
        blocks=_blocks(span),
        title=_title(span),
        organ=organs.get(desk().db, actor().organ_id),
        rule=STATISTICS,
        now=desk().clock.now(),
        printed_by=actor().full_name,
    )
    answer = Response(typeset(html), mimetype="application/pdf")
    answer.headers.set("Content-Disposition", "inline", filename=f"thong-ke-{span.text}.pdf")
    return answer


def _span() -> Period:
    """The period asked for, the current month without one. Raises BadInput."""
    year, part = request.args.get("nam", ""), request.args.get("phan", "")
    if not year:
        return statistics.period(f"{desk().clock.now():%Y-%m}")
    return statistics.period(f"{year}-{part}" if part else year)


def _title(span: Period) -> str:
    year, _dash, part = span.text.partition("-")
    if not part:
        return _("năm %(year)s", year=year)
    if part.startswith("Q"):
        return _("quý %(part)s năm %(year)s", part=part[1:], year=year)
    return _("tháng %(part)s năm %(year)s", part=int(part), year=year)


def _blocks(span: Period) -> list[Block]:
    found = statistics.figures(desk().db, actor().organ_id, span, desk().clock.now())
    return [
        _block(_("Văn bản đi"), _("Nơi nhận"), SENT, found.sent, span),
        _block(_("Văn bản đến"), _("Nơi gửi"), RECEIVED, found.received, span),
    ]


def _block(heading: str, other: str, columns: Mapping[str, str], facts: Sequence[Fact], span: Period) -> Block:
    urgency = {_(URGENCY[int(key)]): counts for key, counts in statistics.by(facts, "urgency").items()}
    months = {f"{key[5:]}/{key[:4]}": counts for key, counts in statistics.by(facts, "month").items()}
    tables: list[tuple[str, str, Mapping[str, Any]]] = [
        (_("Theo độ khẩn"), _("Độ khẩn"), urgency),
        (_("Theo loại văn bản"), _("Loại"), statistics.by(facts, "type")),
        (_("Theo cơ quan"), other, statistics.by(facts, "organ")),
    ]
    if span.first != span.last:
        tables.insert(0, (_("Theo tháng"), _("Tháng"), months))
    return Block(heading, other, columns, statistics.total(facts), tables if facts else [])


def _harmless(text: str) -> str:
    """A name from outside that a spreadsheet would take for a formula stays a text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
