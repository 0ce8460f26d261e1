"""Files on a stick: complete and durable under their name, or not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def finish(temporary: Path, target: Path) -> None:
    """Give a written file its name once its bytes are on the medium. Raises OSError."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def put(source: Path, target: Path) -> None:
    """A copy of ``source``. Raises OSError."""
    temporary = target.with_name(target.name + ".part")
    shutil.copyfile(source, temporary)
    finish(temporary, target)


def put_bytes(data: bytes, target: Path) -> None:
    """``data`` as a file. Raises OSError."""
    temporary = target.with_name(target.name + ".part")
    temporary.write_bytes(data)
    finish(temporary, target)
