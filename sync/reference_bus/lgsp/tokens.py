"""What a log-in gives: half an hour's word of the bus, which every process of the same bus can check."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping

from appliance.errors import TramError
from sync.reference_bus.accounts import Account

_SECONDS = 30 * 60


class Unauthorised(TramError):
    """No token, or an old one."""


def give(account: Account) -> str:
    """A token for half an hour. It ends sooner when the account's words change."""
    said = f"{account.system_id}\n{int(time.time()) + _SECONDS}\n{secrets.token_hex(8)}".encode()
    return f"{base64.urlsafe_b64encode(said).decode()}.{_mac(account, said)}"


def account_of(accounts: Mapping[str, Account], token: str) -> Account:
    """Whose it is. Raises Unauthorised."""
    wrong = Unauthorised("Unauthorized")
    text, _, mac = token.partition(".")
    try:
        said = base64.urlsafe_b64decode(text.encode())
        system_id, until, _ = said.decode().split("\n")
        left = int(until) - time.time()
    except (binascii.Error, ValueError):
        raise wrong from None
    account = accounts.get(system_id)
    if account is None or not hmac.compare_digest(mac.encode(), _mac(account, said).encode()) or left <= 0:
        raise wrong
    return account


def _mac(account: Account, said: bytes) -> str:
    key = "\0".join(("lgsp token", account.secret, account.username, account.password))
    return hmac.new(key.encode(), said, hashlib.sha256).hexdigest()
