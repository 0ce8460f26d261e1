"""The bytes of documents: shown in the page, or downloaded under their Vietnamese name."""

from __future__ import annotations

from flask import Blueprint, Response, request, send_file

from appliance.errors import N_, NotFound
from appliance.office import incoming, outgoing
from web.access import open_to
from web.context import actor, desk
from web.reading import message

pages = Blueprint("files", __name__)


@pages.get("/van-ban-di/<document_id>/tep")
@open_to("clerk", "leader", "official", "auditor")
def outgoing_file(document_id: str) -> Response:
    """The newest form of an outgoing document."""
    document = outgoing.get(desk(), actor(), document_id)
    name = document.file_name if not document.code else f"{document.code.replace('/', '-')} {document.file_name}"
    return send(document.current_sha256, name, "application/pdf")


@pages.get("/van-ban-di/<document_id>/phu-luc/<annex_id>/tep")
@open_to("clerk", "leader", "official", "auditor")
def annex_file(document_id: str, annex_id: str) -> Response:
    """The newest form of an annex."""
    annex = outgoing.annex(desk(), actor(), document_id, annex_id)
    return send(annex.current_sha256, annex.name, "application/pdf")


@pages.get("/van-ban-den/<document_id>/tep/<int:position>")
@open_to("clerk", "leader", "official", "auditor")
def incoming_file(document_id: str, position: int) -> Response:
    """One attachment of an incoming document; one in which malware was found is never handed out."""
    incoming.get(desk(), actor(), document_id)
    file = next((f for f in incoming.files(desk().db, document_id) if f["position"] == position), None)
    if file is None:
        raise NotFound(N_("Văn bản này không có tệp đó."), next_step=N_("Quay lại trang văn bản."))
    if file["scan"] not in ("", "clean"):
        raise NotFound(
            N_("Tệp này có mã độc (%(name)s) nên không được mở."),
            next_step=N_("Báo nơi gửi gửi lại bản sạch; báo kỹ thuật viên."),
            name=file["scan"],
        )
    return send(file["sha256"], file["name"], file["media_type"])


@pages.get("/hang-doi/<message_id>/bien-nhan")
@open_to("clerk", "leader", "technician", "auditor")
def receipt(message_id: str) -> Response:
    """The bus's receipt, as it came."""
    row = message(desk().db, actor(), message_id)
    if not row["receipt_sha256"]:
        raise NotFound(N_("Trục chưa trả biên nhận cho gói tin này."), next_step=N_("Đợi trạm gửi xong."))
    return send(row["receipt_sha256"], f"bien-nhan-{message_id}.jws", "application/jose")


def send(sha256: str, name: str, media_type: str) -> Response:
    """Only a PDF may show in the page; everything else is saved, so that a stranger's HTML never runs here."""
    inline = media_type == "application/pdf" and "tai-ve" not in request.args
    path = desk().blobs.path(sha256)
    if not path.is_file():
        raise NotFound(N_("Tệp không còn trong kho."), next_step=N_("Báo kỹ thuật viên khôi phục từ bản sao lưu."))
    return send_file(
        path,
        mimetype=media_type if media_type in ("application/pdf", "application/json") else "application/octet-stream",
        as_attachment=not inline,
        download_name=name,
        conditional=True,
        etag=sha256,
        max_age=0,
    )
