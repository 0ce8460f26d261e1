"""The bus as one process: API over mutual TLS, the faulty line before it, the operator page, the virtual organs."""

from __future__ import annotations

import contextlib
import logging
import resource
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import waitress

from appliance.errors import N_, ConfigError, in_words
from sync.reference_bus.conditions import Conditions
from sync.reference_bus.config import BusConfig, load_config
from sync.reference_bus.doors import open_doors, taken
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
    """Run until SIGTERM or SIGINT; returns the exit code. Raises ConfigError, also when a port is taken."""
    if isinstance(config, Path):
        config = load_config(config)
    wanted = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: wanted.set())
    _allow_many_files()
    with contextlib.ExitStack() as running:
        _open_all(config, running)
        wanted.wait()
    _log.info("stopped")
    return 0


def _open_all(config: BusConfig, running: contextlib.ExitStack) -> None:
    """Everything bound before anything serves; ``running`` ends it all in reverse order, half opened too.

    Without that a taken port would leave the workers of the doors already open, which keep the process for ever.
    """
    with _usable(config.data):
        exchange = Exchange(config)
    running.callback(exchange.store.close)
    players = Players(exchange)
    line = Line((config.line_host, config.line_port), (_LOOPBACK, config.api_port))
    with _usable(config.certificate):
        context = server_context(config.certificate, config.key, config.client_ca)
    front = FaultyApp(create_api(exchange), exchange.faults, exchange.store.clock)
    api = MutualTlsServer((_LOOPBACK, config.api_port), front, context)
    api.requests.min = config.api_threads
    with taken(config.api_port):
        api.prepare()
    running.callback(api.stop)
    with taken(config.operator_port):
        operator = waitress.create_server(
            create_operator(exchange, line, players, Conditions(config, exchange.store, api)),
            host=config.operator_host,
            port=config.operator_port,
            ident="",
            asyncore_use_poll=True,  # select() ends at 1,024 open files, which a province has
        )
    running.callback(operator.close)
    doors = open_doors(config, exchange, running)
    with taken(config.line_port):
        line.start()
    running.callback(line.stop)
    players.start()
    running.callback(players.stop)
    running.callback(exchange.store.bell.end)
    running.callback(exchange.faults.clear)  # what stalls on purpose ends
    for name, serve in (("api", api.serve), ("operator", operator.run), *(("door", door.serve) for door in doors)):
        threading.Thread(target=serve, name=name, daemon=True).start()
    _log.info("line on %s:%s", config.line_host, config.line_port)
    _log.info("operator page on http://%s:%s/", config.operator_host, config.operator_port)


@contextlib.contextmanager
def _usable(path: Path) -> Iterator[None]:
    """A folder or file that cannot be used is named, ``path`` where the system names none. Raises ConfigError."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            N_("Trục không dùng được %(path)s: %(error)s."),
            next_step=N_("Xem lại cấu hình của trục, quyền của tệp và đĩa."),
            path=error.filename or path,
            error=in_words(error),
        ) from error


def _allow_many_files() -> None:
    """As many open files as the system lets this process have: each waiting box holds three."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
