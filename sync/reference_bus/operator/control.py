"""JSON endpoints on the operator port: the line's switches, counts for exactly-once tests, sending without the page."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request

from appliance.errors import N_, BadInput
from sync import jws
from sync.reference_bus import bodies, reports, views
from sync.reference_bus.conditions import Conditions
from sync.reference_bus.courier import taken_in
from sync.reference_bus.exchange import Accepted, Exchange
from sync.reference_bus.faults import KINDS
from sync.reference_bus.line import Line
from sync.reference_bus.operator.forms import letter_from, organ_from, uploaded
from sync.reference_bus.players import Players


def create_control(exchange: Exchange, line: Line, players: Players, conditions: Conditions) -> Blueprint:
    """The blueprint below /control."""
    control = Blueprint("control", __name__, url_prefix="/control")

    def state() -> Response:
        return jsonify(
            line=line.state(),
            faults=exchange.faults.state(),
            conditions=conditions.state(),
            auto_answer=players.auto_answer,
            organs=views.counts(exchange, exchange.directory.organs),
            bus=exchange.config.name,
        )

    @control.get("/state")
    def get_state() -> Response:
        return state()

    @control.post("/line")
    def post_line() -> Response:
        line.switch(bodies.json_object())
        return jsonify(line.state())

    @control.get("/faults")
    def get_faults() -> Response:
        return jsonify(faults=exchange.faults.state(), kinds=[asdict(kind) for kind in KINDS.values()])

    @control.post("/faults")
    def post_fault() -> tuple[Response, int]:
        return jsonify(asdict(exchange.faults.add(bodies.json_object()))), 201

    @control.delete("/faults")
    def delete_faults() -> Response:
        exchange.faults.clear()
        return jsonify(faults=[])

    @control.get("/reports/<organ>")
    def get_reports(organ: str) -> Response:
        return jsonify(
            reports=[row | {"content": json.loads(row["content"])} for row in reports.history(exchange.store, organ)]
        )

    @control.post("/courier")
    def post_courier() -> Response:
        request.max_content_length = None  # a whole stick; the reader has its own limit
        found, answer = taken_in(exchange, request.stream)
        text = base64.b64encode(answer).decode()
        return jsonify(new=found.new, repeated=found.repeated, refused=found.refused, name=found.name, answer=text)

    @control.post("/organs")
    def post_organ() -> Response:
        form = {key: str(value) for key, value in bodies.json_object().items()}
        exchange.directory.save(organ_from(form), before=form.get("before", ""))
        return jsonify(version=exchange.directory.version)

    @control.post("/conditions")
    def post_conditions() -> Response:
        conditions.change(bodies.json_object())
        return jsonify(conditions.state())

    @control.post("/redeliver")
    def post_redeliver() -> tuple[Response, int]:
        return jsonify(doc_id=exchange.redeliver(str(bodies.json_object().get("doc_id", "")))), 201

    @control.post("/settings")
    def post_settings() -> Response:
        body = bodies.json_object()
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
        body = {key: str(value) for key, value in bodies.json_object().items()}
        found = views.delivery(exchange, body.get("doc_id", ""))
        organ = players.organ(found["organ"])
        return _receipt(players.answer(organ, found["doc_id"], body.get("code", ""), body.get("description", "")))

    return control


def _receipt(accepted: Accepted) -> tuple[Response, int]:
    return jsonify(jws.content(accepted.receipt)), 201 if accepted.new else 200
