"""What the dialects with an account write where they should write a row: read as far as it can be understood.

Ids come as texts or numbers, a receiver as a code, a list or the word "null". One row that says nothing usable is
counted and left where it is; it holds up no other row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from appliance.regulation.codes import looks_like_code
from sync.bus.base import InboxItem, Kind, OrganEntry
from sync.bus.native.answers import not_the_bus

_LONGEST_ID, _LONGEST_NAME = 200, 500
_OURS = "usb:"
"""Begins the ids that the box itself gives to what comes on a stick; no bus may use them."""


def identity(value: object) -> str:
    """An id of the bus, written as text or as number; '' for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        return ""
    text = text.strip()
    usable = 0 < len(text) <= _LONGEST_ID and text.isprintable() and not text.startswith(_OURS)
    return text if usable else ""


def word(value: object) -> str:
    """A short word or number, as error codes are; '' for anything else."""
    return identity(value)[:20]


def rows(value: object) -> list[Any]:
    """The list in an answer, bare or as one page's ``content``; none for null. Raises BusError."""
    if isinstance(value, dict):
        value = value.get("content")
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise not_the_bus()
    return value


def items(found: Iterable[object], kind: Kind) -> tuple[list[InboxItem], int]:
    """The inbox entries among rows of ``kind``, and how many of the rows name none. Size and digest are not told."""
    known: list[InboxItem] = []
    nameless = 0
    for row in found:
        doc_id = identity(row.get("docId")) if isinstance(row, dict) else ""
        if not isinstance(row, dict) or not doc_id:
            nameless += 1
            continue
        told = row.get("messageType")
        is_kind = told if told in ("edoc", "status") else kind
        known.append(
            InboxItem(0, doc_id, "", is_kind, 0, organ_code(row.get("from")), organ_code(row.get("to")), -1, "")
        )
    return known, nameless


def add(known: dict[str, InboxItem], more: Iterable[InboxItem]) -> None:
    """Take ``more`` into ``known``, each id once. One listed for several organs is for all that the package names."""
    for item in more:
        first = known.setdefault(item.doc_id, item)
        if first.to != item.to:
            known[item.doc_id] = replace(first, to="")


def organ_code(value: object) -> str:
    """The one organ that ``value`` names: a code, a list of one or that list as JSON text; else ''."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return ""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    text = value.strip() if isinstance(value, str) else ""
    return text if looks_like_code(text) else ""


def organ(row: object, *, parent: str) -> OrganEntry:
    """A row of the address book: the code in force, and those before it (``code102`` of QCVN 102, ``oldCode``)."""
    found = row if isinstance(row, dict) else {}
    code, code102, old, above = (identity(found.get(key)) for key in ("code", "code102", "oldCode", parent))
    name = found.get("name")
    olds = tuple(dict.fromkeys(other for other in (code102, old) if other and other != code))
    return OrganEntry(code, name.strip()[:_LONGEST_NAME] if isinstance(name, str) else "", olds, parent=above)
