"""The doors for clients with an account instead of a certificate: HTTPS, and plain HTTP that stays on this machine."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from appliance.errors import N_, ConfigError
from sync.reference_bus.accounts import load_accounts
from sync.reference_bus.config import BusConfig
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.faulty import App, FaultyApp, Start
from sync.reference_bus.lgsp.app import create_lgsp
from sync.reference_bus.tls import MutualTlsServer, PlainServer, server_context
from sync.reference_bus.vxp.app import create_vxp

_LOOPBACK = "127.0.0.1"
_log = logging.getLogger(__name__)


def open_doors(config: BusConfig, exchange: Exchange, running: ExitStack) -> list[PlainServer]:
    """Bound and ready to serve, and stopped by ``running``; none where no port is named. Raises ConfigError."""
    doors: list[PlainServer] = []
    if not (config.vxp_http_port or config.accounts_port):
        return doors
    accounts = load_accounts(config.accounts)
    front = FaultyApp(create_vxp(exchange, accounts), exchange.faults, exchange.store.clock)
    if config.vxp_http_port:
        doors.append(_bound(PlainServer((_LOOPBACK, config.vxp_http_port), front), config.vxp_http_port, running))
        _log.info("vxp on http://%s:%s/", _LOOPBACK, config.vxp_http_port)
    if config.accounts_port:
        context = server_context(config.certificate, config.key, None)
        both = _by_path(create_lgsp(exchange, accounts), create_vxp(exchange, accounts))
        secure = FaultyApp(both, exchange.faults, exchange.store.clock)
        server = MutualTlsServer((config.line_host, config.accounts_port), secure, context)
        doors.append(_bound(server, config.accounts_port, running))
        _log.info("vxp and lgsp on https://%s:%s/", config.line_host, config.accounts_port)
    return doors


def _bound(door: PlainServer, port: int, running: ExitStack) -> PlainServer:
    with taken(port):
        door.prepare()
    running.callback(door.stop)
    return door


@contextmanager
def taken(port: int) -> Iterator[None]:
    """A port that cannot be listened on is the operator's to choose anew. Raises ConfigError naming it."""
    try:
        yield
    except (OSError, OverflowError) as error:  # cheroot's OSError has the number in its text alone
        used = f"[Errno {errno.EADDRINUSE}]" in str(error)
        raise ConfigError(
            N_("Không mở được cổng %(port)s: %(error)s."),
            next_step=N_("Chọn cổng khác, hoặc dừng chương trình đang dùng cổng này."),
            port=port,
            error=N_("chương trình khác đang dùng cổng này") if used else error,
        ) from error


def _by_path(lgsp: App, vxp: App) -> App:
    """lgsp owns /v1, vxp everything else."""

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        return (lgsp if environ["PATH_INFO"].startswith("/v1/") else vxp)(environ, start)

    return app
