"""Parts of a page that htmx fetches by themselves; opened without it, the same part stands on a page of its own."""

from __future__ import annotations

from typing import Any

from flask import render_template, request


def render_area(template: str, heading: str, **values: Any) -> str:
    """The fragment for htmx, or the whole page around it."""
    if request.headers.get("HX-Request"):
        return render_template(template, **values)
    return render_template("part/alone.html", area=template, heading=heading, **values)
