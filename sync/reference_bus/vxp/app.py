"""The calls of the national SDK, each answered in its JSON with HTTP 200, refusals included."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_file
from werkzeug.exceptions import HTTPException

from appliance.errors import TramError
from sync.bus.vxp.signing import PREFIX, unpadded
from sync.reference_bus import bodies, inbox
from sync.reference_bus.accounts import Account
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.dialect import (
    addresses,
    code_of,
    drain,
    local_time,
    own_codes,
    sent,
    spooled,
    submit,
    waiting,
)  # fmt: skip
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.problems import BadRequest, DigestMismatch, TooLarge
from sync.reference_bus.vxp import agencies
from sync.reference_bus.vxp.auth import authenticate

_SLICE = 3 << 14
"""Bytes coded at a time; a multiple of three, so that the pieces join without padding between them."""
_RECEIVED = {"waiting": "initial", "delivered": "done", "failed": "fail"}
_log = logging.getLogger(__name__)


def create_vxp(exchange: Exchange, accounts: Mapping[str, Account]) -> Flask:
    """The API over ``exchange`` for ``accounts``."""
    app = Flask("bus_vxp", static_folder=None, template_folder=None)
    _add_errors(app)

    def call(path: str, work: Callable[[Account], Response], method: str = "POST") -> None:
        def view() -> Response:
            now, tolerance = exchange.store.clock.now(), exchange.config.vxp_tolerance_seconds
            return work(authenticate(request.headers, accounts, now, tolerance))

        app.add_url_rule(path, path, view, methods=[method])

    call("/sendEdoc", lambda account: _send(exchange, account))
    call("/getReceivedEdocList", lambda account: _received(exchange, account))
    call("/getSentEdocList", lambda account: _sent(exchange, account))
    call("/getEdoc", lambda account: _encoded(_package(exchange, account)))
    call("/downloadEdoc", lambda account: send_file(_package(exchange, account), "application/octet-stream"), "GET")
    call("/updateStatus", lambda account: _update(exchange, account))
    for path in ("/getAgenciesList", "/getAgenciesListQD20", "/getSynchronizeUnit"):
        call(path, lambda _: _ok(data=[_agency(organ) for organ in exchange.directory.in_force()]))
    call("/countReceiveEdoc", lambda account: _ok(data=len(waiting(exchange, account, "edoc"))))
    for path, change in (("/registerAgency", _register), ("/deleteAgency", _delete)):
        work = partial(change, exchange) if exchange.config.vxp_registration else _closed
        call(path, work)
    return app


def _closed(_account: Account) -> Response:
    return _fail("99", "Danh ba do don vi van hanh truc quan ly")


def _register(exchange: Exchange, account: Account) -> Response:
    agencies.register(exchange, account, bodies.json_object())
    return _ok()


def _delete(exchange: Exchange, account: Account) -> Response:
    agencies.delete(exchange, account, _header("AgencyCode"))
    return _ok()


def _send(exchange: Exchange, account: Account) -> Response:
    """A document goes where its own header says, a status where the request's header says."""
    with spooled(exchange, request.stream, drop_end=b"\r\n") as (file, sha256):  # type: ignore[arg-type]
        if _header("hash-file").lower() != unpadded(bytes.fromhex(sha256)):
            raise DigestMismatch("hash-file khong khop")
        named = addresses(file)
        doc_id = submit(
            exchange, account, kind=_header("messagetype"), sender=_header("from") or named.sender,
            recipients=_to() or named.recipients, sha256=sha256, file=file,  # type: ignore[arg-type]
        )  # fmt: skip
    return _ok(DocId=doc_id)


def _to() -> tuple[str, ...]:
    """The codes in the header ``to``, a JSON list as text."""
    text = _header("to")
    if not text:
        return ()
    try:
        codes = json.loads(text)
        json.dumps(codes, ensure_ascii=False).encode()  # a refusal names them
    except (ValueError, RecursionError):
        codes = None
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise BadRequest("Header to khong phai danh sach")
    return tuple(codes)


def _received(exchange: Exchange, account: Account) -> Response:
    rows = waiting(exchange, account, _header("messagetype"))
    marked = {row["doc_id"] for row in exchange.store.db.query("SELECT doc_id FROM processing")}
    return _ok(
        data=[
            {
                "docId": row["doc_id"],
                "serviceType": "eDoc",
                "messageType": row["kind"],
                "created_time": local_time(row["accepted_at"]),
                "updated_time": local_time(row["accepted_at"]),
                "from": row["sender"],
                "to": row["addressed_as"],
                "status": "processing" if row["doc_id"] in marked else "initial",
                "status_desc": "",
            }
            for row in rows
        ]
    )


def _sent(exchange: Exchange, account: Account) -> Response:
    kind = _header("messagetype")
    return _ok(
        data=[
            {
                "serviceType": "eDoc",
                "receiverDocId": row["doc_id"],
                "toCode": row["addressed_as"],
                "receiveStatus": _RECEIVED[row["state"]],
                "receiveStatusDesc": row["reason"] or "",
                "title": header.subject,
                "messageType": kind,
                "notation": header.code or header.answers_code,
                "receivedTime": local_time(row["at"]),
                "sentTime": local_time(row["accepted_at"]),
                "sendStatus": "done",
                "sendStatusDesc": "",
                "senderDocId": row["sent_doc_id"],
                "fromCode": header.from_code or row["sender"],
            }
            for row, header in sent(exchange, account, kind, _header("docId"))
        ]
    )


def _package(exchange: Exchange, account: Account) -> Path:
    entry = inbox.entry(exchange.store, _header("docId"), own_codes(exchange, account))
    return exchange.store.blobs.path(entry["sha256"])


def _encoded(path: Path) -> Response:
    """The package as base64 within JSON, never whole in memory."""
    start, end = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","data":"', b'"}'

    def pieces() -> Iterator[bytes]:
        yield start
        with path.open("rb") as file:
            while piece := file.read(_SLICE):
                yield base64.b64encode(piece)
        yield end

    length = len(start) + (path.stat().st_size + 2) // 3 * 4 + len(end)
    return Response(pieces(), content_type="application/json", headers={"Content-Length": str(length)})


def _update(exchange: Exchange, account: Account) -> Response:
    """done and fail end the delivery; processing is only remembered and the entry stays on the list."""
    status, doc_id = _header("status"), _header("docid")
    organs = own_codes(exchange, account)
    if status == "processing":
        inbox.entry(exchange.store, doc_id, organs)
        exchange.store.db.insert("processing", {"doc_id": doc_id, "at": exchange.store.clock.stamp()}, once=True)
    else:
        inbox.acknowledge(exchange.store, doc_id, organs, outcome=status)
    return _ok()


def _agency(organ: OrganEntry) -> dict[str, str]:
    return {
        "id": organ.code,
        "code": organ.code,
        "oldCode": organ.old_codes[0] if organ.old_codes else "",
        "code102": next((code for code in organ.old_codes if code.count(".") == 3), ""),
        "name": organ.name,
        "pcode": organ.parent,
        "mail": "",
    }


def _header(name: str) -> str:
    """Header bytes are UTF-8 where they are not ASCII; WSGI shows them as Latin-1."""
    return request.headers.get(PREFIX + name, "").encode("latin-1", "replace").decode("utf-8", "replace").strip()


def _ok(**more: Any) -> Response:
    return _json({"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong", **more})


def _fail(code: str, said: str) -> Response:
    return _json({"status": "FAIL", "ErrorCode": code, "ErrorDesc": said})


def _json(value: dict[str, Any]) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), content_type="application/json")


def _add_errors(app: Flask) -> None:
    @app.errorhandler(TramError)
    def on_known(error: TramError) -> Response:
        drain(request.stream)
        answer = _fail(code_of(error), str(error))
        answer.status_code = 413 if isinstance(error, TooLarge) else 200
        return answer

    @app.errorhandler(HTTPException)
    def on_http(error: HTTPException) -> Response:
        answer = _fail("20", "Dia chi hoac cach goi khong dung")
        answer.status_code = error.code or 500
        return answer

    @app.errorhandler(Exception)
    def on_bug(error: Exception) -> Response:
        _log.error("unexpected failure in %s", request.path, exc_info=error)
        answer = _fail("20", "Loi he thong")
        answer.status_code = 500
        return answer
