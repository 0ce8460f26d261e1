"""Giao nhận bằng USB: what people ask for, which messages lie in which container, what a returned receipt settles.

The containers themselves are sync's work (sync.courier): only sync holds the link's key. A message on a stick stays
open in the queue and may still leave over the wire; whichever way it arrives first counts (bus-link B.9 rule 4).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any, BinaryIO, cast

from sqlite_utils import Database

from appliance.errors import N_, BadInput, NotAllowed, NotFound
from appliance.office import courier_certificates, messages, organs
from appliance.office.desk import Actor, Desk
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import uuid7

ACTORS = ("clerk", "technician")
_SHOWN = 500
MOST_BYTES = (256 + 4) << 20
_LOADABLE = "state IN ('ready', 'sending', 'waiting', 'uncertain') AND superseded_by IS NULL"
_ORDER = "(kind = 'status') DESC, priority DESC, (due_latest IS NULL), due_latest, queued_at, id"


def loadable(db: Database, organ_id: str, to: str = "") -> list[dict[str, Any]]:
    """Messages that may go on a stick, most pressing first; ``to``: only those that this organ receives."""
    where, values = _LOADABLE, list[str]()
    if organ_id:
        where, values = f"{where} AND organ_id = ?", [organ_id]
    if to and to != "truc":
        codes = organs.codes_of(db, to)
        where += f" AND id IN (SELECT message_id FROM message_recipient WHERE code IN ({', '.join('?' * len(codes))}))"
        values += codes
    return list(db.query(f"SELECT * FROM message WHERE {where} ORDER BY {_ORDER}", values))


def loadable_with_receivers(db: Database, organ_id: str) -> list[dict[str, Any]]:
    """``loadable`` with the receivers' names in one text and whether it lies in a container already."""
    return [
        {
            **row,
            "receivers": "; ".join(one["name"] or one["code"] for one in messages.recipients_in_order(db, row["id"])),
            "loaded": bool(loads(db, row["id"])),
        }
        for row in loadable(db, organ_id)[:_SHOWN]
    ]


def loads(db: Database, message_id: str) -> list[dict[str, Any]]:
    """The containers a message lies in, newest first."""
    return list(
        db.query(
            "SELECT courier.* FROM courier JOIN courier_load ON courier_id = courier.id WHERE message_id = ?"
            " ORDER BY asked_at DESC",
            [message_id],
        )
    )


def ask_load(desk: Desk, actor: Actor, to: str, wanted: Sequence[str]) -> str:
    """Ask for a container to ``to`` with the messages ``wanted``, empty: all that fit. Returns its id.

    Raises NotAllowed, BadInput when there is nothing to load.
    """
    _allow(actor)
    courier_certificates.path_for(desk, to)
    there = [row["id"] for row in loadable(desk.db, actor.organ_id, to)]
    chosen = [one for one in there if not wanted or one in wanted]
    if not chosen or not set(wanted) <= set(there):
        raise BadInput(
            N_("Không có gói tin nào trong hàng đợi để giao cho nơi này."),
            next_step=N_("Chọn nơi nhận có trong gói tin, hoặc giao tất cả cho trục của tỉnh."),
        )
    return _ask(desk, actor, "load", to_code=to, wanted=json.dumps(chosen), packages=len(chosen))


def ask_bring(desk: Desk, actor: Actor, stream: IO[bytes]) -> str:
    """Keep a container that somebody brought, to be taken in. Raises NotAllowed, BadInput when it is too large."""
    _allow(actor)
    sha256, size = desk.blobs.put_stream(cast(BinaryIO, stream), MOST_BYTES)
    return _ask(desk, actor, "bring", sha256=sha256, size=size)


def get(db: Database, courier_id: str, organ_id: str = "") -> dict[str, Any]:
    """One container; ``organ_id`` '' sees all. Raises NotFound."""
    for row in db.query("SELECT * FROM courier WHERE id = ?", [courier_id]):
        if not organ_id or row["organ_id"] in (organ_id, ""):
            return row
    raise NotFound(N_("Không có gói USB này."))


def history(db: Database, organ_id: str) -> list[dict[str, Any]]:
    """The newest hundred containers, out and in, without the answers, which stand at what they answer."""
    return list(
        db.query(
            "SELECT * FROM courier WHERE kind <> 'answer' AND organ_id IN (?, '') ORDER BY asked_at DESC LIMIT 100",
            [organ_id],
        )
    )


def asked(db: Database) -> list[dict[str, Any]]:
    """What waits to be done, oldest first."""
    return list(db.query("SELECT * FROM courier WHERE state = 'asked' ORDER BY asked_at"))


def loaded(desk: Desk, courier_id: str, sha256: str, size: int, message_ids: Sequence[str]) -> None:
    """The container is sealed and durable; repeatable."""
    now = desk.clock.now()
    with transaction(desk.db):
        desk.db.execute(
            "UPDATE courier SET state = 'done', sha256 = ?, size = ?, packages = ?, done_at = ? WHERE id = ?",
            [sha256, size, len(message_ids), now.isoformat(), courier_id],
        )
        for one in message_ids:
            desk.db.execute("INSERT OR IGNORE INTO courier_load VALUES (?, ?)", [courier_id, one])
        row = get(desk.db, courier_id)
        detail = {"to": row["to_code"], "sha256": sha256, "packages": list(message_ids)}
        audit.append(desk.db, now, row["asked_by"], "courier.load", f"courier:{courier_id}", detail)


def answer(desk: Desk, bring: dict[str, Any], to: str, courier_id: str) -> None:
    """The row of a container that answers one brought in; ``loaded`` fills it."""
    values = [courier_id, bring["organ_id"], bring["asked_by"], to, desk.clock.now().isoformat()]
    with transaction(desk.db):
        desk.db.execute(
            "INSERT INTO courier (id, kind, state, organ_id, asked_by, to_code, asked_at)"
            " VALUES (?, 'answer', 'done', ?, ?, ?, ?)",
            values,
        )


def brought(desk: Desk, courier_id: str, report: dict[str, int], answer_id: str | None) -> None:
    """A container brought in has been taken in whole."""
    now = desk.clock.now()
    with transaction(desk.db):
        desk.db.execute(
            "UPDATE courier SET state = 'done', report = ?, packages = ?, answer_id = ?, done_at = ? WHERE id = ?",
            [json.dumps(report), sum(report.values()), answer_id, now.isoformat(), courier_id],
        )
        row = get(desk.db, courier_id)
        detail = {"sha256": row["sha256"], "result": json.dumps(report)}
        audit.append(desk.db, now, row["asked_by"], "courier.bring", f"courier:{courier_id}", detail)


def refused(desk: Desk, courier_id: str, reason: str, next_step: str) -> None:
    """It cannot be done; a container brought in stays in the store for inspection."""
    now = desk.clock.now()
    with transaction(desk.db):
        desk.db.execute(
            "UPDATE courier SET state = 'refused', reason = ?, next_step = ?, done_at = ? WHERE id = ?",
            [reason, next_step, now.isoformat(), courier_id],
        )
        row = get(desk.db, courier_id)
        detail = {"reason": reason, "sha256": row["sha256"]}
        audit.append(desk.db, now, row["asked_by"], "courier.refuse", f"courier:{courier_id}", detail)


def _ask(desk: Desk, actor: Actor, kind: str, **values: Any) -> str:
    made, now = uuid7(), desk.clock.now()
    with transaction(desk.db):
        desk.db.table("courier").insert(
            {
                "id": made, "kind": kind, "state": "asked", "organ_id": actor.organ_id, "asked_by": actor.account_id,
                "asked_at": now.isoformat(), **values,
            }
        )  # fmt: skip
    return made


def _allow(actor: Actor) -> None:
    if not actor.has(*ACTORS):
        raise NotAllowed(
            N_("Vai trò của anh/chị không được giao nhận gói tin bằng USB."),
            next_step=N_("Nhờ văn thư hoặc kỹ thuật viên."),
        )


def delivered(db: Database, message_id: str, code: str, receipt: str, at: str, now: datetime) -> None:
    """A receiver's signed word that came on a stick: evidence, and the message is settled when all have given theirs.

    Inside a transaction. A message under way is settled at its attempt's end.
    """
    db.execute(
        "UPDATE message_recipient SET state = CASE WHEN state IN ('queued', 'accepted') THEN 'delivered' ELSE state"
        " END, delivered_at = coalesce(delivered_at, ?), changed_at = ? WHERE message_id = ? AND code = ?",
        [at, now.isoformat(), message_id, code],
    )
    new = db.execute(
        "INSERT INTO delivery_receipt (message_id, code, sha256, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [message_id, code, receipt, now.isoformat()],
    ).rowcount
    if new:
        detail = {"to": code, "at": at, "receipt": receipt}
        audit.append(db, now, "system", "message.deliver", f"message:{message_id}", detail)


def file_name(row: dict[str, Any]) -> str:
    """What a container's file is called on the stick."""
    return f"{'tra-loi' if row['kind'] == 'answer' else 'giao'}-{row['to_code']}-{row['id'][-12:]}.tvb"
