"""Văn bản đến: the list, the document's page and its steps, and what lies in quarantine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, NotFound, SignerError, TramError
from appliance.office import arrival, devices, incoming, organs, people, recall_requests
from appliance.office.desk import Actor
from appliance.office.encryption import is_closed
from appliance.office.incoming import TRANSITIONS, Incoming
from appliance.office.legal_value import legal_value, of_incoming
from appliance.regulation.rules import LEGAL_VALUE
from web import reading
from web.access import open_to
from web.context import actor, desk
from web.journal_words import ACTIONS
from web.paging import PER_PAGE, page_count, page_number
from web.related import related_incoming
from web.reports import verdict_news

pages = Blueprint("incoming", __name__)
READERS = ("clerk", "leader", "official", "auditor")
STEPS: dict[str, str] = {
    "arrive": N_("Văn bản đến trạm"),
    "duplicate": N_("Nhận trùng, không ghi thêm"),
    "accept": N_("Tiếp nhận, vào sổ"),
    "refuse": N_("Từ chối tiếp nhận"),
    "assign": N_("Lãnh đạo phân công"),
    "start": N_("Bắt đầu xử lý"),
    "finish": N_("Hoàn thành"),
    "answer_recall": N_("Trả lời yêu cầu lấy lại"),
    "answer_change": N_("Trả lời yêu cầu cập nhật, thay thế"),
    "verdict.change": N_("Kết quả kiểm tra chữ ký số thay đổi"),
    "verdict.seen": N_("Văn thư đã xem kết quả kiểm tra mới"),
}


@pages.get("/van-ban-den/")
@open_to(*READERS)
def index() -> str:
    """The list, with search and a filter by state."""
    query, state = request.args.get("tim", "").strip(), request.args.get("trang-thai", "")
    states = (state,) if state in incoming.STATES else ()
    page = page_number()
    rows, total = incoming.listing(desk(), actor(), states=states, query=query, page=page, per_page=PER_PAGE)
    template = "incoming/rows.html" if request.headers.get("HX-Target") == "danh-sach" else "incoming/index.html"
    return render_template(
        template, rows=rows, total=total, page=page, pages=page_count(total), query=query, state=state,
        states=incoming.STATES, now=desk().clock.now(), values=of_incoming(desk().db, (row.id for row in rows)),
    )  # fmt: skip


@pages.get("/van-ban-den/<document_id>")
@open_to(*READERS)
def show(document_id: str) -> str:
    """The document's one page."""
    return _page(incoming.get(desk(), actor(), document_id), None)


@pages.get("/cach-ly")
@open_to("clerk", "technician", "auditor")
def quarantine() -> str:
    """What came and could not be read."""
    return render_template("incoming/quarantine.html", rows=arrival.quarantined(desk()))


def step(view: Callable[[str], str]) -> Callable[[str], Response | tuple[str, int]]:
    """Run one step; then the document's page, with success or with what stopped it."""

    @wraps(view)
    def run(document_id: str) -> Response | tuple[str, int]:
        try:
            flash(view(document_id))
        except NotFound:
            raise
        except TramError as error:
            return _page(incoming.get(desk(), actor(), document_id), error), error.status
        return redirect(url_for("incoming.show", document_id=document_id), 303)

    return run


@pages.post("/van-ban-den/<document_id>/tiep-nhan")
@open_to("clerk")
@step
def accept(document_id: str) -> str:
    """Into the register."""
    incoming.accept(desk(), actor(), document_id)
    number = incoming.get(desk(), actor(), document_id).arrival_number
    return _("Đã tiếp nhận, số đến %(number)s. Đã báo nơi gửi.", number=number)


@pages.post("/van-ban-den/<document_id>/tu-choi")
@open_to("clerk")
@step
def refuse(document_id: str) -> str:
    """Refuse with a reason."""
    incoming.refuse(desk(), actor(), document_id, request.form.get("reason", ""))
    return _("Đã từ chối tiếp nhận và báo lý do cho nơi gửi.")


@pages.post("/van-ban-den/<document_id>/phan-cong")
@open_to("leader")
@step
def assign(document_id: str) -> str:
    """Give it to a person."""
    text = request.form.get("due", "")
    try:
        due = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(N_("Hạn xử lý không phải là ngày."), next_step=N_("Chọn lại ngày trên lịch.")) from error
    assignee = request.form.get("assignee_id", "")
    if not assignee:
        raise BadInput(N_("Chưa chọn người xử lý."), next_step=N_("Chọn một người trong danh sách."))
    incoming.assign(desk(), actor(), document_id, assignee, request.form.get("instruction", ""), due)
    return _("Đã phân công %(name)s.", name=people.get(desk().db, assignee).full_name)


@pages.post("/van-ban-den/<document_id>/bat-dau")
@open_to("clerk", "leader", "official")
@step
def start(document_id: str) -> str:
    """Begin."""
    incoming.start(desk(), actor(), document_id)
    return _("Đã chuyển sang đang xử lý.")


@pages.post("/van-ban-den/<document_id>/hoan-thanh")
@open_to("clerk", "leader", "official")
@step
def finish(document_id: str) -> str:
    """Done, with the result."""
    incoming.finish(desk(), actor(), document_id, request.form.get("result", ""))
    return _("Đã hoàn thành và báo nơi gửi.")


@pages.post("/van-ban-den/<document_id>/lay-lai")
@open_to("clerk")
@step
def answer_recall(document_id: str) -> str:
    """Agree that the sender takes the document back, updates or replaces it; or refuse."""
    choice, asked = request.form.get("answer", ""), request.form.get("request", "")
    if choice not in ("agree", "refuse"):
        raise BadInput(N_("Chưa chọn đồng ý hay không đồng ý."), next_step=N_("Bấm một trong hai nút."))
    reason = request.form.get("reason", "")
    recall_requests.answer(desk(), actor(), document_id, asked, agree=choice == "agree", reason=reason)
    return _("Đã trả lời và báo nơi gửi.")


def _doable(person: Actor, document: Incoming) -> list[str]:
    """Steps open to this person now, from the office's table; the office checks again."""
    task = ("start", "finish")
    return [
        action
        for action, transition in TRANSITIONS.items()
        if document.state in transition.sources
        and person.has(*transition.roles)
        and (action not in task or document.assignee_id == person.account_id)
    ]


def _page(document: Incoming, error: TramError | None) -> str:
    work = desk()
    rows = incoming.files(work.db, document.id)
    inside = {row["opened_of"]: row for row in rows if row["opened_of"] is not None}
    files = [
        {
            **row,
            "report": _report(row["signatures"]),
            "closed": is_closed(row["name"]),
            "opened": inside.get(row["position"]),
        }
        for row in rows
    ]
    return render_template(
        "incoming/show.html",
        document=document,
        error=error,
        files=files,
        paper=_paper(files),
        doable=_doable(actor(), document),
        warnings=json.loads(document.warnings),
        assignee=people.get(work.db, document.assignee_id) if document.assignee_id else None,
        staff=people.with_role(work.db, document.organ_id, "official", "clerk", "leader"),
        sender=organs.by_code(work.db, document.from_code),
        steps=_timeline(document.id),
        value=legal_value(files),
        value_rule=LEGAL_VALUE,
        changed=verdict_news(f"incoming:{document.id}"),
        alarms=_alarms(files),
        recalls=recall_requests.of_document(work.db, document),
        never_had=recall_requests.never_had(work.db, document),
        related=related_incoming(work, document),
        last_try=_last_try(document, error),
        now=work.clock.now(),
    )


def _last_try(document: Incoming, error: TramError | None) -> bool:
    """Whether opening with the organ's device has to be confirmed: one more wrong PIN may lock it."""
    device = devices.for_signing(desk().db, "organ", document.organ_id, None)
    refused = isinstance(error, SignerError) and error.code in ("last_try", "final_try")
    return refused or (device is not None and device.wrong_pins >= devices.WARN_AFTER_WRONG_PINS)


def _alarms(files: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Name and reasons of each file whose signatures do not hold."""
    return [
        (file["name"], list(dict.fromkeys([*filter(None, [file["report"].get("reason")]), *reasons])))
        for file in files
        if file["report"]["verdict"] == "invalid"
        for reasons in [[reason for one in file["report"]["signatures"] for reason in one["reasons"]]]
    ]


def _paper(files: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The PDF shown in the page: the one asked for (``?tep=1``), else the first; none in which malware was found."""
    fit = [row for row in files if row["media_type"] == "application/pdf" and row["scan"] in ("", "clean")]
    asked = [row for row in fit if str(row["position"]) == request.args.get("tep")]
    return next(iter([*asked, *fit]), None)


def _report(text: str) -> dict[str, Any]:
    """The stored validation report; older rows hold the bare list of signatures."""
    report = json.loads(text or "[]")
    if isinstance(report, list):
        return {"verdict": "unsigned" if not report else "", "signatures": report}
    return dict(report)


def _timeline(document_id: str) -> list[dict[str, Any]]:
    known = reading.names(desk().db)
    steps = []
    for entry in reading.history(desk().db, f"incoming:{document_id}"):
        action, detail = entry["action"].removeprefix("incoming."), json.loads(entry["detail"])
        steps.append(
            {
                "words": STEPS.get(action) or ACTIONS.get(entry["action"], entry["action"]),
                "who": known.get(entry["actor"], entry["actor"]),
                "at": entry["at"],
                "reason": detail.get("refusal_reason") or detail.get("instruction") or detail.get("result") or "",
                "number": detail.get("arrival_number"),
                "to": known.get(detail.get("assignee_id", ""), ""),
                "bad": action in ("refuse", "verdict.change"),
            }
        )
    return steps
