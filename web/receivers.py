"""The picker of receivers: organs ticked one by one, and groups, which stand for their members."""

from __future__ import annotations

from flask import Flask, request

from appliance.office import groups
from appliance.office.groups import Group
from web.context import actor, desk


def init_receivers(app: Flask) -> None:
    """Let the picker's template ask for the office's groups."""
    app.jinja_env.globals["recipient_groups"] = _groups


def chosen() -> tuple[str, ...]:
    """The ids of the posted receivers, each once."""
    of_groups = groups.members_of(desk().db, actor().organ_id, request.form.getlist("group_ids"))
    return tuple(dict.fromkeys((*request.form.getlist("recipient_ids"), *of_groups)))


def _groups() -> list[Group]:
    return groups.of_office(desk().db, actor().organ_id)
