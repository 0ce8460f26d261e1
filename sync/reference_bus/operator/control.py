"""JSON endpoints on the operator port: the line's switches, counts for exactly-once tests, sending without the page."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from appliance.errors import N_, BadInput
from sync import jws
from sync.reference_bus import views
from sync.reference_bus.exchange import Accepted, Exchange
from sync.reference_bus.line import Line
from sync.reference_bus.operator.forms import letter_from, uploaded
from sync.reference_bus.players import Players


def create_control(exchange: Exchange, line: Line, players: Players) -> Blueprint:
    """The blueprint below /control."""
    control = Blueprint("control", __name__, url_prefix="/control")

    def state() -> Response:
        return jsonify(
            line=line.state(),
            auto_answer=players.auto_answer,
            organs=views.counts(exchange),
            bus=exchange.config.name,
        )

    @control.get("/state")
    def get_state() -> Response:
        return state()

    @control.post("/line")
    def post_line() -> Response:
        line.switch(_body())
        return jsonify(line.state())

    @control.post("/settings")
    def post_settings() -> Response:
        body = _body()
        if set(body) != {"auto_answer"} or not isinstance(body["auto_answer"], bool):
            raise BadInput(N_("Chỉ đổi được “auto_answer” thành true hoặc false."))
        players.auto_answer = body["auto_answer"]
        return state()

    @control.get("/messages")
    def get_messages() -> Response:
        return jsonify(messages=views.messages(exchange))

    @control.post("/send")
    def post_send() -> tuple[Response, int]:
        organ = players.organ(request.form.get("organ", ""))
        name, stream = uploaded(request.files.get("file"))
        return _receipt(players.send(organ, letter_from(request.form, organ), name, stream))

    @control.post("/status")
    def post_status() -> tuple[Response, int]:
        body = {key: str(value) for key, value in _body().items()}
        found = views.delivery(exchange, body.get("doc_id", ""))
        organ = players.organ(found["organ"])
        return _receipt(players.answer(organ, found["doc_id"], body.get("code", ""), body.get("description", "")))

    return control


def _receipt(accepted: Accepted) -> tuple[Response, int]:
    return jsonify(jws.content(accepted.receipt)), 201 if accepted.new else 200


def _body() -> dict[str, object]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadInput(N_("Thân yêu cầu phải là JSON."))
    return body
