"""PKCS#11 operations, one process each: ``python -m appliance.signing.worker`` is the mother of those processes.

The mother has python-pkcs11 imported (half of a start's cost) but never loads a driver. For each request it forks a
fresh child, which reads one line of JSON from a socket of its own (the PIN never passes through the mother, a command
line or the environment), writes one line, and ends. A fresh process sees a device plugged in a second ago, cannot
disturb another device's session (two devices in one process crash python-pkcs11), and a vendor's driver that crashes or
hangs takes nothing else with it.

Requests: ``{"op": "sign", "module", "serial", "key_id", "public", "scheme", "digest", "data" (base64), "pin",
"last_try"}``, the same with ``"op": "open"`` and ``"oaep"`` (hash or null) for ``scheme`` and ``digest``, and
``{"op": "tokens", "module"}``. Replies: ``{"ok": true, ...}`` or ``{"ok": false, "code": <key of
failures.FAILURES>, "detail": {...}}``.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pkcs11
from pkcs11 import PKCS11Error, TokenFlag

from appliance.signing import keys
from appliance.signing.failures import code_for
from appliance.signing.secrecy import die_with_parent, keep_secrets

_FLAGS = {
    "pin_count_low": TokenFlag.USER_PIN_COUNT_LOW,
    "pin_final_try": TokenFlag.USER_PIN_FINAL_TRY,
    "pin_locked": TokenFlag.USER_PIN_LOCKED,
}


class _Steps:
    """Which step is running; PKCS#11's vaguest errors only mean something together with it."""

    current = "load"


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do what ``request`` asks; every failure comes back as a code."""
    steps = _Steps()
    try:
        if request["op"] == "tokens":
            return {"ok": True, "tokens": _tokens(request, steps)}
        name, use = ("content", _opened) if request["op"] == "open" else ("signature", _signature)
        return {"ok": True, name: base64.b64encode(_with_key(request, steps, use)).decode("ascii")}
    except keys.Refused as refused:
        return {"ok": False, "code": refused.code, "detail": refused.detail}
    except PKCS11Error as error:
        return {"ok": False, "code": code_for(type(error).__name__, steps.current)}
    except (ValueError, KeyError, TypeError, OverflowError):
        return {"ok": False, "code": "unknown"}  # a request or a driver's answer that makes no sense


def _signature(key: Any, request: dict[str, Any], pin: str | None) -> bytes:
    return keys.signature(key, base64.b64decode(request["data"]), request["scheme"], request["digest"], pin)


def _opened(key: Any, request: dict[str, Any], pin: str | None) -> bytes:
    return keys.opened(key, base64.b64decode(request["data"]), request["oaep"], pin)


def _with_key(request: dict[str, Any], steps: _Steps, use: Callable[[Any, dict[str, Any], str | None], bytes]) -> bytes:
    """Log in, ``use`` the key, log out. The last try is refused unless the person has accepted it."""
    token = _find(request, steps)
    if TokenFlag.USER_PIN_LOCKED in token.flags:
        raise keys.Refused("pin_locked")
    if TokenFlag.USER_PIN_FINAL_TRY in token.flags and not request.get("last_try"):
        raise keys.Refused("final_try")
    steps.current = "login"
    session = _log_in(token, request["pin"])
    try:
        steps.current = "key"
        key = keys.find(session, bytes.fromhex(request["key_id"]), request["public"])
        steps.current = str(request["op"])
        return use(key, request, request["pin"] if keys.asks_every_time(key) else None)
    finally:
        _leave(session)


def _leave(session: Any) -> None:
    """Log out and close; the process ends in a moment anyway, so what a driver says here changes nothing."""
    try:
        session.close()
    except PKCS11Error:
        return


def _tokens(request: dict[str, Any], steps: _Steps) -> list[dict[str, Any]]:
    """Every initialised device with its certificates, without logging in; one that cannot be read is passed over."""
    found = []
    for token in _present(request, steps):
        try:
            with token.open() as session:
                certificates = keys.certificates(session)
            schemes = keys.schemes(token)
        except PKCS11Error:
            continue  # pulled out while we looked
        found.append(
            {
                "serial": _serial(token),
                "label": token.label,
                "model": token.model,
                "flags": [name for name, flag in _FLAGS.items() if flag in token.flags],
                "certificates": certificates,
                "schemes": schemes,
            }
        )
    return found


def _present(request: dict[str, Any], steps: _Steps) -> Iterator[Any]:
    """Initialised devices, one by one; an empty or unreadable slot is passed over."""
    steps.current = "load"
    if not os.path.exists(request["module"]):
        raise keys.Refused("no_module")
    library = pkcs11.lib(request["module"])
    steps.current = "find"
    for slot in library.get_slots(token_present=True):
        try:
            token = slot.get_token()
        except PKCS11Error:
            continue  # a card without an application, or one just pulled out: not the device we look for
        if TokenFlag.TOKEN_INITIALIZED in token.flags:
            yield token


def _find(request: dict[str, Any], steps: _Steps) -> Any:
    """The device with the wanted serial; slot numbers move, labels repeat."""
    others = []
    for token in _present(request, steps):
        if _serial(token) == request["serial"]:
            return token
        others.append(token.label or _serial(token))
    if others:
        raise keys.Refused("other_token", plugged=others)
    raise keys.Refused("no_token")


def _serial(token: Any) -> str:
    return bytes(token.serial).decode("ascii", "replace").strip("\0 ")


def _log_in(token: Any, pin: str) -> Any:
    """An open session, logged in. Some drivers report a wrong PIN as a general error: the flags tell."""
    try:
        return token.open(user_pin=pin)
    except PKCS11Error as error:
        code = code_for(type(error).__name__, "login")
        after = _flags_now(token)
        counted = TokenFlag.USER_PIN_COUNT_LOW in after and TokenFlag.USER_PIN_COUNT_LOW not in token.flags
        if code == "wrong_pin" or (code == "unknown" and counted):
            code = "wrong_pin"
            if TokenFlag.USER_PIN_FINAL_TRY in after:
                code = "last_try"
            if TokenFlag.USER_PIN_LOCKED in after:
                code = "pin_locked"
        raise keys.Refused(code) from error


def _flags_now(token: Any) -> TokenFlag:
    """The device's flags as of now; a Token keeps those of the moment it was found."""
    try:
        return TokenFlag(token.slot.get_token().flags)
    except PKCS11Error:
        return TokenFlag(0)


# --------------------------------------------------------------------------------------------------------- the mother
def main() -> None:
    """Fork a child for every socket that comes in over standard input, until the signer closes it.

    A message brings the child's end of a socket pair; the mother answers on it with the child's pidfd, by which the
    signer can end the child without mistaking another process for it.
    """
    keep_secrets()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # systemd and Ctrl-C tell every process; the signer decides
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children vanish by themselves
    gc.freeze()
    control = socket.socket(fileno=os.dup(0))
    while True:
        message, received, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        with socket.socket(fileno=received[0]) as line:
            line.set_inheritable(False)
            child = os.fork()
            if not child:
                control.close()
                _child(line)
            try:
                process = os.pidfd_open(child)
            except ProcessLookupError:
                continue  # gone already; the signer sees its end of the pair close
            try:
                socket.send_fds(line, [b"."], [process])
            except OSError:
                continue  # the signer has given up; the child reads no request and ends
            finally:
                os.close(process)


def _child(line: socket.socket) -> NoReturn:
    """Read one request, answer it, leave without running the driver's exit code."""
    try:
        die_with_parent(signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a driver may start helpers of its own
        with line.makefile("rb") as reader:
            text = reader.readline()
        if text.endswith(b"\n"):
            line.sendall(json.dumps(answer(json.loads(text))).encode("ascii") + b"\n")
    finally:
        os._exit(0)  # SoftHSM and OpenSSL 3 crash in their exit handlers; the answer is out, nothing is left to do


if __name__ == "__main__":
    main()
