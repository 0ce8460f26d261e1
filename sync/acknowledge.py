"""The bus hears what the box holds: only what is committed, and again until it has heard."""

from __future__ import annotations

import logging

from appliance.office import arrival
from appliance.office.desk import Desk
from appliance.office.queue_times import UNREADABLE_POLLS
from sync.bus.base import BusClient, BusError, Fault

_log = logging.getLogger(__name__)


def acknowledge_all(desk: Desk, client: BusClient, refused: dict[str, BusError]) -> None:
    """Acknowledge all that is committed and not acknowledged; documents with unscanned files wait for the scanner.

    What the bus fails to note of one entry goes into ``refused``, is not tried again in this round, and holds up
    nothing else. Raises BusError when the line fails.

    What cannot be read stays unacknowledged for some polls (or for good, by the setting ``unreadable``), so that an
    update of the software or the sender may still save it (bus-link C.2 rule 4).
    """
    polls = UNREADABLE_POLLS if desk.settings.unreadable == "fail" else 1 << 30
    rows = desk.db.execute(
        "SELECT bus_doc_id, state, reason, sha256 FROM inbox WHERE acked_at IS NULL"
        " AND (state <> 'quarantined' OR polls >= ?) AND NOT EXISTS ("
        " SELECT 1 FROM incoming JOIN incoming_file ON incoming_id = incoming.id"
        " WHERE incoming.bus_doc_id = inbox.bus_doc_id AND scan = '')"
        " AND substr(bus_doc_id, 1, ?) <> ? ORDER BY seq",  # the bus knows nothing of what came by hand
        [polls, len(arrival.BY_HAND), arrival.BY_HAND],
    ).fetchall()
    for doc_id, state, reason, sha256 in rows:
        if doc_id in refused:
            continue
        word = b""
        try:
            word = client.ack(doc_id, "fail" if state == "quarantined" else "done", reason=reason, sha256=sha256)
        except BusError as error:
            if error.link or error.fault is Fault.LINK:
                raise
            if not error.permanent:
                refused[doc_id] = error
                continue
            _log.warning("acknowledgement of %s refused: %s", doc_id, error)  # the bus has dropped it: nothing to tell
        arrival.acknowledged(desk, doc_id, b"" if state == "quarantined" else word)
