"""Small bodies of requests, in every dialect: bounded before they are in memory, and JSON that is text throughout."""

from __future__ import annotations

import json
from typing import Any

from flask import request

from appliance.errors import N_
from sync.reference_bus.problems import BadRequest, TooLarge

MOST_BYTES = 1 << 20


def small(limit: int = MOST_BYTES) -> bytes:
    """The whole body. Raises TooLarge for one of more than ``limit`` bytes, without reading it."""
    if (request.content_length or 0) > limit:
        raise TooLarge(N_("Thân yêu cầu lớn hơn %(limit)s KB."), limit=limit >> 10)
    found: bytes = request.stream.read(limit + 1)
    if len(found) > limit:
        raise TooLarge(N_("Thân yêu cầu lớn hơn %(limit)s KB."), limit=limit >> 10)
    return found


def json_object() -> dict[str, Any]:
    """A JSON object whose texts any store takes. Raises BadRequest, TooLarge.

    Only of the type application/json: a page of somebody else cannot send that from an operator's browser.
    """
    if not request.is_json:
        raise BadRequest(N_("Thân yêu cầu phải là JSON."))
    try:
        found = json.loads(small())
        json.dumps(found, ensure_ascii=False).encode()  # half characters (RFC 8259 8.2) end here
    except (ValueError, RecursionError) as error:
        raise BadRequest(N_("Thân yêu cầu phải là JSON.")) from error
    if not isinstance(found, dict):
        raise BadRequest(N_("Thân yêu cầu phải là JSON."))
    return found
