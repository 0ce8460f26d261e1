"""Whether a request was signed by an account: HMAC over its headers, each header as signed, the time near ours."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from werkzeug.datastructures import Headers

from sync.bus.vxp.signing import PREFIX, mac, read_timestamp
from sync.reference_bus.accounts import Account
from sync.reference_bus.dialect import WrongAccount

_NEEDED = {"systemid", "timestamp"}


def authenticate(headers: Headers, accounts: Mapping[str, Account], now: datetime, tolerance: float) -> Account:
    """The account whose secret signed ``headers`` within ``tolerance`` seconds of ``now``.

    The signature covers neither method nor path nor a nonce, so a repeat within the tolerance is believed: what it
    asks for is repeatable. Raises WrongAccount, for whatever reason in the same words but for the time.
    """
    wrong = WrongAccount("Sai systemid hoac secret")
    account = accounts.get(_value(headers, "systemid"))
    # WSGI hands header bytes over as Latin-1: the HMAC is over the bytes.
    signed = _value(headers, "sign-header").encode("latin-1", "replace")
    given = _value(headers, "hash-header").encode("latin-1", "replace")
    expected = mac(account.secret if account else "", signed).encode()
    if not hmac.compare_digest(given, expected) or account is None:
        raise wrong
    if not _as_signed(headers, signed):
        raise wrong
    try:
        moment = read_timestamp(_value(headers, "timestamp"))
    except ValueError:
        raise wrong from None
    if abs((moment - now).total_seconds()) > tolerance:
        raise WrongAccount("Timestamp khong hop le")
    return account


def _as_signed(headers: Headers, signed: bytes) -> bool:
    """Every name of sign-header-key stands in the signed text with the value that its header has, and no other."""
    try:
        values = json.loads(signed)
    except (ValueError, RecursionError):
        return False
    names = _value(headers, "sign-header-key").split(";")
    if not isinstance(values, dict) or not set(names) >= _NEEDED:
        return False
    if list(values) != [PREFIX + name for name in names]:
        return False
    return all(
        isinstance(value, str)
        and headers.get(name, "").encode("latin-1", "replace") == value.encode("utf-8", "replace")
        for name, value in values.items()
    )


def _value(headers: Headers, name: str) -> str:
    return headers.get(PREFIX + name, "")
