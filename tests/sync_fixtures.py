"""A box on a real bus: an office with a link certificate, a scanner, and somebody at the other end of the line."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.antivirus import Scanner
from appliance.clock import VN
from appliance.config import Settings
from appliance.errors import Unavailable
from appliance.office import messages
from appliance.office.desk import Desk, Party
from appliance.store.database import transaction
from appliance.store.text import uuid7
from provisioning.clamd import PROGRAM, write_configuration
from sync.bus.native.client import NativeClient
from sync.bus.native.upload import PATIENCE
from tests.bus_fixtures import RunningBus, start_bus
from tests.edxml_fixtures import document, file_in, package_bytes
from tests.office_fixtures import Office
from tests.scripted_bus import Script, scripted_bus

UBND, HDND, PROVINCE, NEIGHBOUR = "H99.21", "H99.21.1", "H99.01", "H99.22"
"""The box's two organs, and the two that tests speak for."""
OLD_NEIGHBOUR = "000.00.22.H99"
SHORT = httpx.Timeout(3)
PDF = b"%PDF-1.4\n% a document nobody opens\n" + bytes(range(256)) * 40

ORGANS = f"""
[[organs]]
code = "{UBND}"
name = "Ủy ban nhân dân xã Hòa Bình"
[[organs]]
code = "{HDND}"
name = "Hội đồng nhân dân xã Hòa Bình"
[[organs]]
code = "{PROVINCE}"
name = "Văn phòng Ủy ban nhân dân tỉnh Hải Vân"
[[organs]]
code = "{NEIGHBOUR}"
name = "Ủy ban nhân dân xã Đông Hải"
old_codes = ["{OLD_NEIGHBOUR}"]
"""


@dataclass
class Box:
    """An office with its link. ``issue`` puts a document into the queue as the last step of signing does."""

    office: Office
    desk: Desk
    bus: RunningBus
    settings: Settings

    def client(self, timeout: httpx.Timeout | None = None) -> NativeClient:
        """A fresh client of the bus."""
        return NativeClient(self.settings, timeout) if timeout else NativeClient(self.settings)

    def issue(
        self,
        subject: str = "Về phòng, chống thiên tai",
        *,
        urgency: int = 0,
        size: int = 0,
        to: str = NEIGHBOUR,
        scanned: bool = False,
        organ: tuple[str, str] = ("ubnd-hoa-binh", UBND),
    ) -> str:
        """Queue a document of ``organ`` with a file of ``size`` bytes more than the usual; returns the message id.

        ``scanned``: these bytes cannot be compressed, so as many travel.
        """
        organ_id, sender = organ
        desk, now = self.desk, self.desk.clock.now()
        more = os.urandom(size) if scanned else b"x" * size
        (count,) = desk.db.execute("SELECT count(*) FROM outgoing").fetchone()
        code = f"{sender},{now:%Y/%m/%d},{count + 1}/BC-UBND"
        outgoing_id = uuid7()
        package = document(
            document_code=code, number=str(count + 1), subject=subject, urgency=urgency,
            sender=Party(sender, "Nơi gửi"), recipients=(Party(to, "Nơi nhận"),),
            files=(file_in(desk.blobs, PDF + subject.encode() + more),), issue_date=now.date(), at=now,
        )  # fmt: skip
        row = {
            "id": outgoing_id, "organ_id": organ_id, "state": "issued", "type_code": "BC", "subject": subject,
            "drafter_id": self.office.accounts["congchuc"], "signer_id": self.office.accounts["chutich"],
            "urgency": urgency,
            "number": count + 1, "notation": "BC-UBND", "issue_date": now.date().isoformat(), "document_code": code,
            "rule_set": "BL-2019", "file_name": "a.pdf", "draft_sha256": "", "placement": "", "page_count": 1,
            "created_at": now.isoformat(), "updated_at": now.isoformat(),
        }  # fmt: skip
        prepared = messages.prepare_document(
            desk, package, organ_id=organ_id, outgoing_id=outgoing_id, issued=datetime.now(VN)
        )
        with transaction(desk.db):
            marks = ", ".join("?" * len(row))
            desk.db.execute(f"INSERT INTO outgoing ({', '.join(row)}) VALUES ({marks})", list(row.values()))
            messages.enqueue(desk.db, prepared, now)
        return prepared.id

    def message(self, message_id: str) -> dict[str, Any]:
        """The queue's row."""
        return next(iter(self.desk.db.query("SELECT * FROM message WHERE id = ?", [message_id])))

    def due_now(self) -> None:
        """Let every pause be over."""
        self.desk.db.execute("UPDATE message SET next_at = NULL")

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the box's store."""
        return list(self.desk.db.query(query, list(values)))

    def attempts(self, message_id: str) -> list[dict[str, Any]]:
        """What was tried, oldest first."""
        return self.rows("SELECT * FROM attempt WHERE message_id = ? ORDER BY id", message_id)


def submit(
    bus: RunningBus, data: bytes, *, sender: str = NEIGHBOUR, to: str = UBND, kind: str = "edoc", id: str = ""
) -> dict[str, Any]:
    """Hand a package to the bus as another office would; returns the receipt."""
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {
        "Edoc-Kind": kind, "Edoc-Priority": "0", "Edoc-From": sender, "Edoc-To": to,
        "Repr-Digest": f"sha-256=:{digest}:", "Content-Type": "application/edxml+xml",
    }  # fmt: skip
    with bus.client(sender) as client:
        answer = client.put(f"messages/{id or uuid7()}", content=data, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    return bus.receipt(answer)


def incoming(
    box: Box, *, subject: str = "Giấy mời họp", data: bytes = PDF, name: str = "giay-moi.pdf", **changes: object
) -> bytes:
    """A package from the neighbour to the commune with one file."""
    values: dict[str, object] = {
        "sender": Party(NEIGHBOUR, "Ủy ban nhân dân xã Đông Hải"), "recipients": (Party(UBND, "UBND xã Hòa Bình"),),
        "document_code": f"{NEIGHBOUR},2026/11/20,7/GM-UBND", "number": "7", "notation": "GM-UBND", "subject": subject,
        "files": (file_in(box.desk.blobs, data, name),), **changes,
    }  # fmt: skip
    return package_bytes(document(**values), box.desk.blobs)


@contextmanager
def on_script(
    box: Box, script: Script, timeout: httpx.Timeout = SHORT, patience: float = PATIENCE
) -> Iterator[NativeClient]:
    """A client of the box on a bus that answers as ``script`` says."""
    certificate, key = box.bus.ca.server()
    with (
        scripted_bus(script, certificate, key, box.bus.ca.certificate) as url,
        closing(NativeClient(replace(box.settings, bus_url=url), timeout, patience)) as made,
    ):
        yield made


@pytest.fixture
def perfect_line(box: Box) -> Iterator[None]:
    """No fault of the line outlives the test."""
    yield
    box.bus.perfect_line()


def make_box(office: Office, bus: RunningBus, scanner: Scanner | None = None) -> Box:
    """The office with a link certificate that names both its organs."""
    certificate, key = bus.ca.client(UBND, HDND)
    settings = replace(
        office.desk.settings, bus_url=bus.url, bus_ca=bus.ca.certificate, link_certificate=certificate, link_key=key,
        poll_seconds=1.0,
    )  # fmt: skip
    office.desk.settings = settings
    if scanner:
        office.desk.scanner = scanner
    return Box(office, office.desk, bus, settings)


@pytest.fixture(scope="session")
def link_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBus]:
    """One bus with the demo's organs for all tests of the link."""
    running = start_bus(tmp_path_factory.mktemp("link-bus"), auto_answer=False, organs=ORGANS)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def clamd() -> Iterator[Scanner]:
    """A real clamd that knows the EICAR test file."""
    with tempfile.TemporaryDirectory(prefix="tram-") as folder:
        settings = Settings(data=Path(folder))
        process = subprocess.Popen(
            [PROGRAM, "--foreground", "--config-file", str(write_configuration(settings))],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        scanner = Scanner(settings.clamd_socket)
        deadline = time.monotonic() + 60
        while not _answers(scanner):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("clamd does not start")
            time.sleep(0.1)
        yield scanner
        process.terminate()
        process.wait(timeout=20)


def _answers(scanner: Scanner) -> bool:
    try:
        return bool(scanner.version())
    except Unavailable:
        return False


@pytest.fixture
def box(office: Office, link_bus: RunningBus, clamd: Scanner) -> Iterator[Box]:
    """A box on a bus whose inbox is empty: what earlier tests left is behind the cursor."""
    made = make_box(office, link_bus, clamd)
    skip_what_waits(made)
    yield made
    link_bus.perfect_line()
    made.desk.db.close()


def skip_what_waits(box: Box) -> None:
    """Put the cursor behind everything that is in the bus's inbox."""
    with closing(box.client()) as client:
        cursor = ""
        while (page := client.list_incoming(cursor, 200)).items:
            cursor = page.cursor
    box.desk.db.execute("INSERT OR REPLACE INTO fact VALUES ('inbox:cursor', ?)", [cursor])
