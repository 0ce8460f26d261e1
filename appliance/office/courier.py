"""Giao nhận bằng USB: what people ask for, which messages lie in which container, what a returned receipt settles.

The containers themselves are sync's work (sync.courier): only sync holds the link's key. A message on a stick stays
open in the queue and may still leave over the wire; whichever way it arrives first counts (bus-link B.9 rule 4).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import segno
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlite_utils import Database

from appliance import clock
from appliance.envelope import may_receive
from appliance.errors import N_, BadInput, NotAllowed, NotFound
from appliance.office import messages, organs, papers
from appliance.office.desk import Actor, Desk
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import uuid7

ACTORS = ("clerk", "technician")
_SHOWN = 500
MOST_BYTES = (256 + 4) << 20
_CODE = re.compile(r"[0-9A-Za-zĐđ_-]+(\.[0-9A-Za-zĐđ_-]+){0,7}")
_LOADABLE = "state IN ('ready', 'sending', 'waiting', 'uncertain') AND superseded_by IS NULL"
_ORDER = "(kind = 'status') DESC, priority DESC, (due_latest IS NULL), due_latest, queued_at, id"


def certificate_file(desk: Desk, code: str) -> Path:
    """Where the link certificate of ``code`` (or of the bus, 'truc') is kept. Raises BadInput for no code at all."""
    if not _CODE.fullmatch(code):
        raise BadInput(N_("Mã định danh “%(code)s” không dùng được."), code=code[:60])
    return _folder(desk) / f"{code}.pem"


def known_readers(desk: Desk) -> list[tuple[str, str]]:
    """(code, name) of everybody whose certificate is kept; the bus last, its name ''."""
    codes = sorted((path.stem for path in _folder(desk).glob("*.pem")), key=lambda code: (code == "truc", code))
    found = [(code, organs.by_code(desk.db, code)) for code in codes]
    return [(code, organ.name if organ else "") for code, organ in found]


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


def keep_certificate(desk: Desk, actor: Actor, code: str, pem: bytes) -> None:
    """Keep the link certificate of ``code`` ('truc': the bus), over one kept before.

    Raises NotAllowed, BadInput: no certificate, not for encryption, an organ nobody knows.
    """
    if not actor.has("technician"):
        raise NotAllowed(N_("Chỉ kỹ thuật viên nạp chứng thư kết nối."), next_step=N_("Nhờ kỹ thuật viên."))
    target = certificate_file(desk, code)
    if code != "truc" and organs.by_code(desk.db, code) is None:
        raise BadInput(
            N_("Không có cơ quan nào mang mã “%(code)s” trong danh bạ."), next_step=N_("Xem lại mã."), code=code
        )
    try:
        found = x509.load_pem_x509_certificate(pem)
    except (ValueError, x509.InvalidVersion) as error:
        raise BadInput(N_("Tệp này không phải chứng thư PEM."), next_step=N_("Chọn tệp chứng thư khác.")) from error
    why = may_receive(found, desk.clock.now())
    if why:
        raise BadInput(why, next_step=N_("Xin chứng thư kết nối mới của nơi nhận."))
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_bytes(found.public_bytes(Encoding.PEM))
    now = desk.clock.now()
    with transaction(desk.db):
        detail = {"code": code, "sha256": found.fingerprint(SHA256()).hex()}
        audit.append(desk.db, now, actor.account_id, "courier.certificate", f"courier:{code}", detail)
    fresh.replace(target)  # after its entry: no certificate is ever used that the journal does not know


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
    certificate_file(desk, to)
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


def _folder(desk: Desk) -> Path:
    return desk.settings.data / "courier"


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


def minutes(desk: Desk, courier_id: str) -> bytes:
    """Biên bản giao nhận of a sealed container, as PDF with a QR code of its SHA-256 and count. Raises NotFound."""
    row = get(desk.db, courier_id)
    if row["state"] != "done" or row["kind"] == "bring":
        raise NotFound(N_("Gói USB này chưa lập xong."))
    own = organs.own(desk.db)
    organ = organs.get(desk.db, row["organ_id"]) if row["organ_id"] else own[0]
    holder = organs.by_code(desk.db, row["to_code"])
    rows = [
        {**one, "recipients": "; ".join(r["name"] or r["code"] for r in messages.recipients(desk.db, one["id"]))}
        for one in desk.db.query(
            "SELECT message.*, coalesce(printf('%02d', outgoing.number) || '/' || outgoing.notation, '') AS number"
            " FROM courier_load"
            " JOIN message ON message.id = message_id LEFT JOIN outgoing ON outgoing.id = message.outgoing_id"
            " WHERE courier_id = ? ORDER BY message.queued_at, message.id",
            [courier_id],
        )
    ]
    picture = io.BytesIO()
    segno.make(f"TVB1 {row['sha256']} {row['packages']}", error="m", micro=False).save(picture, kind="png", scale=8)
    return papers.courier_minutes(
        organ, clock.parse(row["asked_at"]), picture.getvalue(), rows=rows, to_code=row["to_code"],
        to_name=holder.name if holder else N_("trục liên thông của tỉnh"), name=file_name(row), size=row["size"],
        sha256=row["sha256"],
    )  # fmt: skip


def file_name(row: dict[str, Any]) -> str:
    """What a container's file is called on the stick."""
    return f"{'tra-loi' if row['kind'] == 'answer' else 'giao'}-{row['to_code']}-{row['id'][-12:]}.tvb"
