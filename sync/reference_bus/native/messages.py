"""The senders' side: a package in one PUT or as a resumable upload; its state, its receipt (bus-link C.3)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import ClientDisconnected, LengthRequired, UnsupportedMediaType

from appliance.errors import N_
from sync import jws
from sync.coding import BrokenCode, Plain
from sync.reference_bus.exchange import Accepted, Exchange, Submission
from sync.reference_bus.native import requests
from sync.reference_bus.native.uploads import MAX_AGE, Intent, Uploads
from sync.reference_bus.problems import BadRequest, BusProblem, DigestMismatch, NoSuchThing, TooLarge
from sync.reference_bus.tls import ORGANS

_IN_MEMORY = 1 << 20
MAX_APPEND = 16 << 20
"""Most bytes of one PATCH; a broken one keeps what had come, so the bound is for proxies that gather whole bodies."""
PARTIAL = "application/partial-upload"


def add_messages(app: Flask, exchange: Exchange, uploads: Uploads) -> None:
    """PUT and GET below /v1/messages, PATCH and HEAD below /v1/uploads."""

    @app.put("/v1/messages/<message_id>")
    def put_message(message_id: str) -> Response:
        intent = _intent(requests.as_uuid(message_id), exchange)
        if requests.flag("Upload-Complete") is not False:
            return _accepted(_whole(exchange, intent))
        known = exchange.expect(_submission(intent))
        if known is not None:
            return _accepted(known)
        offset = uploads.begin(intent)
        if request.content_length:
            offset = _append(uploads, intent, offset)
        answer = Response(status=201 if offset == 0 else 200)
        answer.headers["Location"] = f"/v1/uploads/{intent.message_id}"
        answer.headers["Upload-Limit"] = _limit(exchange)
        return _progress(answer, offset)

    @app.route("/v1/uploads/<message_id>", methods=["PATCH"])
    def patch_upload(message_id: str) -> Response:
        message_id = requests.as_uuid(message_id)
        if request.mimetype != PARTIAL:
            raise UnsupportedMediaType
        if request.content_length is None:
            raise LengthRequired
        if request.content_length > MAX_APPEND:
            raise TooLarge(N_("Mỗi đoạn tải lên tối đa %(limit)s MB."), limit=MAX_APPEND >> 20)
        own = requests.own_organs(exchange)
        row = exchange.known(message_id)
        if row is not None and row["sender"] in own:
            return _accepted(Accepted(str(row["receipt"]).encode("ascii"), new=False))
        intent = uploads.intent(message_id, own | _written())
        complete = requests.flag("Upload-Complete")
        offset = _append(uploads, intent, requests.number_header("Upload-Offset"))
        if not complete:
            return _progress(Response(status=204), offset)
        if offset != intent.length:
            raise BadRequest(N_("Gói tin chưa đủ dung lượng đã báo."))
        return _accepted(_finish(exchange, uploads, intent))

    @app.route("/v1/uploads/<message_id>", methods=["HEAD"])
    def head_upload(message_id: str) -> Response:
        message_id, own = requests.as_uuid(message_id), requests.own_organs(exchange)
        row = exchange.known(message_id)
        if row is not None and row["sender"] in own:
            return Response(status=204, headers={"Upload-Complete": "?1"})
        uploads.intent(message_id, own | _written())
        answer = _progress(Response(status=204), uploads.offset(message_id))
        answer.headers["Upload-Limit"] = _limit(exchange)
        return answer

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
                {
                    "organ": d["addressed_as"],
                    "state": d["state"],
                    "at": d["at"],
                    "statusCode": d["status_code"],
                    **({"proof": d["word"]} if d["word"] else {}),
                }
                for d in recipients
            ],
        )

    @app.get("/v1/messages/<message_id>/receipt")
    def get_receipt(message_id: str) -> Response:
        return _receipt(str(_own_message(exchange, message_id)["receipt"]).encode("ascii"))


def _intent(message_id: str, exchange: Exchange) -> Intent:
    """What the headers of a PUT announce, its sender checked against the certificate."""
    sender = requests.sender(requests.own_organs(exchange))
    kind, priority = requests.header("Edoc-Kind"), requests.header("Edoc-Priority")
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if kind not in ("edoc", "status"):
        raise BadRequest(N_("Edoc-Kind phải là “edoc” hoặc “status”."))
    if priority not in {"0", "1", "2", "3", "4"}:
        raise BadRequest(N_("Edoc-Priority phải từ 0 đến 4."))
    if coding not in ("", "identity", "gzip"):
        raise UnsupportedMediaType(N_("Trục chỉ nhận gói tin nén kiểu gzip."))
    partial = requests.flag("Upload-Complete") is False
    length = requests.number_header("Upload-Length") if partial else request.content_length or 0
    if length > exchange.config.max_message_mb << 20:
        raise TooLarge(N_("Gói tin lớn hơn %(limit)s MB, trục không nhận."), limit=exchange.config.max_message_mb)
    sha256, coded = requests.digest("Repr-Digest"), coding == "gzip"
    return Intent(
        message_id=message_id,
        kind=kind,
        priority=int(priority),
        sender=sender,
        recipients=tuple(code.strip() for code in requests.header("Edoc-To").split(",") if code.strip()),
        sha256=sha256,
        length=length,
        coding="gzip" if coded else "",
        package=requests.digest("Edoc-Digest", optional=True) if coded else sha256,
    )


def _whole(exchange: Exchange, intent: Intent) -> Accepted:
    """A package that came in one request."""
    read, body, size = requests.read_some(), hashlib.sha256(), 0
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(exchange.config.data)) as file:
        while data := _piece(read):
            size += len(data)
            if size > exchange.config.max_message_mb << 20:
                raise TooLarge(
                    N_("Gói tin lớn hơn %(limit)s MB, trục không nhận."), limit=exchange.config.max_message_mb
                )
            body.update(data)
            file.write(data)
        if request.content_length is not None and size < request.content_length:
            raise ClientDisconnected
        if body.hexdigest() != intent.sha256:
            raise _torn()
        file.seek(0)
        return exchange.accept(_submission(intent, cast(BinaryIO, file)))


def _append(uploads: Uploads, intent: Intent, at: int) -> int:
    digest = requests.digest("Content-Digest", optional=True) or None
    read = requests.read_some()
    return uploads.append(intent, at, lambda: _piece(read), requests.abort(), digest)


def _finish(exchange: Exchange, uploads: Uploads, intent: Intent) -> Accepted:
    """All bytes are there: check them, take the package over, forget the upload."""
    with uploads.part(intent.message_id).open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != intent.sha256:
            uploads.discard(intent.message_id)
            raise _torn()
        file.seek(0)
        try:
            accepted = exchange.accept(_submission(intent, file))
        except (BusProblem, BrokenCode):
            uploads.discard(intent.message_id)
            raise
    uploads.discard(intent.message_id)
    return accepted


def _submission(intent: Intent, coded: BinaryIO | None = None) -> Submission:
    stream = cast(BinaryIO, Plain(coded)) if coded is not None and intent.coding else coded
    return Submission(
        intent.message_id, intent.kind, intent.priority, intent.sender, intent.recipients, intent.package, stream
    )


def _piece(read: Callable[[], bytes]) -> bytes:
    """A broken connection is the client's, not this machine's disk."""
    try:
        return read()
    except OSError as error:
        raise ClientDisconnected from error


def _written() -> set[str]:
    """Every spelling under which this certificate may have sent."""
    return set(request.environ.get(ORGANS, ()))


def _own_message(exchange: Exchange, message_id: str) -> dict[str, Any]:
    row = exchange.known(message_id.lower())
    if row is None or row["sender"] not in requests.own_organs(exchange):
        raise NoSuchThing(N_("Trục chưa nhận gói tin nào mang mã này."))
    return row


def _accepted(accepted: Accepted) -> Response:
    answer = _receipt(accepted.receipt)
    answer.status_code = 201 if accepted.new else 200
    answer.headers["Upload-Complete"] = "?1"
    return answer


def _receipt(token: bytes) -> Response:
    return Response(token, content_type=jws.MEDIA_TYPE)


def _progress(answer: Response, offset: int) -> Response:
    answer.headers["Upload-Offset"] = str(offset)
    answer.headers["Upload-Complete"] = "?0"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _limit(exchange: Exchange) -> str:
    return f"max-size={exchange.config.max_message_mb << 20}, max-append-size={MAX_APPEND}, max-age={MAX_AGE}"


def _torn() -> DigestMismatch:
    return DigestMismatch(
        N_("Gói tin đến nơi không giống gói tin đã gửi: giá trị băm không khớp."), next_step=N_("Gửi lại gói tin.")
    )
