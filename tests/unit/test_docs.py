"""A promise kept by a test: every command and every setting stands in the documents."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import pytest

from appliance.config import Settings
from provisioning.cli import _parser
from sync.reference_bus.config import BusConfig
from sync.reference_bus.faults import KINDS

DOCS = Path(__file__).parents[2] / "docs"
SAMPLE = Path(__file__).parents[2] / "systemd" / "etc" / "tram.toml"


def _commands() -> list[str]:
    found = next(action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return sorted(found.choices)


@pytest.mark.parametrize("command", _commands())
def test_every_command_is_in_the_operations_manual(command: str) -> None:
    assert f"`tram {command}" in (DOCS / "operations.md").read_text("utf-8")


@pytest.mark.parametrize("setting", [field.name for field in fields(Settings)])
def test_every_setting_is_in_the_manual_or_the_sample_file(setting: str) -> None:
    assert setting in (DOCS / "operations.md").read_text("utf-8") + SAMPLE.read_text("utf-8")


@pytest.mark.parametrize("setting", [*(field.name for field in fields(BusConfig)), *KINDS])
def test_every_setting_and_fault_of_the_bus_is_in_its_manual(setting: str) -> None:
    assert f"`{setting}`" in (DOCS / "bus.md").read_text("utf-8")


def test_the_readme_names_no_make_target_that_does_not_exist() -> None:
    makefile = (DOCS.parent / "Makefile").read_text("utf-8")
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    named = {
        word.split()[1].strip("`;,") for word in readme.replace("`make", "\nmake").splitlines() if word[:5] == "make "
    }
    assert named >= {"demo", "test", "day"}
    assert all(f"\n{target}:" in makefile for target in named)
