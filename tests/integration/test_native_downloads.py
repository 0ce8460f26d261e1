"""Packages on their way down: coded, gone on with after a cut or a restart, and never believed without their digest."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from sync import inbox
from sync.bus.base import BusError, DigestMismatch, InboxItem
from sync.bus.native.client import NativeClient
from tests import sync_fixtures
from tests.scripted_bus import Answer, as_json
from tests.sync_fixtures import NEIGHBOUR, PDF, UBND, Box, incoming, on_script, submit

pytestmark = pytest.mark.usefixtures("perfect_line")
box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
perfect_line = sync_fixtures.perfect_line
IMPATIENT = httpx.Timeout(5)


def _waiting(box: Box, size: int, seed: int) -> bytes:
    """A package at the bus with one file that does not compress."""
    package = incoming(box, data=PDF + random.Random(seed).randbytes(size))
    submit(box.bus, package)
    return package


def _down(box: Box) -> int:
    """Bytes that the line has carried down to boxes, TLS and all."""
    return int(box.bus.control("GET", "state")["line"]["traffic"]["bytes_down"])


def _item(client: NativeClient, package: bytes) -> InboxItem:
    return [item for item in client.list_incoming("0", 200).items if item.size == len(package)][-1]


def _raw(box: Box) -> bytes:
    return box.desk.blobs.read(box.rows("SELECT raw_sha256 FROM incoming")[0]["raw_sha256"])


def test_what_base64_adds_does_not_travel(box: Box) -> None:
    package = _waiting(box, 3_000_000, 1)
    before = _down(box)
    with closing(NativeClient(box.settings, IMPATIENT)) as client:
        assert inbox.fetch_new(box.desk, client) == {"document": 1}
    assert _raw(box) == package
    assert len(package) > 3_900_000
    assert _down(box) - before < 1.03 * 3_000_000
    assert not list((box.settings.data / "spool").iterdir())


def test_a_line_cut_again_and_again_brings_the_coded_bytes_once(box: Box) -> None:
    package = _waiting(box, 2_000_000, 2)
    before = _down(box)
    box.bus.line(cut_after=400_000, bytes_per_second=1_500_000)
    with closing(NativeClient(box.settings, IMPATIENT)) as client:
        assert inbox.fetch_new(box.desk, client) == {"document": 1}
    assert _raw(box) == package
    assert _down(box) - before < 1.3 * 2_000_000


def test_another_process_goes_on_from_the_coded_bytes_that_lie_there(box: Box, tmp_path: Path) -> None:
    package = _waiting(box, 900_000, 3)
    target = tmp_path / "x.part"
    with closing(NativeClient(box.settings, IMPATIENT)) as client:
        item = _item(client, package)
        with box.bus.client(UBND) as bare:
            address = f"inbox/{item.doc_id}/content"
            with bare.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as answer:
                coded = b"".join(answer.iter_raw())
        for there in (coded[:700_000], coded):  # cut in the middle; killed between the last byte and the unpacking
            (tmp_path / "x.gz.part").write_bytes(there)
            before = _down(box)
            client.fetch(item, target)
            assert target.read_bytes() == package
            assert _down(box) - before < len(coded) - len(there) + 20_000
            target.unlink()
            assert not list(tmp_path.glob("*.part"))
            target.write_bytes(package[:100_000])  # the second time also: killed in the middle of the unpacking
        target.unlink()
        (tmp_path / "x.gz.part").write_bytes(coded + b"more than there is")
        with pytest.raises(BusError):
            client.fetch(item, target)
        client.fetch(item, target)
        assert target.read_bytes() == package


def test_a_bus_that_codes_badly_is_asked_for_the_plain_bytes(box: Box) -> None:
    package = _waiting(box, 300_000, 4)
    with closing(NativeClient(box.settings, IMPATIENT)) as client:
        item = _item(client, package)
        with box.bus.client(UBND) as bare:
            assert bare.get(f"inbox/{item.doc_id}/content").content == package
        (coded,) = (box.bus.folder / "data" / "coded").glob(f"{item.sha256}.gz")
        coded.write_bytes(coded.read_bytes()[:-9] + b"not gzip.")
        with pytest.raises(DigestMismatch):
            inbox.fetch_new(box.desk, client)
        assert inbox.fetch_new(box.desk, client) == {"document": 1}
    assert _raw(box) == package


BOMB = gzip.compress(bytes(400 << 20), 9, mtime=0)


def test_a_bomb_is_refused_before_it_unpacks(box: Box, tmp_path: Path) -> None:
    coding = {"Content-Type": "application/edxml+xml", "Content-Encoding": "gzip"}
    item = InboxItem(1, "doc-1", "m", "edoc", 0, NEIGHBOUR, UBND, 50 << 20, "0" * 64)
    with on_script(box, lambda *_: (200, coding, BOMB), IMPATIENT) as client, pytest.raises(DigestMismatch):
        client.fetch(item, tmp_path / "x.part")
    assert (tmp_path / "x.part").stat().st_size < item.size + (1 << 20)


@pytest.mark.parametrize("coding", ["br", "gzip, gzip"])
def test_a_coding_that_was_not_asked_for_is_not_the_buss(box: Box, tmp_path: Path, coding: str) -> None:
    item = InboxItem(1, "doc-1", "m", "edoc", 0, NEIGHBOUR, UBND, 4, "0" * 64)
    with on_script(box, lambda *_: (200, {"Content-Encoding": coding}, b"abcd"), IMPATIENT) as client:
        with pytest.raises(BusError) as caught:
            client.fetch(item, tmp_path / "x.part")
        assert caught.value.link


def test_a_small_answer_without_end_is_given_up(box: Box) -> None:
    endless: Answer = as_json({"items": [], "more": "x" * (40 << 20)})
    with on_script(box, lambda *_: endless, IMPATIENT) as client:
        tracemalloc.start()
        with pytest.raises(BusError) as caught:
            client.list_incoming("0")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert caught.value.link
        assert most < 40 << 20
