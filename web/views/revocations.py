"""Đề nghị thu hồi chứng thư số: one form, and the document is ready to sign (article 26.8)."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from appliance.clock import VN
from appliance.errors import N_, BadInput, NotFound, TramError
from appliance.office import custody, organs, people, revocation
from appliance.office.devices import Device
from appliance.regulation import rules
from appliance.regulation.custody import LEGAL_BASIS, REVOCATION_REASONS
from appliance.store.text import fold
from web.access import open_to
from web.context import actor, desk
from web.views.files import send

pages = Blueprint("revocations", __name__, url_prefix="/thiet-bi/<device_id>/thu-hoi")


@pages.get("/")
@open_to(*revocation.ASKERS)
def form(device_id: str) -> str:
    """The form, prefilled."""
    return _page(custody.get(desk(), actor(), device_id), None)


@pages.post("/")
@open_to(*revocation.ASKERS)
def ask(device_id: str) -> BaseResponse | tuple[str, int]:
    """Stop the device, make the document."""
    custody.get(desk(), actor(), device_id)
    try:
        made = revocation.ask(desk(), actor(), device_id, _form())
    except TramError as error:
        return _page(custody.get(desk(), actor(), device_id), error), error.status
    if made.outgoing_id:
        flash(_("Thiết bị đã ngừng sử dụng. Dự thảo công văn đề nghị thu hồi đã sẵn sàng: kiểm tra rồi trình ký."))
        return redirect(url_for("outgoing.show", document_id=made.outgoing_id), 303)
    flash(_("Thiết bị đã ngừng sử dụng. In văn bản đề nghị, ký tay, đóng dấu rồi gửi bản giấy."))
    return redirect(url_for("devices.show", device_id=device_id), 303)


@pages.get("/<request_id>/giay")
@open_to()
def paper(device_id: str, request_id: str) -> Response:
    """The paper to be signed by hand."""
    device = custody.get(desk(), actor(), device_id)
    found = next((one for one in revocation.requests(desk().db, device.id) if one.id == request_id), None)
    if found is None or found.paper_sha256 is None:
        raise NotFound(N_("Không có văn bản giấy này."), next_step=N_("Về trang thiết bị."))
    return send(found.paper_sha256, _("Đề nghị thu hồi chứng thư số.pdf"), "application/pdf")


def _form() -> revocation.RevocationForm:
    """The posted fields. Raises BadInput for a time that is none."""
    posted = request.form
    try:
        discovered = datetime.fromisoformat(posted.get("discovered", "")).replace(tzinfo=VN)
        urgency = int(posted.get("urgency", ""))
    except ValueError as error:
        raise BadInput(
            N_("Thời điểm phát hiện hoặc độ khẩn không đúng dạng."), next_step=N_("Chọn lại ngày, giờ phát hiện.")
        ) from error
    return revocation.RevocationForm(
        reason_code=posted.get("reason_code", ""),
        detail=posted.get("detail", ""),
        discovered=discovered,
        contact=posted.get("contact", ""),
        signer_id=posted.get("signer_id", ""),
        recipient_ids=tuple(dict.fromkeys(posted.getlist("recipient_ids"))),
        urgency=urgency,
        unit=posted.get("unit", ""),
        no_secret=posted.get("no_secret") == "1",
    )


def _page(device: Device, error: TramError | None) -> str:
    db, person = desk().db, actor()
    leaders = people.with_role(db, person.organ_id, "leader")
    me = people.get(db, person.account_id)
    return render_template(
        "devices/revoke.html",
        device=device,
        error=error,
        may_ask=revocation.may_ask(person, device) and not custody.revocation_asked(db, device.id),
        reasons=REVOCATION_REASONS,
        basis=LEGAL_BASIS,
        rule=rules.STOP_AND_REVOKE,
        secrets=rules.NO_SECRETS,
        leaders=leaders,
        on_paper={leader.id: revocation.on_paper(db, device, leader.id) for leader in leaders},
        directory=sorted(organs.directory(db, besides=person.organ_id), key=lambda entry: fold(entry[0].name)),
        usual=revocation.usual_recipients(db, person.organ_id)[:1],
        contact=f"{me.full_name}, {me.position}",
        now=desk().clock.now(),
    )
