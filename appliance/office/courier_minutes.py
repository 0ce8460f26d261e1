"""Biên bản giao nhận: the paper that goes with a container, for both sides to sign."""

from __future__ import annotations

import io

import segno

from appliance import clock
from appliance.errors import N_, NotFound
from appliance.office import courier, messages, organs, papers
from appliance.office.desk import Desk


def pdf(desk: Desk, courier_id: str) -> bytes:
    """Biên bản giao nhận of a sealed container, as PDF with a QR code of its SHA-256 and count. Raises NotFound."""
    row = courier.get(desk.db, courier_id)
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
        to_name=holder.name if holder else N_("trục liên thông của tỉnh"), name=courier.file_name(row),
        size=row["size"], sha256=row["sha256"],
    )  # fmt: skip
