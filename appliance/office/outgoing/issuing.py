"""Issuing (article 12.1đ): scanned once more, made to last where services answer, packed and queued in one step."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from appliance.office import encryption, evidence, messages, organs, people
from appliance.office.desk import Actor, Desk, DocumentPackage, PackageFile
from appliance.office.outgoing import related
from appliance.office.outgoing.annexes import annexes
from appliance.office.outgoing.moves import apply, check, scan
from appliance.office.outgoing.records import Outgoing, get, recipients
from appliance.regulation.document_types import number_text


def issue(desk: Desk, actor: Actor, outgoing_id: str, *, encrypted: bool = False) -> Outgoing:
    """Issue (article 12.1đ): scan once more (article 19.1), make the package, queue it with the change of state.

    ``encrypted``: only the receivers' devices open the files (article 15); RuleRefused when one has no certificate.
    """
    document = get(desk, actor, outgoing_id)
    check(actor, document, "issue")
    files = (document.sealed_sha256, *(one.sealed_sha256 for one in annexes(desk.db, document.id)))
    engine = {scan(desk, sha256 or "") for sha256 in files}.pop()
    lasting = evidence.before_issue(desk, document.id, filter(None, files))  # before sending, if the line is up
    now = desk.clock.now()
    package = _package(desk, actor, document, now, {sha256: made.sha256 for sha256, made in lasting.items()})
    if encrypted:
        receivers = tuple(row["organ_id"] for row in recipients(desk.db, document.id))
        package = replace(package, files=encryption.close(desk, package.files, receivers))
    prepared = messages.prepare_document(desk, package, organ_id=document.organ_id, outgoing_id=document.id, issued=now)
    detail = {"message": prepared.id, "package": prepared.sha256, "scanned_by": engine, "encrypted": encrypted}

    def also(at: datetime) -> None:
        messages.enqueue(desk.db, prepared, at)
        for made in lasting.values():
            evidence.record(desk.db, document.id, made, at, sent=True)

    return apply(
        desk, actor, document, "issue", {"issued_at": now.isoformat(), "encrypted": int(encrypted)}, detail, also
    )


def package_again(desk: Desk, actor: Actor, document: Outgoing, now: datetime) -> DocumentPackage:
    """What was sent, under a new message id, with the newest form of its files."""
    sources = (document.sealed_sha256, *(one.sealed_sha256 for one in annexes(desk.db, document.id)))
    lasting = {sha256: kept.sha256 for sha256 in sources if sha256 and (kept := evidence.newest(desk.db, sha256))}
    return _package(desk, actor, document, now, lasting)


def _package(desk: Desk, actor: Actor, document: Outgoing, now: datetime, lasting: dict[str, str]) -> DocumentPackage:
    """What is sent. ``lasting``: sealed file → its extended form, where there is one."""
    issued, sealed = date.fromisoformat(document.issue_date or ""), document.sealed_sha256 or ""
    signer = people.get(desk.db, document.signer_id)
    organ = organs.get(desk.db, document.organ_id)
    return DocumentPackage(
        message_id=messages.new_id(),
        sender=organs.party(desk.db, document.organ_id, issued),
        recipients=tuple(organs.party(desk.db, row["organ_id"], issued) for row in recipients(desk.db, document.id)),
        document_code=document.document_code or "",
        number=number_text(document.number or 0),
        notation=document.notation or "",
        place=organ.place,
        issue_date=issued,
        type_name=document.type.name,
        subject=document.subject,
        competence=document.competence,
        signer_position=signer.position,
        signer_name=signer.full_name,
        reply_due=date.fromisoformat(document.reply_due) if document.reply_due else None,
        urgency=document.urgency,
        page_count=document.page_count,
        staff_name=actor.full_name,
        department=organ.name,
        at=now,
        business=related.business_of(desk.db, document.id),
        answers=related.answers_of(desk.db, document.id),
        files=(
            PackageFile(document.file_name, "application/pdf", lasting.get(sealed, sealed)),
            *(
                PackageFile(one.name, "application/pdf", lasting.get(one.sealed_sha256 or "", one.sealed_sha256 or ""))
                for one in annexes(desk.db, document.id)
            ),
        ),
    )
