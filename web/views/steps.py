"""The steps of an outgoing document, one form each. What stops a step is shown on the document's page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, NotFound, SignerError, TramError
from appliance.office import devices, outgoing
from appliance.signing.token import Pin
from web.access import open_to, passive
from web.context import actor, desk
from web.document import outgoing_page

pages = Blueprint("steps", __name__, url_prefix="/van-ban-di/<document_id>")


def step(view: Callable[..., str]) -> Callable[..., Response | tuple[str, int]]:
    """Run one step; then the document's page, with the sentence of success or with what stopped it."""

    @wraps(view)
    def run(document_id: str, **named: str) -> Response | tuple[str, int]:
        try:
            flash(view(document_id, **named))
        except NotFound:
            raise
        except TramError as error:
            return outgoing_page(outgoing.get(desk(), actor(), document_id), error), error.status
        return redirect(url_for("outgoing.show", document_id=document_id), 303)

    return run


@pages.post("/trinh")
@open_to("clerk", "leader", "official")
@step
def submit(document_id: str) -> str:
    """To the leader."""
    outgoing.submit(desk(), actor(), document_id)
    return _("Đã trình ký.")


@pages.post("/rut")
@open_to("clerk", "leader", "official")
@step
def withdraw(document_id: str) -> str:
    """Give it up."""
    outgoing.withdraw(desk(), actor(), document_id, request.form.get("reason", ""))
    return _("Đã rút văn bản.")


@pages.post("/phu-luc")
@open_to("clerk", "leader", "official")
@step
def add_annex(document_id: str) -> str:
    """One more annex in a file of its own."""
    file = request.files.get("annex")
    if file is None or not file.filename:
        raise BadInput(N_("Chưa chọn tệp phụ lục."), next_step=N_("Chọn tệp PDF rồi bấm thêm phụ lục."))
    annex = outgoing.add_annex(desk(), actor(), document_id, file.filename, file.stream)  # type: ignore[arg-type]
    return _("Đã thêm phụ lục “%(name)s”.", name=annex.name)


@pages.post("/phu-luc/<annex_id>/bo")
@open_to("clerk", "leader", "official")
@step
def remove_annex(document_id: str, annex_id: str) -> str:
    """Take it off."""
    outgoing.remove_annex(desk(), actor(), document_id, annex_id)
    return _("Đã bỏ phụ lục.")


@pages.post("/phu-luc/<annex_id>/len")
@open_to("clerk", "leader", "official")
@step
def raise_annex(document_id: str, annex_id: str) -> str:
    """One place up."""
    outgoing.raise_annex(desk(), actor(), document_id, annex_id)
    return _("Đã đổi thứ tự phụ lục.")


@pages.post("/ky")
@open_to("leader")
@step
def sign(document_id: str) -> str:
    """The leader's signature."""
    outgoing.sign(desk(), actor(), document_id, _pin(), last_try=_last_try())
    return _("Đã ký số. Văn bản đã chuyển văn thư lấy số và đóng dấu.")


@pages.post("/ban-da-ky")
@open_to("clerk", "leader", "official")
@step
def take_signed(document_id: str) -> str:
    """Take a signature made on another device: of the file sent now, or of the draft that came with one."""
    file = request.files.get("file")
    if "file" in request.files and (file is None or not file.filename):
        raise BadInput(N_("Chưa chọn tệp PDF đã ký."), next_step=N_("Chọn tệp rồi bấm nhận lại."))
    outgoing.take_signed(
        desk(),
        actor(),
        document_id,
        file_name=(file.filename or "") if file else "",
        stream=file.stream if file else None,  # type: ignore[arg-type]
    )
    return _("Đã nhận bản đã ký. Văn thư lấy số và đóng dấu.")


@pages.post("/tra-lai")
@open_to("leader")
@step
def give_back(document_id: str) -> str:
    """Back to the drafter with a reason."""
    outgoing.give_back(desk(), actor(), document_id, request.form.get("reason", ""))
    return _("Đã trả lại cho người soạn.")


@pages.post("/loi-the-thuc")
@open_to("clerk")
@step
def send_back(document_id: str) -> str:
    """The clerk found a fault of form."""
    outgoing.send_back(desk(), actor(), document_id, request.form.get("reason", ""))
    return _("Đã trả lại người soạn để sửa thể thức.")


@pages.post("/dong-dau")
@open_to("clerk")
@step
def number_and_seal(document_id: str) -> str:
    """Number and seal."""
    document = outgoing.number_and_seal(desk(), actor(), document_id, _pin(), last_try=_last_try())
    return _("Đã lấy số %(code)s và đóng dấu. Kiểm tra lại trên trang rồi phát hành.", code=document.code)


@pages.post("/ky-ban-sao")
@open_to("clerk")
@step
def seal_copy(document_id: str) -> str:
    """Number and organ's signature of a copy."""
    copy = outgoing.seal_copy(desk(), actor(), document_id, _pin(), last_try=_last_try())
    return _("Đã lấy số %(code)s và ký số bản sao. Kiểm tra lại trên trang rồi phát hành.", code=copy.code)


@pages.post("/ky-lai")
@open_to("clerk")
@step
def ask_to_sign_again(document_id: str) -> str:
    """Midnight has passed: back to the leader."""
    outgoing.ask_to_sign_again(desk(), actor(), document_id)
    return _("Đã chuyển lãnh đạo ký lại trong hôm nay.")


@pages.post("/phat-hanh")
@open_to("clerk")
@step
def issue(document_id: str) -> str:
    """Issue into the queue."""
    outgoing.issue(desk(), actor(), document_id, encrypted=request.form.get("encrypted") == "1")
    return _("Đã phát hành. Văn bản nằm trong hàng đợi gửi, trạm tự gửi khi có đường truyền.")


def _pin() -> Pin:
    entered = request.form.get("pin", "")
    if not entered:
        raise BadInput(N_("Chưa nhập mã PIN của thiết bị."), next_step=N_("Nhập mã PIN rồi bấm ký lại."))
    return Pin(entered)


def _last_try() -> bool:
    return request.form.get("last_try") == "1"


@pages.get("/thiet-bi")
@open_to("leader", "clerk")
@passive
def token_state(document_id: str) -> str:
    """Whether the token this person is about to sign with is plugged in; one line, refreshing itself."""
    document = outgoing.get(desk(), actor(), document_id)
    personal = document.state == "submitted"
    device = devices.for_signing(
        desk().db, "personal" if personal else "organ", document.organ_id, document.signer_id if personal else None
    )
    problem, tokens = None, {}
    try:
        tokens = {found.serial: found for found in desk().signer.tokens()}
    except SignerError as error:
        problem = error
    token = tokens.pop(device.token_serial, None) if device else None
    others = [other.label or other.serial for other in tokens.values()]
    return render_template("outgoing/token.html", document=document, token=token, others=others, problem=problem)
