"""A message that cannot go as it is goes on as another: split by receivers, or corrected by a person.

The successor has an id and bytes of its own; the old one stays as history (``superseded_by``). Packages are durable
before the one transaction that enters them, so a crash on the way leaves the old message, and the step is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from appliance.errors import BadInput
from appliance.office import bus_limit, messages
from appliance.office.desk import Correction, Desk, Party
from appliance.store import audit


@dataclass(frozen=True)
class Successor:
    """One package that takes over; ``refused``: the bus has named its receiver as the one at fault already."""

    id: str
    sha256: str
    size: int
    change: Correction
    refused: bool = False


def parts(desk: Desk, message_id: str, named: Sequence[str]) -> tuple[Successor, ...]:
    """The packages into which a set that the bus refused for one organ is split; none when it has one receiver.

    Organs that the bus ``named`` get one each, refused already, the others go together. Where it names none, the set
    is halved, so that one bad receiver among many is found in few sends, and every other one is reached.
    """
    to = [Party(row["code"], row["name"]) for row in messages.recipients_in_order(desk.db, message_id)]
    if len(to) < 2:
        return ()
    bad = [one for one in to if one.code in named]
    good = [one for one in to if one.code not in named]
    if bad and good:
        groups = [(good, False), *(([one], True) for one in bad)]
    elif bad:
        groups = [([one], True) for one in bad]
    else:
        groups = [(to[: len(to) // 2], False), (to[len(to) // 2 :], False)]
    (sha256,) = desk.db.execute("SELECT sha256 FROM message WHERE id = ?", [message_id]).fetchone()
    try:
        return tuple(make(desk, sha256, Correction(tuple(group)), refused=refused) for group, refused in groups)
    except BadInput:
        return ()  # the package itself cannot be written anew: a person corrects it as a whole


def make(desk: Desk, sha256: str, change: Correction, *, refused: bool = False) -> Successor:
    """The successor of the package ``sha256``, its bytes durable. Raises BadInput, Unavailable."""
    new, size = desk.packages.corrected(sha256, change, desk.blobs)
    bus_limit.check(desk.db, size)
    return Successor(messages.new_id(), new, size, change, refused)


def enter(db: Database, message_id: str, made: Sequence[Successor], now: datetime, *, reason: str = "") -> None:
    """Queue the successors in place of the old message; inside the transaction that ends it."""
    if not made:
        return
    old = next(iter(db.query("SELECT * FROM message WHERE id = ?", [message_id])))
    names = {row["code"]: row["name"] for row in messages.recipients_in_order(db, message_id)}
    for one in made:
        db.table("message").insert(_row(old, one, reason))
        to = [(party.code, party.name) for party in one.change.recipients] or list(names.items())
        for code, name in to:
            db.execute("INSERT INTO message_recipient (message_id, code, name) VALUES (?, ?, ?)", [one.id, code, name])
    db.execute("UPDATE message SET superseded_by = ? WHERE id = ?", [made[0].id, message_id])
    if len(made) > 1:
        detail = {"into": [one.id for one in made], "packages": [one.sha256 for one in made], "reason": reason}
        audit.append(db, now, "system", "message.split", f"message:{message_id}", detail)


def _row(old: dict[str, Any], one: Successor, reason: str) -> dict[str, Any]:
    """The new message: what it is about stays, everything about its sending starts anew."""
    change = one.change
    return {
        **old, "id": one.id, "sha256": one.sha256, "size": one.size, "supersedes": old["id"], "superseded_by": None,
        "priority": old["priority"] if change.urgency is None else change.urgency,
        "title": change.subject or old["title"],
        "state": "rejected" if one.refused else "ready", "fault": "organ" if one.refused else "",
        "last_error": reason if one.refused else "", "next_at": None, "lease_owner": None, "lease_until": None,
        "attempts": 0, "bus_doc_id": None, "accepted_at": None, "receipt_sha256": None, "doubt_at": None,
        "doubt_boot": "", "doubt_uptime": 0.0, "asked": 0, "held_by": "", "held_reason": "", "proved_by": "",
    }  # fmt: skip
