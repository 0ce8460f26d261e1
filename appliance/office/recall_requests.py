"""A sender asks for a document back (status 13, or a package of recall), or updates or replaces it.

The clerk agrees (15) or refuses (16); nothing happens by itself. A recall is a request about the document it names; an
update or replacement is a document of its own, so that the request is known by that document's id and answered there.
To an organ that never had the old document the new one is an ordinary document: there is nothing to agree to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from appliance import clock
from appliance.errors import N_, BadInput, NotAllowed, WrongState
from appliance.office import incoming, messages, organs
from appliance.office.desk import Actor, Desk
from appliance.office.incoming import Incoming
from appliance.regulation import rules
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc

ASKED = "13"
RECALL = 1
"""BussinessDocType of a package of recall (item 2.2.1)."""
AGREED = "15"
REFUSED = "16"
_AGREED_WORDS = {
    RECALL: N_("Đồng ý lấy lại văn bản."),
    2: N_("Đồng ý cập nhật văn bản."),
    3: N_("Đồng ý thay thế văn bản."),
}
_CHANGES = (
    "SELECT i.id, min(b.kind), b.reason, i.received_at, a.status_code, a.reason, a.at,"
    " i.code_number || '/' || i.code_notation || ' – ' || i.from_name, i.subject"
    " FROM incoming_business b JOIN incoming i ON i.id = b.incoming_id"
    " LEFT JOIN change_answer a ON a.incoming_id = i.id"
    " WHERE (a.at IS NOT NULL OR i.state <> 'refused')"  # whoever refused the package itself has answered
    " AND (a.at IS NOT NULL OR EXISTS (SELECT 1 FROM incoming old WHERE old.organ_id = i.organ_id AND old.id <> i.id"
    " AND old.document_code = b.document_code))"  # who never had the old one got an ordinary new document
)


@dataclass(frozen=True)
class Request:
    """One request; ``status_code``, ``answer`` and ``answered_at`` are None while it waits.

    ``kind`` is the BussinessDocType: 1 recall, 2 update, 3 replacement.
    """

    id: str
    kind: int
    reason: str
    received_at: str
    status_code: str | None
    answer: str | None
    answered_at: str | None


def note(
    db: Database, organ_id: str, bus_doc_id: str, from_code: str, document_code: str, reason: str, now: datetime
) -> bool:
    """Keep what an organ of ours is asked, in the caller's transaction; its document may still be on its way.

    The same words again while it waits (package and status 13 together), or a package handed over twice (known by its
    message id, or by its bytes where the bus tells no id), are no second request; returns whether it was a new one.
    """
    codes = organs.codes_of(db, from_code)
    marks = ", ".join("?" * len(codes))
    known = db.execute(
        "SELECT 1 FROM recall_request r WHERE organ_id = ? AND document_code = ? AND reason = ?"
        f" AND from_code IN ({marks}) AND NOT EXISTS (SELECT 1 FROM recall_answer WHERE request_id = r.id)"
        " UNION ALL SELECT 1 FROM inbox one JOIN inbox other ON other.message_id = one.message_id"
        " AND other.to_code = one.to_code AND other.bus_doc_id <> one.bus_doc_id AND other.state <> 'quarantined'"
        " WHERE one.bus_doc_id = ? AND (one.message_id <> '' OR other.sha256 = one.sha256)",
        [organ_id, document_code, nfc(reason), *codes, bus_doc_id],
    ).fetchone()
    if known:
        return False
    db.table("recall_request").insert(
        {
            "id": f"{bus_doc_id}:{organ_id}",
            "bus_doc_id": bus_doc_id,
            "organ_id": organ_id,
            "from_code": from_code,
            "document_code": document_code,
            "reason": nfc(reason),
            "received_at": now.isoformat(),
        }
    )
    return True


def of_document(db: Database, document: Incoming) -> list[Request]:
    """The requests to answer at ``document``, oldest first: itself, and recalls under any code of its sender."""
    codes = organs.codes_of(db, document.from_code)
    changes = db.execute(f"{_CHANGES} AND i.id = ? GROUP BY i.id", [document.id]).fetchall()
    rows = db.execute(
        "SELECT r.id, 1, r.reason, r.received_at, a.status_code, a.reason, a.at FROM recall_request r"
        " LEFT JOIN recall_answer a ON a.request_id = r.id WHERE r.organ_id = ? AND r.document_code = ?"
        f" AND r.from_code IN ({', '.join('?' * len(codes))}) ORDER BY r.received_at, r.id",
        [document.organ_id, document.document_code, *codes],
    ).fetchall()
    return [Request(*row[:7]) for row in (*changes, *rows)]


def never_had(db: Database, document: Incoming) -> list[str]:
    """The sender's codes of the documents that ``document`` updates or replaces and that its organ does not have."""
    rows = db.execute(
        "SELECT DISTINCT b.document_code FROM incoming_business b WHERE b.incoming_id = ? AND NOT EXISTS (SELECT 1 FROM"
        " incoming old WHERE old.organ_id = ? AND old.id <> b.incoming_id AND old.document_code = b.document_code)"
        " ORDER BY b.document_code",
        [document.id, document.organ_id],
    ).fetchall()
    return [str(row[0]) for row in rows]


def waiting(db: Database, organ_id: str) -> list[tuple[Request, str, str, str]]:
    """Requests without an answer, oldest first: (request, incoming document's id or '' , its name, its subject).

    A request whose document has not come yet is shown by the sender's own code for it.
    """
    rows = db.execute(
        "SELECT r.id, r.reason, r.received_at, r.from_code, r.document_code FROM recall_request r"
        " LEFT JOIN recall_answer a ON a.request_id = r.id WHERE r.organ_id = ? AND a.at IS NULL"
        " ORDER BY r.received_at, r.id",
        [organ_id],
    ).fetchall()
    changes = db.execute(f"{_CHANGES} AND i.organ_id = ? AND a.at IS NULL GROUP BY i.id", [organ_id]).fetchall()
    found = [(Request(*row[:7]), str(row[0]), str(row[7]), str(row[8])) for row in changes]
    for request_id, reason, received_at, from_code, document_code in rows:
        codes = organs.codes_of(db, from_code)
        about = db.execute(
            "SELECT id, code_number || '/' || code_notation || ' – ' || from_name, subject FROM incoming"
            f" WHERE organ_id = ? AND document_code = ? AND from_code IN ({', '.join('?' * len(codes))})"
            " ORDER BY received_at DESC LIMIT 1",
            [organ_id, document_code, *codes],
        ).fetchone()
        one = Request(request_id, RECALL, reason, received_at, None, None, None)
        found.append((one, *(about or ("", f"{from_code} – {document_code}", ""))))
    return sorted(found, key=lambda one: (one[0].received_at, one[0].id))


def answer(desk: Desk, actor: Actor, incoming_id: str, request_id: str, *, agree: bool, reason: str) -> None:
    """Tell the sender 15 or 16; the record and its files stay as they are. A refusal needs a reason.

    Raises NotAllowed, BadInput, WrongState when it was answered already.
    """
    document = incoming.get(desk, actor, incoming_id)
    if not actor.has("clerk"):
        raise NotAllowed(N_("Vai trò của anh/chị không làm được việc này."))
    reason = nfc(reason)
    if len(reason) > rules.REASON_MAX or not (reason or agree):
        raise BadInput(N_("Phải ghi lý do không đồng ý."), next_step=N_("Ghi rõ, không quá 500 ký tự."))
    now, code = desk.clock.now(), AGREED if agree else REFUSED
    kind = next((one.kind for one in of_document(desk.db, document) if one.id == request_id), RECALL)
    words = reason or _AGREED_WORDS[kind]
    status = incoming.prepare_status(desk, actor, document, code, words, now)
    with transaction(desk.db):
        if request_id not in [one.id for one in of_document(desk.db, document) if one.status_code is None]:
            raise WrongState(N_("Yêu cầu này đã được trả lời."), next_step=N_("Tải lại trang để xem trạng thái mới."))
        row = {"incoming_id": incoming_id, "status_code": code, "reason": reason}
        row |= {"answered_by": actor.account_id, "at": now.isoformat()}
        if kind == RECALL:
            desk.db.table("recall_answer").insert({"request_id": request_id, **row})
        else:
            desk.db.table("change_answer").insert(row)
        action = "incoming.answer_recall" if kind == RECALL else "incoming.answer_change"
        detail = {"request": request_id, "code": code, "result": words}
        audit.append(desk.db, now, actor.account_id, action, f"incoming:{incoming_id}", detail)
        clock.raise_floor(desk.db, now)
        messages.enqueue(desk.db, status, now)
