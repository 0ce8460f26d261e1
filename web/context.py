"""What a request works with: one desk, opened when first needed and closed when the request ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from flask import Flask, current_app, g

from appliance.office.desk import Actor, Desk


def init_context(app: Flask, make_desk: Callable[[], Desk]) -> None:
    """Remember how a desk is made; close the request's desk in teardown."""
    app.extensions["tram_make_desk"] = make_desk

    @app.teardown_appcontext
    def close(_: BaseException | None) -> None:
        opened = g.pop("desk", None)
        if opened is not None:
            opened.db.close()


def desk() -> Desk:
    """This request's desk. Its database handle belongs to this thread."""
    if "desk" not in g:
        g.desk = current_app.extensions["tram_make_desk"]()
    return cast(Desk, g.desk)


def actor() -> Actor:
    """Who acts in this request, in which organ; set by ``web.access`` before the view runs."""
    return cast(Actor, g.actor)
