"""Dialects of edXML: layout and habits of the systems at the other end, as data (``dialects.toml``)."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.errors import N_, ConfigError

DEFAULT = "java-sdk"
_DATA = Path(__file__).with_name("dialects.toml")


@dataclass(frozen=True)
class Dialect:
    """One way to lay out a package; every field is explained in ``dialects.toml``."""

    declaration: str
    newline: str
    final_newline: bool
    cid_prefix: bool
    cid_prefix_attachment: bool
    prefixed_content: bool
    xlink: bool
    empty_signature: bool
    zip_wrapper: bool
    raw_extensions: tuple[str, ...]
    steering: int
    type_detail: int
    type_numbers: Mapping[str, int]
    order: Mapping[str, tuple[str, ...]]

    def type_number(self, type_name: str) -> int:
        """The number that goes with a type of document."""
        return self.type_numbers.get(type_name, self.type_numbers["default"])


@functools.cache
def dialect(name: str = DEFAULT) -> Dialect:
    """The dialect called ``name``. Raises ConfigError for one that nobody knows."""
    data = _data()
    if name not in data:
        raise ConfigError(
            N_("Khóa %(key)s phải là một trong: %(words)s"), key="edxml_dialect", words=", ".join(sorted(data))
        )
    values = _values(name)
    order = {parent: tuple(children) for parent, children in values.pop("order").items()}
    return Dialect(**{**values, "raw_extensions": tuple(values["raw_extensions"])}, order=order)


def dialect_names() -> tuple[str, ...]:
    """Every dialect there is."""
    return tuple(_data())


@functools.cache
def _data() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_DATA.read_text("utf-8"))


def _values(name: str) -> dict[str, Any]:
    """The dialect's own values over those of the one it is like."""
    own = dict(_data()[name])
    like = own.pop("like", None)
    base = _values(like) if like else {}
    tables: dict[str, Any] = {key: {**base.get(key, {}), **own[key]} for key in ("order", "type_numbers") if key in own}
    return {**base, **own, **tables}
