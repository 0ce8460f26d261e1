"""One PIN, one try, for every step that signs with a device (article 5). A PIN lives in its request only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from appliance.errors import N_, SignerError
from appliance.office import devices
from appliance.office.desk import Actor, Desk

Made = TypeVar("Made")


def with_pin(desk: Desk, actor: Actor, device_id: str, last_try: bool, make: Callable[[], Made]) -> Made:
    """Run the signatures of one PIN entry: the last try guarded before, its outcome counted after. Never retried."""
    devices.guard_last_try(desk.db, device_id, last_try)
    try:
        made = make()
    except SignerError as error:
        if error.code in ("wrong_pin", "pin_refused", "last_try", "pin_locked"):
            devices.count_pin(desk, device_id, actor, wrong=True)
        if error.code == "wrong_pin" and (count := devices.wrong_pins(desk.db, device_id)) > 1:
            message = N_("Mã PIN không đúng, đã nhập sai %(count)s lần liên tiếp")
            raise SignerError(message, code=error.code, next_step=error.next_step, count=count) from error
        raise
    devices.count_pin(desk, device_id, actor, wrong=False)
    return made
