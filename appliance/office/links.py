"""Which document answers or replaces which, on both sides of the wire."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from appliance.errors import N_, BadInput, WrongState
from appliance.office import incoming, organs, outgoing
from appliance.office.desk import Actor, Answered, Business, Desk
from appliance.office.outgoing.moves import require_author
from appliance.store import audit
from appliance.store.database import transaction


@dataclass(frozen=True)
class Link:
    """A document at the other end: its id, how it is called, its subject."""

    id: str
    name: str
    subject: str


def answer(desk: Desk, actor: Actor, outgoing_id: str, incoming_id: str) -> None:
    """Say, while it is a draft, that this document answers an incoming one. Raises NotAllowed, NotFound, WrongState."""
    found = incoming.get(desk, actor, incoming_id)
    _link(desk, actor, outgoing_id, "answers_id", found.id, found.code)


def replace_with(desk: Desk, actor: Actor, outgoing_id: str, old_id: str) -> None:
    """Say, while it is a draft, that this document replaces an issued one. Raises as ``answer``, and BadInput."""
    old = outgoing.get(desk, actor, old_id)
    if old.state != "issued" or old.id == outgoing_id:
        raise BadInput(N_("Chỉ thay thế được văn bản đã phát hành."))
    _link(desk, actor, outgoing_id, "replaces_id", old.id, old.code)


def _link(desk: Desk, actor: Actor, outgoing_id: str, column: str, other_id: str, name: str) -> None:
    document = outgoing.get(desk, actor, outgoing_id)
    require_author(actor, document)
    now = desk.clock.now()
    with transaction(desk.db):
        current = outgoing.load(desk.db, outgoing_id)
        if current is None or current.state not in outgoing.EDITABLE:
            raise WrongState(N_("Văn bản đã trình, không đổi được văn bản liên quan."))
        desk.db.execute(
            f"INSERT OR IGNORE INTO outgoing_link (outgoing_id, {column}) VALUES (?, ?)", [outgoing_id, other_id]
        )
        detail = {column.removesuffix("_id"): other_id, "code": name}
        audit.append(desk.db, now, actor.account_id, "outgoing.link", f"outgoing:{outgoing_id}", detail)


def shown_outgoing(db: Database, outgoing_id: str) -> dict[str, list[Link]]:
    """What stands on an outgoing document's page: 'answers', 'answered_by', 'replaces', 'replaced_by'."""
    taken = "incoming.id, code_number || '/' || code_notation || ' – ' || from_name, subject"
    own = "outgoing.id, coalesce(printf('%02d', number) || '/' || notation, ''), subject"
    return {
        "answers": _links(db, f"SELECT {taken} FROM outgoing_link JOIN incoming ON incoming.id = answers_id"
                              " WHERE outgoing_id = ?", outgoing_id),
        "answered_by": _links(db, f"SELECT {taken} FROM incoming_answer JOIN incoming ON incoming.id = incoming_id"
                                  " WHERE outgoing_id = ?", outgoing_id),
        "replaces": _links(db, f"SELECT {own} FROM outgoing_link JOIN outgoing ON outgoing.id = replaces_id"
                               " WHERE outgoing_id = ?", outgoing_id),
        "replaced_by": _links(db, f"SELECT {own} FROM outgoing_link JOIN outgoing ON outgoing.id = outgoing_id"
                                  " WHERE replaces_id = ? AND state = 'issued'", outgoing_id),
    }  # fmt: skip


def shown_incoming(db: Database, document: incoming.Incoming) -> dict[str, list[Link]]:
    """What stands on an incoming document's page: 'answered_by' (ours), 'answers' (ours), 'changes', 'changed_by'."""
    own = "outgoing.id, coalesce(printf('%02d', number) || '/' || notation, ''), subject"
    taken = "i.id, i.code_number || '/' || i.code_notation || ' – ' || i.from_name, i.subject"
    codes = organs.codes_of(db, document.from_code)
    marks = ", ".join("?" * len(codes))
    return {
        "answered_by": _links(db, f"SELECT {own} FROM outgoing_link JOIN outgoing ON outgoing.id = outgoing_id"
                                  " WHERE answers_id = ? AND state <> 'withdrawn'", document.id),
        "answers": _links(db, f"SELECT {own} FROM incoming_answer JOIN outgoing ON outgoing.id = outgoing_id"
                              " WHERE incoming_id = ?", document.id),
        "changes": _links(db, f"SELECT {taken} FROM incoming_business b JOIN incoming i ON i.document_code ="
                              " b.document_code AND i.organ_id = ? AND i.id <> b.incoming_id WHERE b.incoming_id = ?"
                              f" AND i.from_code IN ({marks})", document.organ_id, document.id, *codes),
        "changed_by": _links(db, f"SELECT {taken} FROM incoming_business b JOIN incoming i ON i.id = b.incoming_id"
                                 f" WHERE b.document_code = ? AND i.organ_id = ? AND i.id <> ? AND b.from_code IN"
                                 f" ({marks})", document.document_code, document.organ_id, document.id, *codes),
    }  # fmt: skip


def replacements(db: Database, outgoing_ids: list[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Of these documents those that replace or were replaced → (numbers they replace, numbers that replaced them)."""
    marks = ", ".join("?" * len(outgoing_ids))
    rows = db.execute(
        "SELECT l.outgoing_id, l.replaces_id FROM outgoing_link l JOIN outgoing o ON o.id = l.outgoing_id"
        " WHERE l.replaces_id IS NOT NULL AND o.state = 'issued'"
        f" AND (l.outgoing_id IN ({marks}) OR l.replaces_id IN ({marks})) ORDER BY o.issued_at",
        [*outgoing_ids, *outgoing_ids],
    ).fetchall()
    found: dict[str, tuple[list[str], list[str]]] = {}
    for new_id, old_id in rows:
        new, old = outgoing.load(db, new_id), outgoing.load(db, old_id)
        if new and old:
            found.setdefault(new_id, ([], []))[0].append(old.code)
            found.setdefault(old_id, ([], []))[1].append(new.code)
    return found


def note_arrival(
    db: Database, incoming_id: str, from_code: str, business: Business, answered: tuple[Answered, ...]
) -> None:
    """Keep what an arriving package says about other documents; in the transaction of its arrival."""
    acted_on = {business.document_code} if business.kind == 2 else {one.document_code for one in business.replaced}
    if business.kind in (2, 3):
        for code in sorted(filter(None, acted_on)):
            row = {"incoming_id": incoming_id, "kind": business.kind, "from_code": from_code, "document_code": code}
            db.table("incoming_business").insert({**row, "reason": business.reason})
    for code in {one.document_code for one in answered if one.document_code}:
        db.execute(
            "INSERT OR IGNORE INTO incoming_answer SELECT ?, id FROM outgoing WHERE document_code = ?",
            [incoming_id, code],
        )


def _links(db: Database, query: str, *values: str) -> list[Link]:
    return [Link(*row) for row in db.execute(query, list(values)).fetchall()]
