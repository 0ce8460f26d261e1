"""The page where a stick that somebody carried to the bus is taken in, and its answer handed back."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, send_from_directory

from appliance.errors import N_, BadInput
from sync.courier import stick
from sync.reference_bus.courier import Brought, taken_in
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.operator.forms import uploaded


def add_courier_pages(pages: Blueprint, exchange: Exchange) -> None:
    """/courier with its form, and the answers below it."""
    answers = exchange.config.data / "courier-answers"

    def page(found: Brought | None = None, error: BadInput | None = None) -> str:
        return render_template("courier.html", found=found, error=error)

    @pages.get("/courier")
    def courier() -> str:
        return page()

    @pages.post("/courier")
    def bring_courier() -> tuple[str, int]:
        request.max_content_length = None  # a whole stick; the reader has its own limit
        try:
            _name, stream = uploaded(request.files.get("file"))
            if stream is None:
                raise BadInput(N_("Chưa chọn tệp .tvb."), next_step=N_("Chọn tệp trên USB rồi bấm Nhận."))
            found, answer = taken_in(exchange, stream)
        except BadInput as error:
            return page(error=error), error.status
        if found.name:
            answers.mkdir(exist_ok=True)
            stick.put_bytes(answer, answers / found.name)
        return page(found), 200

    @pages.get("/courier/answers/<name>")
    def courier_answer(name: str) -> Response:
        return send_from_directory(answers, name, as_attachment=True, mimetype="application/octet-stream")
