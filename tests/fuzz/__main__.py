"""``python -m tests.fuzz --minutes 10``: exit status 0 when nothing was found."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

from tests.fuzz.run import CPU_SECONDS, KEPT, Report, fuzz

_MB = 1 << 20


def main() -> int:
    """Run, print the figures, write them down where asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="fuzz the reader of packages")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    parser.add_argument("--keep", type=Path, default=KEPT, help="where inputs of findings go (default: %(default)s)")
    parser.add_argument("--markdown", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    report = fuzz(options.seed, options.minutes * 60, options.keep)
    for finding in report.findings:
        print(finding)
    text = _figures(report)
    print(text)
    if options.markdown:
        options.markdown.write_text(text, "utf-8")
    return 1 if report.findings else 0


def _figures(report: Report) -> str:
    kept = len(list(KEPT.glob("*.bin")))
    rows = {
        "time": f"{report.seconds / 60:.1f} min, seed {report.seed}",
        "inputs": f"{report.inputs:,}, {report.size / _MB:,.0f} MB",
        "read": f"{report.documents:,} documents, {report.statuses:,} statuses",
        "refused in words": f"{report.refused:,}",
        "crashes, hangs, readings that do not come back": f"{len(report.findings)}",
        "slowest input": f"{report.slowest:.2f} s of processor time (limit {CPU_SECONDS:g} s)",
        "memory at the start, highest, at the end": " / ".join(
            f"{value / _MB:.0f} MB" for value in (report.base, report.peak, report.end)
        ),
        "kept inputs, replayed by every test run": f"{kept}",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"""# Fuzzing the reader of packages

Written by `make fuzz ARGS='--markdown docs/fuzz.md'` (`python -m tests.fuzz`). Each input, a damaged package or one
grown from a grammar of edXML, goes through the bus's glance (`peek`), the tolerant reader and our schema; what can be
read is written again in a dialect and must read back to the same. Anything but a reading or a refusal in words is a
finding; its bytes go to `tests/fuzz/kept`. The memory at the start is taken after every extreme input was seen once.

| | |
|---|---|
{table}
"""


if __name__ == "__main__":
    raise SystemExit(main())
