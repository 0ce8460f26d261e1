"""What each of the 29 types prints besides what all share: ``forms.toml`` as data (NĐ 30/2020, annex III)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from appliance.regulation.document_types import TYPES


@dataclass(frozen=True)
class FormLine:
    """A labelled line of a form: 'Thời gian: …'."""

    key: str
    label: str
    required: bool


@dataclass(frozen=True)
class DocumentForm:
    """One type's form; the fields are explained in ``forms.toml``."""

    annex: str
    head: Literal["title", "letter", "own"] = "title"
    number: bool = True
    to: str = ""
    to_must: bool = False
    bases: bool = False
    opening: bool = False
    enacts: str = ""
    lead: str = ""
    lines: tuple[FormLine, ...] = ()
    body: str = ""
    receivers: tuple[str, ...] = ()
    position: str = ""
    second: str = ""


def _form(values: dict[str, Any]) -> DocumentForm:
    lines = tuple(FormLine(*line) for line in values.get("lines", ()))
    return DocumentForm(**{**values, "lines": lines, "receivers": tuple(values.get("receivers", ()))})


FORMS: dict[str, DocumentForm] = {
    code: _form(values)
    for code, values in tomllib.loads((files("appliance.drafting") / "forms.toml").read_text("utf-8")).items()
}
"""Type code → form; a test holds that it has exactly the types of ``TYPES``."""

if FORMS.keys() != TYPES.keys():
    raise RuntimeError(f"forms.toml and the document types differ: {sorted(FORMS.keys() ^ TYPES.keys())}")
