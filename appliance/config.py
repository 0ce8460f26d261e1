"""One TOML file becomes typed settings; an unknown key or a half-right value refuses to start."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from appliance.errors import N_, ConfigError, in_words

_WORDS = {
    "rsa_padding": ("pkcs1v15", "pss"),
    "bus_dialect": ("native", "vxp", "lgsp"),
    "recall_by": ("package", "status", "both"),
    "unreadable": ("fail", "keep"),
}
"""Settings that take one of a few words."""


@dataclass(frozen=True)
class Settings:
    """Everything a process of the box is told at start. Paths are absolute after loading."""

    data: Path
    """Data folder: tram.db, blobs/, run/ (sockets), log/."""
    box_name: str = "Trạm Văn Bản"
    rule_set: str = "BL-2019"
    """Which set of rules is in force (appliance.regulation)."""
    appearance: str = ""
    """How signatures look (BL15 or ND30, appliance.regulation.appearances); empty: as the rule set says."""
    public_hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    """Host names and addresses the browser may use for the box."""
    max_upload_mb: int = 60
    session_idle_minutes: int = 30
    session_absolute_hours: int = 10
    bus_url: str = ""
    """Base address of the provincial bus, e.g. https://bus.example:8443/v1; empty: no bus."""
    bus_dialect: str = "native"
    """What the bus speaks: "native" (our own profile), "vxp" (the national axis) or "lgsp" (a province's)."""
    bus_system_id: str = ""
    """The account at a bus that speaks vxp or lgsp."""
    bus_secret_file: Path | None = None
    """That account's secrets (TOML), in a file that only root or the service's own user can read."""
    bus_ca: Path | None = None
    """The authority whose certificate the bus must show (PEM); the system's store only when named here as a file."""
    link_certificate: Path | None = None
    link_key: Path | None = None
    link_congestion: str = ""
    """TCP congestion control asked for when packages are sent, e.g. "bbr"; empty: the system's own."""
    poll_seconds: float = 15.0
    unreadable: str = "fail"
    """What the bus is told of a package that cannot be read: "fail" after three polls, or nothing ("keep")."""
    edxml_dialect: str = "java-sdk"
    """How packages are laid out for the bus at the other end of this route (sync/edxml/dialects.toml)."""
    pkcs11_modules: tuple[Path, ...] = (Path("/usr/lib/softhsm/libsofthsm2.so"),)
    """The drivers of the signing devices; a device is looked for through all of them, by its serial."""
    document_id_template: str = ""
    """Document identifiers of issued documents; empty: as the official samples (appliance.regulation.codes)."""
    recall_by: str = "package"
    """How an issued document is called back: "package" (BussinessDocType 1), "status" (13 to each receiver), "both"."""
    rsa_padding: str = "pkcs1v15"
    """How RSA keys sign: "pkcs1v15", or "pss" where the device can (appliance.signing.algorithms)."""
    signer_timeout_seconds: float = 60.0
    signer_allowed_uids: tuple[int, ...] = ()
    """Further user ids that may ask the signer, besides its own."""
    trust_dir: Path | None = None
    """Folder of *.pem roots and intermediates and *.crl lists; default data/trust."""
    tsa_url: str = ""
    """Address of the time-stamp service (RFC 3161 over HTTP); empty: signatures carry no time stamp."""
    tsa_timeout_seconds: float = 3.0
    """Longest wait for the time-stamp service; one that fails is not asked again for a minute."""
    stamp_renewal_days: int = 365
    """How long before its end a file's last time stamp is renewed."""
    evidence_allowed_uids: tuple[int, ...] = ()
    """Further user ids that may ask sync for time stamps and revocation data, besides its own."""
    chronyc: bool = True
    """Whether sync asks chronyd (chronyc -c tracking) how good the clock is, before it asks the bus."""
    chronyc_host: str = ""
    """chronyc's -h: a socket's path or an address; empty: chronyc's own default."""
    clock_max_error_seconds: float = 5.0
    """Nobody signs when the clock may be further off than this."""

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "tram.db"

    @property
    def blobs(self) -> Path:
        """Root of the content-addressed files."""
        return self.data / "blobs"

    @property
    def run(self) -> Path:
        """Folder of the Unix sockets."""
        return self.data / "run"

    @property
    def web_socket(self) -> Path:
        """Where the web process listens for the TLS front."""
        return self.run / "web.sock"

    @property
    def signer_socket(self) -> Path:
        """Where the signer listens."""
        return self.run / "signer.sock"

    @property
    def evidence_socket(self) -> Path:
        """Where sync answers for time stamps and revocation data."""
        return self.run / "evidence.sock"

    @property
    def clamd_socket(self) -> Path:
        """Where clamd listens."""
        return self.run / "clamd.sock"

    @property
    def trust(self) -> Path:
        """Folder of trust anchors and revocation lists."""
        return self.trust_dir or self.data / "trust"


def load_settings(path: Path) -> Settings:
    """Read ``path``; raises ConfigError naming the key that is unknown, missing or of the wrong kind."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            N_("Không đọc được tệp cấu hình %(path)s: %(error)s"), path=path, error=in_words(error)
        ) from error
    except ValueError as error:  # not TOML, or not even UTF-8
        raise ConfigError(N_("Không đọc được tệp cấu hình %(path)s: %(error)s"), path=path, error=error) from error
    known = {field.name: str(field.type) for field in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in known:
            raise ConfigError(N_("Cấu hình có khóa lạ: %(key)s"), key=key)
        values[key] = _typed(key, known[key], value, path.parent)
    if "data" not in values:
        raise ConfigError(N_("Cấu hình thiếu khóa bắt buộc: %(key)s"), key="data")
    for key, words in _WORDS.items():
        if values.get(key, words[0]) not in words:
            raise ConfigError(N_("Khóa %(key)s phải là một trong: %(words)s"), key=key, words=", ".join(words))
    return Settings(**values)


def _typed(key: str, kind: str, value: object, base: Path) -> object:
    """``value`` as the field's type says; relative paths count from the configuration file's folder."""
    if kind.startswith("Path") and isinstance(value, str):
        return (base / value).resolve()
    if kind == "tuple[Path, ...]" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple((base / item).resolve() for item in value)
    if kind == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if kind == "tuple[int, ...]" and isinstance(value, list) and all(type(item) is int for item in value):
        return tuple(value)
    if kind == "float" and type(value) in (int, float):
        return float(value)  # type: ignore[arg-type]
    if {"str": str, "int": int, "bool": bool}.get(kind) is type(value):
        return value
    raise ConfigError(N_("Khóa %(key)s phải có kiểu %(kind)s"), key=key, kind=kind)
