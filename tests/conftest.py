"""For every test: examples without a time limit (the machine may be busy), the same ones in every CI run."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("project")

pytest_plugins = [
    "tests.office_fixtures",
    "tests.bus_fixtures",
    "tests.live_fixtures",
    "tests.browser_fixtures",
]
