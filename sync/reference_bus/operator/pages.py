"""The pages where one plays the province or another commune, and breaks the line."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from appliance.clock import VN
from appliance.errors import N_, BadInput
from sync.edxml.model import BadPackage, ReadDocument, ReadFile
from sync.edxml.reader import read_package
from sync.reference_bus import statuses, views
from sync.reference_bus.conditions import Conditions
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.line import Line
from sync.reference_bus.operator.courier_pages import add_courier_pages
from sync.reference_bus.operator.fault_pages import add_fault_pages, fault_words
from sync.reference_bus.operator.faults import PRESETS, describe, from_form
from sync.reference_bus.operator.forms import TYPES, URGENCIES, letter_from, uploaded
from sync.reference_bus.operator.organ_pages import add_organ_pages, get_organ, page_number
from sync.reference_bus.operator.wording import add_wording
from sync.reference_bus.players import Players
from sync.reference_bus.problems import NoSuchThing

_ANSWERS = ("01", "02", "03", "05", "06")
_NOTICES = {
    "sent": "Đã gửi văn bản lên trục.",
    "answered": "Đã gửi trạng thái cho nơi gửi văn bản.",
    "repeated": "Trạng thái này đã gửi trước đó, trục không gửi lần nữa.",
    "line": "Đã đổi đường truyền.",
    "fault-on": "Đã bật lỗi.",
    "fault-off": "Đã tắt lỗi.",
    "organ": "Đã ghi vào danh bạ.",
    "loaded": "Đã nạp tệp danh bạ.",
    "conditions": "Đã đổi tình trạng máy của trục.",
    "settings": "Đã đổi cách trả lời của các đơn vị mô phỏng.",
}
_REFRESH_SECONDS = 5
_FEW_ORGANS = 20
"""Up to here organs are shown as a whole: on the overview, and as boxes to tick."""


def create_pages(exchange: Exchange, line: Line, players: Players, conditions: Conditions) -> Blueprint:
    """The pages below /."""
    pages = Blueprint("pages", __name__)
    add_wording(pages)
    _add_common(pages, exchange, line, conditions)
    _add_overview(pages, exchange, line, players)
    _add_organ(pages, exchange, players)
    _add_delivery(pages, exchange, players)
    add_organ_pages(pages, exchange)
    add_fault_pages(pages, exchange, conditions)
    add_courier_pages(pages, exchange)
    return pages


def _add_common(pages: Blueprint, exchange: Exchange, line: Line, conditions: Conditions) -> None:
    @pages.app_context_processor
    def common() -> dict[str, object]:
        live = request.args.get("live") == "1"
        return {
            "bus_name": exchange.config.name,
            "line_words": describe(line.faults),
            "fault_words": conditions.words() + fault_words(exchange.faults),
            "notice": _NOTICES.get(request.args.get("done", "")),
            "refresh": _REFRESH_SECONDS if live else None,
        }


def _add_overview(pages: Blueprint, exchange: Exchange, line: Line, players: Players) -> None:
    @pages.get("/")
    def overview() -> str:
        return render_template(
            "overview.html",
            organs=_busiest(exchange),
            all_organs=len(exchange.directory.organs),
            letters=views.sent(exchange).rows[:15],
            faults=asdict(line.faults),
            traffic=line.traffic,
            presets=PRESETS,
            auto_answer=players.auto_answer,
        )

    @pages.post("/line")
    def set_line() -> BaseResponse:
        line.switch(from_form(request.form))
        return redirect(url_for("pages.overview", done="line"))

    @pages.post("/settings")
    def set_settings() -> BaseResponse:
        players.auto_answer = request.form.get("auto_answer") == "1"
        return redirect(url_for("pages.overview", done="settings"))


def _add_organ(pages: Blueprint, exchange: Exchange, players: Players) -> None:
    @pages.get("/organs/<code>")
    def organ(code: str) -> str:
        found = get_organ(exchange, code)
        return render_template("organ.html", organ=found, page=views.arrived(exchange, found.code, page_number()))

    @pages.get("/organs/<code>/sent")
    def organ_sent(code: str) -> str:
        found = get_organ(exchange, code)
        return render_template("organ_sent.html", organ=found, page=views.sent(exchange, found.code, page_number()))

    @pages.get("/organs/<code>/send")
    def send_form(code: str) -> str:
        return _send_page(exchange, players.organ(code))

    @pages.post("/organs/<code>/send")
    def send(code: str) -> BaseResponse | tuple[str, int]:
        found = players.organ(code)
        try:
            name, stream = uploaded(request.files.get("file"))
            players.send(found, letter_from(request.form, found), name, stream)
        except BadInput as error:
            return _send_page(exchange, found, request.form, error), error.status
        return redirect(url_for("pages.organ_sent", code=found.code, done="sent"))


def _add_delivery(pages: Blueprint, exchange: Exchange, players: Players) -> None:
    @pages.get("/deliveries/<doc_id>")
    def delivery(doc_id: str) -> str:
        return _delivery_page(exchange, doc_id)

    @pages.post("/deliveries/<doc_id>/status")
    def answer(doc_id: str) -> BaseResponse | tuple[str, int]:
        row = views.delivery(exchange, doc_id)
        try:
            organ = players.organ(row["organ"])
            done = players.answer(organ, doc_id, request.form.get("code", ""), request.form.get("description", ""))
        except BadInput as error:
            return _delivery_page(exchange, doc_id, error), error.status
        return redirect(url_for("pages.delivery", doc_id=doc_id, done="answered" if done.new else "repeated"))

    @pages.get("/deliveries/<doc_id>/package")
    def package(doc_id: str) -> Response:
        row = views.delivery(exchange, doc_id)
        path = exchange.store.blobs.path(row["sha256"])
        return send_file(path, mimetype="application/octet-stream", as_attachment=True, download_name=f"{doc_id}.edxml")

    @pages.get("/deliveries/<doc_id>/files/<int:number>")
    def file(doc_id: str, number: int) -> Response:
        files, _ = _files(exchange, views.delivery(exchange, doc_id))
        if number >= len(files):
            raise NoSuchThing(N_("Gói tin không có tệp này."))
        found = files[number]
        kind = "application/pdf" if found.media_type == "application/pdf" else "application/octet-stream"
        path = exchange.store.blobs.path(found.sha256)
        return send_file(path, mimetype=kind, as_attachment=True, download_name=found.name)


def _busiest(exchange: Exchange) -> list[dict[str, object]]:
    """All organs of a small directory; of a province the ones with most packages waiting."""
    organs = views.counts(exchange, exchange.directory.organs)
    if len(organs) <= _FEW_ORGANS:
        return organs
    return sorted(organs, key=lambda organ: (-organ["waiting"], -organ["received"], organ["code"]))[:_FEW_ORGANS]


def _send_page(
    exchange: Exchange, organ: OrganEntry, form: MultiDict[str, str] | None = None, error: BadInput | None = None
) -> str:
    others = [other for other in exchange.directory.organs if other.code != organ.code]
    if form is None:
        today = datetime.now(VN).date().isoformat()
        values = {"number": str(views.sent_count(exchange, organ.code) + 1), "issue_date": today, "urgency": "0"}
        form = MultiDict(values | {"notation": organ.notation, "place": organ.place, "type_name": TYPES[0]})
        form.update({"signer_name": organ.signer_name, "signer_position": organ.signer_position})
        form.setlist("to", [other.code for other in others if not other.virtual][:1])
    return render_template(
        "send.html",
        organ=organ,
        others=sorted(others, key=lambda other: other.virtual) if len(others) <= _FEW_ORGANS else [],
        form=form,
        chosen=form.getlist("to"),
        error=error,
        types=TYPES,
        urgencies=URGENCIES,
        default_pdf=exchange.config.default_pdf,
    )


def _delivery_page(exchange: Exchange, doc_id: str, error: BadInput | None = None) -> str:
    row = views.delivery(exchange, doc_id)
    recipient = exchange.directory.find(row["organ"])
    files, trouble = _files(exchange, row)
    return render_template(
        "delivery.html",
        row=row,
        files=files,
        trouble=trouble,
        history=views.history(exchange, doc_id),
        playable=recipient is not None and recipient.virtual and row["kind"] == "edoc" and not row.header.problem,
        answers=[(code, statuses.name(code)) for code in _ANSWERS],
        error=error,
    )


def _files(exchange: Exchange, row: views.Row) -> tuple[tuple[ReadFile, ...], str]:
    """The attachments of a delivery's package, and why they cannot be read where that is so."""
    try:
        package = read_package(exchange.store.blobs.path(row["sha256"]), exchange.store.blobs)
    except BadPackage as error:
        return (), str(error)
    return (package.files if isinstance(package, ReadDocument) else ()), ""
