"""One PKCS#11 operation in a process of its own: ``python -m appliance.signing.worker``.

Reads one JSON object from standard input (the PIN is never on a command line or in the environment), writes one JSON
line, ends. A fresh process sees a device plugged in a second ago, cannot disturb another device's session (two devices
in one process crash python-pkcs11), and a vendor's driver that crashes or hangs takes nothing else with it.

Requests: ``{"op": "sign", "module", "serial", "key_id", "data" (base64), "pin"}`` and ``{"op": "tokens", "module"}``.
Replies: ``{"ok": true, ...}`` or ``{"ok": false, "code": <key of failures.FAILURES>}``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error, TokenFlag

from appliance.signing.failures import code_for

# DigestInfo of SHA-256 (RFC 8017, section 9.2, note 1), for devices that only do the bare RSA operation.
_SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")

_FLAGS = {
    "pin_count_low": TokenFlag.USER_PIN_COUNT_LOW,
    "pin_final_try": TokenFlag.USER_PIN_FINAL_TRY,
    "pin_locked": TokenFlag.USER_PIN_LOCKED,
}


class _Refused(Exception):
    """The operation ended with a code of the table."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Steps:
    """Which step is running; PKCS#11's vaguest errors only mean something together with it."""

    current = "load"


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do what ``request`` asks; every failure comes back as a code."""
    steps = _Steps()
    try:
        if request["op"] == "tokens":
            return {"ok": True, "tokens": _tokens(request, steps)}
        return {"ok": True, "signature": base64.b64encode(_sign(request, steps)).decode("ascii")}
    except _Refused as refused:
        return {"ok": False, "code": refused.code}
    except PKCS11Error as error:
        return {"ok": False, "code": code_for(type(error).__name__, steps.current)}


def _sign(request: dict[str, Any], steps: _Steps) -> bytes:
    """Log in, sign, log out. RSA gives PKCS#1 v1.5, EC gives r || s; both over SHA-256 of the data."""
    token = _find(request, steps)
    if TokenFlag.USER_PIN_LOCKED in token.flags:
        raise _Refused("pin_locked")
    steps.current = "login"
    session = _log_in(token, request["pin"])
    try:
        steps.current = "key"
        key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=bytes.fromhex(request["key_id"]))
        steps.current = "sign"
        pin = request["pin"] if _asks_every_time(key) else None
        return _signature(key, base64.b64decode(request["data"]), pin)
    finally:
        session.close()


def _tokens(request: dict[str, Any], steps: _Steps) -> list[dict[str, Any]]:
    """Every initialised device with its certificates, without logging in."""
    found = []
    for token in _present(request, steps):
        with token.open() as session:
            certificates = [
                [bytes(entry[Attribute.ID]).hex(), base64.b64encode(entry[Attribute.VALUE]).decode("ascii")]
                for entry in list(session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}))
            ]
        found.append(
            {
                "serial": _serial(token),
                "label": token.label,
                "model": token.model,
                "flags": [name for name, flag in _FLAGS.items() if flag in token.flags],
                "certificates": certificates,
            }
        )
    return found


def _present(request: dict[str, Any], steps: _Steps) -> Iterator[Any]:
    """Initialised devices, one by one; an empty or unreadable slot is passed over."""
    steps.current = "load"
    if not os.path.exists(request["module"]):
        raise _Refused("no_module")
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
    for token in _present(request, steps):
        if _serial(token) == request["serial"]:
            return token
    raise _Refused("no_token")


def _serial(token: Any) -> str:
    return bytes(token.serial).decode("ascii", "replace").strip("\0 ")


def _log_in(token: Any, pin: str) -> Any:
    """An open session, logged in. Some drivers report a wrong PIN as a general error: the flags tell."""
    before = token.flags
    try:
        return token.open(user_pin=pin)
    except PKCS11Error as error:
        code = code_for(type(error).__name__, "login")
        after = token.flags
        counted = TokenFlag.USER_PIN_COUNT_LOW in after and TokenFlag.USER_PIN_COUNT_LOW not in before
        if code == "wrong_pin" or (code == "unknown" and counted):
            code = "wrong_pin"
            if TokenFlag.USER_PIN_FINAL_TRY in after:
                code = "last_try"
            if TokenFlag.USER_PIN_LOCKED in after:
                code = "pin_locked"
        raise _Refused(code) from error


def _asks_every_time(key: Any) -> bool:
    """Whether the key wants the PIN again for each signature (CKA_ALWAYS_AUTHENTICATE)."""
    try:
        return bool(key[Attribute.ALWAYS_AUTHENTICATE])
    except PKCS11Error:
        return False  # the attribute is optional


def _signature(key: Any, data: bytes, pin: str | None) -> bytes:
    """Sign with hashing on the device where it can, else hash here."""
    if key.key_type == KeyType.RSA:
        whole, bare, prefix = Mechanism.SHA256_RSA_PKCS, Mechanism.RSA_PKCS, _SHA256_DIGEST_INFO
    elif key.key_type == KeyType.EC:
        whole, bare, prefix = Mechanism.ECDSA_SHA256, Mechanism.ECDSA, b""
    else:
        raise _Refused("unsupported")
    able = key.session.token.slot.get_mechanisms()
    if whole in able:
        return bytes(key.sign(data, mechanism=whole, pin=pin))
    return bytes(key.sign(prefix + hashlib.sha256(data).digest(), mechanism=bare, pin=pin))


def main() -> None:
    """Read one request, answer it, leave without running the driver's exit code."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not leave the PIN in a core file
    request = json.loads(sys.stdin.buffer.readline())
    sys.stdout.write(json.dumps(answer(request)) + "\n")
    sys.stdout.flush()
    os._exit(0)  # SoftHSM and OpenSSL 3 crash in their exit handlers; the answer is out, nothing is left to do


if __name__ == "__main__":
    main()
