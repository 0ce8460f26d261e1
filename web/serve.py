"""The web process: waitress on a Unix socket behind the TLS front (platform recipes, section 1)."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from waitress.server import create_server

from appliance import typesetting
from appliance.config import Settings
from appliance.office.desk import Desk
from web.app import create_app
from web.assets import check_vendor

log = logging.getLogger("tram.web")
_FIRST_DESCRIPTOR = 3  # sd_listen_fds(3): passed sockets start here
GRACE_SECONDS = 30.0
FLUSH_SECONDS = 0.5


def main(settings: Settings, make_desk: Callable[[], Desk]) -> None:
    """Serve until SIGTERM or SIGINT; requests already running are finished first.

    Raises ConfigError when the pages' assets were not built.
    """
    os.environ["TZ"] = "Asia/Ho_Chi_Minh"
    time.tzset()
    check_vendor()
    running = Running(create_app(settings, make_desk))
    server = create_server(running, **_options(settings))
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, running.stop)
    threading.Thread(target=typesetting.warm, name="warm", daemon=True).start()  # seconds, not for the first to print
    log.info("web ready")
    try:
        server.run()  # returns when the handler raises SystemExit
    finally:
        server.close()


class Running:
    """The application, counting requests on their way."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._count = 0
        self._changed = threading.Condition()
        self._stopping = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """One request."""
        with self._changed:
            self._count += 1
        try:
            return self._app(environ, start_response)
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Signal handler. waitress leaves its loop at SystemExit and then answers nobody, so the first signal lets
        running requests end (a signature takes seconds) and sends itself the second, which ends the process.
        """
        if self._stopping:
            raise SystemExit(0)
        self._stopping = True
        threading.Thread(target=self._drain, args=(number,), daemon=True).start()

    def _drain(self, number: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._count == 0, timeout=GRACE_SECONDS):
                log.warning("%d requests still running at the end of the grace period", self._count)
        time.sleep(FLUSH_SECONDS)  # the loop thread still has the last answers to write out
        os.kill(os.getpid(), number)


def _options(settings: Settings) -> dict[str, Any]:
    common = {
        "threads": 8,
        "trusted_proxy": "localhost",  # what waitress calls the peer of a Unix socket
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
        "clear_untrusted_proxy_headers": True,
        "max_request_body_size": (settings.max_upload_mb + 2) * (1 << 20),
        "ident": None,
        "channel_timeout": 120,
    }
    sockets = _activated()
    if sockets:
        return {**common, "sockets": sockets}
    settings.web_socket.parent.mkdir(parents=True, exist_ok=True)
    return {**common, "unix_socket": str(settings.web_socket), "unix_socket_perms": "660"}


def _activated() -> list[socket.socket]:
    """Sockets passed by systemd for this very process."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=number) for number in range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + count)]
