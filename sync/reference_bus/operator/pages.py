"""The pages (placeholder until the templates are in)."""

from __future__ import annotations

from flask import Blueprint

from sync.reference_bus.exchange import Exchange
from sync.reference_bus.line import Line
from sync.reference_bus.players import Players


def create_pages(exchange: Exchange, line: Line, players: Players) -> Blueprint:
    """The pages below /."""
    return Blueprint("pages", __name__)
