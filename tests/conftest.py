"""For every test: shared fixtures, examples without a time limit (the machine may be busy), the browser last."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("project")

pytest_plugins = [
    "tests.office_fixtures",
    "tests.bus_fixtures",
    "tests.signing_fixtures",
    "tests.live_fixtures",
    "tests.browser_fixtures",
    "tests.custody_fixtures",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in the browser come last: its driver keeps an event loop in this thread, where no other may run then."""
    items.sort(key=lambda item: "browser" in item.path.parts)
