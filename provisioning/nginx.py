"""nginx as the TLS front of one box: the site as on a real box, and a whole nginx for a data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Settings
from provisioning import ready
from provisioning.paths import checked_socket, template
from provisioning.supervisor import Program

PROGRAM = "/usr/sbin/nginx"
HEADROOM_MB = 8
"""Room above the pages' own upload limit, so that a file slightly too large is refused by the pages themselves."""
PAGES = ("413.html", "502.html")
"""What a person sees when the pages themselves cannot speak: an upload far too large, the web process down."""


@dataclass(frozen=True)
class Front:
    """Where the front listens and who it says it is. ``names``: host names and addresses the browser may use."""

    port: int
    certificate: Path
    key: Path
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    host: str = "127.0.0.1"
    redirect_port: int | None = None
    """Also answer plain HTTP here, only to send the browser to HTTPS."""
    strict: bool = False
    """Tell browsers to use HTTPS only from now on (HSTS). Not for localhost: it would hold for every port of it."""

    @property
    def listen(self) -> str:
        """nginx's ``listen`` argument."""
        return self._address(self.port)

    @property
    def redirect(self) -> str:
        """``listen`` argument of the plain HTTP redirection, empty for none."""
        return self._address(self.redirect_port) if self.redirect_port else ""

    def _address(self, port: int) -> str:
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"


def site(front: Front, upstream: Path, max_upload_mb: int, pages: Path) -> str:
    """The site's configuration: TLS, names, limits, headers, Vietnamese error pages.

    ``upstream``: the web process's Unix socket; ``max_upload_mb``: the pages' own limit; ``pages``: the folder of
    the error pages.
    """
    return template("nginx-site.conf").render(
        upstream=upstream, front=front, limit_mb=max_upload_mb + HEADROOM_MB, pages=pages
    )


def write_pages(folder: Path, max_upload_mb: int) -> None:
    """Write the Vietnamese error pages into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        (folder / name).write_text(template(name).render(max_upload_mb=max_upload_mb), "utf-8")


def write_configuration(settings: Settings, front: Front) -> Path:
    """Write ``nginx/nginx.conf`` and ``nginx/site.conf`` below the data folder; returns the first.

    Raises ConfigError when the web socket's path is too long for the system.
    """
    checked_socket(settings.web_socket)
    home = settings.data / "nginx"
    home.mkdir(parents=True, exist_ok=True)
    write_pages(home / "pages", settings.max_upload_mb)
    text = site(front, settings.web_socket, settings.max_upload_mb, home / "pages")
    (home / "site.conf").write_text(text, "utf-8")
    configuration = home / "nginx.conf"
    configuration.write_text(template("nginx.conf").render(home=home, as_root=os.geteuid() == 0), "utf-8")
    return configuration


def nginx_program(settings: Settings, front: Front) -> Program:
    """nginx in the foreground; ready when its port accepts connections (the web process may come later)."""
    configuration = write_configuration(settings, front)
    return Program(
        name="nginx",
        argv=(PROGRAM, "-c", str(configuration), "-e", "stderr"),
        ready=ready.port(front.port, front.host),
        restart=True,
    )
