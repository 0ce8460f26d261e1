"""Sổ đăng ký văn bản đi, đến: by year, printable."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from appliance.office import incoming as arrivals
from appliance.office import outgoing as issued
from appliance.office import people
from appliance.office.legal_value import of_incoming
from web import reading
from web.access import open_to
from web.context import actor, desk
from web.related import marks

pages = Blueprint("registers", __name__, url_prefix="/so")
READERS = ("clerk", "leader", "auditor")


@pages.get("/van-ban-di")
@open_to(*READERS)
def outgoing() -> str:
    """The register of outgoing documents."""
    db, year = desk().db, _year()
    rows = issued.register(db, actor().organ_id, year)
    recipients = {row.id: [r["name"] for r in issued.recipients(db, row.id)] for row in rows}
    annexes = {row.id: len(issued.annexes(db, row.id)) for row in rows}
    signers = {row.signer_id: people.get(db, row.signer_id).full_name for row in rows}
    years = _years("outgoing", year)
    return render_template(
        "registers/outgoing.html",
        rows=rows,
        recipients=recipients,
        annexes=annexes,
        marks=marks(desk(), [row.id for row in rows]),
        signers=signers,
        year=year,
        years=years,
    )


@pages.get("/van-ban-den")
@open_to(*READERS)
def incoming() -> str:
    """The register of incoming documents."""
    db, year = desk().db, _year()
    rows = arrivals.register(db, actor().organ_id, year)
    return render_template(
        "registers/incoming.html",
        rows=rows,
        names=reading.names(db),
        values=of_incoming(db, (row.id for row in rows)),
        year=year,
        years=_years("incoming", year),
    )


def _year() -> int:
    text = request.args.get("nam", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else desk().clock.now().year


def _years(kind: str, shown: int) -> list[int]:
    known = reading.register_years(desk().db, actor().organ_id, kind)
    return sorted({*known, shown, desk().clock.now().year}, reverse=True)
