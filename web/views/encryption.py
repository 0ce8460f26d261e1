"""Encryption (article 15): the receivers' certificates, and opening what came encrypted."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, TramError
from appliance.office import encryption, opening, organs
from appliance.regulation.rules import ENCRYPTION
from appliance.signing.token import Pin
from appliance.store.text import fold
from web.access import open_to
from web.context import actor, desk
from web.views.incoming import step

pages = Blueprint("encryption", __name__)
_MOST = 100_000
"""Bytes of an uploaded certificate."""


@pages.get("/ma-hoa/")
@open_to("clerk", "technician")
def index() -> str:
    """Every receiver's certificate, and the form for one more."""
    return _page(None)


@pages.post("/ma-hoa/")
@open_to("clerk", "technician")
def keep() -> Response | tuple[str, int]:
    """Take a certificate into the address book."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise BadInput(N_("Chưa chọn tệp chứng thư."), next_step=N_("Chọn tệp .cer, .crt hoặc .pem của nơi nhận."))
        encryption.keep(desk(), actor(), request.form.get("organ_id", ""), file.stream.read(_MOST))
    except TramError as error:
        return _page(error), error.status
    flash(_("Đã lưu chứng thư mã hóa của nơi nhận."))
    return redirect(url_for("encryption.index"), 303)


@pages.post("/ma-hoa/bo")
@open_to("clerk", "technician")
def forget() -> Response:
    """Take one out."""
    encryption.forget(desk(), actor(), request.form.get("organ_id", ""), request.form.get("sha256", ""))
    flash(_("Đã bỏ chứng thư."))
    return redirect(url_for("encryption.index"), 303)


@pages.post("/van-ban-den/<document_id>/mo-tep")
@open_to("clerk")
@step
def open_file(document_id: str) -> str:
    """Open an encrypted file with the organ's device."""
    entered, position = request.form.get("pin", ""), request.form.get("position", "")
    if not entered or not position.isdigit():
        raise BadInput(N_("Chưa nhập mã PIN của thiết bị."), next_step=N_("Nhập mã PIN rồi bấm mở lại."))
    last_try = request.form.get("last_try") == "1"
    opening.open_file(desk(), actor(), document_id, int(position), Pin(entered), last_try=last_try)
    return _("Đã mở tệp mã hóa; nội dung đã được quét và kiểm tra chữ ký.")


def _page(error: TramError | None) -> str:
    db, now = desk().db, desk().clock.now()
    book = organs.directory(db)
    return render_template(
        "encryption.html",
        rows=encryption.kept(db, now),
        directory=sorted(book, key=lambda entry: fold(entry[0].name)),
        chosen=request.form.get("organ_id", ""),
        rule=ENCRYPTION,
        error=error,
    )
