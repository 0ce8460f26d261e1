"""Kết quả kiểm tra chữ ký: the report of each file as a page and as a PDF to print, and a tool for any other PDF."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import N_, BadInput, NotFound
from appliance.office import evidence, evidence_state, incoming, organs, outgoing, verdicts
from appliance.typesetting import typeset
from web.access import open_to
from web.context import actor, desk
from web.reports import FileReport, checks, items, stored

pages = Blueprint("reports", __name__)
READERS = ("clerk", "leader", "official", "auditor")


@pages.get("/van-ban-den/<document_id>/tep/<int:position>/kiem-tra")
@open_to(*READERS)
def incoming_report(document_id: str, position: int) -> str:
    """One file of an incoming document."""
    return _page(
        _incoming_file(document_id, position),
        url_for("incoming.show", document_id=document_id),
        url_for("reports.incoming_paper", document_id=document_id, position=position),
    )


@pages.get("/van-ban-den/<document_id>/tep/<int:position>/kiem-tra.pdf")
@open_to(*READERS)
def incoming_paper(document_id: str, position: int) -> Response:
    """The same, to print."""
    return _paper(_incoming_file(document_id, position))


@pages.get("/van-ban-di/<document_id>/kiem-tra")
@open_to(*READERS)
def outgoing_report(document_id: str) -> str:
    """The newest form of an outgoing document."""
    return _page(
        _outgoing_file(document_id),
        url_for("outgoing.show", document_id=document_id),
        url_for("reports.outgoing_paper", document_id=document_id),
    )


@pages.get("/van-ban-di/<document_id>/kiem-tra.pdf")
@open_to(*READERS)
def outgoing_paper(document_id: str) -> Response:
    """The same, to print."""
    return _paper(_outgoing_file(document_id))


@pages.get("/van-ban-di/<document_id>/phu-luc/<annex_id>/kiem-tra")
@open_to(*READERS)
def annex_report(document_id: str, annex_id: str) -> str:
    """An annex in a file of its own."""
    return _page(
        _annex_file(document_id, annex_id),
        url_for("outgoing.show", document_id=document_id),
        url_for("reports.annex_paper", document_id=document_id, annex_id=annex_id),
    )


@pages.get("/van-ban-di/<document_id>/phu-luc/<annex_id>/kiem-tra.pdf")
@open_to(*READERS)
def annex_paper(document_id: str, annex_id: str) -> Response:
    """The same, to print."""
    return _paper(_annex_file(document_id, annex_id))


@pages.post("/van-ban-den/<document_id>/da-xem-ket-qua")
@open_to("clerk")
def confirm_incoming(document_id: str) -> BaseResponse:
    """The clerk has seen that the verdict became worse."""
    incoming.get(desk(), actor(), document_id)
    verdicts.confirm(desk(), actor(), f"incoming:{document_id}")
    flash(_("Đã ghi nhận anh/chị đã xem kết quả kiểm tra mới."))
    return redirect(url_for("incoming.show", document_id=document_id), 303)


@pages.post("/van-ban-di/<document_id>/da-xem-ket-qua")
@open_to("clerk")
def confirm_outgoing(document_id: str) -> BaseResponse:
    """Likewise for our own document."""
    outgoing.get(desk(), actor(), document_id)
    verdicts.confirm(desk(), actor(), f"outgoing:{document_id}")
    flash(_("Đã ghi nhận anh/chị đã xem kết quả kiểm tra mới."))
    return redirect(url_for("outgoing.show", document_id=document_id), 303)


@pages.get("/kiem-tra-chu-ky")
@open_to()
def tool() -> str:
    """Check any PDF: the form."""
    return render_template("report/tool.html", limit=desk().settings.max_upload_mb, error=None)


@pages.post("/kiem-tra-chu-ky")
@open_to()
def check() -> str | tuple[str, int]:
    """Check any PDF: the verdict. Nothing of the file is kept."""
    work, file = desk(), request.files.get("file")
    limit = work.settings.max_upload_mb
    try:
        if file is None or not file.filename:
            raise BadInput(N_("Chưa chọn tệp PDF."), next_step=N_("Chọn tệp PDF rồi bấm Kiểm tra lại."))
        data = file.stream.read((limit << 20) + 1)
        if len(data) > limit << 20:
            raise BadInput(N_("Tệp lớn hơn giới hạn %(limit)s MB."), limit=limit)
    except BadInput as error:
        return render_template("report/tool.html", limit=limit, error=error), error.status
    report = verdicts.judge(data, work.trust, work.clock.now())
    sha256, now = hashlib.sha256(data).hexdigest(), report["as_of"]
    found = FileReport(file.filename[-200:], sha256, len(data), report["verdict"], report, now, now)
    return _page(found, url_for("reports.tool"), "")


def _incoming_file(document_id: str, position: int) -> FileReport:
    incoming.get(desk(), actor(), document_id)
    file = next((f for f in incoming.files(desk().db, document_id) if f["position"] == position), None)
    if file is None or file["media_type"] != "application/pdf":
        raise NotFound(N_("Văn bản này không có tệp PDF đó."), next_step=N_("Quay lại trang văn bản."))
    if file["scan"] != "clean":
        raise NotFound(
            N_("Tệp chưa quét hoặc có mã độc nên chưa kiểm tra chữ ký số."), next_step=N_("Quay lại trang văn bản.")
        )
    return stored(f"incoming:{document_id}", file["sha256"], file["name"], file["size"])


def _outgoing_file(document_id: str) -> FileReport:
    document = outgoing.get(desk(), actor(), document_id)
    sha256 = document.current_sha256
    longer = evidence.newest(desk().db, sha256)  # the form with validation data and a time stamp, where there is one
    sha256 = longer.sha256 if longer else sha256
    return stored(f"outgoing:{document_id}", sha256, document.file_name, desk().blobs.path(sha256).stat().st_size)


def _annex_file(document_id: str, annex_id: str) -> FileReport:
    annex = outgoing.annex(desk(), actor(), document_id, annex_id)
    sha256 = annex.current_sha256
    longer = evidence.newest(desk().db, sha256)
    sha256 = longer.sha256 if longer else sha256
    return stored(f"annex:{annex_id}", sha256, annex.name, desk().blobs.path(sha256).stat().st_size)


def _page(found: FileReport, back: str, paper: str) -> str:
    return render_template(
        "report/show.html",
        found=found,
        lasting=evidence_state.of_file(desk().db, found.sha256),
        back=back,
        paper=paper,
        items=items,
        checks=checks,
        reasons=verdicts.REASONS,
    )


def _paper(found: FileReport) -> Response:
    """The report as an A4 PDF. Raises Unavailable when the file is lost."""
    organ = organs.get(desk().db, actor().organ_id)
    html = render_template(
        "report/paper.html",
        found=found,
        organ=organ,
        items=items,
        checks=checks,
        reasons=verdicts.REASONS,
        now=desk().clock.now(),
        printed_by=actor().full_name,
    )
    answer = Response(typeset(html), mimetype="application/pdf")
    answer.headers.set("Content-Disposition", "inline", filename=f"kiem-tra-chu-ky-{found.sha256[:12]}.pdf")
    return answer
