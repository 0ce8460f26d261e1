"""Khu cách ly: the bytes of what cannot be read, and reading it again. The list is a page of the incoming documents."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.office import quarantine
from web.access import open_to
from web.context import actor, desk
from web.views.files import send

pages = Blueprint("quarantine", __name__, url_prefix="/cach-ly")


@pages.get("/goc")
@open_to("technician")
def content() -> Response:
    """The bytes as they came, saved under a name that nothing opens by itself."""
    row = quarantine.get(desk(), request.args.get("entry", ""))
    return send(row["sha256"], f"cach-ly-{row['sha256'][:16]}.bin", "application/octet-stream")


@pages.post("/doc-lai")
@open_to("clerk", "technician")
def read_again() -> Response:
    """Ask for another reading, after the software has been updated."""
    quarantine.read_again(desk(), actor(), request.args.get("entry", ""))
    flash(_("Trạm sẽ đọc lại gói tin này trong lần hỏi trục kế tiếp."))
    return redirect(url_for("incoming.quarantine"), 303)
