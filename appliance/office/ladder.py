"""The evidence ladder R0 to R4 (bus-link C.3): how far a document got with each recipient, in the clerk's words.

Nothing here is kept: a level follows from rows that are only ever added to or filled in (queue, receipts, deliveries,
statuses), so it never goes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from appliance.errors import N_
from appliance.office import organs
from appliance.office.desk import Desk

_RECEIPTS = ("03", "04", "05", "06")
"""Statuses that a recipient only sends after entering the document in its register."""
R0, R1, R2, R3, R4 = range(5)
ARRIVED, REGISTERED, REFUSED = N_("Đã đến"), N_("Đã vào sổ"), N_("Bị từ chối")
STOPPED = N_("Trục từ chối, chưa gửi được")
WORDS: tuple[str, ...] = (
    N_("Đã ký, chờ gửi"),
    N_("Trục đã nhận"),
    N_("Đã tới máy nơi nhận"),
    ARRIVED,
    N_("Hoàn thành"),
)
PROVES: tuple[str, ...] = (
    N_("Gói tin đã đóng, nằm trong kho và nhật ký của trạm; chưa ai khác biết."),
    N_("Biên nhận có chữ ký số của trục, nêu mã băm gói tin: trục không thể chối đã nhận."),
    N_("Máy nơi nhận đã lấy gói tin và báo cho trục."),
    N_("Gói trạng thái của nơi nhận, lưu nguyên văn."),
    N_("Gói trạng thái 06 của nơi nhận, lưu nguyên văn."),
)
WEAK_RECEIPT = N_(
    "Trục trả mã gói tin, không ký biên nhận: bằng chứng yếu hơn, dựa vào giờ của kết nối và nhật ký trạm."
)
SIGNED_DELIVERY = N_("Lời xác nhận có chữ ký số của máy nơi nhận, nêu mã băm gói tin.")
_TONES = ("wait", "info", "info", "good", "good")


@dataclass(frozen=True)
class Rung:
    """One level. ``at``: when it was reached, ISO 8601; '' when not, or known only through a higher one."""

    level: int
    words: str
    proves: str
    at: str
    reached: bool


@dataclass(frozen=True)
class Standing:
    """How far the document got with one recipient; ``rungs`` are all five, lowest first."""

    code: str
    name: str
    rungs: tuple[Rung, ...]
    refused: bool
    note: str

    @property
    def level(self) -> int:
        """The highest level reached."""
        return max(rung.level for rung in self.rungs if rung.reached)

    @property
    def words(self) -> str:
        """The level in the clerk's words."""
        return self.rungs[self.level].words

    @property
    def tone(self) -> str:
        """The chip's colour."""
        return "bad" if self.refused and self.level < R4 else _TONES[self.level]

    @property
    def at(self) -> str:
        """When the level was reached."""
        return self.rungs[self.level].at


def standings(desk: Desk, outgoing_ids: Iterable[str]) -> dict[str, list[Standing]]:
    """Document → its recipients with their levels; documents that are not queued yet are left out."""
    wanted = list(outgoing_ids)
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in _recipients(desk.db, wanted):
        found.setdefault(row["outgoing_id"], {}).setdefault(row["code"], []).append(row)
    statuses: dict[str, list[dict[str, Any]]] = {}
    for row in _statuses(desk.db, wanted):
        statuses.setdefault(row["outgoing_id"], []).append(row)
    aliases: dict[str, str] = {}
    return {
        document: [
            _standing(
                desk, rows, [s for s in statuses.get(document, ()) if _same(desk.db, aliases, s["from_code"], code)]
            )
            for code, rows in by_code.items()
        ]
        for document, by_code in found.items()
    }


def least(found: Sequence[Standing]) -> Standing | None:
    """The recipient to speak of where there is room for one: who refused, else who is the furthest behind."""
    return min(found, key=lambda one: (not (one.refused and one.level < R4), one.level), default=None)


def _standing(desk: Desk, sent: list[dict[str, Any]], statuses: list[dict[str, Any]]) -> Standing:
    """``sent``: every message that carried or carries the document to this recipient, split and corrected ones too."""

    def first(key: str) -> str:
        return min((row[key] for row in sent if row[key]), default="")

    codes = {row["status_code"]: row["at"] for row in reversed(statuses)}  # the first of each
    registered = min((codes[code] for code in _RECEIPTS if code in codes), default="")
    refused = "02" in codes and not registered
    times = (
        first("queued_at"),
        first("accepted_at"),
        first("delivered_at"),
        registered or codes.get("02", "") or codes.get("01", ""),
        codes.get("06", ""),
    )
    top = max([level for level, at in enumerate(times) if at] + [R2 for row in sent if row["state"] == "delivered"])
    words = list(WORDS)
    if top == R0 and any(row["stopped"] for row in sent):
        words[R0], refused = STOPPED, True
    words[R3] = REGISTERED if registered else REFUSED if refused else ARRIVED
    proves = list(PROVES)
    if times[R1] and not any(_signed(desk, row["receipt_sha256"]) for row in sent):
        proves[R1] = WEAK_RECEIPT
    if any(row["word"] for row in sent):
        proves[R2] = SIGNED_DELIVERY
    rungs = tuple(Rung(n, words[n], proves[n], times[n], n <= top) for n in range(R0, R4 + 1))
    note = next((row["status_text"] or row["stopped"] for row in sent if row["status_text"] or row["stopped"]), "")
    return Standing(sent[0]["code"], sent[0]["name"], rungs, refused, note)


def _recipients(db: Database, documents: list[str]) -> Iterable[dict[str, Any]]:
    marks = ", ".join("?" * len(documents))
    return db.query(
        "SELECT m.outgoing_id, m.queued_at, CASE WHEN m.state = 'accepted' THEN m.accepted_at END AS accepted_at,"
        " m.receipt_sha256, r.code, r.name, r.state, r.status_text, coalesce(r.delivered_at, w.at) AS delivered_at,"
        " w.sha256 AS word, CASE WHEN m.state = 'rejected' AND m.superseded_by IS NULL THEN m.last_error ELSE '' END"
        " AS stopped FROM message m JOIN message_recipient r ON r.message_id = m.id"
        " LEFT JOIN delivery_receipt w ON w.message_id = m.id AND w.code = r.code"
        f" WHERE m.kind = 'edoc' AND m.outgoing_id IN ({marks}) AND r.code IN (SELECT code FROM message_recipient"
        " WHERE message_id IN (SELECT id FROM message WHERE outgoing_id = m.outgoing_id AND superseded_by IS NULL))"
        " ORDER BY r.name, r.code, m.queued_at",
        documents,
    )


def _statuses(db: Database, documents: list[str]) -> Iterable[dict[str, Any]]:
    marks = ", ".join("?" * len(documents))
    return db.query(
        f"SELECT outgoing_id, from_code, status_code, at FROM status_in WHERE outgoing_id IN ({marks}) ORDER BY id",
        documents,
    )


def _same(db: Database, aliases: dict[str, str], one: str, other: str) -> bool:
    """Whether two codes are or were one organ's; ``aliases`` remembers what was looked up."""
    for code in (one, other):
        if code not in aliases:
            holder = organs.by_code(db, code)
            aliases[code] = holder.id if holder else code
    return aliases[one] == aliases[other]


def _signed(desk: Desk, sha256: str | None) -> bool:
    """Whether a receipt has the outer form of a signed statement; its truth is ``sync.receipts``' to judge."""
    if not sha256:
        return False
    try:
        with desk.blobs.path(sha256).open("rb") as file:
            return file.read(3) == b"eyJ"
    except OSError:
        return False
