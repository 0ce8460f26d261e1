"""The directory on the page: find, add and change organs, load a file; each organ's monthly statistics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import N_, BadInput
from sync.reference_bus import reports, views
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.operator import report_tables
from sync.reference_bus.operator.forms import organ_from
from sync.reference_bus.organ_files import COLUMNS, organs_from
from sync.reference_bus.problems import NoSuchThing

_SEEN = (
    ("sent", "Văn bản đi", ("sent", "issued")),
    ("recipients", "Lượt gửi đến từng nơi nhận", ()),
    ("delivered", "Lượt nơi nhận đã lấy", ()),
    ("refused", "Văn bản đi bị từ chối (02)", ("sent", "refused")),
    ("received", "Văn bản đến", ("received", "arrived")),
    ("statuses_sent", "Trạng thái đã gửi", ()),
)
"""What the bus counts, and where a box's report says the same."""


def get_organ(exchange: Exchange, code: str) -> OrganEntry:
    """The organ that has or had ``code``; raises NoSuchThing."""
    organ = exchange.directory.find(code)
    if organ is None:
        raise NoSuchThing(N_("Trục không có đơn vị này."))
    return organ


def page_number() -> int:
    """Which page of a list is asked for; what is no number is the first."""
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def add_organ_pages(pages: Blueprint, exchange: Exchange) -> None:
    """/organs, the forms below it, and /organs/<code>/reports."""

    def listed(error: BadInput | None = None) -> str:
        words, number = request.args.get("q", "").strip()[:100], page_number()
        found = exchange.directory.search(words)
        start = (number - 1) * views.PAGE
        page = views.page_of(found[start : start + views.PAGE + 1], number)
        rows = views.counts(exchange, page.rows)
        return render_template(
            "organs.html", page=page, rows=rows, words=words, total=len(found), columns=COLUMNS, error=error
        )

    def form_page(organ: OrganEntry | None, error: BadInput | None = None) -> str:
        form: Mapping[str, Any] = request.form
        if organ and not form:
            form = asdict(organ) | {"virtual": organ.virtual or "", "old_codes": " ".join(organ.old_codes)}
        return render_template("organ_edit.html", organ=organ, form=form, error=error)

    @pages.get("/organs")
    def organs() -> str:
        return listed()

    @pages.post("/organs")
    def load_organs() -> BaseResponse | tuple[str, int]:
        try:
            file = request.files.get("file")
            if file is None or not file.filename:
                raise BadInput(N_("Chưa chọn tệp danh bạ."))
            exchange.directory.load(organs_from(file.read()))
        except BadInput as error:
            return listed(error), error.status
        return redirect(url_for("pages.organs", done="loaded"))

    @pages.get("/organs/new")
    def new_organ() -> str:
        return form_page(None)

    @pages.post("/organs/new")
    def add_organ() -> BaseResponse | tuple[str, int]:
        try:
            made = organ_from(request.form)
            exchange.directory.save(made)
        except BadInput as error:
            return form_page(None, error), error.status
        return redirect(url_for("pages.edit_organ", code=made.code, done="organ"))

    @pages.get("/organs/<code>/edit")
    def edit_organ(code: str) -> str:
        return form_page(get_organ(exchange, code))

    @pages.post("/organs/<code>/edit")
    def change_organ(code: str) -> BaseResponse | tuple[str, int]:
        before = get_organ(exchange, code)
        try:
            made = organ_from(request.form)
            exchange.directory.save(made, before=before.code)
        except BadInput as error:
            return form_page(before, error), error.status
        return redirect(url_for("pages.edit_organ", code=made.code, done="organ"))

    @pages.get("/organs/<code>/reports")
    def organ_reports(code: str) -> str:
        organ = get_organ(exchange, code)
        months = reports.months(exchange.store, organ.code)
        month = request.args.get("month") or next(iter(months), "")
        found = reports.in_force(exchange.store, organ.code, month) if month else None
        content = json.loads(found["content"]) if found else {}
        seen = asdict(reports.seen(exchange.store, organ.code, month)) if month else {}
        return render_template(
            "reports.html",
            organ=organ,
            months=months,
            month=month,
            report=found,
            shown=report_tables.shown(content),
            compared=[(label, seen[key], _told(content, path)) for key, label, path in _SEEN] if month else [],
        )


def _told(content: object, path: tuple[str, ...]) -> int | None:
    """The count at ``path`` of a report, None where it says nothing there."""
    for key in path:
        content = content.get(key) if isinstance(content, dict) else None
    return content if type(content) is int else None
