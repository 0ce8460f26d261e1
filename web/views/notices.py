"""Nhắc việc: what the box has told this person and they have not read yet."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.office import notices
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("notices", __name__, url_prefix="/nhac-viec")


@pages.get("/")
@open_to()
def index() -> str:
    """The unread ones, newest first."""
    return render_template("notices/index.html", notices=notices.unread(desk().db, actor()))


@pages.post("/<notice_id>/da-doc")
@open_to()
def read(notice_id: str) -> Response:
    """This one is read."""
    notices.mark_read(desk(), actor(), notice_id)
    flash(_("Đã ghi nhận anh/chị đã đọc nhắc việc."))
    return redirect(url_for("notices.index"), 303)
