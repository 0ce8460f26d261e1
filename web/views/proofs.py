"""One document's whole proof as a zip to hand to others; who took it and when stands in the journal."""

from __future__ import annotations

import tempfile

from flask import Blueprint, Response, send_file

from appliance.office import incoming, outgoing, proof
from appliance.store import audit
from appliance.store.database import transaction
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("proofs", __name__)
READERS = ("clerk", "leader", "auditor")


@pages.post("/van-ban-di/<document_id>/bang-chung")
@open_to(*READERS)
def outgoing_proof(document_id: str) -> Response:
    """Of an issued document. Raises WrongState before it is issued."""
    document = outgoing.get(desk(), actor(), document_id)
    return _send(proof.outgoing_proof(desk(), document), f"outgoing:{document.id}")


@pages.post("/van-ban-den/<document_id>/bang-chung")
@open_to(*READERS)
def incoming_proof(document_id: str) -> Response:
    """Of a document that came."""
    document = incoming.get(desk(), actor(), document_id)
    return _send(proof.incoming_proof(desk(), document), f"incoming:{document.id}")


def _send(made: proof.Proof, subject: str) -> Response:
    """The zip from a nameless file on the box's own disk: packages may be larger than its memory."""
    work = desk()
    folder = work.settings.data / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the answer closes it
    try:
        proof.write(made, file)
    except BaseException:
        file.close()
        raise
    with transaction(work.db):
        detail = {"files": len(made.parts.members)}
        audit.append(work.db, work.clock.now(), actor().account_id, "proof.export", subject, detail)
    file.seek(0)
    return send_file(file, "application/zip", as_attachment=True, download_name=made.file_name)
