"""The native profile v1: what boxes speak to the bus (bus-link C.3 in its plain form)."""

from __future__ import annotations

import base64
import binascii
import json
import logging
from datetime import UTC
from typing import Any, BinaryIO

from flask import Flask, Response, jsonify, request, send_file
from werkzeug.exceptions import ClientDisconnected, HTTPException
from werkzeug.http import parse_dict_header

from appliance.errors import N_, TramError
from sync import jws
from sync.reference_bus import inbox
from sync.reference_bus.exchange import Exchange, Submission
from sync.reference_bus.problems import BadRequest, BusProblem, NoSuchThing, SenderNotInCertificate
from sync.reference_bus.tls import HANG_UP, ORGANS

_MAX_LIMIT = 200
_log = logging.getLogger(__name__)


def create_api(exchange: Exchange) -> Flask:
    """The API over ``exchange``. Expects the client's organ codes in the WSGI environment (``tls.ORGANS``)."""
    app = Flask("bus_api", static_folder=None, template_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    _add_errors(app)
    _add_messages(app, exchange)
    _add_inbox(app, exchange)

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


def _add_messages(app: Flask, exchange: Exchange) -> None:
    """The senders' side."""

    @app.put("/v1/messages/<message_id>")
    def put_message(message_id: str) -> tuple[Response, int]:
        accepted = exchange.accept(_submission(message_id, _own_organs(exchange)))
        return _receipt(accepted.receipt), 201 if accepted.new else 200

    @app.get("/v1/messages/<message_id>")
    def get_message(message_id: str) -> Response:
        row = _own_message(exchange, message_id)
        recipients = exchange.store.db.query("SELECT * FROM delivery WHERE message_id = ? ORDER BY seq", [row["id"]])
        return jsonify(
            state="accepted",
            acceptedAt=row["accepted_at"],
            docId=row["doc_id"],
            sha256=row["sha256"],
            recipients=[
                {"organ": d["addressed_as"], "state": d["state"], "at": d["at"], "statusCode": d["status_code"]}
                for d in recipients
            ],
        )

    @app.get("/v1/messages/<message_id>/receipt")
    def get_receipt(message_id: str) -> Response:
        return _receipt(str(_own_message(exchange, message_id)["receipt"]).encode("ascii"))


def _receipt(token: bytes) -> Response:
    """A signed receipt on the wire."""
    return Response(token, content_type=jws.MEDIA_TYPE)


def _add_inbox(app: Flask, exchange: Exchange) -> None:
    """The receivers' side."""

    @app.get("/v1/inbox")
    def get_inbox() -> Response:
        after, limit = _number("after", 0), min(_number("limit", 50), _MAX_LIMIT)
        rows = inbox.listing(exchange.store, _own_organs(exchange), after, limit)
        return jsonify(items=[_item(row) for row in rows], next=rows[-1]["seq"] if rows else after)

    @app.get("/v1/inbox/<doc_id>/content")
    def get_content(doc_id: str) -> Response:
        found = inbox.entry(exchange.store, doc_id, _own_organs(exchange))
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
            _own_organs(exchange),
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


def _own_organs(exchange: Exchange) -> set[str]:
    """Current codes of the organs in the client certificate. Raises SenderNotInCertificate when none is known."""
    found = (exchange.directory.find(code) for code in request.environ.get(ORGANS, ()))
    codes = {organ.code for organ in found if organ is not None}
    if not codes:
        raise SenderNotInCertificate(N_("Chứng thư kết nối không nêu đơn vị nào có trong danh bạ của trục."))
    return codes


def _own_message(exchange: Exchange, message_id: str) -> dict[str, Any]:
    row = exchange.known(message_id.lower())
    if row is None or row["sender"] not in _own_organs(exchange):
        raise NoSuchThing(N_("Trục chưa nhận gói tin nào mang mã này."))
    return row


def _submission(message_id: str, own: set[str]) -> Submission:
    """The request as a submission, its sender checked against the certificate."""
    sender = _header("Edoc-From")
    if sender not in own and sender not in request.environ.get(ORGANS, ()):
        raise SenderNotInCertificate(
            N_("Chứng thư kết nối không cho phép gửi với tư cách đơn vị “%(code)s”."),
            next_step=N_("Kiểm tra chứng thư kết nối của trạm."),
            code=sender,
        )
    kind, priority = _header("Edoc-Kind"), _header("Edoc-Priority")
    if kind not in ("edoc", "status"):
        raise BadRequest(N_("Edoc-Kind phải là “edoc” hoặc “status”."))
    if priority not in {"0", "1", "2", "3", "4"}:
        raise BadRequest(N_("Edoc-Priority phải từ 0 đến 4."))
    return Submission(
        message_id=message_id,
        kind=kind,
        priority=int(priority),
        sender=sender,
        recipients=tuple(code.strip() for code in _header("Edoc-To").split(",") if code.strip()),
        sha256=_announced_digest(),
        stream=_Body(request.stream),  # type: ignore[arg-type]
    )


def _announced_digest() -> str:
    """The sha-256 of Repr-Digest (RFC 9530) in hex."""
    value = parse_dict_header(_header("Repr-Digest")).get("sha-256") or ""
    try:
        digest = base64.b64decode(value.strip(":"), validate=True)
    except binascii.Error as error:
        raise BadRequest(N_("Repr-Digest không đọc được.")) from error
    if len(digest) != 32:
        raise BadRequest(N_("Thiếu giá trị băm sha-256 trong Repr-Digest."))
    return digest.hex()


def _header(name: str) -> str:
    value = request.headers.get(name, "").strip()
    if not value:
        raise BadRequest(N_("Thiếu trường %(name)s trong yêu cầu."), name=name)
    return value


def _number(name: str, default: int) -> int:
    value = request.args.get(name, str(default))
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise BadRequest(N_("Tham số %(name)s phải là số."), name=name)
    return int(value)


class _Body:
    """The request's body; a broken connection is the client's, not this machine's disk."""

    def __init__(self, stream: Any) -> None:
        self._stream: BinaryIO = stream

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes. Raises ClientDisconnected."""
        try:
            return self._stream.read(size)
        except OSError as error:
            raise ClientDisconnected from error


def _add_errors(app: Flask) -> None:
    """Every "no" as application/problem+json (RFC 9457), with the body read so that the client gets to see it."""

    @app.errorhandler(TramError)
    def on_known(error: TramError) -> Response:
        detail = str(error)
        if error.next_step:
            detail = f"{detail} {error.next_step}"
        slug = error.slug if isinstance(error, BusProblem) else "unavailable"
        return _problem(slug, error.status, detail)

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
        "digest-mismatch": "Sai giá trị băm",
        "too-large": "Gói tin quá lớn",
        "sender-not-in-certificate": "Không đúng đơn vị gửi",
        "not-found": "Không tìm thấy",
        "unavailable": "Trục tạm thời không làm được",
    }
    body = {"type": f"/problems/{slug}", "title": titles.get(slug, "Trục từ chối"), "status": status, "detail": detail}
    return Response(json.dumps(body, ensure_ascii=False), status=status, content_type="application/problem+json")


def _read_rest() -> None:
    """Read what is left of the body (bounded), else the client meets a reset instead of the answer."""
    left = 128 << 20
    try:
        while left > 0 and (chunk := request.stream.read(1 << 16)):
            left -= len(chunk)
    except (OSError, HTTPException):
        left = 0
    if left <= 0 and HANG_UP in request.environ:
        request.environ[HANG_UP]()
