"""What the reference bus is told at start: folders, ports, certificates and the organs it carries letters for."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from appliance.errors import N_, BadInput, ConfigError, in_words

_CODE = re.compile(r"[0-9A-Za-zĐđ_-]+(\.[0-9A-Za-zĐđ_-]+){0,7}")
"""What organ codes of both generations look like: dot-separated segments (QCVN 102, QĐ 20/2020/QĐ-TTg)."""


@dataclass(frozen=True)
class OrganEntry:
    """One organ in the bus's directory.

    ``virtual``: played on the operator page instead of by a box. ``place``, ``notation`` and the signer
    are what the page's form starts with when one sends as this organ.
    """

    code: str
    name: str
    virtual: bool = False
    old_codes: tuple[str, ...] = ()
    place: str = ""
    notation: str = ""
    signer_name: str = ""
    signer_position: str = ""
    parent: str = ""
    """Code of the organ above."""
    valid_from: str = ""
    valid_to: str = ""
    """First and last day, ISO; empty: open."""
    successor: str = ""
    """Code of the organ that took over from one that has ended."""

    def check(self) -> None:
        """Raises BadInput naming what cannot be right."""
        for code in (self.code, *self.old_codes):
            if not _CODE.fullmatch(code):
                raise BadInput(N_("Mã định danh “%(code)s” không dùng được."), code=code[:60])
        if not self.name.strip():
            raise BadInput(N_("Đơn vị %(code)s chưa có tên."), code=self.code)
        for day in (self.valid_from, self.valid_to):
            if day and not _is_day(day):
                raise BadInput(N_("Ngày “%(day)s” không đọc được; ghi năm-tháng-ngày."), day=day[:20])
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise BadInput(N_("Ngày kết thúc của %(code)s đứng trước ngày bắt đầu."), code=self.code)
        if self.code in (self.successor, self.parent):
            raise BadInput(
                N_("Đơn vị %(code)s không thể là cấp trên hay đơn vị kế thừa của chính mình."), code=self.code
            )


@dataclass(frozen=True)
class BusConfig:
    """Everything the bus needs. Paths are absolute after loading; ports are TCP."""

    data: Path
    """Folder of bus.db and blobs/. Several processes on one PostgreSQL share it, or share ``blobs``."""
    organs: tuple[OrganEntry, ...]
    """Taken into the directory when they are new or say something new; the operator page edits them too."""
    certificate: Path
    """Server certificate (PEM, with its chain), valid for the name in the boxes' bus address."""
    key: Path
    client_ca: Path
    """PEM of the only authority whose client certificates may come in."""
    client_ca_key: Path | None = None
    """Key of ``client_ca``: with it the bus renews link certificates itself; else the authority does, elsewhere."""
    revoked: Path | None = None
    """File of revoked link certificates: serial numbers in hex, one a line; read at every request."""
    receipt_certificate: Path | None = None
    """Certificate (PEM, with its chain) and key that sign receipts; without them the server's own do."""
    receipt_key: Path | None = None
    api_port: int = 9443
    """The API itself, loopback only; boxes come through the line."""
    api_threads: int = 32
    """Requests worked on at once. One that waits for news (long poll) holds a thread: about one for each box."""
    line_host: str = "127.0.0.1"
    line_port: int = 9444
    """The faulty line in front of the API: the port the boxes know."""
    operator_host: str = "127.0.0.1"
    operator_port: int = 9480
    name: str = "Trục liên thông văn bản tỉnh (mô phỏng)"
    default_pdf: Path | None = None
    """The document the page sends when no file is chosen."""
    auto_answer: bool = True
    """Whether virtual organs answer 01 on arrival until somebody switches it off on the page."""
    max_message_mb: int = 60
    clock_uncertainty_ms: int = 50
    """What /v1/time says about its own error."""
    accounts: Path | None = None
    """Names and secrets of clients that speak vxp or lgsp (TOML, mode 600); None: nobody may."""
    accounts_port: int = 0
    """HTTPS without client certificates for vxp and lgsp, on ``line_host``; 0: closed."""
    vxp_http_port: int = 0
    """Plain HTTP for vxp, loopback only, so that the national SDK itself can be pointed at it; 0: closed."""
    vxp_tolerance_seconds: int = 300
    """How old or new the time in a signed vxp request may be."""
    vxp_registration: bool = False
    """Whether an account may enter organs into the directory and end them (registerAgency, deleteAgency)."""
    database: str = ""
    """Empty: SQLite in ``data``. Else a PostgreSQL address without a password: postgresql://user@host:5432/name."""
    database_passfile: Path | None = None
    """File with the password in PostgreSQL's form (host:port:database:user:password), readable by its owner only."""
    blobs: Path | None = None
    """Folder of the packages; empty: ``data``/blobs."""
    organs_file: Path | None = None
    """More organs, as CSV with the columns of ``organ_files.COLUMNS``."""
    wrong_certificates: Path | None = None
    """Folder of NAME.pem with NAME.key (expired, other name, …) that the page can make the bus show; for tests."""


def load_config(path: Path) -> BusConfig:
    """Read the TOML file at ``path``; raises ConfigError naming what is unknown, missing or of the wrong kind."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            N_("Không đọc được tệp cấu hình %(path)s: %(error)s"), path=path, error=in_words(error)
        ) from error
    except ValueError as error:  # not TOML, or not even UTF-8
        raise ConfigError(N_("Không đọc được tệp cấu hình %(path)s: %(error)s"), path=path, error=error) from error
    organs = raw.pop("organs", [])
    if not isinstance(organs, list) or not organs or not all(isinstance(organ, dict) for organ in organs):
        raise ConfigError(N_("Cấu hình trục phải có ít nhất một mục [[organs]]"))
    values = _typed_values(BusConfig, raw, path.parent, given={"organs"})
    entries = tuple(OrganEntry(**_typed_values(OrganEntry, organ, path.parent)) for organ in organs)
    _check_codes(entries)
    _check_database(values.get("database", ""), values.get("database_passfile"))
    return BusConfig(organs=entries, **values)


def _check_codes(organs: tuple[OrganEntry, ...]) -> None:
    """Every entry makes sense, and every code, old or new, names one organ only."""
    for organ in organs:
        try:
            organ.check()
        except BadInput as error:
            raise ConfigError(N_("Mục [[organs]] của cấu hình trục: %(error)s"), error=error) from error
    codes = [code for organ in organs for code in (organ.code, *organ.old_codes)]
    seen = Counter(codes)
    for code in codes:
        if seen[code] > 1:
            raise ConfigError(N_("Mã định danh trùng hoặc không dùng được: %(code)s"), code=code)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_database(url: str, passfile: Path | None) -> None:
    """No password where others can read it."""
    if url and urlsplit(url).scheme not in ("postgresql", "postgres"):
        raise ConfigError(N_("Địa chỉ cơ sở dữ liệu phải bắt đầu bằng postgresql://"))
    if urlsplit(url).password is not None or "password" in parse_qs(urlsplit(url).query):
        raise ConfigError(N_("Địa chỉ cơ sở dữ liệu không được chứa mật khẩu; ghi mật khẩu vào tệp database_passfile"))
    if passfile is not None and passfile.exists() and passfile.stat().st_mode & 0o077:
        raise ConfigError(N_("Người khác đọc được tệp mật khẩu %(path)s; đặt quyền 600"), path=passfile)


def _typed_values(
    shape: type[BusConfig | OrganEntry], raw: Mapping[str, object], base: Path, given: set[str] | None = None
) -> dict[str, Any]:
    """``raw`` checked against the fields of ``shape``; ``given`` are fields filled elsewhere."""
    known = {field.name: str(field.type) for field in fields(shape)}
    needed = {field.name for field in fields(shape) if field.default is field.default_factory} - (given or set())
    for key in raw:
        if key not in known:
            raise ConfigError(N_("Cấu hình có khóa lạ: %(key)s"), key=key)
    for key in sorted(needed - set(raw)):
        raise ConfigError(N_("Cấu hình thiếu khóa bắt buộc: %(key)s"), key=key)
    return {key: _typed(key, known[key], value, base) for key, value in raw.items()}


def _typed(key: str, kind: str, value: object, base: Path) -> object:
    """``value`` as the field's type says; relative paths count from the configuration file's folder."""
    if kind.startswith("Path") and isinstance(value, str):
        return (base / value).resolve()
    if kind.startswith("tuple[str") and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if {"str": str, "int": int, "bool": bool}.get(kind) is type(value):
        return value
    raise ConfigError(N_("Khóa %(key)s phải có kiểu %(kind)s"), key=key, kind=kind)
