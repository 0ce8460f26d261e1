"""Several PKCS#11 drivers at once: a device is found by its serial through whichever of them shows it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

log = logging.getLogger("tram.signer")

Reply = dict[str, Any]
Run = Callable[[Reply, float], Reply]

LIST_SECONDS = 10.0
"""A driver that has not listed its devices by then is passed over; nobody waits a signature's time for a list."""
_NOT_HERE = ("no_token", "other_token", "no_module")


class Drivers:
    """The configured drivers. ``run`` gives one worker's reply to a request within a time in seconds."""

    def __init__(self, modules: Sequence[Path], run: Run, sign_seconds: float) -> None:
        self._modules = [str(module) for module in modules]
        self._run = run
        self._sign_seconds = sign_seconds
        self._list_seconds = min(LIST_SECONDS, sign_seconds)
        self._last: dict[str, str] = {}  # serial -> the driver that had it

    def tokens(self) -> Reply:
        """The devices of all drivers, each serial once. A driver in trouble hides only its own devices."""
        replies = self._ask_all()
        if not any(reply.get("ok") for reply in replies.values()):
            return _nowhere(replies)
        found: dict[str, Reply] = {}
        for reply in replies.values():
            for token in reply.get("tokens", ()):
                found.setdefault(token["serial"], token)
        return {"ok": True, "tokens": list(found.values())}

    def sign(self, request: Reply) -> Reply:
        """One signature, or one key opened, by the device with the request's serial.

        The PIN goes to a driver that shows that device.
        """
        serial = str(request.get("serial"))
        only = self._modules[0] if len(self._modules) == 1 else None
        if module := only or self._last.get(serial):
            reply = self._run({**request, "module": module}, self._sign_seconds)
            if only or reply.get("code") not in _NOT_HERE:
                return reply  # also a crash: whether the PIN has been counted is unknown, so no second try
        replies = self._ask_all()
        for module, reply in replies.items():
            if any(token["serial"] == serial for token in reply.get("tokens", ())):
                self._last[serial] = module
                return self._run({**request, "module": module}, self._sign_seconds)
        return _nowhere(replies)

    def _ask_all(self) -> dict[str, Reply]:
        """Each driver's list of devices, asked at the same time."""
        if not self._modules:
            return {"": {"ok": False, "code": "no_module"}}

        def ask(module: str) -> Reply:
            reply = self._run({"op": "tokens", "module": module}, self._list_seconds)
            if not reply.get("ok"):
                log.warning("driver %s: %s", module, reply.get("code"))
            return reply

        with ThreadPoolExecutor(len(self._modules)) as pool:
            return dict(zip(self._modules, pool.map(ask, self._modules), strict=True))


def _nowhere(replies: dict[str, Reply]) -> Reply:
    """Why the device was not found: a driver in trouble first (it may be there), then another device, then none."""
    failed = [str(reply.get("code")) for reply in replies.values() if not reply.get("ok")]
    if trouble := [code for code in failed if code != "no_module"]:
        return {"ok": False, "code": trouble[0]}
    plugged = [token["label"] or token["serial"] for reply in replies.values() for token in reply.get("tokens", ())]
    if plugged:
        return {"ok": False, "code": "other_token", "detail": {"plugged": plugged}}
    return {"ok": False, "code": "no_module" if len(failed) == len(replies) else "no_token"}
