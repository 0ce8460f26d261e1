"""The receivers' side: what waits, its content in ranges, the acknowledgement with the box's signature under it."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from flask import Flask, Response, jsonify, request, send_file

from appliance.errors import N_
from sync import jws
from sync.reference_bus import bodies, inbox
from sync.reference_bus.coded import CodedCopies
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.native.requests import number, own_organs, takes_gzip
from sync.reference_bus.problems import BadStatement

_MAX_LIMIT = 200
_MAX_REASON = 1000


def add_inboxes(app: Flask, exchange: Exchange) -> None:
    """GET /v1/inbox, an entry, its content; PUT its acknowledgement."""
    copies = CodedCopies(exchange.config.data / "coded")
    trusted = x509.load_pem_x509_certificates(exchange.config.client_ca.read_bytes())

    @app.get("/v1/inbox")
    def get_inbox() -> Response:
        after, limit = number("after", 0), min(number("limit", 50), _MAX_LIMIT)
        rows = inbox.listing(exchange.store, own_organs(exchange), after, limit)
        return jsonify(items=[_item(row) for row in rows], next=rows[-1]["seq"] if rows else after)

    @app.get("/v1/inbox/<doc_id>")
    def get_entry(doc_id: str) -> Response:
        return jsonify(_item(inbox.entry(exchange.store, doc_id, own_organs(exchange))))

    @app.get("/v1/inbox/<doc_id>/content")
    def get_content(doc_id: str) -> Response:
        found = inbox.entry(exchange.store, doc_id, own_organs(exchange))
        plain = exchange.store.blobs.path(found["sha256"])
        coded = copies.find(plain, found["sha256"]) if takes_gzip() else None
        answer = send_file(
            coded or plain,
            mimetype="application/edxml+xml",
            download_name=f"{doc_id}.edxml",
            etag=f"sha256-{found['sha256']}{'-gzip' if coded else ''}",
            conditional=True,
        )
        if coded:
            answer.headers["Content-Encoding"] = "gzip"
        answer.vary.add("Accept-Encoding")
        return answer

    @app.put("/v1/inbox/<doc_id>/ack")
    def put_ack(doc_id: str) -> Response:
        own = own_organs(exchange)
        signed = request.mimetype == jws.MEDIA_TYPE
        word = bodies.small(jws.MAX_BYTES) if signed else b""
        body = _statement(word, trusted, inbox.entry(exchange.store, doc_id, own)) if signed else bodies.json_object()
        sha256 = body.get("sha256")
        found = inbox.acknowledge(
            exchange.store,
            doc_id,
            own,
            outcome=str(body.get("outcome", "")),
            reason=str(body.get("reason") or "")[:_MAX_REASON],
            sha256=str(sha256) if sha256 else None,
            word=word.decode("ascii"),
        )
        return jsonify(docId=doc_id, state=found["state"], at=found["at"])


def _statement(word: bytes, trusted: list[x509.Certificate], entry: dict[str, Any]) -> dict[str, Any]:
    """What a signed acknowledgement says, checked. Raises BadStatement."""
    try:
        found = jws.verify(word, trusted, jws.HANDOVER)
    except jws.BadStatement as error:
        raise BadStatement(error.message, **error.params) from error
    named = {key: found.payload.get(key) for key in ("messageId", "docId", "organ")}
    if named != {"messageId": entry["message_id"], "docId": entry["doc_id"], "organ": entry["organ"]}:
        raise BadStatement(N_("Xác nhận đã ký nói về một văn bản khác."))
    if entry["organ"] not in jws.organ_codes(found.certificate):
        raise BadStatement(N_("Người ký xác nhận không phải đơn vị nhận."))
    return found.payload


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """One inbox entry on the wire. ``to`` as the sender wrote it, ``organ`` the code of today."""
    return {
        "seq": row["seq"],
        "docId": row["doc_id"],
        "messageId": row["message_id"],
        "kind": row["kind"],
        "priority": row["priority"],
        "from": row["sender"],
        "to": row["addressed_as"],
        "organ": row["organ"],
        "size": row["size"],
        "sha256": row["sha256"],
        "createdAt": row["accepted_at"],
        "acked": row["state"] != "waiting",
    }
