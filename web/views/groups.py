"""Groups of receivers (nhóm nơi nhận)."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import TramError
from appliance.office import groups, organs
from appliance.store.text import fold
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("groups", __name__, url_prefix="/nhom-noi-nhan")


@pages.get("/")
@open_to("clerk", "leader", "official")
def index() -> str:
    """All groups; the clerk makes and changes them (``?sua=ID``)."""
    return _page(None)


@pages.post("/")
@open_to("clerk")
def save() -> Response | tuple[str, int]:
    """Make or change one."""
    posted = request.form
    try:
        members = tuple(posted.getlist("recipient_ids"))
        groups.save(desk(), actor(), posted.get("group_id", ""), posted.get("name", ""), members)
    except TramError as error:
        return _page(error), error.status
    flash(_("Đã lưu nhóm nơi nhận."))
    return redirect(url_for("groups.index"), 303)


@pages.post("/<group_id>/bo")
@open_to("clerk")
def remove(group_id: str) -> Response:
    """Take it away."""
    groups.remove(desk(), actor(), group_id)
    flash(_("Đã bỏ nhóm nơi nhận; văn bản đã soạn giữ nguyên nơi nhận."))
    return redirect(url_for("groups.index"), 303)


def _page(error: TramError | None) -> str:
    found, person = groups.of_office(desk().db, actor().organ_id), actor()
    editing = next((group for group in found if group.id == request.args.get("sua")), None)
    typed = {"group_id": request.form.get("group_id", ""), "name": request.form.get("name", "")}
    values = {**typed, "recipient_ids": request.form.getlist("recipient_ids")}
    if editing and not error:
        values = {"group_id": editing.id, "name": editing.name, "recipient_ids": list(editing.members)}
    book = organs.directory(desk().db, besides=person.organ_id)
    return render_template(
        "groups.html",
        groups=found,
        values=values,
        error=error,
        directory=sorted(book, key=lambda entry: fold(entry[0].name)),
        group_choices=[],
    )
