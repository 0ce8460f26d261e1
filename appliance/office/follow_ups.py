"""What is done about an issued document afterwards: it is recalled (thu hồi), or sent to further organs (cập nhật).

The document itself, its number and its place in the register stay as they are. The receivers decide: each answers 15
(agrees) or 16 (refuses); nothing happens to their copies by itself (QCVN 102:2016, items 2.2.1 to 2.2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from appliance import clock
from appliance.errors import N_, BadInput, NotAllowed, WrongState
from appliance.office import encryption, messages, organs, outgoing
from appliance.office.desk import Actor, Business, Desk, DocumentPackage, Party, ReceiverChange, StatusPackage
from appliance.office.outgoing import Outgoing, related
from appliance.office.outgoing.issuing import package_again
from appliance.regulation import rules
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7

ROLES = ("clerk", "leader")
RECALL, UPDATE = 1, 2
ASK_BACK = "13"
_ACTIONS = {"recall": "outgoing.recall", "update": "outgoing.add_receivers"}
WORDS = {"recall": N_("Thu hồi"), "update": N_("Gửi thêm nơi nhận"), "replace": N_("Thay thế")}


@dataclass(frozen=True)
class FollowUp:
    """One of them; ``by`` is who did it, ``answers`` what each receiver said: (name, '15' | '16' | '', words, at)."""

    id: str
    kind: str
    reason: str
    by: str
    at: str
    answers: tuple[tuple[str, str, str, str], ...]


def recall(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> None:
    """Ask the receivers of ``left_to_recall`` to give the document back, by what ``Settings.recall_by`` names.

    Raises NotAllowed, BadInput without a reason, WrongState when it is not issued or nobody is left to ask.
    """
    document, reason, now = _issued(desk, actor, outgoing_id), _reason(reason), desk.clock.now()
    left = _require_left(desk.db, document.id, now)
    prepared = []
    if desk.settings.recall_by in ("package", "both"):
        package = package_again(desk, actor, document, now)
        business = Business(RECALL, reason, document.document_code or "")
        had = zip(outgoing.recipients(desk.db, document.id), package.recipients, strict=True)
        to = tuple(party for row, party in had if row in left)
        package = replace(package, business=business, files=(), recipients=to)
        prepared.append(_prepare(desk, document, package, WORDS["recall"], now))
    if desk.settings.recall_by in ("status", "both"):
        prepared += [_prepare_status(desk, actor, document, row["code"], row["name"], reason, now) for row in left]
    _write(desk, actor, document, "recall", reason, prepared, (), now)


def add_receivers(desk: Desk, actor: Actor, outgoing_id: str, organ_ids: tuple[str, ...], reason: str) -> None:
    """Send the document to further organs: to them as new, to those who have it as an update of its receivers.

    Raises NotAllowed, BadInput without organs or reason or for one that has it already, WrongState.
    """
    document, reason = _issued(desk, actor, outgoing_id), _reason(reason)
    had = outgoing.recipients(desk.db, document.id)
    outgoing.require_recipients(organ_ids)
    if set(organ_ids) & {row["organ_id"] for row in had}:
        raise BadInput(
            N_("Có nơi nhận đã được gửi văn bản này."), next_step=N_("Chỉ chọn những nơi chưa nhận văn bản.")
        )
    now = desk.clock.now()
    added = tuple(organs.party(desk.db, organ_id, now.date()) for organ_id in organ_ids)
    package = package_again(desk, actor, document, now)
    if document.encrypted:
        package = replace(package, files=encryption.close(desk, package.files, organ_ids))
    fresh = messages.prepare_document(
        desk, replace(package, recipients=added), organ_id=document.organ_id, outgoing_id=document.id, issued=now
    )
    changes = tuple(ReceiverChange(party.code, added=True) for party in added)
    business = Business(UPDATE, reason, document.document_code or "", receivers=changes)
    update = replace(package, message_id=messages.new_id(), business=business, files=())
    told = _prepare(desk, document, update, WORDS["update"], now)
    places = [
        {"outgoing_id": document.id, "organ_id": organ_id, "code": party.code, "name": party.name, "position": position}
        for position, (organ_id, party) in enumerate(zip(organ_ids, added, strict=True), start=len(had))
    ]
    _write(desk, actor, document, "update", reason, [fresh, told], tuple(places), now)


def of_document(db: Database, outgoing_id: str) -> list[FollowUp]:
    """Everything that was done about a document, oldest first; that it replaced others, first.

    An answer names the document alone, so it belongs to what the receiver was asked last before it came.
    """
    rows = db.execute(
        "SELECT follow_up.id, kind, reason, full_name, at FROM follow_up JOIN account ON account.id = account_id"
        " WHERE outgoing_id = ? ORDER BY at, follow_up.id",
        [outgoing_id],
    ).fetchall()
    asked = [_asked(db, row[0]) for row in rows]
    document = outgoing.load(db, outgoing_id)
    business = related.business_of(db, outgoing_id)
    if document is not None and document.issued_at and business.kind == related.REPLACE:
        by = db.execute(
            "SELECT coalesce(max(full_name), '') FROM audit JOIN account ON account.id = audit.actor"
            " WHERE action = 'outgoing.issue' AND subject = ?", [f"outgoing:{outgoing_id}"],
        ).fetchone()[0]  # fmt: skip
        rows.insert(0, (outgoing_id, "replace", business.reason, by, document.issued_at))
        own = db.execute(
            "SELECT code, name FROM message_recipient JOIN message ON message.id = message_id WHERE outgoing_id = ?"
            " AND message.rowid = (SELECT min(rowid) FROM message WHERE outgoing_id = ? AND kind = 'edoc')",
            [outgoing_id, outgoing_id],
        ).fetchall()
        asked.insert(0, own)
    said = list(
        db.query(
            "SELECT from_code, status_code, description, received_at FROM status_in WHERE outgoing_id = ?"
            " AND status_code IN ('15', '16') ORDER BY id",
            [outgoing_id],
        )
    )
    found = []
    for nth, (one, kind, reason, by, at) in enumerate(rows):
        answers = [_answer(db, said, code, name, at, _next(code, rows, asked, nth)) for code, name in asked[nth]]
        found.append(FollowUp(one, kind, reason, by, at, tuple(answers)))
    return found


def recalled(db: Database, outgoing_ids: list[str]) -> dict[str, tuple[int, int, int]]:
    """Of these documents those that were recalled → (receivers that agreed, that refused, that were asked)."""
    marks = ", ".join("?" * len(outgoing_ids))
    rows = db.execute(
        f"SELECT DISTINCT outgoing_id FROM follow_up WHERE kind = 'recall' AND outgoing_id IN ({marks})", outgoing_ids
    ).fetchall()
    found = {}
    for (outgoing_id,) in rows:
        last = list({code: said for _at, code, said in _recalls(db, outgoing_id)}.values())
        found[outgoing_id] = (last.count("15"), last.count("16"), len(last))
    return found


def left_to_recall(db: Database, outgoing_id: str, now: datetime) -> list[dict[str, Any]]:
    """Receivers that a recall asks now: those not asked before, those that refused, those silent since another day."""
    settled: set[str] = set()
    for at, code, said in _recalls(db, outgoing_id):
        if said == "15" or (not said and at[:10] >= now.date().isoformat()):
            settled |= {code, *organs.codes_of(db, code)}
    return [row for row in outgoing.recipients(db, outgoing_id) if row["code"] not in settled]


def _recalls(db: Database, outgoing_id: str) -> list[tuple[str, str, str]]:
    """(asked at, receiver's code, '15' | '16' | '') of every request to give it back, oldest first."""
    done = [one for one in of_document(db, outgoing_id) if one.kind == "recall"]
    return [
        (one.at, code, said)
        for one in done
        for (code, _name), (_, said, _, _) in zip(_asked(db, one.id), one.answers, strict=True)
    ]


def _require_left(db: Database, outgoing_id: str, now: datetime) -> list[dict[str, Any]]:
    left = left_to_recall(db, outgoing_id, now)
    if not left:
        raise WrongState(
            N_("Văn bản này đã có yêu cầu thu hồi."),
            next_step=N_("Chờ nơi nhận trả lời; nơi từ chối, hoặc hôm sau vẫn chưa trả lời, thì yêu cầu lại được."),
        )
    return left


def _asked(db: Database, follow_up_id: str) -> list[tuple[str, str]]:
    """(code, name) of the receivers that were asked; who gets the document as new is asked nothing."""
    return db.execute(
        "SELECT r.code, max(r.name) FROM follow_up_message f JOIN message m ON m.id = f.message_id"
        " AND m.outgoing_id IS NULL"
        " JOIN message_recipient r ON r.message_id = m.id WHERE follow_up_id = ? GROUP BY r.code ORDER BY min(r.rowid)",
        [follow_up_id],
    ).fetchall()


def _next(code: str, rows: Sequence[tuple[str, ...]], asked: Sequence[Sequence[tuple[str, str]]], nth: int) -> str:
    """When the receiver was asked again after the follow-up at ``nth``; later than any time when it was not."""
    later = zip(rows[nth + 1 :], asked[nth + 1 :], strict=True)
    return next((row[4] for row, to in later if code in dict(to)), "~")


def _answer(
    db: Database, said: Sequence[dict[str, Any]], code: str, name: str, since: str, until: str
) -> tuple[str, str, str, str]:
    """What this receiver answered last, 15 or 16, from ``since`` until before ``until``."""
    codes = {code, *organs.codes_of(db, code)}
    found = [one for one in said if one["from_code"] in codes and since <= one["received_at"] < until]
    last: dict[str, Any] = found[-1] if found else {}
    return name, last.get("status_code", ""), last.get("description", ""), last.get("received_at", "")


def _issued(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    document = outgoing.get(desk, actor, outgoing_id)
    if not actor.has(*ROLES):
        raise NotAllowed(N_("Chỉ văn thư hoặc lãnh đạo được làm việc này."), rule=rules.CLERK_SEALS)
    if document.state != "issued":
        raise WrongState(N_("Chỉ làm được việc này với văn bản đã phát hành."))
    return document


def _reason(text: str) -> str:
    reason = nfc(text)
    if not reason or len(reason) > rules.REASON_MAX:
        raise BadInput(N_("Phải ghi lý do."), next_step=N_("Ghi rõ, không quá 500 ký tự."))
    return reason


def _prepare(desk: Desk, document: Outgoing, package: DocumentPackage, words: str, now: datetime) -> messages.Prepared:
    """A package about the document; it is no delivery of it, so that the document's own message stays alone."""
    made = messages.prepare_document(desk, package, organ_id=document.organ_id, outgoing_id=document.id, issued=now)
    return replace(made, outgoing_id=None, title=f"{words}: {document.subject}")


def _prepare_status(
    desk: Desk, actor: Actor, document: Outgoing, code: str, name: str, reason: str, now: datetime
) -> messages.Prepared:
    """Status 13 to one receiver: the direction is turned, from the document's sender to whom it was sent."""
    organ = organs.get(desk.db, document.organ_id)
    package = StatusPackage(
        message_id=messages.new_id(),
        sender=organs.party(desk.db, document.organ_id, now.date()),
        addressee_code=code,
        document_code=document.document_code or "",
        code=document.code,
        issue_date=document.issue_date or "",
        status_code=ASK_BACK,
        description=reason,
        staff_name=actor.full_name,
        department=organ.name,
        at=now,
    )
    made = messages.prepare_status(
        desk, package, organ_id=document.organ_id, incoming_id="", title=f"{WORDS['recall']}: {document.subject}"
    )
    return replace(made, incoming_id=None, recipients=(Party(code, name),))


def _write(
    desk: Desk,
    actor: Actor,
    document: Outgoing,
    kind: str,
    reason: str,
    prepared: list[messages.Prepared],
    places: tuple[dict[str, Any], ...],
    now: datetime,
) -> None:
    """One transaction: the follow-up, new receivers, journal and messages."""
    follow_up_id, db = uuid7(), desk.db
    with transaction(db):
        if kind == "recall":
            _require_left(db, document.id, now)
        row = {"id": follow_up_id, "outgoing_id": document.id, "kind": kind, "reason": reason}
        db.table("follow_up").insert({**row, "account_id": actor.account_id, "at": now.isoformat()})
        for place in places:
            db.table("outgoing_recipient").insert(place)
        detail = {
            "reason": reason, "messages": [one.id for one in prepared], "to": [one["code"] for one in places],
            "packages": [one.sha256 for one in prepared],
        }  # fmt: skip
        audit.append(db, now, actor.account_id, _ACTIONS[kind], f"outgoing:{document.id}", detail)
        clock.raise_floor(db, now)
        for one in prepared:
            messages.enqueue(db, one, now)
            db.table("follow_up_message").insert({"message_id": one.id, "follow_up_id": follow_up_id})
