"""Who may open which page. Every view declares it; one that does not is refused to everybody.

Office functions check roles again: this layer only keeps strangers out and the menu honest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, flash, g, redirect, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import N_, NotAllowed
from appliance.office import notices, organs, people
from appliance.office.desk import Actor
from web.context import desk
from web.sessions import StoredSession

View = TypeVar("View", bound=Callable[..., Any])
EVERYBODY = frozenset(people.ROLES)


def public(view: View) -> View:
    """A page for people who have not logged in."""
    view.tram_roles = None  # type: ignore[attr-defined]
    return view


def open_to(*roles: str) -> Callable[[View], View]:
    """A page for people holding any of ``roles`` in the organ they act in; without roles, for all who logged in."""

    def mark(view: View) -> View:
        view.tram_roles = frozenset(roles) or EVERYBODY  # type: ignore[attr-defined]
        return view

    return mark


def passive(view: View) -> View:
    """A status area that refreshes itself: looking at it does not keep an abandoned session alive."""
    view.tram_passive = True  # type: ignore[attr-defined]
    return view


def log_in_session(account_id: str, organ_id: str) -> None:
    """Start the session of a person: a new token, nothing kept of what was there before."""
    stored = _stored()
    language = stored.get("locale")
    stored.renew()
    stored.clear()
    stored["account_id"], stored["organ_id"] = account_id, organ_id
    if language:
        stored["locale"] = language


def log_out_session() -> None:
    """End the session; its row goes away with the answer."""
    _stored().clear()


def current() -> Actor | None:
    """The logged-in person in the organ chosen, or None. A closed account or lost membership ends the session."""
    account_id, organ_id = session.get("account_id"), session.get("organ_id")
    if not account_id or not organ_id:
        return None
    try:
        return people.actor(desk().db, account_id, organ_id)
    except NotAllowed:
        log_out_session()
        return None


def init_access(app: Flask) -> None:
    """Check the declared roles before every view."""

    @app.before_request
    def check() -> BaseResponse | None:
        if request.endpoint == "static":
            return None
        if (failure := _stored().failure) is not None:
            raise failure
        g.actor = found = current()
        if request.endpoint is None:
            return None  # no such page: said inside the frame the person knows
        view = app.view_functions[request.endpoint]
        if getattr(view, "tram_passive", False):
            _stored().passive = True
        roles: frozenset[str] | None = getattr(view, "tram_roles", frozenset())
        if roles is None:
            return None
        if found is None:
            return _to_log_in()
        if not found.roles & roles:
            raise NotAllowed(
                N_("Trang này không thuộc phần việc của bạn."),
                next_step=N_("Về trang Việc của tôi; nếu cần quyền này, đề nghị kỹ thuật viên phân vai trò."),
            )
        return None

    @app.context_processor
    def people_and_organs() -> dict[str, Any]:
        found: Actor | None = g.get("actor")
        if found is None:
            return {"me": None}
        db = desk().db
        mine = [organs.get(db, organ_id) for organ_id in people.memberships(db, found.account_id)]
        return {
            "me": found,
            "my_organs": mine,
            "my_organ": organs.get(db, found.organ_id),
            "ROLES": people.ROLES,
            **_unread(found),
        }


def _unread(found: Actor) -> dict[str, Any]:
    """How many notices the head of the page speaks of."""
    return {"unread_notices": len(notices.unread(desk().db, found))}


def _to_log_in() -> BaseResponse:
    """The log-in page, and from there back to the page that was asked for."""
    target = request.full_path.rstrip("?") if request.method == "GET" and not request.headers.get("HX-Request") else ""
    address = url_for("login.form", tiep=target or None)
    if request.method != "GET":
        flash(_("Phiên làm việc đã hết hạn nên thao tác chưa được thực hiện. Đăng nhập rồi làm lại."), "wait")
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address, 303)


def _stored() -> StoredSession:
    assert isinstance(session._get_current_object(), StoredSession)  # type: ignore[attr-defined]
    return session  # type: ignore[return-value]
