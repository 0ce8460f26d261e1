"""The inbox under a full disk, an entry that cannot be had, odd ids, and a reader that has learnt something."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import Unavailable
from appliance.office import people, quarantine
from appliance.office.queue_times import UNREADABLE_POLLS
from sync import content, inbox, intake
from sync.bus.base import BusError, InboxItem, InboxPage
from sync.bus.native.client import NativeClient
from sync.edxml.model import BadPackage
from tests import sync_fixtures
from tests.sync_fixtures import Box, incoming, submit
from tests.web_fixtures import Visitor, words

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def client(box: Box) -> Iterator[NativeClient]:
    with closing(box.client()) as made:
        yield made


def test_below_a_tenth_of_free_disk_nothing_new_is_fetched_and_people_are_told(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(box.bus, incoming(box))
    with monkeypatch.context() as nearly_full:
        nearly_full.setattr(shutil, "disk_usage", lambda path: Usage(100, 91, 9))
        for _ in range(2):
            with pytest.raises(Unavailable, match="10 phần trăm"):
                inbox.fetch_new(box.desk, client)
    assert len(box.rows("SELECT DISTINCT text FROM notice WHERE kind = 'disk_low'")) == 1
    assert inbox.fetch_new(box.desk, client) == {"document": 1}


def test_a_disk_that_fills_while_fetching_loses_nothing(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = incoming(box)
    submit(box.bus, package)

    def full(item: InboxItem, target: Path) -> None:
        target.write_bytes(package[:4])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as filling:
        filling.setattr(client, "fetch", full)
        with pytest.raises(Unavailable, match="đã đầy"):
            inbox.fetch_new(box.desk, client)
    assert not box.rows("SELECT 1 FROM inbox")
    assert inbox.fetch_new(box.desk, client) == {"document": 1}


def test_one_entry_that_cannot_be_had_does_not_hold_up_the_others(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = submit(box.bus, incoming(box))
    submit(box.bus, incoming(box, number="8"))
    fetch = client.fetch

    def stuck(item: InboxItem, target: Path) -> None:
        if item.message_id == first["messageId"]:
            raise BusError("Trục bận với gói này.", connected=True, http_status=503)
        fetch(item, target)

    with monkeypatch.context() as busy:
        busy.setattr(client, "fetch", stuck)
        for _ in range(2):
            with pytest.raises(BusError, match="bận"):
                inbox.fetch_new(box.desk, client)
    assert len(box.rows("SELECT 1 FROM incoming")) == 1
    assert inbox.fetch_new(box.desk, client) == {"document": 1}
    assert inbox.fetch_new(box.desk, client) == {}


def test_an_id_that_is_no_file_name_and_a_size_that_is_not_told_are_taken_in(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = incoming(box)
    item = InboxItem(1, "../../etc/{passwd}", "m", "edoc", 0, "", sync_fixtures.UBND, -1, "")
    monkeypatch.setattr(client, "list_incoming", lambda cursor, limit: InboxPage((item,) if not cursor else (), "1"))
    monkeypatch.setattr(client, "fetch", lambda item, target: target.write_bytes(package))
    monkeypatch.setattr(client, "ack", lambda *args, **more: None)
    box.desk.db.execute("DELETE FROM fact WHERE key = 'inbox:cursor'")
    assert inbox.fetch_new(box.desk, client) == {"document": 1}
    assert box.rows("SELECT size FROM inbox")[0]["size"] == len(package)


def test_what_could_not_be_read_is_read_again_after_an_update(
    box: Box, client: NativeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = incoming(box)
    receipt = submit(box.bus, package)

    def unable(*args: object) -> None:
        raise BadPackage("Trạm chưa đọc được kiểu này.")

    with monkeypatch.context() as old_software:
        old_software.setattr(intake, "read", unable)
        assert inbox.fetch_new(box.desk, client) == {"quarantined": 1}
        for _ in range(UNREADABLE_POLLS):
            inbox.fetch_new(box.desk, client)
    (entry,) = box.rows("SELECT * FROM inbox")
    assert entry["acked_at"]
    technician = Visitor(box.office)
    technician.log_in("kythuat")
    assert entry["sha256"] in words(technician.get("/cach-ly"))
    assert technician.get(f"/cach-ly/goc?entry={entry['bus_doc_id']}").data == package
    technician.get("/cach-ly")
    assert technician.post(f"/cach-ly/doc-lai?entry={entry['bus_doc_id']}").status_code == 303
    assert "Đang đợi đọc lại" in words(technician.get("/cach-ly"))
    assert inbox.fetch_new(box.desk, client) == {"document": 1}
    (entry,) = box.rows("SELECT * FROM inbox")
    assert (entry["state"], entry["reason"], entry["again_at"]) == ("stored", "", None)
    assert box.rows("SELECT raw_sha256 FROM incoming")[0]["raw_sha256"] == entry["sha256"]
    told = {one["id"]: one for one in box.bus.messages()}[receipt["messageId"]]
    assert told


def test_by_the_setting_keep_the_bus_is_never_told_of_the_unreadable(box: Box, client: NativeClient) -> None:
    box.desk.settings = replace(box.desk.settings, unreadable="keep")
    submit(box.bus, b"<torn")
    for _ in range(UNREADABLE_POLLS + 3):
        inbox.fetch_new(box.desk, client)
    (entry,) = box.rows("SELECT * FROM inbox")
    assert (entry["state"], entry["acked_at"]) == ("quarantined", None)
    clerk = people.actor(box.desk.db, box.office.accounts["vanthu"], "ubnd-hoa-binh")
    quarantine.read_again(box.desk, clerk, entry["bus_doc_id"])
    assert inbox.fetch_new(box.desk, client) == {}
    assert box.rows("SELECT again_at FROM inbox")[0]["again_at"] is None


def test_partial_downloads_are_cleared_after_a_week(box: Box) -> None:
    folder = box.settings.data / "spool"
    folder.mkdir()
    (folder / "old.part").write_bytes(b"x")
    (folder / "new.part").write_bytes(b"x")
    week = time.time() - 8 * 86_400
    os.utime(folder / "old.part", (week, week))
    assert content.clear_leftovers(box.desk) == 1
    assert [path.name for path in folder.iterdir()] == ["new.part"]
