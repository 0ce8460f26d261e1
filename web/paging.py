"""Lists in pages: reading the page number and building the links to turn it."""

from __future__ import annotations

from flask import Flask, request, url_for

PER_PAGE = 50


def page_number() -> int:
    """The page asked for, from 1; anything else is the first."""
    text = request.args.get("trang", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def page_count(total: int, per_page: int = PER_PAGE) -> int:
    """How many pages ``total`` rows fill, at least one."""
    return max(1, -(-total // per_page))


def _turned(page: int) -> str:
    """This page's address with another page number."""
    kept = {name: values for name, values in request.args.to_dict(flat=False).items() if name != "trang"}
    return url_for(request.endpoint or "home.mine", **{**(request.view_args or {}), **kept, "trang": page})


def init_paging(app: Flask) -> None:
    """Make ``turned`` known to the templates."""
    app.jinja_env.globals["turned"] = _turned
