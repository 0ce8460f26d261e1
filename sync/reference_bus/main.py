"""The bus as one process: API over mutual TLS, the faulty line before it, the operator page, the virtual organs."""

from __future__ import annotations

import logging
import resource
import signal
import threading
from pathlib import Path

import waitress

from sync.reference_bus.conditions import Conditions
from sync.reference_bus.config import BusConfig, load_config
from sync.reference_bus.doors import open_doors
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.faulty import FaultyApp
from sync.reference_bus.line import Line
from sync.reference_bus.native.app import create_api
from sync.reference_bus.operator.app import create_operator
from sync.reference_bus.players import Players
from sync.reference_bus.tls import MutualTlsServer, server_context

_LOOPBACK = "127.0.0.1"
_log = logging.getLogger(__name__)


def main(config: BusConfig | Path) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. Raises ConfigError, OSError when a port is taken."""
    if isinstance(config, Path):
        config = load_config(config)
    wanted = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: wanted.set())
    _allow_many_files()
    exchange = Exchange(config)
    players = Players(exchange)
    line = Line((config.line_host, config.line_port), (_LOOPBACK, config.api_port))
    context = server_context(config.certificate, config.key, config.client_ca)
    front = FaultyApp(create_api(exchange), exchange.faults, exchange.store.clock)
    api = MutualTlsServer((_LOOPBACK, config.api_port), front, context)
    api.requests.min = config.api_threads
    api.prepare()
    operator = waitress.create_server(
        create_operator(exchange, line, players, Conditions(config, exchange.store, api)),
        host=config.operator_host,
        port=config.operator_port,
        ident="",
        asyncore_use_poll=True,  # select() ends at 1,024 open files, which a province has
    )
    threads = [
        threading.Thread(target=api.serve, name="api", daemon=True),
        threading.Thread(target=operator.run, name="operator", daemon=True),
    ]
    doors = open_doors(config, exchange)
    threads += [threading.Thread(target=door.serve, name="door", daemon=True) for door in doors]
    line.start()
    players.start()
    for thread in threads:
        thread.start()
    _log.info("line on %s:%s", config.line_host, config.line_port)
    _log.info("operator page on http://%s:%s/", config.operator_host, config.operator_port)
    wanted.wait()
    exchange.faults.clear()  # what stalls on purpose ends
    exchange.store.bell.end()
    players.stop()
    line.stop()
    for door in (api, *doors):
        door.stop()
    operator.close()
    exchange.store.close()
    _log.info("stopped")
    return 0


def _allow_many_files() -> None:
    """As many open files as the system lets this process have: each waiting box holds three."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
