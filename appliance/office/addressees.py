"""For which of this box's organs something came: the bus's word, else (LGSP, VXP may not tell) the package's own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from appliance.errors import N_, BadInput
from appliance.office import organs


def receivers(db: Database, told: str, named: Sequence[str]) -> tuple[str, ...]:
    """The ids of the local organs an entry is for, each once: ``told`` by the bus, or all ``named`` in the package.

    Raises BadInput when none of them is of this box.
    """
    codes = (told,) if told else tuple(named)
    found = (organs.by_code(db, code) for code in codes)
    local = tuple(dict.fromkeys(organ.id for organ in found if organ is not None and organ.local))
    if not local:
        raise BadInput(
            N_("Gói tin gửi cho mã “%(code)s”, không phải cơ quan của trạm này."), code=", ".join(codes) or "?"
        )
    return local


def holder(db: Database, told: str, sender: str, document_code: str) -> str:
    """The id of the local organ that is asked to give a document back: the one ``told``, else who has it; '' none."""
    if told:
        organ = organs.by_code(db, told)
        return organ.id if organ is not None and organ.local else ""
    codes = organs.codes_of(db, sender)
    row = db.execute(
        f"SELECT organ_id FROM incoming WHERE document_code = ? AND from_code IN ({', '.join('?' * len(codes))})"
        " ORDER BY received_at, id LIMIT 1",
        [document_code, *codes],
    ).fetchone()
    return str(row[0]) if row else ""
