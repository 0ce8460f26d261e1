"""The native profile v1: what boxes speak to the bus (bus-link C.3 in its plain form)."""

from __future__ import annotations

import gzip
import json
import logging
from datetime import UTC
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from appliance.errors import TramError
from sync.coding import WORTH
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.native.certificates import add_certificates
from sync.reference_bus.native.events import MAX_WAIT, add_events
from sync.reference_bus.native.inboxes import add_inboxes
from sync.reference_bus.native.messages import MAX_APPEND, add_messages
from sync.reference_bus.native.requests import number, own_organs, read_some, takes_gzip
from sync.reference_bus.native.statistics import add_statistics
from sync.reference_bus.native.uploads import Uploads
from sync.reference_bus.problems import BusProblem, MismatchingOffset, UnknownOrgan
from sync.reference_bus.tls import HANG_UP

_REST, _REST_OF_PIECE = 128 << 20, 64 << 10
_log = logging.getLogger(__name__)


def create_api(exchange: Exchange) -> Flask:
    """The API over ``exchange``. Expects the client's organ codes in the WSGI environment (``tls.ORGANS``)."""
    app = Flask("bus_api", static_folder=None, template_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    _add_errors(app)
    add_messages(app, exchange, Uploads(exchange.store.blobs.root / "uploads"))
    add_inboxes(app, exchange)
    add_events(app, exchange)
    add_statistics(app, exchange)
    add_certificates(app, exchange)

    @app.after_request
    def tell_codings(answer: Response) -> Response:
        """What packages may be coded with (RFC 9110 12.5.3)."""
        answer.headers.setdefault("Accept-Encoding", "gzip")
        return answer

    app.after_request(_coded)

    @app.get("/v1/directory")
    def directory() -> Response:
        since = number("since", 0)
        changed, version = exchange.directory.changes(since)
        if since > version:  # a cursor of another life of this bus
            changed, version = exchange.directory.changes(0)
        return jsonify(organs=[_organ(organ) for organ in changed], cursor=str(version))

    @app.get("/v1/hello")
    def hello() -> Response:
        limits = {"maxSize": exchange.config.max_message_mb << 20, "maxAppendSize": MAX_APPEND, "maxWait": MAX_WAIT}
        own = sorted(own_organs(exchange))
        answer = jsonify(bus=exchange.config.name, dialect="native", codings=["gzip"], organs=own, limits=limits)
        answer.cache_control.no_store = True
        return answer

    @app.get("/v1/time")
    def time() -> Response:
        now = exchange.store.clock.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        answer = jsonify(utc=now, tz="Asia/Ho_Chi_Minh", uncertaintyMs=exchange.config.clock_uncertainty_ms)
        answer.cache_control.no_store = True
        return answer

    return app


def _coded(answer: Response) -> Response:
    """A long list as gzip: an address book over a thin line is ten times as short."""
    if answer.is_json and answer.status_code == 200:
        answer.vary.add("Accept-Encoding")
        if takes_gzip() and (answer.content_length or 0) >= WORTH:
            answer.set_data(gzip.compress(answer.get_data(), 6, mtime=0))
            answer.headers["Content-Encoding"] = "gzip"
    return answer


def _organ(organ: OrganEntry) -> dict[str, Any]:
    """One line of the directory on the wire."""
    return {
        "code": organ.code,
        "oldCodes": list(organ.old_codes),
        "name": organ.name,
        "parent": organ.parent,
        "validFrom": organ.valid_from,
        "validTo": organ.valid_to,
        "successor": organ.successor,
    }


def _add_errors(app: Flask) -> None:
    """Every "no" as application/problem+json (RFC 9457), with the body read so that the client gets to see it."""

    @app.errorhandler(TramError)
    def on_known(error: TramError) -> Response:
        detail = str(error)
        if error.advice:
            detail = f"{detail} {error.advice}"
        slug = error.slug if isinstance(error, BusProblem) else "unavailable"
        further = {"organs": [error.params["code"]]} if isinstance(error, UnknownOrgan) else {}
        answer = _problem(slug, error.status, detail, **further)
        if isinstance(error, MismatchingOffset):
            answer.headers["Upload-Offset"] = str(error.offset)
        return answer

    @app.errorhandler(HTTPException)
    def on_http(error: HTTPException) -> Response:
        details = {404: "Trục không có địa chỉ này.", 405: "Trục không nhận cách gọi này ở địa chỉ này."}
        code = error.code or 500
        if code == 416 or code < 400:
            return Response(status=code, headers=error.get_headers())
        return _problem(f"http-{code}", code, details.get(code, "Trục không hiểu yêu cầu."))

    @app.errorhandler(Exception)
    def on_bug(error: Exception) -> Response:
        _log.error("unexpected failure in %s %s", request.method, request.path, exc_info=error)
        return _problem("internal", 500, "Trục gặp lỗi, chưa ghi nhận việc này. Gửi lại sau.")


def _problem(slug: str, status: int, detail: str, **further: object) -> Response:
    """A problem document; ``type`` is relative on purpose: the bus has no public name to promise."""
    _read_rest()
    titles = {
        "id-reused": "Mã gói tin đã dùng",
        "unknown-organ": "Không có đơn vị này",
        "mismatching-upload-offset": "Không đúng vị trí tải lên",
        "digest-mismatch": "Sai giá trị băm",
        "too-large": "Gói tin quá lớn",
        "sender-not-in-certificate": "Không đúng đơn vị gửi",
        "not-found": "Không tìm thấy",
        "unavailable": "Trục tạm thời không làm được",
    }
    body: dict[str, object] = {
        "type": f"/problems/{slug}",
        "title": titles.get(slug, "Trục từ chối"),
        "status": status,
        "detail": detail,
    }
    body |= further
    return Response(json.dumps(body, ensure_ascii=False), status=status, content_type="application/problem+json")


def _read_rest() -> None:
    """Read what is left of the body (bounded), else the client meets a reset instead of the answer.

    A piece of an upload is not read out: its sender asks where to go on, and a thin line has no bytes to waste.
    """
    left = _REST_OF_PIECE if request.method == "PATCH" else _REST
    try:
        read = read_some()
        while left > 0 and (chunk := read()):
            left -= len(chunk)
    except (OSError, HTTPException):
        left = 0
    if left <= 0 and HANG_UP in request.environ:
        request.environ[HANG_UP]()
