"""Refuse committed text that only holds on one machine: absolute paths of a workplace, hosts of package registries.

Run by ``make lint``. Prints ``file:line: what`` for each hit; exit code 1 when there is one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Written in parts, so that this file passes its own check.
HOSTS = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "deb.debian" + ".org",
    "snapshot.debian" + ".org",
)
PATHS = ("/wo" + "rk/", "/ro" + "ot/", "/tm" + "p/w/", "/ho" + "me/[a-z]", "/opt/whe" + "els", "py" + "env/")
FORBIDDEN = re.compile("|".join([*(re.escape(host) for host in HOSTS), *(rf"(?<![\w.}}$-]){path}" for path in PATHS)]))


def committed() -> list[Path]:
    """Every file git keeps or would keep, relative to the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    return [Path(name) for name in names.decode().split("\0") if name]


def hits(path: Path) -> list[str]:
    """``file:line: text`` of each forbidden text in ``path``; none for binary files and files deleted meanwhile."""
    try:
        text = (ROOT / path).read_text("utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []
    found = ((number, FORBIDDEN.search(line)) for number, line in enumerate(text.splitlines(), 1))
    return [f"{path}:{number}: {hit.group()}" for number, hit in found if hit]


def main() -> int:
    """0 when nothing was found."""
    found = [hit for path in committed() for hit in hits(path)]
    print("\n".join(found) if found else "no workplace path or registry host in any file")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
