"""Organs out of a CSV file, as a province's office would export them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from appliance.errors import N_, BadInput, ConfigError
from sync.reference_bus.config import OrganEntry

COLUMNS = (
    "code", "name", "parent", "valid_from", "valid_to", "successor", "old_codes", "virtual", "place", "notation",
    "signer_name", "signer_position",
)  # fmt: skip
"""Names of the columns. ``code`` and ``name`` are needed; old codes stand apart by spaces; virtual is 0 or 1."""
_MAX_BYTES = 16 << 20


def read_organs(path: Path | None) -> tuple[OrganEntry, ...]:
    """The organs of the file at ``path``, none without one. Raises ConfigError."""
    if path is None:
        return ()
    try:
        return organs_from(path.read_bytes())
    except OSError as error:
        raise ConfigError(N_("Không đọc được tệp cấu hình %(path)s: %(error)s"), path=path, error=error) from error
    except BadInput as error:
        raise ConfigError(N_("%(path)s: %(error)s"), path=path, error=error) from error


def organs_from(data: bytes) -> tuple[OrganEntry, ...]:
    """The organs of a CSV in UTF-8 (with or without a mark), commas or semicolons. Raises BadInput naming the line."""
    if len(data) > _MAX_BYTES:
        raise BadInput(N_("Tệp lớn hơn giới hạn %(limit)s MB."), limit=_MAX_BYTES >> 20)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(N_("Tệp danh bạ không phải UTF-8."), next_step=N_("Lưu lại dưới dạng CSV UTF-8.")) from error
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    names = [name.strip() for name in reader.fieldnames or ()]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or not {"code", "name"} <= set(names):
        raise BadInput(
            N_("Dòng đầu của tệp danh bạ phải có cột code, name và chỉ các cột: %(all)s."), all=", ".join(COLUMNS)
        )
    reader.fieldnames = names
    found = []
    try:
        for row in reader:
            found.append(_organ({name: (row.get(name) or "").strip() for name in names}, reader.line_num))
    except csv.Error as error:
        raise BadInput(N_("Dòng %(line)s: %(error)s"), line=reader.line_num, error=error) from error
    return tuple(found)


def _organ(row: dict[str, str], line: int) -> OrganEntry:
    old, virtual = tuple(row.pop("old_codes", "").split()), row.pop("virtual", "0") or "0"
    organ = replace(OrganEntry(**row), old_codes=old, virtual=virtual == "1")  # type: ignore[arg-type]
    try:
        if virtual not in ("0", "1"):
            raise BadInput(N_("Cột virtual phải là 0 hoặc 1."))
        organ.check()
    except BadInput as error:
        raise BadInput(N_("Dòng %(line)s: %(error)s"), line=line, error=error) from error
    return organ
