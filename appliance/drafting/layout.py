"""A document's pages by NĐ 30/2020/NĐ-CP, annex I: measures and letter sizes stand in ``templates/document.css``."""

from __future__ import annotations

import functools
import re

import jinja2

from appliance.drafting.markup import Run, Table, parse, runs
from appliance.drafting.model import CIRCULATION, DraftText, checked
from appliance.typesetting import typeset

NUMBER_BLANK = "\u00a0" * 12
DAY_BLANK = MONTH_BLANK = "\u00a0" * 7
"""The width left for what the box writes at the seal: five digits in the number line, two in the date line."""

_ABOUT = re.compile(r"^(?:V/v|Về việc)[:\s]+", re.IGNORECASE)
"""What many people type before the abstract of a letter; the layout prints 'V/v' itself."""
_LONG_WORD = 24
"""Letters; no Vietnamese word comes near, an address on the net does."""
_ROMAN = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


def compose(document: DraftText) -> bytes:
    """The PDF: A4, tagged, language and title set, every font embedded. Raises BadInput as ``checked`` does."""
    return typeset(page(document))


def page(document: DraftText) -> str:
    """The same as an HTML page."""
    document = checked(document)
    return (
        _environment()
        .get_template("document.html")
        .render(
            document=document,
            form=document.form,
            about=_ABOUT.sub("", document.subject),
            circulation=CIRCULATION[document.circulation],
            urgency=URGENCY_MARKS.get(document.urgency, ""),
            number_blank=NUMBER_BLANK,
            day_blank=DAY_BLANK,
            month_blank=MONTH_BLANK,
            pages=[f"phu-luc-{number}" for number in range(1, len(document.enclosures) + 1)],
        )
    )


URGENCY_MARKS = {1: "KHẨN", 2: "THƯỢNG KHẨN", 3: "HỎA TỐC", 4: "HỎA TỐC"}
"""What is printed for a priority (annex I, cell 10b); 'Hỏa tốc hẹn giờ' is known to edXML only."""


def roman(number: int) -> str:
    """1 → 'I': how appendices are numbered (annex I)."""
    text = ""
    for value, letters in _ROMAN:
        while number >= value:
            text, number = text + letters, number - value
    return text


def _has_long_word(cell: tuple[Run, ...]) -> bool:
    return any(len(word) > _LONG_WORD for run in cell for word in run.text.split())


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("appliance.drafting"),
        autoescape=True,  # what people type is text, never markup
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(roman=roman, blocks=parse, runs=runs, has_long_word=_has_long_word)
    environment.tests["table"] = lambda block: isinstance(block, Table)
    return environment
