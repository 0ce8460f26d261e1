"""Organs that an account enters into the directory and takes out again, where the configuration lets it (A.7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from appliance.clock import VN
from sync.reference_bus.accounts import Account
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.dialect import UnknownSender, registered
from sync.reference_bus.exchange import Exchange


def register(exchange: Exchange, account: Account, said: dict[str, Any]) -> None:
    """{code, name, pcode, …}: a new organ for which the account speaks from now on. Repeatable.

    Raises BadInput for what no organ can be, UnknownSender for the code of an organ that is somebody else's.
    """
    code, name, parent = (
        text.strip() if isinstance(text := said.get(key), str) else "" for key in ("code", "name", "pcode")
    )
    known = exchange.directory.find(code)
    if known is not None and code not in registered(exchange, account):
        raise UnknownSender("Mã “%(code)s” đã là của đơn vị khác.", code=code[:60])
    entry = known or OrganEntry(code, name)
    exchange.directory.save(replace(entry, name=name, parent=parent, valid_to=""), before=code if known else "")
    row = {"code": code, "system_id": account.system_id, "at": exchange.store.clock.stamp()}
    exchange.store.db.insert("registered", row, once=True)


def delete(exchange: Exchange, account: Account, code: str) -> None:
    """An organ that the account had registered takes nothing more from today. Repeatable.

    Organs end, they are not deleted: what was sent to it and by it stays. Raises UnknownSender for any other organ.
    """
    organ = exchange.directory.find(code)
    if organ is None or code not in registered(exchange, account):
        raise UnknownSender("Mã “%(code)s” không do tài khoản này đăng ký.", code=code[:60])
    yesterday = (exchange.store.clock.now().astimezone(VN) - timedelta(days=1)).date().isoformat()
    if not organ.valid_to:
        exchange.directory.save(replace(organ, valid_from="", valid_to=yesterday), before=organ.code)
