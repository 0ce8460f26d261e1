"""Văn bản đi: the list, the form and the document's page."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, TramError
from appliance.office import ladder, messages, organs, outgoing, people
from appliance.office.outgoing import Outgoing, OutgoingForm
from appliance.regulation import rules
from appliance.regulation.document_types import COMPETENCES
from appliance.store.text import fold
from web.access import open_to, passive
from web.areas import render_area
from web.context import actor, desk
from web.document import outgoing_page
from web.paging import PER_PAGE, page_count, page_number
from web.receivers import chosen
from web.related import marks
from web.signatures import report_of

pages = Blueprint("outgoing", __name__, url_prefix="/van-ban-di")
READERS = ("clerk", "leader", "official", "auditor")
WRITERS = ("clerk", "leader", "official")


@pages.get("/")
@open_to(*READERS)
def index() -> str:
    """The list, with search and a filter by state."""
    query, state = request.args.get("tim", "").strip(), request.args.get("trang-thai", "")
    states = (state,) if state in outgoing.STATES else ()
    page = page_number()
    rows, total = outgoing.listing(desk(), actor(), states=states, query=query, page=page, per_page=PER_PAGE)
    template = "outgoing/rows.html" if request.headers.get("HX-Target") == "danh-sach" else "outgoing/index.html"
    return render_template(
        template,
        rows=rows,
        reached={key: ladder.least(found) for key, found in ladder.standings(desk(), [row.id for row in rows]).items()},
        marks=marks(desk(), [row.id for row in rows]),
        total=total,
        page=page,
        pages=page_count(total),
        query=query,
        state=state,
        states=outgoing.STATES,
    )


@pages.get("/moi")
@open_to(*WRITERS)
def new() -> str:
    """An empty form."""
    return _form_page({"urgency": "0", "type_code": "cong-van"}, None, None)


@pages.post("/moi")
@open_to(*WRITERS)
def create() -> Response | tuple[str, int]:
    """Take the form and the PDF; the places found are shown next."""
    try:
        form = read_form()
        file = request.files.get("file")
        if file is None or not file.filename:
            raise BadInput(N_("Chưa chọn tệp PDF của văn bản."), next_step=N_("Chọn tệp PDF rồi bấm lưu lại."))
        document = outgoing.create(desk(), actor(), form, file.filename, file.stream)  # type: ignore[arg-type]
    except TramError as error:
        return _form_page(_typed(), None, error), error.status
    flash(_("Đã lưu dự thảo. Kiểm tra vị trí số, ngày, chữ ký và con dấu trên trang dưới đây."))
    return redirect(url_for("placement.form", document_id=document.id), 303)


@pages.get("/<document_id>")
@open_to(*READERS)
def show(document_id: str) -> str:
    """The document's one page."""
    return outgoing_page(outgoing.get(desk(), actor(), document_id))


@pages.get("/<document_id>/sua")
@open_to(*WRITERS)
def edit(document_id: str) -> str | Response:
    """The form with what was filled in; a typeset document's text, unless a file is to replace it (``?tep=1``)."""
    document = outgoing.get(desk(), actor(), document_id)
    if "tep" not in request.args and outgoing.text_of(desk().db, document):
        return redirect(url_for("texts.edit", document_id=document_id))
    return _form_page(_values(outgoing.form_of(desk(), document)), document, None)


@pages.post("/<document_id>/sua")
@open_to(*WRITERS)
def update(document_id: str) -> Response | tuple[str, int]:
    """Keep the changed fields, and the new PDF when one was chosen."""
    document = outgoing.get(desk(), actor(), document_id)
    try:
        file = request.files.get("file")
        if outgoing.text_of(desk().db, document) and not (file and file.filename):
            raise BadInput(
                N_("Văn bản này do trạm dàn trang: sửa ở trang soạn nội dung, hoặc chọn tệp PDF để thay."),
                next_step=N_("Chọn tệp PDF rồi bấm lưu lại, hoặc quay về trang soạn nội dung."),
            )
        outgoing.update(desk(), actor(), document_id, read_form())
        if file is not None and file.filename:
            outgoing.replace_file(desk(), actor(), document_id, file.filename, file.stream)  # type: ignore[arg-type]
            flash(_("Đã lưu dự thảo với tệp mới. Kiểm tra lại các vị trí trên trang dưới đây."))
            return redirect(url_for("placement.form", document_id=document_id), 303)
    except TramError as error:
        return _form_page(_typed(), document, error), error.status
    flash(_("Đã lưu dự thảo."))
    return redirect(url_for("outgoing.show", document_id=document_id), 303)


@pages.get("/<document_id>/chu-ky")
@open_to(*READERS)
def signatures(document_id: str) -> str:
    """The validation report of the newest file, as an area of the document's page."""
    document = outgoing.get(desk(), actor(), document_id)
    report = report_of(desk(), document.current_sha256)
    return render_area("part/signature_list.html", _("Chữ ký số"), report=report)


@pages.get("/<document_id>/noi-nhan")
@open_to(*READERS)
@passive
def recipients(document_id: str) -> str:
    """The recipients with their states, refreshing itself while something is under way."""
    document = outgoing.get(desk(), actor(), document_id)
    message = messages.for_outgoing(desk().db, document_id)
    found = messages.recipients(desk().db, message["id"]) if message else outgoing.recipients(desk().db, document_id)
    return render_area(
        "outgoing/recipients.html",
        _("Nơi nhận"),
        document=document,
        message=message,
        recipients=found,
        ladder=ladder.standings(desk(), [document_id]).get(document_id, ()),
        now=desk().clock.now(),
    )


def read_form() -> OutgoingForm:
    """The posted fields as the office's form. Raises BadInput for a date that is none."""
    posted = request.form
    due = posted.get("reply_due", "")
    try:
        reply_due = date.fromisoformat(due) if due else None
        urgency = int(posted.get("urgency", "0"))
    except ValueError as error:
        raise BadInput(
            N_("Ngày hạn trả lời hoặc độ khẩn không đúng dạng."),
            next_step=N_("Chọn lại ngày trên lịch (ngày/tháng/năm)."),
        ) from error
    return OutgoingForm(
        type_code=posted.get("type_code", ""),
        subject=posted.get("subject", ""),
        urgency=urgency,
        signer_id=posted.get("signer_id", ""),
        recipient_ids=chosen(),
        unit=posted.get("unit", ""),
        competence=posted.get("competence", ""),
        reply_due=reply_due,
        note=posted.get("note", ""),
        no_secret=posted.get("no_secret") == "1",
    )


def _typed() -> dict[str, Any]:
    """What was typed, to be shown again beside the error."""
    return {**request.form.to_dict(), "recipient_ids": list(chosen())}


def _values(form: OutgoingForm) -> dict[str, Any]:
    due = form.reply_due.isoformat() if form.reply_due else ""
    return {**vars(form), "urgency": str(form.urgency), "reply_due": due, "no_secret": ""}


def _form_page(values: dict[str, Any], document: Outgoing | None, error: TramError | None) -> str:
    db = desk().db
    return render_template(
        "outgoing/form.html",
        values=values,
        document=document,
        error=error,
        leaders=people.with_role(db, actor().organ_id, "leader"),
        directory=sorted(organs.directory(db, besides=actor().organ_id), key=lambda entry: fold(entry[0].name)),
        competences=COMPETENCES,
        secrets=rules.NO_SECRETS,
        limit=desk().settings.max_upload_mb,
    )
