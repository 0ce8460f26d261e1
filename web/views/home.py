"""Việc của tôi: what waits for this person, and whether the box itself is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_
from appliance.office import deadlines, incoming, outgoing, recall_requests, verdicts
from appliance.office.desk import Actor, Desk
from web.access import open_to, passive
from web.areas import render_area
from web.context import actor, desk
from web.lights import lights
from web.reading import late_messages

pages = Blueprint("home", __name__)
_MOST = 200  # of one kind; nobody reads more on a first page


@dataclass(frozen=True)
class Pile:
    """One kind of work: its name, what to do with it, and the documents, most pressing first."""

    key: str
    words: str
    kind: str
    documents: list[Any]


@pages.get("/")
@open_to()
def mine() -> str | Response:
    """What waits for me; the technician's first page is the state of the box."""
    person, work = actor(), desk()
    if person.roles <= {"technician"}:
        return redirect(url_for("system.index"))
    piles = [pile for pile in _piles(work, person) if pile.documents]
    now = work.clock.now()
    late = late_messages(work.db, person.organ_id, now.isoformat()) if person.has("clerk", "leader") else 0
    soon = deadlines.soon(work, person.organ_id) if person.has("clerk", "leader") else 0
    courier = "courier.index" in current_app.view_functions and person.has("clerk")
    return render_template("home/mine.html", piles=piles, now=now, late=late, soon=soon, courier=courier)


@pages.get("/trang-thai")
@open_to()
@passive
def state() -> str:
    """Line, clock, signer and scanner as cards; an area of the first page that refreshes itself."""
    return render_area("part/lights.html", _("Tình trạng của trạm"), lights=lights(desk(), actor()))


def _piles(work: Desk, person: Actor) -> list[Pile]:
    piles: list[Pile] = []
    if person.has("leader"):
        mine = [d for d in _outgoing(work, person, "submitted") if d.signer_id == person.account_id]
        piles.append(Pile("to-sign", N_("Chờ tôi ký"), "out", mine))
        piles.append(Pile("to-assign", N_("Văn bản đến chờ phân công"), "in", _incoming(work, person, "accepted")))
    if person.has("clerk"):
        piles += _worse(work, person)
        piles.append(Pile("asked", N_("Yêu cầu của nơi gửi chờ trả lời"), "in", _asked_back(work, person)))
        piles.append(Pile("arrived", N_("Văn bản đến chờ tiếp nhận"), "in", _incoming(work, person, "arrived")))
        piles.append(
            Pile("to-seal", N_("Chờ lấy số và đóng dấu"), "out", _outgoing(work, person, "signed", "numbered"))
        )
        piles.append(Pile("to-issue", N_("Chờ phát hành"), "out", _outgoing(work, person, "sealed")))
    tasks = [d for d in _incoming(work, person, "assigned", "in_progress") if d.assignee_id == person.account_id]
    piles.append(Pile("tasks", N_("Việc được giao cho tôi"), "in", tasks))
    for state, words in (("returned", N_("Dự thảo bị trả lại")), ("drafting", N_("Dự thảo đang soạn"))):
        drafts = [d for d in _outgoing(work, person, state) if d.drafter_id == person.account_id]
        piles.append(Pile(state, words, "out", drafts))
    return piles


def _asked_back(work: Desk, person: Actor) -> list[incoming.Incoming]:
    """Incoming documents that their senders want back, or that update or replace others, until the clerk answers."""
    ids = dict.fromkeys(one for _ask, one, *_names in recall_requests.waiting(work.db, person.organ_id) if one)
    return [incoming.get(work, person, one) for one in list(ids)[:_MOST]]


def _worse(work: Desk, person: Actor) -> list[Pile]:
    """Documents whose signatures were found worse in a later check, until the clerk says so."""
    words = N_("Kết quả kiểm tra chữ ký đã thay đổi")
    came, went = (verdicts.unseen_documents(work.db, kind, person.organ_id) for kind in ("incoming", "outgoing"))
    return [
        Pile("worse-in", words, "in", [incoming.get(work, person, one) for one in came[:_MOST]]),
        Pile("worse-out", words, "out", [outgoing.get(work, person, one) for one in went[:_MOST]]),
    ]


def _outgoing(work: Desk, person: Actor, *states: str) -> list[outgoing.Outgoing]:
    if not person.has("clerk", "leader", "official"):
        return []
    rows, _rest = outgoing.listing(work, person, states=states, per_page=_MOST)
    return sorted(rows, key=lambda d: (-d.urgency, d.updated_at))


def _incoming(work: Desk, person: Actor, *states: str) -> list[incoming.Incoming]:
    if not person.has("clerk", "leader", "official"):
        return []
    rows, _rest = incoming.listing(work, person, states=states, per_page=_MOST)
    return sorted(rows, key=lambda d: (-d.urgency, d.task_due or "9", d.received_at))
