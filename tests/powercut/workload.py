"""What runs under the trace: ``python -m tests.powercut.workload box|inbox|bus ROOT COUNT [careless]``.

Each gives its word (a line in ROOT/said) exactly where the real thing gives it: the page says "issued", the box
acknowledges to the bus, the bus answers with a receipt. ``careless``: SQLite does not wait for the disk, for the
negative control.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.antivirus import Verdict
from appliance.config import Settings
from appliance.office.desk import Desk, Party
from appliance.store.blobs import BlobStore
from appliance.store.text import uuid7
from provisioning.box import make_desk
from provisioning.demo.cast import PEOPLE
from provisioning.demo.office import fill
from sync import inbox
from sync.bus.base import InboxItem, InboxPage
from sync.reference_bus.config import BusConfig, OrganEntry
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.native.app import create_api
from sync.reference_bus.tls import ORGANS
from tests.bus_fixtures import Authority
from tests.edxml_fixtures import document, file_in, package_bytes
from tests.link_scene import BOX, PROVINCE, Box, Bus
from tests.powercut.simulate import SAID, START

Word = Callable[[str], None]


def main(what: str, root: Path, count: int, careless: bool) -> None:
    """Run one of the three ``count`` times."""
    descriptor = os.open(root / SAID, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(word: str) -> None:
        os.write(descriptor, f"{word}\n".encode())

    if what == "bus":
        _bus(root, count, say)
    else:
        desk = _desk(root, careless)
        (_box if what == "box" else _inbox)(desk, count, say)


def _box(desk: Desk, count: int, say: Word) -> None:
    """Documents are queued as issuing does it."""
    root = desk.settings.data
    box = Box(root, desk, Bus(root, None, 0, 0, ""))  # type: ignore[arg-type]  # it only queues
    say(START)
    for number in range(count):
        say(box.queue(random.Random(number).randbytes(3000 + 700 * number)))


def _inbox(desk: Desk, count: int, say: Word) -> None:
    """Documents are taken in; the word is the acknowledgement to the bus."""
    desk.scanner = _CleanScanner()  # type: ignore[assignment]
    waiting = _Waiting(desk.settings.data.parent / "outside", count, say)
    say(START)
    inbox.fetch_new(desk, waiting)  # type: ignore[arg-type]


def _bus(root: Path, count: int, say: Word) -> None:
    """Packages are handed in; the word is the receipt."""
    organs = (OrganEntry(BOX, "Hòa Bình"), OrganEntry(PROVINCE, "Văn phòng"))
    authority = Authority(root.parent / "authority")
    certificate, key = authority.server()
    exchange = Exchange(BusConfig(root, organs, certificate, key, authority.certificate))
    client = create_api(exchange).test_client()
    say(START)
    for number in range(count):
        data, message_id = random.Random(number).randbytes(3000 + 700 * number), uuid7()
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = {
            "Repr-Digest": f"sha-256=:{digest}:", "Edoc-Kind": "edoc", "Edoc-Priority": "0", "Edoc-From": BOX,
            "Edoc-To": PROVINCE,
        }  # fmt: skip
        answer = client.put(f"/v1/messages/{message_id}", data=data, headers=headers, environ_base={ORGANS: (BOX,)})
        assert answer.status_code == 201, answer.text
        say(message_id)


def _desk(root: Path, careless: bool) -> Desk:
    desk = make_desk(Settings(data=root, chronyc=False), create=True)
    fill(desk, passwords={one.username: "not used here" for one in PEOPLE}, seals={}, signatures={})
    if careless:
        desk.db.execute("PRAGMA synchronous = OFF")
    return desk


class _CleanScanner:
    """Files are not what is tested here."""

    def scan(self, path: Path) -> Verdict:
        return Verdict("clean", "", "none")


class _Waiting:
    """A bus with ``count`` packages for the box; only what the inbox engine asks of it."""

    def __init__(self, folder: Path, count: int, say: Word) -> None:
        blobs, self._say, self._packages = BlobStore(folder), say, {}
        for number in range(count):
            data = random.Random(number).randbytes(3000 + 700 * number)
            package = document(
                sender=Party(PROVINCE, "Văn phòng"), recipients=(Party(BOX, "Hòa Bình"),),
                document_code=f"{PROVINCE},2026/11/20,{number}/TB", files=(file_in(blobs, data),),
            )  # fmt: skip
            self._packages[uuid7()] = package_bytes(package, blobs)

    def list_incoming(self, cursor: str, limit: int = 50) -> InboxPage:
        items = tuple(
            InboxItem(n, doc_id, doc_id, "edoc", 0, PROVINCE, BOX, len(data), hashlib.sha256(data).hexdigest())
            for n, (doc_id, data) in enumerate(self._packages.items(), start=1)
            if n > int(cursor or 0)
        )
        return InboxPage(items, str(len(self._packages)))

    def fetch(self, item: InboxItem, target: Path) -> None:
        target.write_bytes(self._packages[item.doc_id])

    def ack(self, item_id: str, outcome: str, **_: Any) -> None:
        assert outcome == "done"
        self._say(item_id)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["careless"])
