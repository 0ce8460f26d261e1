"""A short run of the fuzzer, and every input that once broke something."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.store.blobs import BlobStore
from sync.edxml.dialects import dialect_names
from tests.fuzz.run import KEPT, fuzz, judge


@pytest.mark.slow
def test_twenty_seconds_of_fuzzing_find_nothing(tmp_path: Path) -> None:
    report = fuzz(seed=102, seconds=20, keep=tmp_path / "findings")
    assert report.findings == []
    assert report.inputs > 300
    assert min(report.documents, report.statuses, report.refused) > 20
    assert report.peak - report.base < 64 << 20


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.bin")), ids=lambda path: path.stem)
def test_what_once_broke_something_is_read_or_refused(path: Path, tmp_path: Path) -> None:
    for layout in dialect_names():
        judge(path.read_bytes(), BlobStore(tmp_path), layout)
