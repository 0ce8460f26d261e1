"""A box of two organs, one of which the bus does not let speak: the other's documents go on, its own wait and heal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.antivirus import Scanner
from appliance.office import line, notices
from appliance.office.queue_times import SENDER_REFUSED
from appliance.store.text import uuid7
from sync import outbox
from sync.bus.base import BusClient
from sync.bus.factory import make_client
from tests import sync_fixtures
from tests.office_fixtures import Office
from tests.sync_fixtures import HDND, UBND, Box, make_box
from tests.vxp_fixtures import ACCOUNTS, Door, account_box, open_bus

clamd = sync_fixtures.clamd


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A bus whose account speaks for the commune's committee only."""
    accounts = ACCOUNTS.replace(f'organs = ["{UBND}", "{HDND}"]', f'organs = ["{UBND}"]')
    assert accounts != ACCOUNTS
    made = Door(*open_bus(tmp_path_factory.mktemp("strict-bus"), accounts))
    yield made
    made.bus.stop()


@pytest.fixture(params=["native", "vxp", "lgsp"])
def link(
    request: pytest.FixtureRequest, office: Office, strict: Door, clamd: Scanner, tmp_path: Path
) -> Iterator[tuple[Box, BusClient]]:
    """The box, known to the bus as one of its two organs."""
    if request.param == "native":
        box = make_box(office, strict.bus, clamd)
        certificate, key = strict.bus.ca.client(UBND)
        box.settings = replace(box.settings, link_certificate=certificate, link_key=key)
        client: BusClient = make_client(box.settings)
    else:
        box, client = account_box(office, strict, clamd, request.param, tmp_path)
    with closing(client):
        yield box, client
    box.desk.db.close()


def test_what_one_organ_may_not_send_waits_and_the_others_documents_go(link: tuple[Box, BusClient]) -> None:
    box, client = link
    refused = [box.issue(uuid7(), organ=("hdnd-hoa-binh", HDND)) for _ in range(3)]
    ours = box.issue(uuid7())
    report = outbox.send_due(box.desk, client)
    assert report == {"waiting": 1, "accepted": 1}, "of the refused organ one package is tried, not each"
    assert line.paused(box.desk.db) is None
    assert box.message(ours)["state"] == "accepted"
    rows = [box.message(one) for one in refused]
    assert {row["state"] for row in rows} == {"waiting"}
    assert all(row["last_error"] and row["next_at"] for row in rows)
    assert sum(len(box.attempts(one)) for one in refused) == 1
    told = notices.unread(box.desk.db, box.office.technician)
    assert [one.kind for one in told] == ["sender_refused"]
    assert outbox.send_due(box.desk, client) == {}

    box.due_now()  # an hour later, still refused
    assert outbox.send_due(box.desk, client) == {"waiting": 1}
    assert len(notices.unread(box.desk.db, box.office.technician)) == 1
    assert 0 < SENDER_REFUSED <= 7200
