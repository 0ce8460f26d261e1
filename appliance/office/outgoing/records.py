"""Outgoing documents (văn bản đi) as records: the states, who may move them where, and how they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlite_utils import Database

from appliance.errors import N_, NotFound
from appliance.office.desk import Actor, Desk
from appliance.regulation.copies import COPY_TYPES
from appliance.regulation.document_types import TYPES, DocumentType, number_text
from appliance.store.text import fold, nfc

STATES: dict[str, str] = {
    "drafting": N_("Đang soạn"),
    "submitted": N_("Chờ ký"),
    "returned": N_("Bị trả lại"),
    "withdrawn": N_("Đã rút"),
    "signed": N_("Đã ký, chờ cấp số"),
    "numbered": N_("Đã cấp số, chờ đóng dấu"),
    "sealed": N_("Đã đóng dấu, chờ phát hành"),
    "issued": N_("Đã phát hành"),
}


@dataclass(frozen=True)
class Transition:
    """From where to where, and which roles; the rules that guard it stand in the function that does it."""

    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]


EDITABLE = ("drafting", "returned")
TRANSITIONS: dict[str, Transition] = {
    "submit": Transition(EDITABLE, "submitted", ("clerk", "official", "leader")),
    "give_back": Transition(("submitted",), "returned", ("leader",)),
    "send_back": Transition(("signed",), "returned", ("clerk",)),
    "withdraw": Transition(
        (*EDITABLE, "submitted", "signed", "numbered"), "withdrawn", ("clerk", "official", "leader")
    ),
    "sign": Transition(("submitted",), "signed", ("leader",)),
    # the signer signed on a device of their own, outside the box
    "take_signed": Transition((*EDITABLE, "submitted"), "signed", ("clerk", "official", "leader")),
    "take_number": Transition(("signed",), "numbered", ("clerk",)),
    "seal": Transition(("numbered",), "sealed", ("clerk",)),
    "ask_to_sign_again": Transition(("signed", "numbered"), "submitted", ("clerk",)),
    "issue": Transition(("sealed",), "issued", ("clerk",)),
}

COPY_TRANSITIONS: dict[str, Transition] = {
    "take_copy_number": Transition(("drafting",), "numbered", ("clerk",)),
    "seal_copy": Transition(("numbered",), "sealed", ("clerk",)),
    "withdraw": Transition(("drafting", "numbered"), "withdrawn", ("clerk",)),
    "issue": Transition(("sealed",), "issued", ("clerk",)),
}
"""Copies (NĐ 30/2020/NĐ-CP, article 25): the organ signs, by the clerk; no leader's signature is on them."""


@dataclass(frozen=True)
class OutgoingForm:
    """What a drafter fills in."""

    type_code: str
    subject: str
    urgency: int
    signer_id: str
    recipient_ids: tuple[str, ...]
    unit: str = ""
    competence: str = ""
    reply_due: date | None = None
    note: str = ""
    no_secret: bool = False


@dataclass(frozen=True)
class Outgoing:
    """One row of the table of the same name."""

    id: str
    organ_id: str
    state: str
    type_code: str
    subject: str
    urgency: int
    unit: str
    drafter_id: str
    signer_id: str
    competence: str
    reply_due: str | None
    note: str
    reason: str
    book: str
    number: int | None
    number_year: int | None
    notation: str | None
    issue_date: str | None
    document_code: str | None
    rule_set: str
    file_name: str
    draft_sha256: str
    placement: str
    prepared_sha256: str | None
    signed_sha256: str | None
    sealed_sha256: str | None
    page_count: int
    signed_at: str | None
    sealed_at: str | None
    issued_at: str | None
    created_at: str
    updated_at: str
    kind: str
    encrypted: int

    @property
    def transitions(self) -> dict[str, Transition]:
        """The table that moves it: a document's or a copy's."""
        return COPY_TRANSITIONS if self.kind == "copy" else TRANSITIONS

    @property
    def editable(self) -> bool:
        """Whether its fields, file and annexes may still be changed; a copy is made in one piece."""
        return self.kind == "document" and self.state in EDITABLE

    @property
    def type(self) -> DocumentType:
        """The document's type, or the form of copy."""
        return COPY_TYPES[self.type_code] if self.kind == "copy" else TYPES[self.type_code]

    @property
    def code(self) -> str:
        """Number and notation as printed, '' before a number was taken."""
        return f"{number_text(self.number)}/{self.notation}" if self.number is not None else ""

    @property
    def current_sha256(self) -> str:
        """The newest form of the file."""
        return self.sealed_sha256 or self.signed_sha256 or self.prepared_sha256 or self.draft_sha256


COLUMNS = ", ".join(Outgoing.__dataclass_fields__)


def load(db: Database, outgoing_id: str) -> Outgoing | None:
    """The row, whoever asks."""
    row = db.execute(f"SELECT {COLUMNS} FROM outgoing WHERE id = ?", [outgoing_id]).fetchone()
    return Outgoing(*row) if row else None


def get(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    """One document of the actor's organ. Raises NotFound; an official sees their own drafts and what was issued."""
    found = load(desk.db, outgoing_id)
    if found is None or found.organ_id != actor.organ_id or not _may_see(actor, found):
        raise NotFound(N_("Không có văn bản đi này, hoặc anh/chị không được xem."))
    return found


def _may_see(actor: Actor, document: Outgoing) -> bool:
    own = document.drafter_id == actor.account_id or document.signer_id == actor.account_id
    return own or actor.has("clerk", "leader", "auditor") or (actor.has("official") and document.state == "issued")


def listing(
    desk: Desk, actor: Actor, *, states: tuple[str, ...] = (), query: str = "", page: int = 1, per_page: int = 50
) -> tuple[list[Outgoing], int]:
    """(one page of documents, total), last touched first; ``query`` matches subject and number without marks."""
    where = "organ_id = ?"
    values: list[object] = [actor.organ_id]
    if not actor.has("clerk", "leader", "auditor"):
        where += " AND (drafter_id = ? OR signer_id = ? OR (state = 'issued' AND ?))"
        values += [actor.account_id, actor.account_id, actor.has("official")]
    if states:
        where += f" AND state IN ({', '.join('?' * len(states))})"
        values += states
    if query:
        where += " AND instr(fold(subject || ' ' || coalesce(number || '/' || notation, '')), ?) > 0"
        values.append(fold(nfc(query)))
    total = desk.db.execute(f"SELECT count(*) FROM outgoing WHERE {where}", values).fetchone()[0]
    rows = desk.db.execute(
        f"SELECT {COLUMNS} FROM outgoing WHERE {where} ORDER BY updated_at DESC, id LIMIT ? OFFSET ?",
        [*values, per_page, (page - 1) * per_page],
    ).fetchall()
    return [Outgoing(*row) for row in rows], total


def recipients(db: Database, outgoing_id: str) -> list[dict[str, Any]]:
    """organ_id, code and name of each recipient, in the order given."""
    return list(db.query("SELECT * FROM outgoing_recipient WHERE outgoing_id = ? ORDER BY position", [outgoing_id]))


def register(db: Database, organ_id: str, year: int) -> list[Outgoing]:
    """The register of outgoing documents (sổ văn bản đi) of one year, by number; withdrawn numbers stay in it.

    Documents first, then the copies with their own series.
    """
    rows = db.execute(
        f"SELECT {COLUMNS} FROM outgoing WHERE organ_id = ? AND number_year = ? ORDER BY kind = 'copy', book, number",
        [organ_id, year],
    ).fetchall()
    return [Outgoing(*row) for row in rows]


def history(db: Database, outgoing_id: str) -> list[dict[str, Any]]:
    """The document's own part of the journal, oldest first."""
    return list(
        db.query(
            "SELECT at, actor, action, detail FROM audit WHERE subject = ? ORDER BY seq", [f"outgoing:{outgoing_id}"]
        )
    )
