"""Tình trạng hệ thống: the technician's page."""

from __future__ import annotations

import json
import platform
import shutil
import sqlite3
from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, render_template

from appliance.office import custody, evidence_state, organs
from appliance.store import facts
from web import reading
from web.access import open_to
from web.context import actor, desk

pages = Blueprint("system", __name__, url_prefix="/he-thong")
STAMPS_SECONDS = 2.0
"""Longest that the page waits to hear whether the time-stamp service answers."""
_PACKAGES = (
    "tram-van-ban",
    "flask",
    "waitress",
    "pyhanko",
    "cryptography",
    "httpx",
    "lxml",
    "sqlite-utils",
    "apscheduler",
)


@pages.get("/")
@open_to("technician")
def index() -> str:
    """Lights, failures of jobs, tokens, disk, versions."""
    work = desk()
    disk = shutil.disk_usage(work.settings.data)
    return render_template(
        "system/index.html",
        jobs=_failed_jobs(),
        disk=disk,
        database_size=work.settings.database.stat().st_size,
        counts=reading.counts(work.db),
        versions=_versions(),
        settings=work.settings,
        devices=custody.listing(work, actor(), state="in_use"),
        names=reading.names(work.db),
        organs=organs.own(work.db),
        clock=work.clock.read(work.db),
        now=work.clock.now(),
        stamps=work.evidence.within(STAMPS_SECONDS).stamps(),
        lists=evidence_state.lists(work.db),
        failures=evidence_state.failures(work.db),
    )


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version, "Linux": platform.release()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "–"
    return found


def _failed_jobs() -> list[dict[str, str]]:
    """The last failure of each background job, as sync left it in the facts ``job:<name>:error``."""
    found = []
    for key, text in facts.starting_with(desk().db, "job:").items():
        name = key.removeprefix("job:").removesuffix(":error")
        found.append({"name": name, "at": "", "next_step": "", **json.loads(text)})
    return found
