"""SoftHSM2 behind a module that can fail as real devices do (``shim.c``), compiled where the tests run."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")


@dataclass(frozen=True)
class Shim:
    """A PKCS#11 module at ``path``; ``behave`` decides what it does from the next call on."""

    path: Path
    real: Path

    def behave(self, *lines: str) -> None:
        """Lines of the control file, as ``shim.c`` explains them; none: works as the real one."""
        text = "\n".join([f"real {self.real}", *lines]) + "\n"
        new = self.path.with_name(f"{self.path.name}.new")
        new.write_text(text, "ascii")
        new.replace(self.path.with_name(f"{self.path.name}.control"))  # at once: a worker may be reading


def make_shim(path: Path, real: Path) -> Shim:
    """Compile the module to ``path``."""
    command = ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-O1", "-I/usr/include/p11-kit-1", "-o", str(path)]
    subprocess.run([*command, str(SOURCE), "-ldl"], check=True)
    shim = Shim(path, real)
    shim.behave()
    return shim
