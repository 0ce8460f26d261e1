"""The configuration files of other programs that systemd/etc ships for a real box.

Written by ``python -m provisioning.box_files systemd/etc`` from the same templates as the demo's, so that what is
tested is what is shipped.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.config import Settings
from provisioning import clamd
from provisioning.nginx import Front, site, write_pages

TLS = Path("/etc/tram/tls")
NAMES = ("tram.local", "192.168.1.10")
"""To be adapted on the box, together with ``public_hosts`` in tram.toml."""


def write(folder: Path) -> list[Path]:
    """Write nginx-site.conf, clamd.conf and pages/ into ``folder``; returns every file written."""
    limit = Settings.max_upload_mb
    front = Front(443, TLS / "box.pem", TLS / "box.key", NAMES, host="0.0.0.0", redirect_port=80, strict=True)
    nginx, scanner = folder / "nginx-site.conf", folder / "clamd.conf"
    nginx.write_text(site(front, Path("/run/tram/web.sock"), limit, Path("/opt/tram/pages")), "utf-8")
    text = clamd.configuration(
        socket=Path("/run/clamav/clamd.ctl"),
        database=Path("/var/lib/clamav"),
        temporary=Path("/tmp"),
        max_upload_mb=limit,
        as_root=False,
    )
    scanner.write_text(text, "utf-8")
    write_pages(folder / "pages", limit)
    return [nginx, scanner, *sorted((folder / "pages").iterdir())]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
