"""Nhật ký: every step anybody took, and whether the chain still holds."""

from __future__ import annotations

import json

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from appliance.errors import TramError
from appliance.store import audit
from web import reading
from web.access import open_to
from web.areas import render_area
from web.context import desk
from web.journal_words import ACTIONS, DETAILS
from web.paging import PER_PAGE, page_count, page_number

pages = Blueprint("audit", __name__, url_prefix="/nhat-ky")


@pages.get("/")
@open_to("auditor", "technician")
def index() -> str:
    """The journal, newest first, with search."""
    query, page = request.args.get("tim", "").strip(), page_number()
    rows, total = reading.journal(desk().db, query=query, page=page, per_page=PER_PAGE)
    shown = [{**row, "detail": json.loads(row["detail"])} for row in rows]
    return render_template(
        "audit/index.html",
        rows=shown,
        total=total,
        page=page,
        pages=page_count(total),
        query=query,
        ACTIONS=ACTIONS,
        DETAILS=DETAILS,
    )


@pages.get("/kiem-chuoi")
@open_to("auditor", "technician")
def chain() -> str:
    """Every link computed anew; an area of the journal's page."""
    try:
        count, broken = audit.verify(desk().db), None
    except TramError as error:
        count, broken = 0, error
    heading = _("Kiểm tra chuỗi nhật ký")
    return render_area("audit/chain.html", heading, count=count, broken=broken, at=desk().clock.now())
