"""The table of fault cases names tests that exist, and leaves no case out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = {
    int(row.split("|")[1]): re.findall(r"`([\w/]+\.py)::(\w+)`", row)
    for row in (TESTS.parent / "docs" / "faults.md").read_text("utf-8").splitlines()
    if re.match(r"\| \d", row)
}


def test_no_case_is_left_out() -> None:
    assert list(ROWS) == list(range(1, 19))
    assert all(ROWS.values())


@pytest.mark.parametrize(("file", "name"), sorted({test for tests in ROWS.values() for test in tests}))
def test_the_named_test_exists(file: str, name: str) -> None:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_of_a_case_is_in_the_table() -> None:
    written = {
        (f"faults/{path.name}", node.name)
        for path in (TESTS / "faults").glob("test_cases_of_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert written <= {test for tests in ROWS.values() for test in tests}
