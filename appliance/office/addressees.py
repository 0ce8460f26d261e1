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
    local = _local(db, codes)
    if not local:
        raise BadInput(
            N_("Gói tin gửi cho mã “%(code)s”, không phải cơ quan của trạm này."), code=", ".join(codes) or "?"
        )
    return local


def asked(db: Database, told: str, addressee: str, sender: str, document_code: str) -> tuple[str, ...]:
    """The ids of the local organs that a status 13 asks to give a document back.

    The one ``told`` by the bus, else the ``addressee`` of the status itself, else whoever has the document.
    """
    found = _local(db, [told]) or _local(db, [addressee])
    if found:
        return found
    codes = organs.codes_of(db, sender)
    marks = ", ".join("?" * len(codes))
    rows = db.execute(
        f"SELECT DISTINCT organ_id FROM incoming WHERE document_code = ? AND from_code IN ({marks}) ORDER BY organ_id",
        [document_code, *codes],
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def _local(db: Database, codes: Sequence[str]) -> tuple[str, ...]:
    """The ids of the organs of this box among ``codes``, each once."""
    found = (organs.by_code(db, code) for code in codes if code)
    return tuple(dict.fromkeys(organ.id for organ in found if organ is not None and organ.local))
