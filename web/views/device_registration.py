"""Đăng ký thiết bị: the technician chooses among what is plugged in; no PIN is needed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, SignerError, TramError
from appliance.office import custody, devices, people
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("device_registration", __name__, url_prefix="/thiet-bi/dang-ky")


@pages.get("/")
@open_to("technician")
def form() -> str:
    """What is plugged in now, and the fields."""
    return _page(None)


@pages.post("/")
@open_to("technician")
def register() -> Response | tuple[str, int]:
    """Into the register."""
    posted = request.form
    try:
        chosen = next((one for one in custody.plugged_in(desk()) if one.choice == posted.get("choice")), None)
        if chosen is None:
            raise BadInput(
                N_("Chưa chọn chứng thư số, hoặc thiết bị vừa được rút ra."),
                next_step=N_("Cắm lại thiết bị, tải lại trang rồi chọn chứng thư."),
            )
        holder = posted.get("holder_id", "") if posted.get("purpose") == "personal" else ""
        wanted = custody.Registration(
            purpose=posted.get("purpose", ""),
            organ_id=actor().organ_id,
            holder_id=holder,
            keeper_id=posted.get("keeper_id", "") or holder,
            minutes_number=posted.get("minutes_number", ""),
            condition=posted.get("condition", ""),
            accessories=posted.get("accessories", ""),
            keeping_rule=posted.get("keeping_rule", ""),
        )
        device = custody.register(desk(), actor(), wanted, chosen.key, chosen.label, chosen.model)
    except TramError as error:
        return _page(error), error.status
    flash(_("Đã đăng ký thiết bị vào sổ."))
    return redirect(url_for("devices.show", device_id=device.id), 303)


def _page(error: TramError | None) -> str:
    work, found, unseen = desk(), [], None
    try:
        found = custody.plugged_in(work)
    except SignerError as problem:
        unseen = problem
    organ = actor().organ_id
    return render_template(
        "devices/register.html",
        found=found,
        unseen=unseen if error is None else None,
        error=error,
        leaders=people.with_role(work.db, organ, "leader"),
        clerks=people.with_role(work.db, organ, "clerk"),
        states=devices.STATES,
        now=work.clock.now(),
    )
