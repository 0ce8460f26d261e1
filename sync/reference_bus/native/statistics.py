"""PUT /v1/statistics/{organ}/{month}: an organ hands in its month (QĐ 15/2019, article 17)."""

from __future__ import annotations

from flask import Flask, Response, jsonify

from appliance.errors import N_
from sync.reference_bus import bodies, reports
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.native.requests import own_organs
from sync.reference_bus.problems import SenderNotInCertificate


def add_statistics(app: Flask, exchange: Exchange) -> None:
    """The route; only for organs that the caller's certificate speaks for."""

    @app.put("/v1/statistics/<organ>/<month>")
    def put_statistics(organ: str, month: str) -> Response:
        if organ not in own_organs(exchange):
            raise SenderNotInCertificate(N_("Chứng thư kết nối không cho phép báo cáo thay đơn vị này."))
        return jsonify(number=reports.keep(exchange.store, organ, month, bodies.json_object()))
