"""PUT /v1/statistics/{organ}/{month}: an organ hands in its month (article 17)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from flask import Flask, Response, jsonify, request

from appliance.errors import N_
from sync.reference_bus import reports
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.problems import BadRequest, SenderNotInCertificate


def add_statistics(app: Flask, exchange: Exchange, own_organs: Callable[[], Collection[str]]) -> None:
    """``own_organs``: the codes that the caller's certificate speaks for."""

    @app.put("/v1/statistics/<organ>/<month>")
    def put_statistics(organ: str, month: str) -> Response:
        if organ not in own_organs():
            raise SenderNotInCertificate(organ)
        content = request.get_json(silent=True)
        if not isinstance(content, dict):
            raise BadRequest(N_("Báo cáo phải là một đối tượng JSON."))
        return jsonify(number=reports.keep(exchange.store, organ, month, content))
