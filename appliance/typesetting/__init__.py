"""HTML to PDF for what the box itself writes: documents from a template, minutes, reports.

The library behind it takes seconds to load, so it is loaded at first use, or before that by ``warm``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module


def typeset(html: str, *, pictures: Mapping[str, bytes] | None = None) -> bytes:
    """The PDF of an HTML page (with its own CSS), tagged for screen readers, every font embedded, text in NFC.

    ``pictures``: PNG bytes by the address the page uses for them, e.g. ``{"seal.png": ...}``. Any other address,
    on the net or on this machine, is left out of the page.
    """
    from appliance.typesetting import page

    return page.typeset(html, pictures=pictures)


def warm() -> None:
    """Load the library now, e.g. in a thread of a process that has just become ready."""
    import_module("appliance.typesetting.page")
