"""What the link asks of the store in a round must not grow with the years: no statement reads a growing table whole."""

from __future__ import annotations

import re
from contextlib import closing

from sync import inbox, outbox
from sync.recipients import refresh_recipients
from sync.worker import run_once
from tests import sync_fixtures
from tests.sync_fixtures import Box, incoming, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus

GROWING = (
    *("audit", "attempt", "inbox", "incoming", "incoming_file"),
    *("message", "message_recipient", "outgoing", "status_in"),
)
_SCAN = re.compile(rf"SCAN ({'|'.join(GROWING)})\b(?! USING (COVERING )?INDEX)")


def test_no_statement_of_a_round_reads_a_growing_table_whole(box: Box) -> None:
    with closing(box.client()) as client:
        box.issue()
        submit(box.bus, incoming(box))
        asked: set[str] = set()
        box.desk.db.conn.set_trace_callback(asked.add)
        for _ in range(2):
            run_once(box.desk, client)
            inbox.fetch_new(box.desk, client)
            outbox.send_due(box.desk, client)
            refresh_recipients(box.desk, client)
        box.desk.db.conn.set_trace_callback(None)
    plain = {text for text in asked if text.lstrip().startswith(("SELECT", "UPDATE", "DELETE"))}
    assert len(plain) > 20
    whole = {
        text: row[3]
        for text in plain
        if not text.endswith("LIMIT 1")  # the newest by the table's own key
        for row in box.desk.db.execute(f"EXPLAIN QUERY PLAN {text}")
        if _SCAN.search(row[3])
    }
    assert whole == {}
