"""Gathering one document's proof: files, packages, receipts, recipients' word, statuses, certificates, journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from appliance.errors import N_, WrongState
from appliance.office.desk import Desk
from appliance.office.incoming import Incoming
from appliance.office.incoming import files as incoming_files
from appliance.office.outgoing import Outgoing, annexes
from appliance.office.proof.certificates import add_certificates, add_revocation
from appliance.office.proof.journal import about, add_journal
from appliance.office.proof.packages import add_arrived, add_package, add_statement
from appliance.office.proof.parts import Parts
from appliance.office.proof.signed import add_signed
from appliance.regulation.document_types import STATUS_CODES


@dataclass(frozen=True)
class Proof:
    """What is to be written: the document in words for the guide, and the parts."""

    title: str
    file_name: str
    parts: Parts


def outgoing_proof(desk: Desk, document: Outgoing) -> Proof:
    """The proof of an issued document. Raises WrongState before it is issued."""
    if document.state != "issued":
        raise WrongState(
            N_("Văn bản chưa phát hành nên chưa có bằng chứng gửi, nhận để xuất."),
            next_step=N_("Phát hành văn bản rồi xuất lại."),
        )
    db, subject, messages = desk.db, f"outgoing:{document.id}", _messages(desk.db, document.id)
    subjects = [subject, *(f"annex:{one.id}" for one in annexes(db, document.id))]
    subjects += [f"message:{one['id']}" for one in messages]
    parts = Parts(desk.blobs, about(desk, subjects))
    add_certificates(desk, parts, [subject])
    sealed = [("van-ban-chinh", document.sealed_sha256 or "")]
    sealed += [(f"phu-luc-{one.position}", one.sealed_sha256 or "") for one in annexes(db, document.id)]
    files = {sha256: name for base, one in sealed for name, sha256 in _forms(db, base, one)}
    for sha256, name in files.items():
        add_signed(parts, name, sha256)
    add_revocation(parts)
    for number, message in enumerate(messages, 1):
        _sent(db, parts, number, message, files)
    for number, status in enumerate(_statuses_in(db, document.id), 1):
        code = status["status_code"]
        words = f"{code} {STATUS_CODES.get(code, '')}".strip()
        add_arrived(parts, f"trang-thai/{number}.edxml", status["sha256"], words, status["from_name"])
    add_journal(desk, parts)
    title = f"{document.type.name} {document.code}, {document.issue_date or ''}: {document.subject}"
    return Proof(title, f"bang-chung-{(document.code or document.id).replace('/', '-')}.zip", parts)


def incoming_proof(desk: Desk, document: Incoming) -> Proof:
    """The proof of a document that came: its package as it arrived, its files, the statuses that we sent."""
    db, subject = desk.db, f"incoming:{document.id}"
    messages = list(db.query("SELECT * FROM message WHERE incoming_id = ? ORDER BY queued_at, id", [document.id]))
    subjects = [subject, f"inbox:{document.bus_doc_id}", *(f"message:{one['id']}" for one in messages)]
    parts = Parts(desk.blobs, about(desk, subjects))
    add_certificates(desk, parts, [subject])
    files: dict[str, str] = {}
    for file in incoming_files(db, document.id):
        if file["scan"] not in ("", "clean"):
            continue  # malware is never handed out; it is inside the package's bytes, which the guide says
        ending = ".pdf" if file["media_type"] == "application/pdf" else ".dat"
        name = files.setdefault(file["sha256"], f"van-ban/{file['position']}{ending}")
        if ending == ".pdf":
            add_signed(parts, name, file["sha256"])
        else:
            parts.put(name, file["sha256"])
    add_revocation(parts)
    add_package(parts, "goi-tin/den.edxml", document.raw_sha256, files, arrived=document.from_name)
    word, code = db.execute(
        "SELECT ack_sha256, to_code FROM inbox WHERE bus_doc_id = ?", [document.bus_doc_id]
    ).fetchone()
    if word:
        add_statement(parts, "xac-nhan/den", word, "goi-tin/den.edxml", "R2", code)
    for number, message in enumerate(messages, 1):
        _sent(db, parts, number, message, {})
    add_journal(desk, parts)
    title = f"{document.type_name} {document.code} ({document.from_name}): {document.subject}"
    return Proof(title, f"bang-chung-den-{(document.code or document.id).replace('/', '-')}.zip", parts)


def _forms(db: Database, base: str, sealed: str) -> Iterable[tuple[str, str]]:
    """The sealed file and every extended form of it, as (name in the zip, digest)."""
    yield f"van-ban/{base}.pdf", sealed
    rows = db.execute("SELECT sha256, sent FROM extension WHERE source_sha256 = ? ORDER BY id", [sealed]).fetchall()
    for number, (sha256, sent) in enumerate(rows, 1):
        yield f"van-ban/{base}-co-dau-thoi-gian-{number}{'-ban-gui' if sent else ''}.pdf", sha256


def _sent(db: Database, parts: Parts, number: int, message: dict[str, Any], files: dict[str, str]) -> None:
    """One package of ours: its bytes, the bus's receipt, the recipients' word."""
    kind = f"-{message['status_code']}" if message["kind"] == "status" else ""
    package = f"goi-tin/di-{number}{kind}.edxml"
    add_package(parts, package, message["sha256"], files, taken=message["state"] == "accepted")
    if message["receipt_sha256"]:
        add_statement(parts, f"bien-nhan/{number}", message["receipt_sha256"], package, "R1", "")
    words = db.execute(
        "SELECT code, sha256 FROM delivery_receipt WHERE message_id = ? ORDER BY code", [message["id"]]
    ).fetchall()
    for place, (code, sha256) in enumerate(words, 1):
        add_statement(parts, f"xac-nhan/{number}-{place}", sha256, package, "R2", code)


def _messages(db: Database, outgoing_id: str) -> list[dict[str, Any]]:
    """What was sent of the document, and about it afterwards (recall, further receivers)."""
    query = (
        "SELECT * FROM message WHERE outgoing_id = ? OR id IN (SELECT message_id FROM follow_up_message JOIN follow_up"
        " ON follow_up.id = follow_up_id WHERE follow_up.outgoing_id = ?) ORDER BY queued_at, id"
    )
    return list(db.query(query, [outgoing_id, outgoing_id]))


def _statuses_in(db: Database, outgoing_id: str) -> Iterable[dict[str, Any]]:
    return db.query("SELECT * FROM status_in WHERE outgoing_id = ? ORDER BY id", [outgoing_id])
