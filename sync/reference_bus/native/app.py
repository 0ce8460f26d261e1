"""The native profile v1: what boxes speak to the bus (bus-link C.3 in its plain form)."""

from __future__ import annotations

import json
import logging
from datetime import UTC
from typing import Any

from flask import Flask, Response, jsonify, request, send_file
from werkzeug.exceptions import HTTPException

from appliance.errors import N_, TramError
from sync.reference_bus import inbox
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.native.messages import add_messages
from sync.reference_bus.native.requests import number, own_organs, read_some
from sync.reference_bus.native.statistics import add_statistics
from sync.reference_bus.native.uploads import Uploads
from sync.reference_bus.problems import BadRequest, BusProblem, MismatchingOffset
from sync.reference_bus.tls import HANG_UP

_MAX_LIMIT = 200
_REST, _REST_OF_PIECE = 128 << 20, 64 << 10
_log = logging.getLogger(__name__)


def create_api(exchange: Exchange) -> Flask:
    """The API over ``exchange``. Expects the client's organ codes in the WSGI environment (``tls.ORGANS``)."""
    app = Flask("bus_api", static_folder=None, template_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    _add_errors(app)
    add_messages(app, exchange, Uploads(exchange.store.blobs.root / "uploads"))
    _add_inbox(app, exchange)
    add_statistics(app, exchange)

    @app.after_request
    def tell_codings(answer: Response) -> Response:
        """What packages may be coded with (RFC 9110 12.5.3)."""
        answer.headers.setdefault("Accept-Encoding", "gzip")
        return answer

    @app.get("/v1/directory")
    def directory() -> Response:
        organs = exchange.directory.organs
        return jsonify(organs=[{"code": o.code, "oldCodes": list(o.old_codes), "name": o.name} for o in organs])

    @app.get("/v1/time")
    def time() -> Response:
        now = exchange.store.clock.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        answer = jsonify(utc=now, tz="Asia/Ho_Chi_Minh", uncertaintyMs=exchange.config.clock_uncertainty_ms)
        answer.cache_control.no_store = True
        return answer

    return app


def _add_inbox(app: Flask, exchange: Exchange) -> None:
    """The receivers' side."""

    @app.get("/v1/inbox")
    def get_inbox() -> Response:
        after, limit = number("after", 0), min(number("limit", 50), _MAX_LIMIT)
        rows = inbox.listing(exchange.store, own_organs(exchange), after, limit)
        return jsonify(items=[_item(row) for row in rows], next=rows[-1]["seq"] if rows else after)

    @app.get("/v1/inbox/<doc_id>/content")
    def get_content(doc_id: str) -> Response:
        found = inbox.entry(exchange.store, doc_id, own_organs(exchange))
        path = exchange.store.blobs.path(found["sha256"])
        return send_file(
            path,
            mimetype="application/edxml+xml",
            download_name=f"{doc_id}.edxml",
            etag=f"sha256-{found['sha256']}",
            conditional=True,
        )

    @app.put("/v1/inbox/<doc_id>/ack")
    def put_ack(doc_id: str) -> Response:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise BadRequest(N_("Thân yêu cầu phải là JSON."))
        sha256 = body.get("sha256")
        found = inbox.acknowledge(
            exchange.store,
            doc_id,
            own_organs(exchange),
            outcome=str(body.get("outcome", "")),
            reason=str(body.get("reason") or ""),
            sha256=str(sha256) if sha256 else None,
        )
        return jsonify(docId=doc_id, state=found["state"], at=found["at"])


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """One inbox entry on the wire."""
    return {
        "seq": row["seq"],
        "docId": row["doc_id"],
        "messageId": row["message_id"],
        "kind": row["kind"],
        "priority": row["priority"],
        "from": row["sender"],
        "to": row["addressed_as"],
        "size": row["size"],
        "sha256": row["sha256"],
        "createdAt": row["accepted_at"],
        "acked": row["state"] != "waiting",
    }


def _add_errors(app: Flask) -> None:
    """Every "no" as application/problem+json (RFC 9457), with the body read so that the client gets to see it."""

    @app.errorhandler(TramError)
    def on_known(error: TramError) -> Response:
        detail = str(error)
        if error.next_step:
            detail = f"{detail} {error.next_step}"
        slug = error.slug if isinstance(error, BusProblem) else "unavailable"
        answer = _problem(slug, error.status, detail)
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


def _problem(slug: str, status: int, detail: str) -> Response:
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
    body = {"type": f"/problems/{slug}", "title": titles.get(slug, "Trục từ chối"), "status": status, "detail": detail}
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
