"""clamd for one data folder: configuration, a tiny local signature set, the program to supervise.

The local signatures know only the harmless EICAR test file; a real box loads the official database
(docs/operations.md). Limits follow the box's upload limit: clamd calls larger things an error, never clean.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from appliance.config import Settings
from provisioning.paths import checked_socket, template
from provisioning.ready import clamd as answers_ping
from provisioning.supervisor import Program

PROGRAM = "/usr/sbin/clamd"
HEADROOM_MB = 8
"""clamd looks at somewhat more than the pages accept, so that the pages' own limit speaks first."""


def eicar() -> bytes:
    """The 68 bytes of the EICAR test file, made here so that no scanner objects to this source."""
    return (r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STAND" + "ARD-ANTIVIRUS-TEST-" + "FILE!$H+H*").encode()


def write_signatures(folder: Path) -> None:
    """Local signatures for EICAR: the whole file by hash, its body anywhere (also within archives and documents)."""
    folder.mkdir(parents=True, exist_ok=True)
    sample = eicar()
    digest = hashlib.md5(sample, usedforsecurity=False).hexdigest()
    (folder / "local.hdb").write_text(f"{digest}:{len(sample)}:Local.Eicar.MD5\n", "ascii")
    # Offset "*": with 0 the body would only be found at the start of a file.
    (folder / "local.ndb").write_text(f"Local.Eicar.Body:0:*:{sample[:40].hex()}\n", "ascii")


def configuration(*, socket: Path, database: Path, temporary: Path, max_upload_mb: int, as_root: bool) -> str:
    """clamd.conf. ``max_upload_mb``: the pages' own limit; ``as_root``: stay root."""
    return template("clamd.conf").render(
        socket=socket, database=database, temporary=temporary, limit_mb=max_upload_mb + HEADROOM_MB, as_root=as_root
    )


def write_configuration(settings: Settings, database: Path | None = None) -> Path:
    """Write ``clamd/clamd.conf`` below the data folder and return it.

    ``database``: folder of official signatures; None: the local signatures, written here.
    Raises ConfigError when the socket's path is too long for the system.
    """
    home = settings.data / "clamd"
    if database is None:
        database = home / "db"
        write_signatures(database)
    for folder in (home / "tmp", settings.run):
        folder.mkdir(parents=True, exist_ok=True)
    text = configuration(
        socket=checked_socket(settings.clamd_socket),
        database=database,
        temporary=home / "tmp",
        max_upload_mb=settings.max_upload_mb,
        as_root=os.geteuid() == 0,
    )
    path = home / "clamd.conf"
    path.write_text(text, "utf-8")
    return path


def clamd_program(settings: Settings, database: Path | None = None) -> Program:
    """clamd in the foreground as the current user, ready when it answers PING."""
    path = write_configuration(settings, database)
    # The official database takes a minute to load on a small machine.
    return Program(
        name="clamd",
        argv=(PROGRAM, "--config-file", str(path)),
        ready=answers_ping(settings.clamd_socket),
        ready_seconds=30.0 if database is None else 180.0,
        restart=True,
    )
