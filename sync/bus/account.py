"""The account at a bus that knows boxes by name and secret: where the secrets come from, and the TLS they travel in."""

from __future__ import annotations

import ipaddress
import os
import ssl
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from appliance.config import Settings
from appliance.errors import N_, ConfigError

_FIX_SECRETS = N_("Kỹ thuật viên ghi tệp dạng TOML, quyền 600, chủ sở hữu là root hoặc tài khoản chạy dịch vụ.")


@dataclass(frozen=True)
class Account:
    """``secrets`` never show in a representation, so that no log line can hold them."""

    system_id: str
    _secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"Account({self.system_id!r})"

    def secret(self, name: str) -> str:
        """One of the words that ``read_account`` was asked for."""
        return self._secrets[name]


def read_account(settings: Settings, needed: Sequence[str]) -> Account:
    """The account of ``settings`` with the secrets named in ``needed``. Raises ConfigError, never with their text."""
    if not settings.bus_system_id or not settings.bus_system_id.isascii() or not settings.bus_system_id.isprintable():
        raise ConfigError(N_("Cấu hình kết nối trục thiếu khóa %(key)s."), key="bus_system_id")
    path = settings.bus_secret_file
    if path is None:
        raise ConfigError(N_("Cấu hình kết nối trục thiếu khóa %(key)s."), key="bus_secret_file")
    found = _read(path)
    for name in needed:
        if not isinstance(found.get(name), str) or not found[name]:
            raise ConfigError(
                N_("Tệp mật khẩu trục %(path)s thiếu mục %(name)s."), next_step=_FIX_SECRETS, path=path, name=name
            )
    return Account(settings.bus_system_id, {name: str(found[name]) for name in needed})


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_uid not in (0, os.geteuid()) or stat.S_IMODE(state.st_mode) & 0o077:
                raise ConfigError(
                    N_("Người khác đọc được tệp mật khẩu trục %(path)s."), next_step=_FIX_SECRETS, path=path
                )
            return tomllib.loads(file.read(1 << 16).decode())
    except OSError as error:
        raise ConfigError(
            N_("Không đọc được tệp mật khẩu trục %(path)s (%(error)s)."),
            next_step=_FIX_SECRETS, path=path, error=error.strerror,
        ) from error  # fmt: skip
    except ValueError:
        # The parser's own words may quote the file.
        raise ConfigError(
            N_("Tệp mật khẩu trục %(path)s không đúng dạng TOML."), next_step=_FIX_SECRETS, path=path
        ) from None


def checked_address(settings: Settings, *, plain_loopback: bool) -> str:
    """The base address without its last slash; plain http only to this machine and only where ``plain_loopback``.

    Raises ConfigError.
    """
    parts = urlsplit(settings.bus_url)
    if parts.username or parts.password:
        raise ConfigError(N_("Địa chỉ trục (bus_url) không được chứa mật khẩu."))
    if parts.scheme == "https" and parts.hostname:
        return settings.bus_url.rstrip("/")
    if parts.scheme == "http" and plain_loopback and _loopback(parts.hostname or ""):
        return settings.bus_url.rstrip("/")
    raise ConfigError(
        N_("Địa chỉ trục (bus_url) phải bắt đầu bằng https://."),
        next_step=N_("http:// chỉ dùng cho bus_dialect = \"vxp\" với địa chỉ của chính máy này (127.0.0.1)."),
    )  # fmt: skip


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name may lead anywhere


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Only ``bus_ca`` is trusted; our certificate is shown where the settings have one. Raises ConfigError."""
    if settings.bus_ca is None:
        raise ConfigError(N_("Cấu hình kết nối trục thiếu khóa %(key)s."), key="bus_ca")
    if (settings.link_certificate is None) != (settings.link_key is None):
        raise ConfigError(N_("link_certificate và link_key phải có cả hai, hoặc bỏ cả hai."))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies chain and name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=str(settings.bus_ca))
        if settings.link_certificate is not None:
            context.load_cert_chain(str(settings.link_certificate), str(settings.link_key), password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            N_("Không dùng được chứng thư kết nối trục (%(error)s)."),
            next_step=N_("Kỹ thuật viên kiểm tra các tệp bus_ca, link_certificate, link_key."),
            error=error,
        ) from error
    return context


def _no_password() -> bytes:
    """Never stop a service to ask on a terminal; an encrypted key is a configuration error."""
    raise ssl.SSLError("the key file is encrypted")
