"""Where everything goes on a draft: what its text says, else the office's usual places, else the law's layout."""

from __future__ import annotations

from collections.abc import Iterable

import pypdfium2

from appliance.signing.header import WHOLE_DATE, WHOLE_NUMBER, find_date, find_number, text_slot
from appliance.signing.placement import (
    DAY_FIELD,
    NOTE_HEIGHT,
    NOTE_WIDTH,
    NUMBER_FIELD,
    SIGNATURE_FIELD,
    Area,
    Placement,
    note_below,
    seal_over,
)
from appliance.signing.signature_block import find_signature
from appliance.signing.textlines import Line, read_lines

_HEADER = 0.6
"""Number and date stand above this part of the first page's height."""


def find_places(data: bytes, *, signer_title: str, signer_name: str, seal_mm: float) -> Placement:
    """Read a draft (``PdfFacts.ready`` of ``prepare.inspect``) and say where everything goes.

    ``signer_title``, ``signer_name`` as printed at the end of the document; ``seal_mm``: the seal's real diameter.
    What is not found stands at the usual place (Nghị định 30/2020/NĐ-CP, annex I) and is missing in ``found``; what
    is found without certainty is also in ``unsure``.
    """
    with pypdfium2.PdfDocument(data) as document:
        first = document[0]
        width, height = first.get_size()
        lines = read_lines(first, 0)
        head = [line for line in lines if line.baseline > height * (1 - _HEADER)]
        number, date = find_number(head, height), find_date(head, height)
        block = find_signature(document, signer_title, signer_name)
    results = ((NUMBER_FIELD, number), (DAY_FIELD, date), (SIGNATURE_FIELD, block if block.points else None))
    picture = not lines
    # over a picture the words are there already: the default text is painted on white
    numbers = number.slots if number else (
        text_slot(NUMBER_FIELD, 0, 0.17 * width, height - 118, 0.25 * width, 13, WHOLE_NUMBER, cover=picture),
    )  # fmt: skip
    dates = date.slots if date else (
        text_slot(DAY_FIELD, 0, 0.46 * width, height - 118, 0.46 * width, 13, WHOLE_DATE, italic=True, cover=picture),
    )  # fmt: skip
    seal = seal_over(block.area, seal_mm)
    return Placement(
        slots=(*numbers, *dates),
        signature=block.area,
        seal=seal,
        found=tuple(name for name, seen in results if seen),
        unsure=tuple(name for name, seen in results if seen and not seen.sure),
        printed=(*(number.printed.items() if number else ()), *(date.printed.items() if date else ())),
        note=free_note(seal, block.area, block.lines),
        scanned="picture" if picture else "recognised" if head and all(line.hidden for line in head) else "",
    )


def free_note(seal: Area, signature: Area, lines: Iterable[Line], height: float = NOTE_HEIGHT) -> Area:
    """A place for the block with organ and time that covers no printed text and not the signature."""
    inked = [line.area(0, len(line.text)) for line in lines] + [signature]
    below = note_below(seal, height)
    beside = Area(seal.page, seal.x - NOTE_WIDTH - 4, seal.y + (seal.height - height) / 2, NOTE_WIDTH, height)
    above = below.shifted(0, seal.height + height + 4)
    for candidate in (*(below.shifted(0, -step) for step in range(0, 54, 6)), beside, above):
        if candidate.y > 15 and candidate.x > 15 and not any(candidate.touches(area) for area in inked):
            return candidate
    return below
