"""The schema, as sqlite-utils migrations: one file of ``schema/`` each, in the order of their numbers.

Tables are STRICT; times are ISO 8601 texts at +07:00. A file is never edited once it has left this repository; a new
one with the next number is added after it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from importlib.resources import files

from sqlite_utils import Database, Migrations

migrations = Migrations("tram")


def _step(script: str) -> Callable[[Database], None]:
    def apply(db: Database) -> None:
        for statement in _statements(script):
            db.execute(statement)

    return apply


def _statements(script: str) -> list[str]:
    """Statements of a script, triggers whole: a statement ends where sqlite3 says it is complete."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    return statements


for _file in sorted((files("appliance.store") / "schema").iterdir(), key=lambda entry: entry.name):
    # "0001_first.sql" is the migration "first", the name boxes in the field know it by
    migrations(name=_file.name.removesuffix(".sql").split("_", 1)[1])(_step(_file.read_text("utf-8")))
