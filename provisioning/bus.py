"""``tram bus`` without a configuration of one's own: certificates, organs and accounts are made at first use."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import replace
from pathlib import Path

from appliance.errors import N_, ConfigError, in_words
from provisioning.demo.cast import ORGANS
from provisioning.demo.tls import make_link
from sync.reference_bus.config import BusConfig, load_config

PLAYED = ("vp-ubnd-tinh", "so-noi-vu")
"""Organs that the bus plays itself; the others wait for a box or a program that speaks for them."""
_LAST_PORT = 65_535


def embedded(data: Path, port: int, vxp_http: int) -> BusConfig:
    """The configuration in ``data``, written when there is none. Line on ``port``; page, accounts' TLS, API after it.

    ``vxp_http``: port of plain HTTP on loopback for the VXP dialect, 0: none. Raises ConfigError.
    """
    if port + 3 > _LAST_PORT or vxp_http in range(port, port + 4):
        raise ConfigError(
            N_("Trục cần bốn cổng liền nhau từ %(port)s và một cổng khác cho --vxp-http."),
            next_step=N_("Chọn cổng khác."),
            port=port,
        )
    data = data.resolve()
    try:
        data.mkdir(parents=True, exist_ok=True)
        if not (data / "bus.toml").exists():
            _write(data)
    except OSError as error:
        raise ConfigError(
            N_("Không dùng được thư mục dữ liệu %(path)s: %(error)s."),
            next_step=N_("Chọn thư mục khác bằng --data."),
            path=data,
            error=in_words(error),
        ) from error
    config = load_config(data / "bus.toml")
    return replace(
        config, line_port=port, operator_port=port + 1, accounts_port=port + 2, api_port=port + 3,
        vxp_http_port=vxp_http,
    )  # fmt: skip


def _write(data: Path) -> None:
    """Everything the configuration names, and it last: a run that was cut short begins anew."""
    make_link(data / "pki", clients={organ.id: (organ.code, organ.old_code) for organ in ORGANS})
    accounts = "".join(
        f'[[accounts]]\nsystem_id = "{organ.code}"\nsecret = "{secrets.token_hex(16)}"\norgans = ["{organ.code}"]\n'
        f'username = "{organ.id}"\npassword = "{secrets.token_hex(16)}"\napplication_code = "QLVB"\n'
        for organ in ORGANS
        if organ.id not in PLAYED
    )
    organs = "".join(
        f"[[organs]]\ncode = {json.dumps(organ.code)}\nname = {json.dumps(organ.name, ensure_ascii=False)}\n"
        f'old_codes = ["{organ.old_code}"]\nvirtual = {str(organ.id in PLAYED).lower()}\n'
        for organ in ORGANS
    )
    _private(data / "accounts.toml", accounts)
    fresh = data / "bus.toml.new"
    fresh.write_text(
        'data = "."\ncertificate = "pki/server.pem"\nkey = "pki/server.key"\nclient_ca = "pki/ca.pem"\n'
        'receipt_certificate = "pki/receipts.pem"\nreceipt_key = "pki/receipts.key"\naccounts = "accounts.toml"\n'
        + organs,
        "utf-8",
    )
    fresh.replace(data / "bus.toml")


def _private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
