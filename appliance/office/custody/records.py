"""The register of signing devices as people see it: who may see which, the table of steps, a device's history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from appliance.errors import N_, NotFound
from appliance.office.desk import Actor, Desk
from appliance.office.devices import Device, load, of_organ


@dataclass(frozen=True)
class Transition:
    """From where to where, and which roles; a device's keeper and holder count as 'own'."""

    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]


USABLE = ("in_use", "locked")
TRANSITIONS: dict[str, Transition] = {
    "lock": Transition(("in_use",), "locked", ("technician", "clerk", "leader", "own")),
    "unlock": Transition(("locked",), "in_use", ("technician",)),
    "lose": Transition(USABLE, "lost", ("technician", "clerk", "leader", "own")),
    "find": Transition(("lost",), "locked", ("technician", "clerk", "leader", "own")),
    "revoke": Transition((*USABLE, "lost", "replaced"), "revoked", ("technician", "clerk", "leader", "system")),
    "give_back": Transition((*USABLE, "revoked", "replaced"), "returned", ("technician", "clerk", "leader")),
    "replace": Transition(USABLE, "replaced", ("technician", "system")),
}


def is_own(actor: Actor, device: Device) -> bool:
    """Whether the actor keeps the device or is named in its certificate."""
    return actor.account_id in (device.keeper_id, device.holder_id)


def visible(actor: Actor, device: Device) -> bool:
    """Technicians and auditors see all of their organ; clerks and leaders the seal; everybody their own."""
    if device.organ_id != actor.organ_id:
        return False
    if actor.has("technician", "auditor") or is_own(actor, device):
        return True
    return actor.has("clerk", "leader") and device.purpose == "organ"


def get(desk: Desk, actor: Actor, device_id: str) -> Device:
    """One device. Raises NotFound when there is none, or it is not this person's to see."""
    found = load(desk.db, device_id)
    if found is None or not visible(actor, found):
        raise NotFound(
            N_("Không có thiết bị này, hoặc anh/chị không được xem."),
            next_step=N_("Về danh sách thiết bị ký số."),
        )
    return found


def listing(desk: Desk, actor: Actor, *, state: str = "") -> list[Device]:
    """The devices this person sees, seals first; ``state``: only those in it."""
    rows = [device for device in of_organ(desk.db, actor.organ_id) if visible(actor, device)]
    return [device for device in rows if device.state == state] if state else rows


def revocation_asked(db: Database, device_id: str) -> bool:
    """Whether a request to revoke its certificate stands, on its way or on paper; a withdrawn document asks nothing."""
    asked = db.execute(
        "SELECT 1 FROM revocation_request LEFT JOIN outgoing ON outgoing.id = outgoing_id"
        " WHERE device_id = ? AND coalesce(outgoing.state, '') <> 'withdrawn'",
        [device_id],
    ).fetchone()
    return asked is not None


def history(db: Database, device_id: str) -> list[dict[str, Any]]:
    """The device's own part of the journal, oldest first."""
    return list(
        db.query("SELECT at, actor, action, detail FROM audit WHERE subject = ? ORDER BY seq", [f"device:{device_id}"])
    )
