"""Organs (cơ quan): the box's own and the address book, each with its codes over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlite_utils import Database

from appliance.clock import VN
from appliance.errors import N_, BadInput, NotFound
from appliance.office.desk import Party
from appliance.regulation.codes import check_organ_code
from appliance.store.text import fold, nfc

WIRE_SCHEMES = ("QD20", "QCVN102")
"""Which code goes on the wire, first choice first (QĐ 20/2020 has replaced QCVN 102's form since 15/9/2020)."""


@dataclass(frozen=True)
class Organ:
    """One organ. ``seal_sha256`` and ``seal_mm`` only for own organs that have a seal."""

    id: str
    name: str
    abbreviation: str
    place: str
    local: bool
    seal_sha256: str | None
    seal_mm: float | None
    successor_id: str | None


def _organ(row: tuple[object, ...]) -> Organ:
    values = list(row)
    values[4] = bool(values[4])
    return Organ(*values)  # type: ignore[arg-type]


_COLUMNS = "id, name, abbreviation, place, local, seal_sha256, seal_mm, successor_id"


def get(db: Database, organ_id: str) -> Organ:
    """The organ with this id. Raises NotFound."""
    row = db.execute(f"SELECT {_COLUMNS} FROM organ WHERE id = ?", [organ_id]).fetchone()
    if row is None:
        raise NotFound(N_("Không có cơ quan này trong danh bạ."))
    return _organ(row)


def own(db: Database) -> list[Organ]:
    """The organs this box serves."""
    return [_organ(row) for row in db.execute(f"SELECT {_COLUMNS} FROM organ WHERE local = 1 ORDER BY name")]


def directory(db: Database, query: str = "", *, besides: str = "", limit: int = 500) -> list[tuple[Organ, str]]:
    """The address book (danh bạ): organs with a code in force, by name or code, ``besides`` left out."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM organ WHERE successor_id IS NULL AND id <> ? ORDER BY name", [besides])
    found: list[tuple[Organ, str]] = []
    wanted = fold(query)
    for organ in map(_organ, rows.fetchall()):
        code = _code_on(db, organ.id, datetime.now(VN).date())
        if code and (wanted in fold(organ.name) or wanted in fold(code)):
            found.append((organ, code))
            if len(found) == limit:
                break
    return found


def code_on(db: Database, organ_id: str, day: date) -> str:
    """The organ's wire code on ``day``. Raises BadInput when it has none in force."""
    code, organ = _code_on(db, organ_id, day), get(db, organ_id)
    if organ.successor_id and (code is None or not organ.local):
        raise BadInput(
            N_("Cơ quan “%(name)s” đã ngừng hoạt động; kế thừa là “%(heir)s” (Điều 14 khoản 3)."),
            next_step=N_("Chọn cơ quan kế thừa làm nơi nhận."),
            name=organ.name,
            heir=get(db, organ.successor_id).name,
        )
    if code is None:
        raise BadInput(
            N_("Cơ quan “%(name)s” không có mã định danh còn hiệu lực."),
            next_step=N_("Báo kỹ thuật viên cập nhật danh bạ mã định danh (Điều 14 khoản 3)."),
            name=organ.name,
        )
    return code


def _code_on(db: Database, organ_id: str, day: date) -> str | None:
    text = day.isoformat()
    rows = db.execute(
        "SELECT scheme, value FROM organ_code WHERE organ_id = ? AND valid_from <= ? AND (valid_to IS"
        " NULL OR valid_to >= ?)"
        " ORDER BY valid_from",
        [organ_id, text, text],
    ).fetchall()
    codes = dict(rows)
    return next((codes[scheme] for scheme in WIRE_SCHEMES if scheme in codes), None)


def by_code(db: Database, code: str) -> Organ | None:
    """The organ that has or had ``code`` in any scheme; the newest holder first."""
    row = db.execute(
        f"SELECT {', '.join('organ.' + c for c in _COLUMNS.split(', '))} FROM organ JOIN organ_code ON"
        f" organ_id = organ.id"
        " WHERE value = ? ORDER BY valid_from DESC LIMIT 1",
        [code],
    ).fetchone()
    return _organ(row) if row else None


def codes_of(db: Database, code: str) -> list[str]:
    """Every code that the holder of ``code`` has or had, ``code`` itself first."""
    holder = by_code(db, code)
    rows = db.execute("SELECT value FROM organ_code WHERE organ_id = ?", [holder.id]).fetchall() if holder else []
    return list(dict.fromkeys([code, *(row[0] for row in rows)]))


def aliases(db: Database) -> dict[str, str]:
    """Organ → what else people may look for it by: its codes of any time, names and codes of those it followed."""
    rows = db.execute(
        "SELECT o.id, o.successor_id, o.name, o.abbreviation,"
        " (SELECT group_concat(value, ' ') FROM organ_code WHERE organ_id = o.id) FROM organ o ORDER BY o.id"
    ).fetchall()
    heirs = {row[0]: row[1] for row in rows if row[1]}
    found: dict[str, list[str]] = {}
    for organ_id, _heir, name, abbreviation, codes in rows:
        last, passed = organ_id, {organ_id}
        while heirs.get(last) and heirs[last] not in passed:  # a circle in the directory ends the search
            last = heirs[last]
            passed.add(last)
        own = [abbreviation, codes] if last == organ_id else [name, abbreviation, codes]
        found.setdefault(last, []).extend(text for text in own if text)
    return {organ_id: " ".join(texts) for organ_id, texts in found.items()}


def party(db: Database, organ_id: str, day: date) -> Party:
    """The organ as it stands on the wire on ``day``."""
    organ = get(db, organ_id)
    return Party(code_on(db, organ_id, day), organ.name, organ.place)


def add(
    db: Database,
    *,
    organ_id: str,
    name: str,
    abbreviation: str,
    codes: list[tuple[str, str, str]],
    local: bool,
    place: str = "",
    seal_sha256: str | None = None,
    seal_mm: float | None = None,
) -> Organ:
    """Add an organ with its codes (scheme, value, valid from). Joins the caller's transaction. Raises BadInput."""
    db.table("organ").insert(
        {
            "id": organ_id,
            "name": nfc(name),
            "abbreviation": nfc(abbreviation),
            "place": nfc(place),
            "local": int(local),
            "seal_sha256": seal_sha256,
            "seal_mm": seal_mm,
        }
    )
    for scheme, value, valid_from in codes:
        check_organ_code(scheme, value)
        db.table("organ_code").insert(
            {"organ_id": organ_id, "scheme": scheme, "value": value, "valid_from": valid_from}
        )
    return get(db, organ_id)
