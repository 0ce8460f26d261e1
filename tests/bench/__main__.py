"""``python -m tests.bench signing [--rounds N] [--sizes BYTES …] [--markdown FILE]``; ``figures`` says what it shows.
``python -m tests.bench exchange [--only PART …] [--markdown FILE]``; ``exchange.report`` says what it shows.

Signing: for times, one process per contender lives through the run; in every round each takes its turn, in alternating
order, so that whatever else the machine does meets all of them alike. For memory, a fresh process for every figure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.cast import make_cast, settings_of
from tests.bench.contenders import installed
from tests.bench.exchange import download, drain, goodput, offices, report
from tests.bench.figures import NAMES, STEPS, Figures, markdown
from tests.signing_fixtures import SignerProcess

SIZES = [200_000, 20_000_000]
WARM_UP = 60_000
"""Bytes of the small document every process signs first."""
ROUNDS = 15
DOCUMENTS, OFFICES, EXCHANGES = 2_000, 1_000, 2_000
PARTS = ("good", "bad", "dropping", "bad-down", "dropping-down", "drain", "offices")


class Child:
    """A contender's process."""

    def __init__(self, name: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.child", name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, size: int, step: str, *, memory: bool = False) -> dict[str, float]:
        """One measured step; raises RuntimeError when the process has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"size": size, "step": step, "memory": memory}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the contender ended with {self._process.wait()}")
        figures: dict[str, float] = json.loads(line)
        return figures

    def warm_up(self) -> None:
        """Sign and seal a small document: what is loaded late is loaded now."""
        for step in STEPS:
            self.ask(WARM_UP, step)

    def close(self) -> None:
        """Let it end."""
        self._process.communicate(timeout=30)


@contextmanager
def child(name: str, folder: Path) -> Iterator[Child]:
    """A warmed-up process for a ``with`` block."""
    one = Child(name, folder)
    try:
        one.warm_up()
        yield one
    finally:
        one.close()


def signing(sizes: list[int], rounds: int) -> Figures:
    """Measure everything."""
    present = [name for name in NAMES if installed(name)]
    missing = [name for name in NAMES if not installed(name)]
    with tempfile.TemporaryDirectory(prefix="tram-bench-") as short, ExitStack() as stack:
        folder = Path(short)
        configuration = make_cast(folder, sorted({*sizes, WARM_UP}))
        service = SignerProcess(settings_of(folder), configuration)
        stack.callback(service.stop)
        service.start()
        files = {size: (folder / f"{size}.prepared.pdf").stat().st_size for size in sizes}
        figures = Figures(sizes, present, missing, rounds, files)
        _time(figures, folder)
        _weigh(figures, folder)
    return figures


def exchange(parts: Collection[str]) -> report.Findings:
    """Measure ``parts`` of PARTS. The lines need root."""
    found = report.Findings()
    for name in parts:
        found.load.append(os.getloadavg()[0])
        if name == "drain":
            found.drain = drain.measure(DOCUMENTS)
        elif name == "offices":
            found.offices = offices.measure(OFFICES, EXCHANGES)
        elif name in download.CASES:
            found.fetched[name] = download.measure(download.CASES[name])
        else:
            found.transfers[name] = goodput.measure(goodput.CASES[name])
        print(f"{name}: done", file=sys.stderr, flush=True)
    return found


def _time(figures: Figures, folder: Path) -> None:
    with ExitStack() as stack:
        children = {name: stack.enter_context(child(name, folder)) for name in figures.contenders}
        for size in figures.sizes:
            rows = figures.times[size] = {name: {step: [] for step in STEPS} for name in children}
            for turn in range(-1, figures.rounds):
                for name in list(children)[:: 1 if turn % 2 else -1]:
                    for step in STEPS:
                        found = children[name].ask(size, step)
                        if turn >= 0:  # the first round only brings the files in
                            rows[name][step].append(found)
                figures.load.append(os.getloadavg())


def _weigh(figures: Figures, folder: Path) -> None:
    for size in figures.sizes:
        figures.memory[size] = {name: {} for name in figures.contenders}
        for name in figures.contenders:
            for step in STEPS:
                with child(name, folder) as fresh:
                    figures.memory[size][name][step] = fresh.ask(size, step, memory=True)


def main(arguments: list[str]) -> None:
    """Run and print; with ``--markdown`` write the same to a file."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("subject", choices=["signing", "exchange"])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts of exchange")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="BYTES")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if options.subject == "exchange":
        text = report.markdown(exchange(options.only), "make bench-exchange")
    else:
        text = markdown(signing(options.sizes, options.rounds), "make bench")
    print(text)
    if options.markdown:
        options.markdown.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
