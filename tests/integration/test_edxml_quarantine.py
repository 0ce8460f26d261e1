"""Each package that cannot be read is kept with its bytes by the real inbox, and holds nobody up."""

from __future__ import annotations

import hashlib
from contextlib import closing

from sync import inbox
from tests import sync_fixtures
from tests.edxml_fixtures import SAMPLES, malformed
from tests.sync_fixtures import Box, incoming, submit

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


def test_every_malformed_package_is_quarantined_with_its_bytes_and_a_reason(box: Box) -> None:
    bad = malformed()
    torn = SAMPLES / "all4u1089-truclienthong-example" / "resources_edoc.edxml"
    if torn.exists():  # the national pack has one, on machines that have the pack
        bad["the national pack's own"] = torn.read_bytes()
    del bad["empty"]  # the bus takes no empty body
    for data in bad.values():
        submit(box.bus, data)
    submit(box.bus, incoming(box))
    with closing(box.client()) as client:
        done: dict[str, int] = {}
        while found := inbox.fetch_new(box.desk, client):
            done = {kind: done.get(kind, 0) + found.get(kind, 0) for kind in {*done, *found}}
    assert done == {"quarantined": len(bad), "document": 1}
    kept = {row["sha256"]: row for row in box.rows("SELECT * FROM inbox WHERE state = 'quarantined'")}
    for name, data in bad.items():
        row = kept[hashlib.sha256(data).hexdigest()]
        assert box.desk.blobs.read(row["sha256"]) == data, name
        assert "ói tin" in row["reason"], (name, row["reason"])
    assert box.rows("SELECT 1 FROM incoming WHERE state = 'arrived'") != []
