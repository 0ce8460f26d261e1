"""The page of faults on purpose: what is on, what can be switched on, and what a box should come to."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import N_, BadInput
from sync.reference_bus.conditions import Conditions
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.faults import KINDS, Switchboard

_PLACES = {
    "send": ("Gửi gói tin lên trục", "PUT", "/v1/messages/*"),
    "chunk": ("Tải lên từng đoạn", "PATCH", "/v1/uploads/*"),
    "list": ("Xem hộp đến", "GET", "/v1/inbox"),
    "fetch": ("Tải nội dung về", "GET", "/v1/inbox/*/content"),
    "ack": ("Báo đã nhận", "PUT", "/v1/inbox/*/ack"),
    "all": ("Mọi yêu cầu", "*", "*"),
}


def fault_words(board: Switchboard) -> list[str]:
    """The faults that are on, a sentence each."""
    words = []
    for fault in board.state():
        many = f"{fault['times']} yêu cầu tới" if fault["times"] else "mọi yêu cầu"
        words.append(f"{KINDS[str(fault['kind'])].label}: {many} ({fault['method']} {fault['path']}).")
    return words


def add_fault_pages(pages: Blueprint, exchange: Exchange, conditions: Conditions) -> None:
    """/faults and its forms."""

    def page(error: BadInput | None = None) -> str:
        return render_template(
            "faults.html",
            kinds=KINDS.values(),
            places=_PLACES,
            on=exchange.faults.state(),
            names={kind.slug: kind.label for kind in KINDS.values()},
            conditions=conditions.state(),
            condition_words=conditions.words(),
            certificates=conditions.certificates(),
            form=request.form,
            error=error,
        )

    @pages.get("/faults")
    def faults() -> str:
        return page()

    @pages.post("/faults")
    def switch_fault() -> BaseResponse | tuple[str, int]:
        try:
            if "off" in request.form:
                exchange.faults.remove(_number("off"))
                return redirect(url_for("pages.faults", done="fault-off"))
            if request.form.get("place") not in _PLACES:
                raise BadInput(N_("Chưa chọn yêu cầu nào bị lỗi."))
            _, method, path = _PLACES[request.form["place"]]
            given = {"value": _number("value")} if request.form.get("value", "").strip() else {}
            exchange.faults.add(
                {"kind": request.form.get("kind"), "method": method, "path": path, "times": _number("times"), **given}
            )
        except BadInput as error:
            return page(error), error.status
        return redirect(url_for("pages.faults", done="fault-on"))

    @pages.post("/faults/clear")
    def clear_faults() -> BaseResponse:
        exchange.faults.clear()
        conditions.change({"clock_offset_seconds": 0, "room_bytes": -1, "commits": True, "certificate": ""})
        return redirect(url_for("pages.faults", done="fault-off"))

    @pages.post("/faults/conditions")
    def switch_conditions() -> BaseResponse | tuple[str, int]:
        try:
            conditions.change(
                {
                    "clock_offset_seconds": _number("clock_offset_seconds"),
                    "room_bytes": _number("room_bytes"),
                    "commits": request.form.get("commits") == "1",
                    "certificate": request.form.get("certificate", ""),
                }
            )
        except BadInput as error:
            return page(error), error.status
        return redirect(url_for("pages.faults", done="conditions"))


def _number(key: str) -> int:
    text = request.form.get(key, "").strip()
    try:
        return int(text) if len(text) < 14 else int("x")
    except ValueError as error:
        raise BadInput(N_("Giá trị của công tắc “%(key)s” không dùng được."), key=key) from error
