"""One contender in a process of its own: ``python -m tests.bench.child CONTENDER FOLDER``.

Answers each line of JSON on standard input with one on standard output. ``{"size", "step", "memory": bool}``: 'sign'
or 'seal' of the file of that size. Times in milliseconds; memory in MiB, resident, as the kernel counts it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from appliance.signing import fonts
from tests.bench.cast import Cast, load_cast
from tests.bench.contenders import Contender, make


def measured(contender: Contender, name: str, cast: Cast, size: int, step: str, *, memory: bool) -> dict[str, Any]:
    """Run one step once, everything from reading the file to the validated result."""
    source = cast.file(size, "prepared" if step == "sign" else name)
    placement = cast.placement(size)
    contender.read(source)  # in the page cache, and in the store where there is one
    before = _rest() if memory else 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    data = contender.read(source)
    data = contender.sign(data) if step == "sign" else contender.seal(data, placement)
    figures = {
        "wall": (time.perf_counter() - wall) * 1000,
        "cpu": (time.process_time() - cpu) * 1000,
        "before": before,
        "peak": _status("VmHWM") if memory else 0.0,
        "file": source.stat().st_size,
    }
    if step == "sign":
        cast.file(size, name).write_bytes(data)
    return figures


def _rest() -> float:
    """Resident memory with the garbage gone, in MiB; the kernel's high-water mark starts anew from here."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def main(name: str, folder: Path) -> None:
    """Serve until standard input ends."""
    logging.disable(logging.WARNING)
    cast = load_cast(folder)
    fonts.warm_up()
    contender = make(name, cast)
    for line in sys.stdin:
        order = json.loads(line)
        figures = measured(contender, name, cast, order["size"], order["step"], memory=order["memory"])
        print(json.dumps(figures), flush=True)
    sys.stdout.flush()
    os._exit(0)  # SoftHSM and OpenSSL 3 may crash in their exit handlers


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
