"""Hình chữ ký, con dấu: the two pictures of an office, looked at and replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, cast

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, NotFound, TramError
from appliance.office import looks, organs, people
from appliance.office.people import Account
from appliance.regulation.appearances import PROFILES, profile_of
from appliance.signing.pictures import SEAL_LEAST_MM, SEAL_MOST_MM, CheckedPicture
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("pictures", __name__, url_prefix="/hinh-anh")
_PX_PER_MM = 96 / 25.4


@dataclass(frozen=True)
class Signer:
    """A leader's row: whether this person may look at the picture and replace it."""

    account: Account
    mine: bool


@pages.get("/")
@open_to("clerk", "leader", "technician")
def index() -> str:
    """What is registered, and the forms to replace it."""
    return _page(None)


@pages.post("/con-dau")
@open_to("clerk", "technician")
def seal() -> Response | tuple[str, int]:
    """Another picture of the seal."""
    try:
        mm = _millimetres(request.form.get("seal_mm", ""))
        checked = looks.set_seal(desk(), actor(), actor().organ_id, _stream(), seal_mm=mm, clear_white=_clear_white())
    except TramError as error:
        return _page(error), error.status
    return _done(_("Đã lưu ảnh con dấu."), checked)


@pages.post("/chu-ky/<account_id>")
@open_to("leader", "technician")
def signature(account_id: str) -> Response | tuple[str, int]:
    """Another picture of a leader's signature."""
    _mine(account_id)
    try:
        checked = looks.set_signature(desk(), actor(), account_id, _stream(), clear_white=_clear_white())
    except TramError as error:
        return _page(error), error.status
    return _done(_("Đã lưu ảnh chữ ký."), checked)


@pages.get("/con-dau/xem")
@open_to("clerk", "leader", "technician")
def seal_png() -> Response:
    """The seal's picture."""
    return _send(organs.get(desk().db, actor().organ_id).seal_sha256)


@pages.get("/chu-ky/<account_id>/xem")
@open_to("leader", "technician")
def signature_png(account_id: str) -> Response:
    """A signature's picture: one's own, or any leader's of the organ for the technician."""
    return _send(_mine(account_id).signature_sha256)


def _page(error: TramError | None) -> str:
    work = desk()
    organ = organs.get(work.db, actor().organ_id)
    size = looks.seal_mm(work, organ)
    return render_template(
        "system/pictures.html",
        error=error,
        organ=organ,
        seal_mm=size,
        seal_px=round(size * _PX_PER_MM),
        signers=_signers(),
        profile=PROFILES[profile_of(work.settings.rule_set, work.settings.appearance)],
        limits=(SEAL_LEAST_MM, SEAL_MOST_MM),
    )


def _signers() -> list[Signer]:
    leaders = people.with_role(desk().db, actor().organ_id, "leader")
    return [Signer(one, actor().has("technician") or one.id == actor().account_id) for one in leaders]


def _mine(account_id: str) -> Account:
    """The leader whose picture this person may handle. Raises NotFound."""
    found = next((row.account for row in _signers() if row.account.id == account_id and row.mine), None)
    if found is None:
        raise NotFound(N_("Không có ảnh chữ ký này."), next_step=N_("Quay lại trang Hình chữ ký, con dấu."))
    return found


def _stream() -> BinaryIO:
    file = request.files.get("picture")
    if file is None or not file.filename:
        raise BadInput(N_("Chưa chọn tệp ảnh PNG."), next_step=N_("Chọn tệp ảnh rồi bấm lưu."))
    return cast(BinaryIO, file.stream)


def _clear_white() -> bool:
    return request.form.get("clear_white") == "1"


def _millimetres(text: str) -> float | None:
    try:
        return float(text.replace(",", ".")) if text.strip() else None
    except ValueError as error:
        raise BadInput(N_("Đường kính con dấu không phải là số."), next_step=N_("Ghi số mm, ví dụ 36.")) from error


def _done(words: str, checked: CheckedPicture) -> Response:
    flash(words)
    for warning in checked.warnings:
        flash(_(warning), "wait")
    return redirect(url_for("pictures.index"), 303)


def _send(sha256: str | None) -> Response:
    if sha256 is None:
        raise NotFound(N_("Chưa có ảnh này."), next_step=N_("Tải ảnh PNG lên ở trang Hình chữ ký, con dấu."))
    return send_file(desk().blobs.path(sha256), mimetype="image/png", etag=sha256, max_age=0)
