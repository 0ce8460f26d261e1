"""Danh sách tin cậy: the technician's page of roots, intermediate authorities and revocation lists."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, TramError
from appliance.office import anchors
from appliance.signing import trust_files
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("trust", __name__, url_prefix="/he-thong/tin-cay")


@pages.get("/")
@open_to("technician")
def index() -> str:
    """What is trusted now."""
    return _page([], None)


@pages.post("/")
@open_to("technician")
def add() -> str | tuple[str, int]:
    """Take certificates and lists from a file; the page says what became of each."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise BadInput(N_("Chưa chọn tệp."), next_step=N_("Chọn tệp PEM, DER hoặc ZIP rồi bấm Thêm lại."))
        data = file.stream.read(trust_files.MOST_BYTES + 1)
        things = trust_files.contents(file.filename[-100:], data)
        fingerprints = request.form.get("fingerprint", "").replace(",", "\n").splitlines()
        outcomes = anchors.bring(desk(), actor(), things, accept_roots=fingerprints)
    except TramError as error:
        return _page([], error), error.status
    return _page(outcomes, None)


@pages.get("/<fingerprint>/bo")
@open_to("technician")
def leave(fingerprint: str) -> str:
    """Ask before something is trusted no longer."""
    found, _unreadable = anchors.entries(desk())
    entry = next((one for one in found if one.fingerprint == fingerprint), None)
    return render_template("trust/remove.html", entry=entry, kinds=anchors.KINDS)


@pages.post("/<fingerprint>/bo")
@open_to("technician")
def remove(fingerprint: str) -> Response:
    """Trust it no longer. Raises NotFound."""
    entry = anchors.remove(desk(), actor(), fingerprint)
    flash(_("Đã bỏ “%(name)s” khỏi danh sách tin cậy.", name=entry.name))
    return redirect(url_for("trust.index"), 303)


def _page(outcomes: list[anchors.Outcome], error: TramError | None) -> str:
    found, unreadable = anchors.entries(desk())
    return render_template(
        "trust/index.html",
        entries=found,
        unreadable=unreadable,
        outcomes=outcomes,
        error=error,
        kinds=anchors.KINDS,
        now=desk().clock.now(),
    )
