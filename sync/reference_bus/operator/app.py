"""The operator's Flask app: loopback only, no cookies, no scripts."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import Forbidden, HTTPException

from appliance.errors import TramError
from sync.reference_bus.conditions import Conditions
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.line import Line
from sync.reference_bus.operator.control import create_control
from sync.reference_bus.operator.pages import create_pages
from sync.reference_bus.players import Players

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_operator(exchange: Exchange, line: Line, players: Players, conditions: Conditions) -> Flask:
    """Pages and control endpoints over a running bus."""
    app = Flask(__name__)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = (exchange.config.max_message_mb + 1) << 20
    app.register_blueprint(create_control(exchange, line, players, conditions))
    app.register_blueprint(create_pages(exchange, line, players, conditions))
    _add_guards(app, exchange.config.operator_host)
    _add_errors(app)
    return app


def _add_guards(app: Flask, host: str) -> None:
    """There is no log-in, so a page elsewhere must not be able to press our buttons or read our answers."""
    names = {"localhost", "127.0.0.1", "::1", host}

    @app.before_request
    def own_browser_only() -> None:
        if urlsplit(f"//{request.host}").hostname not in names:
            raise Forbidden  # another name for this address (DNS rebinding)
        origin = request.headers.get("Origin")
        if request.method != "GET" and origin and origin != f"http://{request.host}":
            raise Forbidden

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response


def _add_errors(app: Flask) -> None:
    """Sentences for people on pages, JSON for tests."""

    def answer(status: int, message: str, next_step: str) -> tuple[Response | str, int]:
        if request.path.startswith("/control/"):
            return jsonify(error=message, next_step=next_step), status
        return render_template("error.html", status=status, message=message, next_step=next_step), status

    @app.errorhandler(TramError)
    def on_known(error: TramError) -> tuple[Response | str, int]:
        return answer(error.status, str(error), error.advice)

    @app.errorhandler(HTTPException)
    def on_http(error: HTTPException) -> tuple[Response | str, int] | HTTPException:
        code = error.code or 500
        if code < 400:
            return error
        sentences = {
            403: "Yêu cầu này không đến từ chính trang của trục.",
            404: "Không có trang này.",
            413: "Tệp gửi lên quá lớn.",
        }
        return answer(code, sentences.get(code, "Trục không làm được việc này."), "")
