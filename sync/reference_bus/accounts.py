"""Who may speak to the bus with a name and a secret instead of a certificate, and for which organs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from appliance.errors import N_, ConfigError

_TEXTS = ("system_id", "secret", "username", "password", "application_code")


@dataclass(frozen=True)
class Account:
    """``secret`` signs (vxp) or is shown (lgsp); user name and password are for lgsp's log-in, '' without one."""

    system_id: str
    organs: tuple[str, ...]
    secret: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    application_code: str = ""


def load_accounts(path: Path | None) -> Mapping[str, Account]:
    """By system id: the [[accounts]] of a TOML file that only its owner reads.

    Raises ConfigError, never with a secret in it.
    """
    if path is None:
        return {}
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(N_("Người khác đọc được tệp tài khoản %(path)s; đặt quyền 600"), path=path)
        rows = tomllib.loads(path.read_text("utf-8")).get("accounts")
    except OSError as error:
        raise ConfigError(
            N_("Không đọc được tệp tài khoản %(path)s: %(error)s"), path=path, error=error.strerror
        ) from error
    except ValueError:  # the parser's own words may quote the file
        raise ConfigError(N_("Tệp tài khoản %(path)s không đúng dạng TOML"), path=path) from None
    if not isinstance(rows, list):
        raise ConfigError(N_("Tệp tài khoản %(path)s cần các mục [[accounts]]"), path=path)
    found: dict[str, Account] = {}
    for row in rows:
        account = _account(row, path)
        if account.system_id in found:
            raise ConfigError(N_("Tài khoản trùng trong %(path)s: %(id)s"), path=path, id=account.system_id)
        found[account.system_id] = account
    return found


def _account(row: object, path: Path) -> Account:
    wrong = ConfigError(
        N_("Mỗi [[accounts]] trong %(path)s cần system_id, secret và danh sách organs, không có khóa lạ"), path=path
    )
    if not isinstance(row, dict) or set(row) - {known.name for known in fields(Account)}:
        raise wrong
    texts, organs = {name: row.get(name, "") for name in _TEXTS}, row.get("organs")
    if not isinstance(organs, list) or not organs or not all(isinstance(code, str) for code in organs):
        raise wrong
    if not all(isinstance(value, str) for value in texts.values()) or not texts["system_id"] or not texts["secret"]:
        raise wrong
    return Account(organs=tuple(organs), **texts)
