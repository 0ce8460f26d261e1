"""Hàng đợi gửi: every package on its way, what happens next to it and when, and what people may do about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, NotFound, TramError
from appliance.office import courier, line, messages, queue_actions
from appliance.office.desk import Correction
from appliance.office.queue_plan import plan
from appliance.regulation.document_types import URGENCY
from appliance.regulation.rules import SEND_BY
from web.access import open_to, passive
from web.context import actor, desk
from web.formats import moment, span
from web.paging import PER_PAGE, page_count, page_number
from web.reading import message, names

pages = Blueprint("queue", __name__, url_prefix="/hang-doi")
READERS = ("clerk", "leader", "technician", "auditor")
Row = dict[str, Any]


@pages.get("/")
@open_to(*READERS)
def index() -> str:
    """The queue."""
    return _list("queue/index.html")


@pages.get("/bang")
@open_to(*READERS)
@passive
def rows() -> str:
    """The table alone, refreshing itself."""
    return _list("queue/rows.html")


@pages.get("/<message_id>")
@open_to(*READERS)
def show(message_id: str) -> str:
    """One package: what is next, recipients, attempts, receipt, and what may be done."""
    return _show(message_id)


@pages.post("/<message_id>/gui")
@open_to(*queue_actions.ACTORS)
def send(message_id: str) -> Response | tuple[str, int]:
    """Due at once."""
    return _act(message_id, lambda: queue_actions.send_now(desk(), actor(), message_id), _("Trạm gửi gói này ngay."))


@pages.post("/<message_id>/giu")
@open_to(*queue_actions.ACTORS)
def hold(message_id: str) -> Response | tuple[str, int]:
    """Put aside, with the reason."""
    reason = request.form.get("reason", "")
    return _act(
        message_id, lambda: queue_actions.hold(desk(), actor(), message_id, reason=reason), _("Đã tạm giữ gói tin.")
    )


@pages.post("/<message_id>/thoi-giu")
@open_to(*queue_actions.ACTORS)
def release(message_id: str) -> Response | tuple[str, int]:
    """Back into the queue."""
    return _act(
        message_id,
        lambda: queue_actions.release(desk(), actor(), message_id),
        _("Gói tin đã trở lại hàng đợi và được gửi theo độ khẩn."),
    )


@pages.get("/<message_id>/sua")
@open_to(*queue_actions.ACTORS)
def correction(message_id: str) -> str:
    """The form to put a rejected or held package right."""
    found = message(desk().db, actor(), message_id)
    codes = [row["code"] for row in messages.recipients_in_order(desk().db, message_id)]
    values = {"recipients": "\n".join(codes), "urgency": found["priority"], "subject": found["title"], "reason": ""}
    return _form(found, values, None)


@pages.post("/<message_id>/sua")
@open_to(*queue_actions.ACTORS)
def correct(message_id: str) -> Response | tuple[str, int]:
    """Send it as another package; the old one stays as history."""
    work, person, posted = desk(), actor(), request.form
    found = message(work.db, person, message_id)
    try:
        change = _correction(found)
        new = queue_actions.correct(work, person, message_id, change, reason=posted.get("reason", ""))
    except NotFound:
        raise
    except TramError as error:
        return _form(found, posted.to_dict(), error), error.status
    flash(_("Đã lập gói tin thay thế và đưa vào hàng đợi; gói tin cũ được giữ để tra cứu."))
    return redirect(url_for("queue.show", message_id=new), 303)


@pages.post("/ket-noi/noi-lai")
@open_to("technician")
def resume() -> Response:
    """The technician has put right what made the bus refuse this box."""
    line.resume(desk(), actor())
    flash(_("Đã nối lại kết nối với trục; trạm gửi tiếp ngay."))
    return redirect(url_for("queue.index"), 303)


def _correction(found: Row) -> Correction:
    """What the form changes; what it leaves as it was stays out of it. Raises BadInput."""
    db, posted = desk().db, request.form
    old = [row["code"] for row in messages.recipients_in_order(db, found["id"])]
    codes = posted.get("recipients", "").replace(",", " ").replace(";", " ").split()
    urgency, subject = posted.get("urgency", ""), posted.get("subject", "").strip()
    if urgency not in {str(level) for level in range(len(URGENCY))}:
        raise BadInput(N_("Độ khẩn không hợp lệ."), next_step=N_("Chọn độ khẩn trong danh sách."))
    return Correction(
        queue_actions.receivers(desk(), codes) if codes != old else (),
        int(urgency) if int(urgency) != found["priority"] else None,
        subject if subject != found["title"] else "",
    )


def _act(message_id: str, action: Any, done: str) -> Response | tuple[str, int]:
    try:
        action()
    except NotFound:
        raise
    except TramError as error:
        return _show(message_id, error), error.status
    flash(done)
    return redirect(url_for("queue.show", message_id=message_id), 303)


def _show(message_id: str, error: TramError | None = None) -> str:
    work = desk()
    found = message(work.db, actor(), message_id)
    before, after = messages.chain(work.db, found)
    return render_template(
        "queue/show.html",
        message=found,
        next=_next(found),
        before=before,
        loaded=bool(courier.loads(work.db, message_id)),
        after=after,
        names=names(work.db),
        may=queue_actions.allowed(work.db, found),
        actors=queue_actions.ACTORS,
        recipients=messages.recipients(work.db, message_id),
        attempts=messages.attempts(work.db, message_id),
        rule=SEND_BY,
        now=work.clock.now(),
        error=error,
    )


def _form(found: Row, values: dict[str, Any], error: TramError | None) -> str:
    return render_template(
        "queue/correct.html",
        message=found,
        values=values,
        recipients=messages.recipients_in_order(desk().db, found["id"]),
        loaded=bool(courier.loads(desk().db, found["id"])),
        error=error,
    )


def _list(template: str) -> str:
    kind = request.args.get("loai", "edoc")
    kind = kind if kind in ("edoc", "status", "") else "edoc"
    lane = "open" if request.args.get("con-lai") == "1" else request.args.get("ngan", "")
    lane = lane if lane in messages.LANES else ""
    query, page, work = request.args.get("tim", "")[:200], page_number(), desk()
    found, total = messages.queue(
        work.db, actor().organ_id, kind=kind, lane=lane, query=query, now=work.clock.now().isoformat(), page=page,
        per_page=PER_PAGE,
    )  # fmt: skip
    return render_template(
        template,
        rows=[{**row, "recipients": messages.recipients(work.db, row["id"]), "next": _next(row)} for row in found],
        total=total,
        page=page,
        pages=page_count(total),
        kind=kind,
        lane=lane,
        lanes=messages.LANES,
        query=query,
        pause=line.paused(work.db),
        rule=SEND_BY,
        now=work.clock.now(),
    )


def _next(row: Row) -> str:
    """The plan in the reader's words; the time alone for today."""
    work = desk()
    now = work.clock.now()
    found = plan(row, line.read(work.db), line.paused(work.db), now)
    if found.at is None:
        return _(found.words)
    return _(found.words) % {"at": _hour(found.at, now), "left": span(found.at - now)}


def _hour(at: datetime, now: datetime) -> str:
    return at.strftime("%H:%M") if at.date() == now.date() else moment(at)
