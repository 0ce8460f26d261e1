"""What a run found, and its two tables."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from appliance.clock import VN

NAMES = {
    "bare": "bare pyHanko",
    "ours": "Trạm, worker counted out",
    "request": "Trạm, whole request",
    "endesive": "endesive",
}
STEPS = ("sign", "seal")
MOST_OVERHEAD, MOST_GROWTH = 1.30, 3.0
_PACKAGES = ("pyhanko", "pyhanko-certvalidator", "python-pkcs11", "cryptography", "endesive", "pypdf")
_MIB = 1 << 20


@dataclass
class Figures:
    """``times[size][contender][step]``: one entry per round, milliseconds; ``memory`` likewise, one entry."""

    sizes: list[int]
    contenders: list[str]
    missing: list[str]
    rounds: int
    files: dict[int, int]
    times: dict[int, dict[str, dict[str, list[dict[str, float]]]]] = field(default_factory=dict)
    memory: dict[int, dict[str, dict[str, dict[str, float]]]] = field(default_factory=dict)
    load: list[tuple[float, float, float]] = field(default_factory=list)

    def values(self, size: int, name: str, what: str, *steps: str) -> list[float]:
        """Round by round; several steps are added up."""
        rows = self.times[size][name]
        return [sum(rows[step][n][what] for step in steps) for n in range(self.rounds)]

    def ratio(self, size: int, name: str, what: str, *steps: str) -> float:
        """Median over the rounds of (contender / bare pyHanko in the same round)."""
        pairs = zip(self.values(size, name, what, *steps), self.values(size, "bare", what, *steps), strict=True)
        return statistics.median(mine / bare for mine, bare in pairs)

    def growth(self, size: int, name: str, step: str) -> float:
        """Peak over the state before the request, as a multiple of the file."""
        row = self.memory[size][name][step]
        return (row["peak"] - row["before"]) * _MIB / row["file"]


def markdown(figures: Figures, command: str) -> str:
    """The whole report."""
    parts = [
        "# Signing: time and memory",
        f"Written by `{command}` on {datetime.now(VN):%Y-%m-%d %H:%M}, {figures.rounds} interleaved rounds. "
        + _machine(figures),
        _EXPLAINED,
        *(f"**Not measured: {NAMES[name]} is not installed** (`make bench` brings it)." for name in figures.missing),
    ]
    for size in figures.sizes:
        parts += [f"## File of {figures.files[size]:,} bytes".replace(",", " "), _times(figures, size)]
        parts.append(_memory(figures, size))
    return "\n\n".join([*parts, *_verdicts(figures)]) + "\n"


_EXPLAINED = """\
Each contender signs as the leader (visible picture) and then seals (number, date, seal, text) with the same two
SoftHSM tokens (RSA-2048), and validates every signature of what it has made. Each runs in a process of its own; in
every round all take their turn. Milliseconds: median (lowest to highest). CPU is the process's own, without the
signer's. "Ratio" is the median over the rounds of contender / bare pyHanko.

- **bare pyHanko**: `PKCS11Signer` in an open session, `sign_pdf`, `validate_pdf_signature`, revocation lists required;
  the same fields, pictures, text and font as ours.
- **Trạm, worker counted out**: the box's `sign_personal` and `number_and_seal` with a client that signs in an open
  session of its own process. It does more than bare pyHanko: it judges the certificate before signing, checks the
  leader's signature before the seal goes over it, and reads what changed after each signature.
- **Trạm, whole request**: the same with the file read from and written to the box's durable store and the real signer
  service, which starts a worker process, logs in and signs.
- **endesive**: `adbe.pkcs7.detached` signatures in fields of its own with the same two pictures; it fills no number and
  date, draws no text, and its verification looks neither at revocation nor at what changed. (All files here
  have a classic cross-reference table, because endesive 3.0 fails on others.)

Memory is resident memory as the kernel counts it. "Before": after start, imports and one small document. "Growth":
the highest mark during the request, reading the file included, above "before"."""


def _machine(figures: Figures) -> str:
    packages = []
    for name in _PACKAGES:
        if name not in figures.missing and not (name == "pypdf" and "endesive" in figures.missing):
            packages.append(f"{name} {version(name)}")
    loads = [load[0] for load in figures.load]
    return (
        f"Machine: {os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}, "
        f"{', '.join(packages)}. Load average during the run: {min(loads):.1f} to {max(loads):.1f} "
        "(the run itself keeps one core busy)."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _times(figures: Figures, size: int) -> str:
    rows = [
        "| | sign + validate | seal + validate | both | CPU, both | ratio | CPU ratio |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name in figures.contenders:
        cells = [_spread(figures.values(size, name, "wall", *steps)) for steps in (("sign",), ("seal",), STEPS)]
        cells.append(_spread(figures.values(size, name, "cpu", *STEPS)))
        cells += [f"{figures.ratio(size, name, what, *STEPS):.2f}" for what in ("wall", "cpu")]
        rows.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def _memory(figures: Figures, size: int) -> str:
    rows = ["| | step | before, MiB | peak, MiB | growth, MiB | growth / file |", "|---|---|--:|--:|--:|--:|"]
    for name in figures.contenders:
        for step in STEPS:
            row: dict[str, Any] = figures.memory[size][name][step]
            grown = row["peak"] - row["before"]
            times = f"{figures.growth(size, name, step):.1f}"
            rows.append(f"| {NAMES[name]} | {step} | {row['before']:.0f} | {row['peak']:.0f} | {grown:.0f} | {times} |")
    return "\n".join(rows)


def _verdicts(figures: Figures) -> list[str]:
    """What was promised, and whether this run shows it: time on the smallest file, memory on the largest."""
    small, large = min(figures.sizes), max(figures.sizes)
    ratio = figures.ratio(small, "ours", "cpu", *STEPS)
    growth = max(figures.growth(large, name, step) for name in ("ours", "request") for step in STEPS)
    return [
        "## What was promised",
        f"- Overhead over bare pyHanko on the smallest file, worker counted out, CPU time: {ratio - 1:+.0%} "
        f"(at most {MOST_OVERHEAD - 1:.0%}): {'holds' if ratio <= MOST_OVERHEAD else '**missed**'}.\n"
        f"- Growth of memory on the largest file: {growth:.1f} times the file (at most {MOST_GROWTH:g}): "
        f"{'holds' if growth <= MOST_GROWTH else '**missed**'}. The process itself, before any file, holds the "
        'libraries: see "before".',
    ]
