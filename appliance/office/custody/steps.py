"""The steps of a device between its states: each one transaction that writes row and journal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from appliance import clock
from appliance.errors import N_, NotAllowed, RuleRefused, WrongState
from appliance.office import notices
from appliance.office.custody.records import TRANSITIONS, get, is_own, revocation_asked
from appliance.office.desk import Actor, Desk
from appliance.office.devices import STATES, Device, load
from appliance.office.reasons import reason_text
from appliance.regulation import rules
from appliance.store import audit
from appliance.store.database import transaction


def may(actor: Actor, device: Device, action: str) -> bool:
    """Whether this person's part includes the step, whatever the device's state."""
    roles = TRANSITIONS[action].roles
    return actor.has(*roles) or ("own" in roles and is_own(actor, device))


def doable(actor: Actor, device: Device) -> list[str]:
    """The steps this person may take with the device as it is."""
    return [
        action
        for action, transition in TRANSITIONS.items()
        if device.state in transition.sources and action != "replace" and may(actor, device, action)
    ]


def lock(desk: Desk, actor: Actor, device_id: str, reason: str) -> Device:
    """Stop using a device for a while, e.g. its PIN is locked or its keeper is away."""
    return _step(desk, actor, device_id, "lock", reason)


def unlock(desk: Desk, actor: Actor, device_id: str, reason: str) -> Device:
    """Use it again; the count of wrong PINs starts anew. Refused once revocation was asked for."""
    device = get(desk, actor, device_id)
    _no_request(desk, device)
    return move(desk, actor, device, "unlock", {"state_reason": "", "wrong_pins": 0}, {"reason": reason_text(reason)})


def report_lost(desk: Desk, actor: Actor, device_id: str, reason: str) -> Device:
    """Say that it is lost: it cannot sign from this moment."""
    return stop(desk, actor, get(desk, actor, device_id), "lost", reason)


def find_again(desk: Desk, actor: Actor, device_id: str, reason: str) -> Device:
    """A lost device was found: it stays locked until the technician has looked at it."""
    device = get(desk, actor, device_id)
    _no_request(desk, device)
    return _step(desk, actor, device_id, "find", reason)


def revoke(desk: Desk, actor: Actor, device_id: str, reason: str) -> Device:
    """Its certificate was revoked, as the authority has answered; ``reason`` names the paper."""
    return _step(desk, actor, device_id, "revoke", reason)


def give_back(desk: Desk, actor: Actor, device_id: str, reason: str) -> Device:
    """Returned to the authority; ``reason`` names the minutes. Nobody keeps it afterwards."""
    device = get(desk, actor, device_id)
    text = reason_text(reason)
    return move(desk, actor, device, "give_back", {"state_reason": text, "keeper_id": None}, {"reason": text})


def stop(desk: Desk, actor: Actor, device: Device, state: str, reason: str) -> Device:
    """Take a device out of use at once ('lost' or 'locked') and tell the people it concerns. Safe to repeat."""
    if device.state == state:
        return device
    text = reason_text(reason)

    def also(now: datetime) -> None:
        words = N_("Thiết bị ký số %(label)s (%(serial)s): %(state)s từ %(at)s. %(reason)s") % {
            "label": device.token_label,
            "serial": device.token_serial,
            "state": STATES[state].lower(),
            "at": f"{now:%H:%M ngày %d/%m/%Y}",
            "reason": text,
        }
        told = notices.about_device(desk.db, device, besides=actor.account_id)
        notices.tell(desk.db, told, device, kind="stopped", mark=now.isoformat(), text=words, at=now)

    action = "lose" if state == "lost" else "lock"
    return move(desk, actor, device, action, {"state_reason": text}, {"reason": text}, also)


def _step(desk: Desk, actor: Actor, device_id: str, action: str, reason: str) -> Device:
    device, text = get(desk, actor, device_id), reason_text(reason)
    return move(desk, actor, device, action, {"state_reason": text}, {"reason": text})


def check(actor: Actor, device: Device, action: str) -> None:
    """Whether this person may take this step now. Raises NotAllowed, WrongState."""
    if not may(actor, device, action):
        raise NotAllowed(N_("Vai trò của anh/chị không làm được việc này với thiết bị."))
    if device.state not in TRANSITIONS[action].sources:
        raise moved(device.state)


def move(
    desk: Desk,
    actor: Actor,
    device: Device,
    action: str,
    changes: dict[str, Any],
    detail: dict[str, Any],
    also: Callable[[datetime], object] | None = None,
) -> Device:
    """Move a device by its table."""
    check(actor, device, action)
    return write(desk, actor, device, action, {**changes, "state": TRANSITIONS[action].target}, detail, also)


def write(
    desk: Desk,
    actor: Actor,
    device: Device,
    action: str,
    changes: dict[str, Any],
    detail: dict[str, Any],
    also: Callable[[datetime], object] | None = None,
) -> Device:
    """One transaction: the device as it is now is compared with the one seen, then row, journal and the rest."""
    with transaction(desk.db):
        now = desk.clock.now()
        current = load(desk.db, device.id)
        if current != device:
            raise moved(current.state if current else device.state)
        desk.db.table("device").update(device.id, {**changes, "updated_at": now.isoformat(timespec="microseconds")})
        if "state" in changes:
            detail = {"from": device.state, "to": changes["state"], **detail}
        audit.append(desk.db, now, actor.account_id, f"device.{action}", f"device:{device.id}", detail)
        clock.raise_floor(desk.db, now)
        if also is not None:
            also(now)
    written = load(desk.db, device.id)
    if written is None:
        raise RuntimeError("a device vanished after its own commit")
    return written


def moved(state: str) -> WrongState:
    """The refusal when a device is no longer as the page showed it."""
    return WrongState(
        N_("Thiết bị đang ở trạng thái “%(state)s” hoặc vừa được người khác thay đổi; không làm bước này được."),
        next_step=N_("Tải lại trang để xem trạng thái mới."),
        state=STATES[state],
    )


def _no_request(desk: Desk, device: Device) -> None:
    """A device whose revocation was asked for stays out of use, unless the document was withdrawn."""
    if revocation_asked(desk.db, device.id):
        raise asked_already()


def asked_already() -> RuleRefused:
    """The refusal when the way back, or a second request, meets a request that stands."""
    return rules.refuse(
        rules.STOP_AND_REVOKE,
        N_(
            "Đã lập văn bản đề nghị thu hồi chứng thư số của thiết bị này "
            "nên không đưa vào sử dụng lại hay đề nghị lần nữa được."
        ),
        N_("Đăng ký thiết bị mới được cấp; nếu đề nghị chưa phát hành thì rút văn bản đề nghị trước."),
    )
