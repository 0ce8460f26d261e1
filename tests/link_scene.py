"""A real bus process and a real box with its link process, each in its own network namespace or both on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from appliance.config import Settings
from appliance.office import messages
from appliance.office.desk import Desk, Party
from appliance.store.database import transaction
from provisioning.box import make_desk
from provisioning.demo.cast import PEOPLE, UBND
from provisioning.demo.office import fill
from sync import link
from tests.bus_fixtures import Authority, minimal_pdf
from tests.edxml_fixtures import document, file_in
from tests.ports import free_ports

BOX, PROVINCE = "H99.21", "H99.01"
"""The sending commune and the organ it writes to."""


@dataclass
class Bus:
    """A bus process. ``url`` as the box knows it; ``prefix`` is put before every command that has to run beside it."""

    folder: Path
    ca: Authority
    port: int
    operator_port: int
    address: str
    prefix: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Base address of the native profile."""
        return f"https://{self.address}:{self.port}/v1"

    def start(self) -> None:
        """Start it and wait until it serves."""
        log = self.folder / "bus.log"
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "sync.reference_bus", str(self.folder / "bus.toml")],
                stdout=file,
                stderr=file,
            )
        deadline = time.monotonic() + 60
        while subprocess.run([*self.prefix, "curl", "-sf", "-o", "/dev/null", self._control("state")]).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text("utf-8"))
            time.sleep(0.1)

    def stop(self) -> None:
        """SIGTERM."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)

    def kill(self) -> None:
        """SIGKILL, as a power cut would end it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)

    def line(self, **switches: object) -> None:
        """Change switches of the faulty line."""
        self._post("line", switches)

    def change_organ(self, before: str, **organ: object) -> None:
        """Let ``organ`` stand in the directory in the place of the one with the code ``before``."""
        self._post("organs", {"before": before, **organ})

    def answer(self, doc_id: str, status_code: str) -> None:
        """Let the virtual organ that got ``doc_id`` send a status."""
        self._post("status", {"doc_id": doc_id, "code": status_code})

    def put(self, package: bytes, *, sender: str, to: str, message_id: str, certificate: tuple[Path, Path]) -> bool:
        """Hand a package in over a fresh connection; whether the bus gave a receipt. Raises httpx.TransportError."""
        context = ssl.create_default_context(cafile=str(self.ca.certificate))
        context.load_cert_chain(*certificate)
        digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
        headers = {
            "Content-Type": "application/edxml+xml", "Repr-Digest": f"sha-256=:{digest}:", "Edoc-Kind": "edoc",
            "Edoc-Priority": "0", "Edoc-From": sender, "Edoc-To": to,
        }  # fmt: skip
        with httpx.Client(base_url=self.url, verify=context, timeout=20, trust_env=False) as client:
            return client.put(f"messages/{message_id}", content=package, headers=headers).status_code in (200, 201)

    def messages(self) -> list[dict[str, Any]]:
        """Everything it has accepted."""
        command = [*self.prefix, "curl", "-sf", self._control("messages")]
        text = subprocess.run(command, check=True, capture_output=True).stdout
        found: list[dict[str, Any]] = json.loads(text)["messages"]
        return found

    def _post(self, what: str, body: dict[str, object]) -> None:
        command = [*self.prefix, "curl", "-sf", "-H", "Content-Type: application/json", "-d", json.dumps(body)]
        subprocess.run([*command, self._control(what)], check=True, capture_output=True)

    def _control(self, what: str) -> str:
        return f"http://127.0.0.1:{self.operator_port}/control/{what}"


def make_bus(
    folder: Path, *, address: str = "127.0.0.1", prefix: Sequence[str] = (), offices: int = 0, more: str = ""
) -> Bus:
    """A bus below ``folder``, listening for boxes on every address; ``offices`` further organs are in its directory.

    ``more``: further keys of its configuration.
    """
    api, line, operator = free_ports(3)
    folder.mkdir(parents=True)
    ca = Authority(folder / "pki")
    certificate, key = ca.server(address)
    (folder / "sample.pdf").write_bytes(minimal_pdf())
    organs = [(BOX, "Ủy ban nhân dân xã Hòa Bình"), (PROVINCE, "Văn phòng Ủy ban nhân dân tỉnh")]
    organs += [(office_code(number), f"Ủy ban nhân dân xã số {number}") for number in range(offices)]
    (folder / "bus.toml").write_text(
        f'data = "data"\ncertificate = "{certificate}"\nkey = "{key}"\nclient_ca = "{ca.certificate}"\n'
        f'api_port = {api}\nline_host = "0.0.0.0"\nline_port = {line}\noperator_port = {operator}\n'
        f'default_pdf = "sample.pdf"\nauto_answer = false\n{more}'
        + "".join(f'[[organs]]\ncode = "{code}"\nname = "{name}"\n' for code, name in organs),
        "utf-8",
    )
    return Bus(folder, ca, line, operator, address, prefix)


def office_code(number: int) -> str:
    """The code of a simulated office."""
    return f"H99.{1000 + number}"


@dataclass
class Box:
    """An office whose link process is started and stopped at will."""

    folder: Path
    desk: Desk
    bus: Bus
    prefix: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    def queue(self, content: bytes, *, urgency: int = 0, subject: str = "Về thử đường truyền") -> str:
        """Put a document with one file of ``content`` into the queue; returns the message id."""
        desk, now = self.desk, self.desk.clock.now()
        package = document(
            sender=Party(BOX, "Ủy ban nhân dân xã Hòa Bình"), recipients=(Party(PROVINCE, "Văn phòng UBND tỉnh"),),
            subject=subject, urgency=urgency, files=(file_in(desk.blobs, content),), issue_date=now.date(), at=now,
        )  # fmt: skip
        sha256, size = desk.packages.document(package, desk.blobs)
        prepared = messages.Prepared(
            package.message_id, "edoc", sha256, size, subject, urgency, UBND.id, package.recipients, issued=now
        )
        with transaction(desk.db):
            messages.enqueue(desk.db, prepared, now)
        return prepared.id

    def package(self, message_id: str) -> Path:
        """The bytes of a queued package."""
        return self.desk.blobs.path(self.row(message_id)["sha256"])

    def row(self, message_id: str) -> dict[str, Any]:
        """The queue's row."""
        return next(iter(self.desk.db.query("SELECT * FROM message WHERE id = ?", [message_id])))

    def start(self, **faketime: str) -> None:
        """Start the link process (``tram sync``); with ``faketime``'s variables, under a clock that lies."""
        lying = {"LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")))} if faketime else {}
        surroundings = os.environ | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"} | lying | faketime
        with (self.folder / "sync.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "provisioning", "sync", "--config", str(self.folder / "box.toml")],
                stdout=log,
                stderr=log,
                env=surroundings,
            )

    def stop(self) -> None:
        """End the link process; one stuck in a transfer is killed, as at a power cut."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def wait_accepted(self, message_id: str, seconds: float) -> bool:
        """Whether the package was accepted within ``seconds``."""
        return self.wait("SELECT 1 FROM message WHERE id = ? AND state = 'accepted'", seconds, message_id)

    def wait(self, query: str, seconds: float, *values: object) -> bool:
        """Whether ``query`` finds a row in the store within ``seconds``."""
        deadline = time.monotonic() + seconds
        with closing(sqlite3.connect(f"file:{self.desk.settings.database}?mode=ro", uri=True)) as reading:
            while time.monotonic() < deadline:
                if reading.execute(query, values).fetchone():
                    return True
                time.sleep(0.1)
        return False

    def tries(self, message_id: str) -> int:
        """How often it was tried."""
        return int(self.row(message_id)["attempts"])

    def link_failed(self) -> bool:
        """Whether the link process has noted that the line or its TLS failed."""
        return link.read(self.desk.db).failures > 0

    def took(self, message_id: str) -> tuple[float, int, int]:
        """(seconds from the first try's start to the last one's end, body bytes handed over in all, tries)."""
        rows = list(self.desk.db.query("SELECT * FROM attempt WHERE message_id = ? ORDER BY id", [message_id]))
        first, last = (datetime.fromisoformat(rows[n][name]) for n, name in ((0, "started_at"), (-1, "ended_at")))
        return (last - first).total_seconds(), sum(row["bytes_sent"] for row in rows), len(rows)


def make_box(folder: Path, bus: Bus, prefix: Sequence[str] = ()) -> Box:
    """An office below ``folder`` with a link certificate for ``bus``."""
    folder.mkdir(parents=True)
    certificate, key = bus.ca.client(BOX)
    settings = Settings(
        data=folder / "box", chronyc=False, bus_url=bus.url, bus_ca=bus.ca.certificate,
        link_certificate=certificate, link_key=key, poll_seconds=1.0,
    )  # fmt: skip
    (folder / "box.toml").write_text(
        f'data = "{settings.data}"\nchronyc = false\nbus_url = "{bus.url}"\nbus_ca = "{bus.ca.certificate}"\n'
        f'link_certificate = "{certificate}"\nlink_key = "{key}"\npoll_seconds = 1.0\n',
        "utf-8",
    )
    desk = make_desk(settings, create=True)
    fill(desk, passwords={one.username: "not used here" for one in PEOPLE}, seals={}, signatures={})
    return Box(folder, desk, bus, prefix)
