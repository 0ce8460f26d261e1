"""Log-in, log-out and the choice of the organ one acts in."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import N_, NotAllowed, TramError
from appliance.office import organs, people
from appliance.store import facts
from web.access import log_in_session, log_out_session, open_to, public
from web.context import actor, desk

pages = Blueprint("login", __name__)


@pages.get("/dang-nhap")
@public
def form() -> BaseResponse | str:
    """The log-in form; who is logged in already goes on."""
    if g.actor is not None:
        return redirect(_local(request.args.get("tiep", "")), 303)
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and "tu_ngoai" not in request.args:
        # A link from a mail or a chat: the strict cookie was not sent along. Ask again from our own page, so that a
        # person who is logged in is not shown the log-in form (and given a new, empty session).
        again = url_for("login.form", tiep=request.args.get("tiep") or None, tu_ngoai="1")
        return Response(render_template("login/again.html", again=again))
    return _page(None, "")


@pages.post("/dang-nhap")
@public
def submit() -> BaseResponse | tuple[str, int]:
    """Check name and password; the session gets a new token."""
    username = request.form.get("username", "")
    try:
        account = people.log_in(desk(), username, request.form.get("password", ""), request.remote_addr or "")
        belongs = people.memberships(desk().db, account.id)
        if not belongs:
            raise NotAllowed(
                N_("Tài khoản chưa được gán vào cơ quan nào."),
                next_step=N_("Báo kỹ thuật viên phân vai trò cho tài khoản."),
            )
    except TramError as error:
        return _page(error, username), error.status
    log_in_session(account.id, first_organ(account.id, list(belongs)))
    return redirect(_local(request.form.get("tiep", "")), 303)


@pages.post("/dang-xuat")
@open_to()
def leave() -> BaseResponse:
    """End the session."""
    log_out_session()
    flash(_("Bạn đã đăng xuất."), "info")
    return redirect(url_for("login.form"), 303)


@pages.post("/co-quan")
@open_to()
def choose_organ() -> BaseResponse:
    """Act in another organ this account belongs to. Raises NotAllowed for a foreign one."""
    found = people.actor(desk().db, actor().account_id, request.form.get("organ_id", ""))
    session["organ_id"] = found.organ_id
    facts.put(desk().db, _chosen(found.account_id), found.organ_id)
    return redirect(url_for("home.mine"), 303)


def first_organ(account_id: str, belongs: list[str]) -> str:
    """Where a person starts: the organ chosen last, else the one highest up (the shortest code)."""
    last = facts.get(desk().db, _chosen(account_id))
    if last in belongs:
        return last
    codes = {organ.id: code for organ, code in organs.directory(desk().db)}
    return min(belongs, key=lambda organ_id: (len(codes.get(organ_id, "?" * 99)), codes.get(organ_id, "")))


def _chosen(account_id: str) -> str:
    return f"web:organ:{account_id}"


def _page(error: TramError | None, username: str) -> str:
    target = request.values.get("tiep", "")
    return render_template("login/form.html", error=error, username=username, target=target)


def _local(target: str) -> str:
    """``target`` when it is a page of ours, the first page otherwise: no open redirect."""
    parts = urlsplit(target)
    if (
        target.startswith("/")
        and not target.startswith("//")
        and "\\" not in target
        and not (parts.netloc or parts.scheme)
    ):
        return target
    return url_for("home.mine")
