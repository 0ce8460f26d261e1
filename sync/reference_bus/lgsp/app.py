"""The calls of /v1, each answered as {code, message, data}, failures as {code: 500} inside HTTP 200."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from appliance.errors import TramError
from sync.reference_bus import bodies, inbox
from sync.reference_bus.accounts import Account
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.dialect import (
    WrongAccount,
    addresses,
    code_of,
    drain,
    local_time,
    own_codes,
    spooled,
    submit,
    waiting_between,
)  # fmt: skip
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.lgsp import tokens
from sync.reference_bus.problems import BadRequest, TooLarge

_SLICE = 3 << 14
_MULTIPART_EXTRA = 1 << 16
_PAGE = 200
_log = logging.getLogger(__name__)


def create_lgsp(exchange: Exchange, accounts: Mapping[str, Account]) -> Flask:
    """The API over ``exchange`` for ``accounts``."""
    app = Flask("bus_lgsp", static_folder=None, template_folder=None)
    # Werkzeug keeps a large part of a form in a file of its own, so this bounds the disk, not the memory.
    app.config["MAX_CONTENT_LENGTH"] = (exchange.config.max_message_mb << 20) + _MULTIPART_EXTRA
    _add_errors(app)

    @app.post("/v1/auth/login")
    def login() -> Response:
        body = bodies.json_object()
        for account in accounts.values():
            if _same_login(account, body):
                return _ok({"token": tokens.give(account)})
        raise tokens.Unauthorised("Unauthorized")

    def call(method: str, path: str, work: Callable[[Account], Response]) -> None:
        app.add_url_rule(path, path, lambda: work(_account(accounts)), methods=[method])

    call("POST", "/v1/sendEdoc", lambda account: _send(exchange, account))
    call("GET", "/v1/syncReceivedEdocList", lambda account: _received(exchange, account))
    call("GET", "/v1/getEdoc", lambda account: _encoded(_package(exchange, account)))
    call("POST", "/v1/updateStatus", lambda account: _update(exchange, account))
    call("GET", "/v1/getAgenciesList", lambda _: _agencies(exchange))
    return app


def _same_login(account: Account, body: dict[str, Any]) -> bool:
    pairs = (
        (account.username, body.get("username")), (account.password, body.get("password")),
        (account.application_code, body.get("applicationCode")),
    )  # fmt: skip
    same = [hmac.compare_digest(ours.encode(), str(theirs or "").encode()) for ours, theirs in pairs]
    return bool(account.username and account.password) and all(same)


def _account(accounts: Mapping[str, Account]) -> Account:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        raise tokens.Unauthorised("Unauthorized")
    account = tokens.account_of(accounts, token)
    given = request.headers.get("X-SecretKey", "").encode("latin-1", "replace")
    right = hmac.compare_digest(given, account.secret.encode())
    if not right or request.headers.get("X-SystemId") != account.system_id:
        raise WrongAccount("Sai SystemId hoặc SecretKey")
    return account


def _send(exchange: Exchange, account: Account) -> Response:
    if request.content_length is None:
        raise BadRequest("Unexpected end of Stream")
    part = request.files.get("edocFile")
    if part is None:
        raise BadRequest("Thiếu edocFile")
    stream: BinaryIO = part.stream  # type: ignore[assignment]
    with spooled(exchange, stream) as (file, sha256):
        named = addresses(file)
        doc_id = submit(
            exchange, account, kind=request.form.get("messageType", ""), sender=named.sender,
            recipients=named.recipients, sha256=sha256, file=file,  # type: ignore[arg-type]
        )  # fmt: skip
    return _ok({"status": "OK", "docId": doc_id, "errorCode": "0", "errorDesc": "", "filePath": ""})


def _received(exchange: Exchange, account: Account) -> Response:
    """What waits among the entries of whole days, Vietnam's."""
    try:
        first, last = (
            date.fromisoformat(request.args.get(key, "").replace("/", "-")) for key in ("fromDate", "toDate")
        )
    except ValueError as error:
        raise BadRequest("fromDate, toDate phải là YYYY/MM/DD") from error
    rows = waiting_between(exchange, account, request.args.get("messageType", ""), first, last)
    return _ok(
        [
            {
                "docId": row["doc_id"],
                "messageType": row["kind"],
                "from": row["sender"],
                "to": row["addressed_as"],
                "createdTime": local_time(row["accepted_at"]),
                "status": "initial",
            }
            for row in rows
        ]
    )


def _package(exchange: Exchange, account: Account) -> Path:
    entry = inbox.entry(exchange.store, request.args.get("docId", ""), own_codes(exchange, account))
    return exchange.store.blobs.path(entry["sha256"])


def _encoded(path: Path) -> Response:
    """The package as base64 within JSON, never whole in memory."""
    start, end = b'{"code":200,"message":"Success","data":"', b'"}'

    def pieces() -> Iterator[bytes]:
        yield start
        with path.open("rb") as file:
            while piece := file.read(_SLICE):
                yield base64.b64encode(piece)
        yield end

    length = len(start) + (path.stat().st_size + 2) // 3 * 4 + len(end)
    return Response(pieces(), content_type="application/json", headers={"Content-Length": str(length)})


def _update(exchange: Exchange, account: Account) -> Response:
    body = bodies.json_object()
    doc_id, status = str(body.get("docId", "")), str(body.get("status", ""))
    inbox.acknowledge(exchange.store, doc_id, own_codes(exchange, account), outcome=status)
    return _ok({"status": "OK", "errorCode": "0"})


def _agencies(exchange: Exchange) -> Response:
    page = request.args.get("page", 0, type=int)
    size = min(max(request.args.get("size", _PAGE, type=int), 1), _PAGE)
    organs = exchange.directory.in_force()
    rows = [_agency(organ) for organ in organs[max(page, 0) * size :][:size]]
    return _ok({"content": rows, "totalElements": len(organs)})


def _agency(organ: OrganEntry) -> dict[str, Any]:
    return {
        "id": organ.code, "code": organ.code, "oldCode": organ.old_codes[0] if organ.old_codes else "",
        "name": organ.name, "centerCode": "", "parentId": organ.parent, "level": 0, "type": 0, "typeInternal": 0,
    }  # fmt: skip


def _ok(data: object) -> Response:
    return _json({"code": 200, "message": "Success", "data": data})


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), status, content_type="application/json")


def _add_errors(app: Flask) -> None:
    @app.errorhandler(tokens.Unauthorised)
    def on_stranger(error: tokens.Unauthorised) -> Response:
        drain(request.stream)
        return Response("Unauthorized", 401, content_type="text/plain")

    @app.errorhandler(TramError)
    def on_known(error: TramError) -> Response:
        drain(request.stream)
        said = {"status": "FAIL", "docId": "", "errorCode": code_of(error), "errorDesc": str(error)}
        status = 413 if isinstance(error, TooLarge) else 200
        return _json({"code": 500, "message": "Error", "errorDetail": [str(error)], "data": said}, status)

    @app.errorhandler(HTTPException)
    def on_http(error: HTTPException) -> Response:
        drain(request.environ["wsgi.input"])
        return _json({"code": error.code, "message": error.name, "errorDetail": [error.name]}, error.code or 500)

    @app.errorhandler(Exception)
    def on_bug(error: Exception) -> Response:
        _log.error("unexpected failure in %s", request.path, exc_info=error)
        return _json({"code": 500, "message": "Error", "errorDetail": ["Lỗi hệ thống"]}, 500)
