"""The benchmark still runs: one round on small files. How fast anything is, is not judged here."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import signing
from tests.bench.contenders import installed
from tests.bench.figures import NAMES, markdown


@pytest.mark.slow
def test_one_round_measures_every_contender_that_is_installed() -> None:
    """Only endesive may be missing: it is in no other set of packages than ``bench``; the report then says so."""
    figures = signing([70_000, 90_000], rounds=1)
    assert figures.missing == ([] if installed("endesive") else ["endesive"])
    text = markdown(figures, "make bench")
    for name, shown in NAMES.items():
        assert (f"| {shown} |" in text) is (name not in figures.missing)
        assert ("endesive is not installed" in text) is bool(figures.missing)
    assert all(row["wall"] > 0 for row in figures.times[70_000]["ours"]["seal"])
    assert figures.memory[90_000]["request"]["sign"]["peak"] > figures.memory[90_000]["request"]["sign"]["before"]
