"""The doors for clients with an account instead of a certificate: HTTPS, and plain HTTP that stays on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from sync.reference_bus.accounts import load_accounts
from sync.reference_bus.config import BusConfig
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.faulty import App, FaultyApp, Start
from sync.reference_bus.lgsp.app import create_lgsp
from sync.reference_bus.tls import MutualTlsServer, PlainServer, server_context
from sync.reference_bus.vxp.app import create_vxp

_LOOPBACK = "127.0.0.1"
_log = logging.getLogger(__name__)


def open_doors(config: BusConfig, exchange: Exchange) -> list[PlainServer]:
    """Bound and ready to serve; none where the configuration names no port. Raises ConfigError, OSError."""
    doors: list[PlainServer] = []
    if config.vxp_http_port or config.accounts_port:
        accounts = load_accounts(config.accounts)
        front = FaultyApp(create_vxp(exchange, accounts), exchange.faults, exchange.store.clock)
        if config.vxp_http_port:
            doors.append(PlainServer((_LOOPBACK, config.vxp_http_port), front))
            _log.info("vxp on http://%s:%s/", _LOOPBACK, config.vxp_http_port)
        if config.accounts_port:
            context = server_context(config.certificate, config.key, None)
            both = _by_path(create_lgsp(exchange, accounts), create_vxp(exchange, accounts))
            secure = FaultyApp(both, exchange.faults, exchange.store.clock)
            doors.append(MutualTlsServer((config.line_host, config.accounts_port), secure, context))
            _log.info("vxp and lgsp on https://%s:%s/", config.line_host, config.accounts_port)
    for door in doors:
        door.prepare()
    return doors


def _by_path(lgsp: App, vxp: App) -> App:
    """lgsp owns /v1, vxp everything else."""

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        return (lgsp if environ["PATH_INFO"].startswith("/v1/") else vxp)(environ, start)

    return app
