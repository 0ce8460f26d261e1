"""Runs inputs through everything that reads packages from outside; says what is not a reading or a refusal.

Coverage plays no part. Each input follows from (seed, number), so a finding can be made again; its bytes are kept too.
"""

from __future__ import annotations

import faulthandler
import gc
import hashlib
import io
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from appliance.errors import BadInput
from appliance.store.blobs import BlobStore
from sync.edxml.dialects import dialect, dialect_names
from sync.edxml.model import ReadDocument, ReadStatus, essence
from sync.edxml.packer import write_again
from sync.edxml.reader import read_package, tree_of, understand
from sync.edxml.schema import deviations
from sync.reference_bus.peek import peek
from tests.fuzz.inputs import EXTREMES, corpus, make

KEPT = Path(__file__).with_name("kept")
"""Inputs that once broke something; replayed by the tests."""
CPU_SECONDS = 15.0
"""Longest that one input may keep the processor busy; a hundred times what a package of that size takes."""
_WALL_SECONDS = 120.0
_PAGE = resource.getpagesize()
_CLEAN_EVERY = 500
_MEMORY = Path("/dev/shm")
"""Where waiting for the disk costs nothing; what lies there is no memory of the process."""


class Hang(BaseException):
    """The input took too long. Not an Exception: nothing that is being tested may catch it."""


class Mistake(AssertionError):
    """What was read cannot be written and read again to the same."""


@dataclass
class Report:
    """Figures of a run. Sizes in bytes; ``base`` is the memory after every extreme input was seen once."""

    seed: int
    inputs: int = 0
    size: int = 0
    documents: int = 0
    statuses: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    base: int = 0
    peak: int = 0
    end: int = 0
    findings: list[str] = field(default_factory=list)


def judge(data: bytes, blobs: BlobStore, layout: str) -> str:
    """'document', 'status' or 'refused'. Raises whatever should not have happened."""
    peek(io.BytesIO(data))
    try:
        root = tree_of(data, blobs)
        deviations(root)
        model = understand(root, blobs)
    except BadInput as refusal:
        if not str(refusal) or not refusal.next_step:
            raise Mistake("a refusal without words") from refusal
        return "refused"
    _same_again(model, blobs, layout)
    return "status" if isinstance(model, ReadStatus) else "document"


def _same_again(model: ReadDocument | ReadStatus, blobs: BlobStore, layout: str) -> None:
    digest, _ = write_again(model, blobs, dialect(layout))
    back = read_package(blobs.path(digest), blobs)
    if isinstance(model, ReadDocument) and isinstance(back, ReadDocument):
        same = essence(back) == essence(model) and back.trace == model.trace
    else:
        same = replace(back, warnings=()) == replace(model, warnings=())
    if not same:
        raise Mistake(f"{layout}: {model!r} came back as {back!r}"[:4000])


def fuzz(seed: int, seconds: float, keep: Path, most: int = 1 << 62) -> Report:
    """Run for ``seconds`` or ``most`` inputs; findings' bytes go to ``keep``."""
    report, good = Report(seed), corpus()
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=where) as folder, _watchdog():
        blobs = BlobStore(Path(folder) / "blobs")
        for make_one in EXTREMES:
            for number in range(3):
                _one(report, make_one(Random(f"{seed}:{number}")), blobs, "java-sdk", keep)
        report.base = report.peak = _memory()
        began = time.monotonic()
        while time.monotonic() - began < seconds and report.inputs < most:
            random = Random(f"{seed}:{report.inputs}")
            _one(report, make(random, good), blobs, random.choice(dialect_names()), keep)
            if report.inputs % _CLEAN_EVERY == 0:
                shutil.rmtree(blobs.root, ignore_errors=True)
                report.peak = max(report.peak, _memory())
        report.seconds = time.monotonic() - began
        gc.collect()
        report.end = _memory()
        report.peak = max(report.peak, report.end)
    return report


def _one(report: Report, data: bytes, blobs: BlobStore, layout: str, keep: Path) -> None:
    """Judge one input under the watchdog and count it."""
    began = time.process_time()
    faulthandler.dump_traceback_later(_WALL_SECONDS, exit=True)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        kind = judge(data, blobs, layout)
    except (Exception, Hang) as error:  # noqa: BLE001 - whatever it is, it is the finding
        signal.setitimer(signal.ITIMER_PROF, 0)
        name = f"{type(error).__name__}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
        keep.mkdir(parents=True, exist_ok=True)
        (keep / name).write_bytes(data)
        report.findings.append(f"{name}: {traceback.format_exc()[-2000:]}")
    else:
        report.documents += kind == "document"
        report.statuses += kind == "status"
        report.refused += kind == "refused"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
    report.inputs += 1
    report.size += len(data)
    report.slowest = max(report.slowest, time.process_time() - began)


@contextmanager
def _watchdog() -> Iterator[None]:
    """Processor time ends an input, so a busy machine raises no false alarm; a sleeping one ends the process."""

    def ring(*_: object) -> None:
        raise Hang(f"more than {CPU_SECONDS} s of processor time")

    before = signal.signal(signal.SIGPROF, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, before)


def _memory() -> int:
    """Resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
