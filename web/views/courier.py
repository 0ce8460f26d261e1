"""Giao nhận bằng USB: choose what goes on a stick, bring in what came on one. Sync does the work; the page asks."""

from __future__ import annotations

import json

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import N_, BadInput, NotFound, TramError
from appliance.office import courier, courier_certificates, courier_minutes
from web.access import open_to
from web.context import actor, desk
from web.reading import names
from web.views.files import send

pages = Blueprint("courier", __name__, url_prefix="/usb")
RESULTS: dict[str, str] = {
    "document": N_("%(count)s văn bản mới"),
    "status": N_("%(count)s trạng thái"),
    "duplicate": N_("%(count)s trạng thái đã có"),
    "repeated": N_("%(count)s gói đã nhận trước"),
    "confirmed": N_("%(count)s biên nhận mới"),
    "quarantined": N_("%(count)s gói vào cách ly"),
    "elsewhere": N_("%(count)s gói của nơi khác"),
}


@pages.get("/")
@open_to(*courier.ACTORS)
def index() -> str:
    """What may go, and what went and came."""
    return _page(None)


@pages.post("/giao")
@open_to(*courier.ACTORS)
def load() -> BaseResponse | tuple[str, int]:
    """Ask for a container."""
    try:
        courier.ask_load(desk(), actor(), request.form.get("to", ""), request.form.getlist("message")[:5_000])
    except TramError as error:
        return _page(error), error.status
    flash(_("Trạm đang lập gói USB; tải về ở danh sách bên dưới khi xong."))
    return redirect(url_for("courier.index"), 303)


@pages.post("/nhan")
@open_to(*courier.ACTORS)
def bring() -> BaseResponse | tuple[str, int]:
    """Keep a container for sync to take in."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise BadInput(N_("Chưa chọn tệp."), next_step=N_("Chọn tệp .tvb trên USB rồi bấm lại."))
        courier.ask_bring(desk(), actor(), file.stream)
    except TramError as error:
        return _page(error), error.status
    flash(_("Đã nhận tệp; kết quả hiện ở danh sách bên dưới."))
    return redirect(url_for("courier.index"), 303)


@pages.post("/chung-thu")
@open_to("technician")
def certificate() -> BaseResponse | tuple[str, int]:
    """Keep the link certificate of somebody to whom containers go."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise BadInput(N_("Chưa chọn tệp."), next_step=N_("Chọn tệp chứng thư (PEM) rồi bấm lại."))
        courier_certificates.keep(desk(), actor(), request.form.get("code", "").strip(), file.stream.read(1 << 16))
    except TramError as error:
        return _page(error), error.status
    flash(_("Đã lưu chứng thư."))
    return redirect(url_for("courier.index"), 303)


@pages.get("/<courier_id>/tep")
@open_to(*courier.ACTORS)
def file(courier_id: str) -> Response:
    """The sealed file: one of ours to carry, or one that was brought, for inspection."""
    row = courier.get(desk().db, courier_id, actor().organ_id)
    if not row["sha256"]:
        raise NotFound(N_("Gói USB này chưa lập xong."))
    name = f"da-nhan-{courier_id}.tvb" if row["kind"] == "bring" else courier.file_name(row)
    return send(row["sha256"], name, "application/octet-stream")


@pages.get("/<courier_id>/bien-ban")
@open_to(*courier.ACTORS)
def minutes(courier_id: str) -> Response:
    """Biên bản giao nhận, to print and sign."""
    row = courier.get(desk().db, courier_id, actor().organ_id)
    made = desk().blobs.put(courier_minutes.pdf(desk(), courier_id))
    return send(made, f"bien-ban-{row['id']}.pdf", "application/pdf")


def _page(error: TramError | None) -> str:
    db, organ_id = desk().db, actor().organ_id
    history = [{**row, "results": _results(row["report"])} for row in courier.history(db, organ_id)]
    return render_template(
        "courier/index.html",
        error=error,
        readers=courier_certificates.known_readers(desk()),
        rows=courier.loadable_with_receivers(db, organ_id),
        history=history,
        names=names(db),
        waiting=any(row["state"] == "asked" for row in history),
    )


def _results(report: str) -> list[str]:
    return [_(RESULTS[name], count=count) for name, count in json.loads(report).items() if count]
