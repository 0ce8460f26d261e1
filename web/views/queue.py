"""Hàng đợi gửi: every package on its way, its deadline by law, and what happened to it."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from appliance.office import messages
from appliance.regulation.rules import SEND_BY
from web.access import open_to, passive
from web.context import actor, desk
from web.paging import PER_PAGE, page_count, page_number
from web.reading import message

pages = Blueprint("queue", __name__, url_prefix="/hang-doi")
READERS = ("clerk", "leader", "technician", "auditor")


@pages.get("/")
@open_to(*READERS)
def index() -> str:
    """The queue."""
    return _list("queue/index.html")


@pages.get("/bang")
@open_to(*READERS)
@passive
def rows() -> str:
    """The table alone, refreshing itself."""
    return _list("queue/rows.html")


@pages.get("/<message_id>")
@open_to(*READERS)
def show(message_id: str) -> str:
    """One package: recipients, attempts, receipt."""
    db = desk().db
    return render_template(
        "queue/show.html",
        message=message(db, actor(), message_id),
        recipients=messages.recipients(db, message_id),
        attempts=messages.attempts(db, message_id),
        rule=SEND_BY,
        now=desk().clock.now(),
    )


def _list(template: str) -> str:
    kind = request.args.get("loai", "edoc")
    kind = kind if kind in ("edoc", "status", "") else "edoc"
    open_only = request.args.get("con-lai") == "1"
    page, db = page_number(), desk().db
    found, total = messages.queue(db, actor().organ_id, kind=kind, open_only=open_only, page=page, per_page=PER_PAGE)
    return render_template(
        template,
        rows=[{**row, "recipients": messages.recipients(db, row["id"])} for row in found],
        total=total,
        page=page,
        pages=page_count(total),
        kind=kind,
        open_only=open_only,
        rule=SEND_BY,
        now=desk().clock.now(),
    )
