"""The receivers' side: what waits for an organ, and the transport acknowledgement (not a business status)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from appliance.errors import N_
from sync.reference_bus.problems import BadRequest, DigestMismatch, NoSuchThing
from sync.reference_bus.store import BusStore

_ENTRY = (
    "SELECT delivery.*, message.kind, message.priority, message.sender, message.sha256, message.size,"
    " message.accepted_at FROM delivery JOIN message ON message.id = delivery.message_id"
)


def listing(store: BusStore, organs: Iterable[str], after: int, limit: int) -> list[dict[str, Any]]:
    """Entries of ``organs`` with seq > ``after``, oldest first, acknowledged ones included.

    Included, because a box restored from a backup asks again from an older ``after`` and must find everything.
    """
    codes = list(organs)
    marks = ", ".join("?" for _ in codes)
    query = f"{_ENTRY} WHERE delivery.organ IN ({marks}) AND delivery.seq > ? ORDER BY delivery.seq LIMIT ?"
    return store.db.query(query, [*codes, after, limit])


def entry(store: BusStore, doc_id: str, organs: Iterable[str]) -> dict[str, Any]:
    """One entry; raises NoSuchThing when it does not exist or is another organ's."""
    found = store.db.one(f"{_ENTRY} WHERE delivery.doc_id = ?", [doc_id])
    if found is None or found["organ"] not in set(organs):
        raise NoSuchThing(N_("Không có văn bản nào mang mã này trong hộp đến của đơn vị."))
    return found


def acknowledge(
    store: BusStore,
    doc_id: str,
    organs: Iterable[str],
    *,
    outcome: str,
    reason: str = "",
    sha256: str | None = None,
    word: str = "",
) -> dict[str, Any]:
    """Note that the receiver holds the bytes ('done') or cannot use them ('fail'). Repeatable; 'done' is final.

    ``word``: the same said and signed by the box (R2), kept as it is for the sender.

    Raises BadRequest for another outcome, DigestMismatch when the receiver holds other bytes.
    """
    if outcome not in ("done", "fail"):
        raise BadRequest(N_("Kết quả nhận phải là “done” hoặc “fail”."))
    with store.transaction(news=True):
        found = entry(store, doc_id, organs)
        if outcome == "done" and sha256 is not None and sha256.lower() != found["sha256"]:
            raise DigestMismatch(
                N_("Bên nhận giữ một nội dung khác với gói tin trên trục."), next_step=N_("Tải lại gói tin.")
            )
        if found["state"] != "delivered":
            state = "delivered" if outcome == "done" else "failed"
            now = store.clock.stamp()
            update = (
                "UPDATE delivery SET state = ?, at = ?, reason = ?, word = ?, changed = ?"
                " WHERE doc_id = ? AND state <> 'delivered'"
            )
            change = store.numbers("change", 1)[0]
            store.db.execute(update, [state, now, reason[:1000], word, change, doc_id])
        elif outcome == "done" and word and not found["word"]:
            store.db.execute("UPDATE delivery SET word = ? WHERE doc_id = ? AND word = ''", [word, doc_id])
        return entry(store, doc_id, organs)
