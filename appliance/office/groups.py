"""Groups of receivers (nhóm nơi nhận), chosen at once when a document is drafted; the document keeps each receiver."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from appliance.errors import N_, BadInput, NotAllowed, NotFound
from appliance.office.desk import Actor, Desk
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7

NAME_MAX = 100


@dataclass(frozen=True)
class Group:
    """A group of one office; ``members`` are organ ids, ``names`` theirs, by name."""

    id: str
    name: str
    members: tuple[str, ...]
    names: tuple[str, ...]


def of_office(db: Database, organ_id: str) -> list[Group]:
    """The office's groups by name; an organ that another took over is no member any more."""
    found = []
    query = "SELECT id, name FROM recipient_group WHERE organ_id = ? ORDER BY name"
    for group_id, name in db.execute(query, [organ_id]).fetchall():
        members = db.execute(
            "SELECT organ.id, organ.name FROM recipient_group_member m JOIN organ ON organ.id = m.organ_id"
            " WHERE group_id = ? AND successor_id IS NULL ORDER BY organ.name",
            [group_id],
        ).fetchall()
        found.append(Group(group_id, name, tuple(row[0] for row in members), tuple(row[1] for row in members)))
    return found


def members_of(db: Database, organ_id: str, group_ids: list[str]) -> tuple[str, ...]:
    """The organs of these groups, each once, in the groups' order."""
    groups = {group.id: group for group in of_office(db, organ_id)}
    chosen = (groups[one].members for one in group_ids if one in groups)
    return tuple(dict.fromkeys(organ for members in chosen for organ in members))


def save(desk: Desk, actor: Actor, group_id: str, name: str, members: tuple[str, ...]) -> None:
    """Make a group (``group_id`` '') or change one. Raises NotAllowed, NotFound, BadInput."""
    _clerk(actor)
    name, db, now = nfc(name), desk.db, desk.clock.now()
    if not name or len(name) > NAME_MAX or not members:
        raise BadInput(
            N_("Nhóm cần có tên (không quá 100 ký tự) và ít nhất một nơi nhận."),
            next_step=N_("Ghi tên nhóm và chọn nơi nhận trong danh bạ."),
        )
    with transaction(db):
        twin = db.execute(
            "SELECT 1 FROM recipient_group WHERE organ_id = ? AND name = ? AND id <> ?",
            [actor.organ_id, name, group_id],
        ).fetchone()
        if twin:
            raise BadInput(N_("Đã có nhóm tên này."), next_step=N_("Chọn tên khác, hoặc sửa nhóm đã có."))
        if group_id:
            _own(db, actor, group_id)
            db.execute("UPDATE recipient_group SET name = ? WHERE id = ?", [name, group_id])
            db.execute("DELETE FROM recipient_group_member WHERE group_id = ?", [group_id])
        else:
            group_id = uuid7()
            db.table("recipient_group").insert({"id": group_id, "organ_id": actor.organ_id, "name": name})
        for organ_id in dict.fromkeys(members):
            db.table("recipient_group_member").insert({"group_id": group_id, "organ_id": organ_id})
        detail = {"name": name, "members": list(members)}
        audit.append(db, now, actor.account_id, "group.save", f"group:{group_id}", detail)


def remove(desk: Desk, actor: Actor, group_id: str) -> None:
    """Take a group away; documents keep their receivers. Raises NotAllowed, NotFound."""
    _clerk(actor)
    with transaction(desk.db):
        name = _own(desk.db, actor, group_id)
        desk.db.execute("DELETE FROM recipient_group WHERE id = ?", [group_id])
        now = desk.clock.now()
        audit.append(desk.db, now, actor.account_id, "group.remove", f"group:{group_id}", {"name": name})


def _clerk(actor: Actor) -> None:
    if not actor.has("clerk"):
        raise NotAllowed(N_("Chỉ văn thư được làm việc này."))


def _own(db: Database, actor: Actor, group_id: str) -> str:
    query = "SELECT name FROM recipient_group WHERE id = ? AND organ_id = ?"
    row = db.execute(query, [group_id, actor.organ_id]).fetchone()
    if row is None:
        raise NotFound(N_("Không có nhóm nơi nhận này."))
    return str(row[0])
