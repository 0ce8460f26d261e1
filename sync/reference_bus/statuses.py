"""Business statuses (edXML StatusCode): what they are called, and how a recipient's state climbs with them."""

from __future__ import annotations

from typing import Any

from sync.reference_bus.database import Database
from sync.reference_bus.peek import Header

NAMES = {
    "01": "Đã đến",
    "02": "Từ chối nhận",
    "03": "Đã tiếp nhận",
    "04": "Phân công xử lý",
    "05": "Đang xử lý",
    "06": "Hoàn thành",
    "13": "Yêu cầu lấy lại",
    "15": "Đồng ý lấy lại",
    "16": "Từ chối lấy lại",
}
RANK = {"01": 1, "02": 2, "03": 3, "04": 4, "05": 5, "06": 6}
"""Order is not guaranteed on the wire, so a late 01 must not overwrite 03 (bus-link A.4)."""


def name(code: str | None) -> str:
    """The code in words; an unknown code is shown, never refused."""
    return NAMES.get(code, f"Mã lạ “{code}”") if code else "Chưa có phản hồi"


def apply(
    db: Database[Any], message_id: str, header: Header, sender: str, addressees: tuple[str, ...], at: str
) -> None:
    """Tie a status from ``sender`` to the document it answers and raise the recipient's state.

    Runs inside the acceptance's transaction. A status about a document this bus never carried is carried all the same.
    """
    code = header.status_code.zfill(2)
    marks = ", ".join("?" for _ in addressees)
    found = db.one(
        "SELECT delivery.doc_id FROM delivery JOIN message ON message.id = delivery.message_id"
        " WHERE message.kind = 'edoc' AND message.document_id = ? AND delivery.organ = ?"
        f" AND message.sender IN ({marks}) ORDER BY delivery.seq DESC LIMIT 1",
        [header.answers_document, sender, *addressees],
    )
    if found is None or not header.status_code:
        return
    doc_id, rank = found["doc_id"], RANK.get(code, 0)
    db.execute(
        "INSERT INTO status (message_id, delivery_doc_id, code, description, staff, at) VALUES (?, ?, ?, ?, ?, ?)",
        [message_id, doc_id, code, header.description, header.staff, at],
    )
    update = "UPDATE delivery SET status_code = ?, status_rank = ? WHERE doc_id = ? AND status_rank < ?"
    db.execute(update, [code, rank, doc_id, rank])
