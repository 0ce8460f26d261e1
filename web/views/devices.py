"""Thiết bị ký số: the register of devices, one device's page, its steps and handovers (article 5)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import N_, BadInput, NotFound, TramError
from appliance.office import custody, devices, people, revocation
from appliance.office.desk import Actor, Desk
from appliance.office.devices import Device
from appliance.regulation import rules
from appliance.regulation.custody import WARN_DAYS
from web import reading
from web.access import open_to
from web.context import actor, desk
from web.journal_words import ACTIONS
from web.paging import PER_PAGE, page_count, page_number
from web.views.files import send

pages = Blueprint("devices", __name__, url_prefix="/thiet-bi")
HANDS = ("clerk", "leader", "official", "technician")
"""Who may have a device in hand; auditors look only."""
Step = Callable[[Desk, Actor, str, str], Device]
STEPS: dict[str, tuple[str, Step, str]] = {
    "bao-mat": ("lose", custody.report_lost, N_("Đã báo mất. Thiết bị không ký được từ lúc này.")),
    "khoa": ("lock", custody.lock, N_("Đã tạm khóa thiết bị.")),
    "mo-khoa": ("unlock", custody.unlock, N_("Đã mở khóa, thiết bị dùng lại được.")),
    "tim-thay": (
        "find",
        custody.find_again,
        N_("Đã ghi nhận tìm lại được; thiết bị còn khóa đến khi kỹ thuật viên mở."),
    ),
    "da-thu-hoi": ("revoke", custody.revoke, N_("Đã ghi nhận chứng thư bị thu hồi.")),
    "nop-lai": ("give_back", custody.give_back, N_("Đã ghi nhận nộp lại thiết bị.")),
}


@pages.get("/")
@open_to()
def index() -> str:
    """The register, by state."""
    state = request.args.get("trang-thai", "")
    state = state if state in devices.STATES else ""
    rows, page = custody.listing(desk(), actor(), state=state), page_number()
    return render_template(
        "devices/index.html",
        rows=rows[(page - 1) * PER_PAGE : page * PER_PAGE],
        total=len(rows),
        page=page,
        pages=page_count(len(rows)),
        state=state,
        states=devices.STATES,
        names=reading.names(desk().db),
        left=custody.days_left,
        now=desk().clock.now(),
        rule=rules.SEAL_KEEPER,
    )


@pages.get("/<device_id>")
@open_to()
def show(device_id: str) -> str:
    """One device: what to do, who keeps it, what happened to it."""
    return _page(custody.get(desk(), actor(), device_id))


@pages.post("/<device_id>/buoc/<step>")
@open_to(*HANDS)
def move(device_id: str, step: str) -> BaseResponse | tuple[str, int]:
    """One step between states, with its reason."""
    if step not in STEPS:
        raise NotFound(N_("Không có bước này."), next_step=N_("Về trang thiết bị."))
    device = custody.get(desk(), actor(), device_id)
    _action, take, words = STEPS[step]
    try:
        take(desk(), actor(), device.id, request.form.get("reason", ""))
    except TramError as error:
        return _page(custody.get(desk(), actor(), device_id), error, step), error.status
    flash(_(words))
    return redirect(url_for("devices.show", device_id=device_id), 303)


@pages.post("/<device_id>/ban-giao")
@open_to(*HANDS)
def hand_over(device_id: str) -> BaseResponse | tuple[str, int]:
    """Another keeper; the minutes are ready to print."""
    device = custody.get(desk(), actor(), device_id)
    names = custody.HandoverForm.__dataclass_fields__
    form = custody.HandoverForm(**{name: request.form.get(name, "") for name in names})
    try:
        custody.hand_over(desk(), actor(), device.id, form)
    except TramError as error:
        return _page(device, error, "ban-giao"), error.status
    flash(_("Đã ghi bàn giao. In biên bản, hai bên ký, rồi tải bản đã ký lên."))
    if not custody.visible(actor(), custody_now := _now(device_id)):
        return redirect(url_for("devices.index"), 303)
    return redirect(url_for("devices.show", device_id=custody_now.id), 303)


@pages.get("/<device_id>/ban-giao/<handover_id>/bien-ban")
@open_to()
def minutes(device_id: str, handover_id: str) -> Response:
    """The minutes to be printed and signed."""
    handover = _handover(device_id, handover_id)
    if handover.minutes_sha256 is None:
        raise NotFound(N_("Lần bàn giao này không có biên bản do trạm lập."), next_step=N_("Về trang thiết bị."))
    return send(handover.minutes_sha256, _("Biên bản bàn giao thiết bị ký số.pdf"), "application/pdf")


@pages.get("/<device_id>/ban-giao/<handover_id>/ban-ky")
@open_to()
def signed_minutes(device_id: str, handover_id: str) -> Response:
    """The copy both have signed."""
    handover = _handover(device_id, handover_id)
    if handover.signed_sha256 is None:
        raise NotFound(
            N_("Chưa có bản đã ký của biên bản này."), next_step=N_("Tải bản quét đã ký lên ở trang thiết bị.")
        )
    kind = handover.signed_type or ""
    ending = {"image/jpeg": "jpg", "image/png": "png"}.get(kind, "pdf")
    return send(handover.signed_sha256, _("Biên bản bàn giao đã ký") + f".{ending}", kind)


@pages.post("/<device_id>/ban-giao/<handover_id>/ban-ky")
@open_to(*HANDS)
def attach_signed(device_id: str, handover_id: str) -> BaseResponse | tuple[str, int]:
    """Keep the copy both have signed."""
    device = custody.get(desk(), actor(), device_id)
    try:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise BadInput(N_("Chưa chọn tệp biên bản đã ký."), next_step=N_("Chọn tệp PDF, JPG hoặc PNG rồi tải lên."))
        custody.attach_signed(desk(), actor(), device.id, handover_id, file.stream)  # type: ignore[arg-type]
    except TramError as error:
        return _page(device, error, "ban-ky"), error.status
    flash(_("Đã lưu biên bản đã ký."))
    return redirect(url_for("devices.show", device_id=device_id), 303)


def _now(device_id: str) -> Device:
    found = devices.load(desk().db, device_id)
    assert found is not None
    return found


def _handover(device_id: str, handover_id: str) -> custody.Handover:
    device = custody.get(desk(), actor(), device_id)
    found = next((one for one in custody.handovers(desk().db, device.id) if one.id == handover_id), None)
    if found is None:
        raise NotFound(N_("Không có biên bản bàn giao này."), next_step=N_("Về trang thiết bị."))
    return found


def _page(device: Device, error: TramError | None = None, failed: str = "") -> str:
    """The device's page; ``failed`` names the form that ``error`` belongs to, opened again with what was typed."""
    work, person = desk(), actor()
    return render_template(
        "devices/show.html",
        device=device,
        error=error,
        failed=failed,
        steps_open={slug for slug, (action, *_rest) in STEPS.items() if action in custody.doable(person, device)},
        may_hand_over=custody.may_hand_over(person, device),
        may_ask=revocation.may_ask(person, device) and not custody.revocation_asked(work.db, device.id),
        receivers=custody.receivers(work.db, device),
        handovers=custody.handovers(work.db, device.id),
        requests=revocation.requests(work.db, device.id),
        names=reading.names(work.db),
        keeper=people.get(work.db, device.keeper_id) if device.keeper_id else None,
        stopped=devices.stopped(device) if device.state in ("locked", "lost", "revoked") else None,
        steps=_timeline(device),
        left=custody.days_left(device, work.clock.now().date()),
        warn_days=WARN_DAYS[0],
        rule=rules.SEAL_KEEPER if device.purpose == "organ" else rules.PERSONAL_KEEPER,
        now=work.clock.now(),
        limit=work.settings.max_upload_mb,
    )


def _timeline(device: Device) -> list[dict[str, Any]]:
    """The journal's entries about the device in words."""
    known, steps = reading.names(desk().db), []
    for entry in custody.history(desk().db, device.id):
        detail = json.loads(entry["detail"])
        receiver = known.get(detail.get("receiver") or detail.get("keeper") or "", "")
        words = ACTIONS.get(entry["action"], entry["action"])
        steps.append(
            {
                "words": words,
                "to": _("%(days)s ngày", days=detail["days"]) if "days" in detail else receiver,
                "who": known.get(entry["actor"], entry["actor"]),
                "at": entry["at"],
                "reason": detail.get("reason", ""),
                "number": None,
                "bad": entry["action"] in ("device.lose", "device.revoke", "device.wrong_pin", "device.lock"),
            }
        )
    return steps
