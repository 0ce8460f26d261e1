"""Incoming documents (văn bản đến): arrived → accepted | refused → assigned → in progress → done.

One transition table; one function applies it, in one transaction with the audit entry and the status that reports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database

from appliance import clock
from appliance.errors import N_, BadInput, NotAllowed, NotFound, WrongState
from appliance.office import messages, organs, series
from appliance.office.desk import Actor, Desk, StatusPackage
from appliance.office.people import get as get_account
from appliance.office.people import memberships
from appliance.regulation import rules
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import fold, nfc

STATES: dict[str, str] = {
    "arrived": N_("Chờ tiếp nhận"),
    "refused": N_("Đã từ chối"),
    "accepted": N_("Đã vào sổ, chờ phân công"),
    "assigned": N_("Đã phân công"),
    "in_progress": N_("Đang xử lý"),
    "done": N_("Đã hoàn thành"),
}


@dataclass(frozen=True)
class Transition:
    """Who may move a document from where to where, and which status code tells the sender."""

    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    status_code: str


TRANSITIONS: dict[str, Transition] = {
    "accept": Transition(("arrived",), "accepted", ("clerk",), "03"),
    "refuse": Transition(("arrived",), "refused", ("clerk",), "02"),
    "assign": Transition(("accepted", "assigned"), "assigned", ("leader",), "04"),
    "start": Transition(("assigned",), "in_progress", ("clerk", "leader", "official"), "05"),
    "finish": Transition(("assigned", "in_progress"), "done", ("clerk", "leader", "official"), "06"),
}


@dataclass(frozen=True)
class Incoming:
    """One row of the table of the same name."""

    id: str
    organ_id: str
    bus_doc_id: str
    copies: int
    same_code_other_content: int
    state: str
    from_code: str
    from_name: str
    document_code: str
    code_number: str
    code_notation: str
    issue_date: str
    type_name: str
    subject: str
    urgency: int
    signer_name: str
    signer_position: str
    reply_due: str | None
    raw_sha256: str
    received_at: str
    warnings: str
    arrival_number: int | None
    arrival_date: str | None
    refusal_reason: str
    assignee_id: str | None
    instruction: str
    task_due: str | None
    result: str
    updated_at: str

    @property
    def code(self) -> str:
        """Number and notation as printed."""
        return "/".join(part for part in (self.code_number, self.code_notation) if part)


_COLUMNS = ", ".join(Incoming.__dataclass_fields__)


def load(db: Database, incoming_id: str) -> Incoming | None:
    """The row, whoever asks."""
    row = db.execute(f"SELECT {_COLUMNS} FROM incoming WHERE id = ?", [incoming_id]).fetchone()
    return Incoming(*row) if row else None


def get(desk: Desk, actor: Actor, incoming_id: str) -> Incoming:
    """One document of the actor's organ. Raises NotFound; an official sees what is assigned to them."""
    found = load(desk.db, incoming_id)
    if found is None or found.organ_id != actor.organ_id or not _may_see(actor, found.assignee_id):
        raise NotFound(N_("Không có văn bản đến này, hoặc anh/chị không được xem."))
    return found


def _may_see(actor: Actor, assignee_id: str | None) -> bool:
    return actor.has("clerk", "leader", "auditor") or assignee_id == actor.account_id


def listing(
    desk: Desk, actor: Actor, *, states: tuple[str, ...] = (), query: str = "", page: int = 1, per_page: int = 50
) -> tuple[list[Incoming], int]:
    """(documents of one page, total), newest first; ``query`` matches subject, sender and number without marks."""
    where, values = "organ_id = ?", [actor.organ_id]
    if not actor.has("clerk", "leader", "auditor"):
        where += " AND assignee_id = ?"
        values.append(actor.account_id)
    if states:
        where += f" AND state IN ({', '.join('?' * len(states))})"
        values.extend(states)
    if query:
        where += " AND instr(fold(subject || ' ' || from_name || ' ' || code_number || '/' || code_notation), ?) > 0"
        values.append(fold(nfc(query)))
    total = desk.db.execute(f"SELECT count(*) FROM incoming WHERE {where}", values).fetchone()[0]
    rows = desk.db.execute(
        f"SELECT {_COLUMNS} FROM incoming WHERE {where} ORDER BY received_at DESC, id LIMIT ? OFFSET ?",
        [*values, per_page, (page - 1) * per_page],
    ).fetchall()
    return [Incoming(*row) for row in rows], total


def files(db: Database, incoming_id: str) -> list[dict[str, Any]]:
    """The attachments: name, sha256, size, media_type, scan, signatures (JSON of the validation report)."""
    return list(db.query("SELECT * FROM incoming_file WHERE incoming_id = ? ORDER BY position", [incoming_id]))


def register(db: Database, organ_id: str, year: int) -> list[Incoming]:
    """The register of incoming documents (sổ văn bản đến) of one year, by arrival number."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM incoming WHERE organ_id = ? AND arrival_number IS NOT NULL AND"
        f" substr(arrival_date, 1, 4) = ?"
        " ORDER BY arrival_number",
        [organ_id, str(year)],
    ).fetchall()
    return [Incoming(*row) for row in rows]


def accept(desk: Desk, actor: Actor, incoming_id: str) -> None:
    """Into the register: arrival number and date, status 03."""
    document = get(desk, actor, incoming_id)
    today = desk.clock.now().date()

    def changes() -> dict[str, Any]:
        number = series.take(desk.db, organ_id=document.organ_id, kind="incoming", year=today.year)
        return {"arrival_number": number, "arrival_date": today.isoformat()}

    _apply(desk, actor, document, "accept", changes, N_("Tiếp nhận văn bản điện tử, vào sổ văn bản đến."))


def refuse(desk: Desk, actor: Actor, incoming_id: str, reason: str) -> None:
    """Refuse with a reason that goes back to the sender, status 02 (QĐ 28/2018 article 5.4)."""
    reason = _required(reason, N_("Phải ghi lý do từ chối tiếp nhận."), rules.REFUSAL_REASON)
    _apply(desk, actor, get(desk, actor, incoming_id), "refuse", lambda: {"refusal_reason": reason}, reason)


def assign(desk: Desk, actor: Actor, incoming_id: str, assignee_id: str, instruction: str, due: date | None) -> None:
    """The leader gives the document to a person with an instruction (article 11), status 04."""
    document = get(desk, actor, incoming_id)
    assignee = get_account(desk.db, assignee_id)
    if document.organ_id not in memberships(desk.db, assignee_id) or not assignee.active:
        raise BadInput(N_("Người được giao không thuộc cơ quan này."), next_step=N_("Chọn người trong danh sách."))
    changes = {
        "assignee_id": assignee_id,
        "instruction": nfc(instruction)[: rules.REASON_MAX],
        "task_due": due.isoformat() if due else None,
    }
    _apply(desk, actor, document, "assign", lambda: changes, N_("Lãnh đạo phân công xử lý."))


def start(desk: Desk, actor: Actor, incoming_id: str) -> None:
    """The person assigned begins, status 05."""
    document = _own_task(desk, actor, incoming_id)
    _apply(desk, actor, document, "start", dict, N_("Đang xử lý."))


def finish(desk: Desk, actor: Actor, incoming_id: str, result: str) -> None:
    """The person assigned is done, status 06."""
    document = _own_task(desk, actor, incoming_id)
    result = _required(result, N_("Phải ghi kết quả xử lý."), None)
    _apply(desk, actor, document, "finish", lambda: {"result": result}, N_("Đã hoàn thành xử lý."))


def _own_task(desk: Desk, actor: Actor, incoming_id: str) -> Incoming:
    document = get(desk, actor, incoming_id)
    if document.assignee_id != actor.account_id:
        raise NotAllowed(
            N_("Văn bản này không được giao cho anh/chị."), next_step=N_("Nhờ lãnh đạo phân công lại nếu cần.")
        )
    return document


def _required(text: str, message: str, rule: rules.Rule | None) -> str:
    text = nfc(text)
    if not text or len(text) > rules.REASON_MAX:
        raise BadInput(message, next_step=N_("Ghi rõ, không quá 500 ký tự."), rule=rule)
    return text


def _apply(desk: Desk, actor: Actor, document: Incoming, action: str, changes: Any, description: str) -> None:
    """Move the document by its table, with the audit entry and the status in the same transaction."""
    transition = TRANSITIONS[action]
    if not actor.has(*transition.roles):
        raise NotAllowed(N_("Vai trò của anh/chị không làm được việc này."))
    if document.state not in transition.sources:
        raise _moved(document.state)
    now = desk.clock.now()
    status = prepare_status(desk, actor, document, transition.status_code, description, now)
    with transaction(desk.db):
        row = desk.db.execute("SELECT state FROM incoming WHERE id = ?", [document.id]).fetchone()
        if row[0] not in transition.sources:
            raise _moved(row[0])
        values = {**changes(), "state": transition.target, "updated_at": now.isoformat()}
        desk.db.table("incoming").update(document.id, values)
        detail = {"from": row[0], "to": transition.target, **{k: v for k, v in values.items() if k != "updated_at"}}
        audit.append(desk.db, now, actor.account_id, f"incoming.{action}", f"incoming:{document.id}", detail)
        clock.raise_floor(desk.db, now)
        messages.enqueue(desk.db, status, now)


def _moved(state: str) -> WrongState:
    return WrongState(
        N_("Văn bản đã ở trạng thái “%(state)s”, không làm lại được bước này."),
        next_step=N_("Tải lại trang để xem trạng thái mới."),
        state=STATES[state],
    )


def prepare_status(
    desk: Desk, actor: Actor, document: Incoming, code: str, description: str, now: datetime
) -> messages.Prepared:
    """The status package that tells the document's sender ``code``; durable, not yet queued."""
    package = StatusPackage(
        message_id=messages.new_id(),
        sender=organs.party(desk.db, document.organ_id, now.date()),
        addressee_code=document.from_code,
        document_code=document.document_code,
        code=document.code,
        issue_date=document.issue_date,
        status_code=code,
        description=description,
        staff_name=actor.full_name,
        department=organs.get(desk.db, document.organ_id).name,
        at=now,
    )
    return messages.prepare_status(
        desk, package, organ_id=document.organ_id, incoming_id=document.id, title=document.subject
    )
