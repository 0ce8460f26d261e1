"""After issuing: recall, further receivers. While it is a draft: what it answers or replaces. Requests of senders."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, TramError
from appliance.office import follow_ups, links, organs, outgoing, recall_requests
from appliance.store.text import fold
from web.access import open_to
from web.context import actor, desk
from web.receivers import chosen
from web.views.steps import step

pages = Blueprint("follow_ups", __name__)


@pages.post("/van-ban-di/<document_id>/thu-hoi")
@open_to("clerk", "leader")
@step
def recall(document_id: str) -> str:
    """Ask every receiver to give it back."""
    follow_ups.recall(desk(), actor(), document_id, request.form.get("reason", ""))
    return _("Đã đưa yêu cầu thu hồi vào hàng đợi gửi. Từng nơi nhận sẽ trả lời đồng ý hoặc không.")


@pages.get("/van-ban-di/<document_id>/gui-them")
@open_to("clerk", "leader")
def receivers(document_id: str) -> str:
    """Choose further receivers."""
    return _form(document_id, None)


@pages.post("/van-ban-di/<document_id>/gui-them")
@open_to("clerk", "leader")
def add_receivers(document_id: str) -> Response | tuple[str, int]:
    """Send it to them too."""
    try:
        follow_ups.add_receivers(desk(), actor(), document_id, chosen(), request.form.get("reason", ""))
    except TramError as error:
        return _form(document_id, error), error.status
    flash(_("Đã đưa văn bản vào hàng đợi gửi tới nơi nhận mới; những nơi đã nhận được báo cập nhật."))
    return redirect(url_for("outgoing.show", document_id=document_id), 303)


@pages.post("/van-ban-di/<document_id>/lien-quan")
@open_to("clerk", "leader", "official")
@step
def link(document_id: str) -> str:
    """Say what a draft answers or replaces."""
    kind, _colon, other = request.form.get("related", "").partition(":")
    if kind == "answers" and other:
        links.answer(desk(), actor(), document_id, other)
        return _("Đã ghi văn bản đến mà dự thảo này trả lời.")
    if kind == "replaces" and other:
        links.replace_with(desk(), actor(), document_id, other)
        return _("Đã ghi văn bản mà dự thảo này thay thế.")
    raise BadInput(N_("Chưa chọn văn bản liên quan."), next_step=N_("Chọn một văn bản trong danh sách."))


@pages.get("/van-ban-den/yeu-cau")
@open_to("clerk", "leader", "auditor")
def requests() -> str:
    """Requests of senders that wait for the clerk's answer."""
    return render_template("incoming/requests.html", rows=recall_requests.waiting(desk().db, actor().organ_id))


def _form(document_id: str, error: TramError | None) -> str:
    document = outgoing.get(desk(), actor(), document_id)
    had = {row["organ_id"] for row in outgoing.recipients(desk().db, document_id)} | {document.organ_id}
    book = [entry for entry in organs.directory(desk().db) if entry[0].id not in had]
    return render_template(
        "outgoing/receivers.html",
        document=document,
        error=error,
        directory=sorted(book, key=lambda entry: fold(entry[0].name)),
        values={"recipient_ids": list(chosen()), "reason": request.form.get("reason", "")},
    )
