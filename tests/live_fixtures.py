"""A whole running office — clamd, signer, pages behind nginx, sync, the bus — for the tests that claim the main job."""

from __future__ import annotations

import base64
import hashlib
import shutil
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.store.database import open_database
from appliance.store.text import uuid7
from provisioning.demo.cast import CHAIR, CLERK, OFFICIAL, PROVINCE_OFFICE, UBND
from provisioning.demo.eyes import Eyes
from provisioning.demo.person import Page, Person
from provisioning.demo.run import start
from provisioning.demo.world import World
from provisioning.supervisor import Supervisor
from tests.ports import row_of_ports


@dataclass
class Live:
    """The running office and the hands of its people."""

    world: World
    programs: Supervisor
    draft: bytes
    letter: bytes
    eyes: Eyes
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, username: str) -> Person:
        """One of the cast, logged in."""
        if username not in self.people:
            person = Person(self.world.base, self.world.lan_ca)
            person.log_in(username, self.world.passwords[username])
            self.people[username] = person
        return self.people[username]

    def line(self, **faults: object) -> None:
        """Switch the line's faults."""
        httpx.post(f"{self.world.operator}/control/line", json=faults, timeout=10).raise_for_status()

    def wait_for(self, happened: Callable[[], bool], seconds: float = 60) -> None:
        """Look again until it has happened; fails the test when patience ends."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.3)

    def pretend(self, statement: str, *values: str) -> None:
        """Change the box's store behind its back, where a test cannot wait for midnight; a path stands for its id."""
        db = open_database(self.world.settings.database)
        db.execute(statement, [value.rsplit("/", 1)[-1] for value in values])
        db.close()

    def put_at_bus(self, package: bytes) -> str:
        """Put raw bytes on the bus as the province, addressed to the commune; returns the message id."""
        link = self.world.data / "pki" / "link"
        context = ssl.create_default_context(cafile=link / "ca.pem")
        context.load_cert_chain(link / "province.pem", link / "province.key")
        message_id = uuid7()
        digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
        headers = {
            "Content-Type": "application/edxml+xml",
            "Edoc-Kind": "edoc",
            "Edoc-Priority": "0",
            "Repr-Digest": f"sha-256=:{digest}:",
            "Edoc-From": PROVINCE_OFFICE.code,
            "Edoc-To": UBND.code,
        }
        url = f"https://127.0.0.1:{self.world.ports.api}/v1/messages/{message_id}"
        httpx.put(url, content=package, headers=headers, verify=context, timeout=20).raise_for_status()
        return message_id

    def at_bus(self, message_id: str | None = None) -> list[dict[str, Any]]:
        """The documents that the bus holds from the commune, one row per acceptance."""
        messages = httpx.get(f"{self.world.operator}/control/messages", timeout=10).json()["messages"]
        return [
            m
            for m in messages
            if m["kind"] == "edoc" and m["from"] == UBND.code and (message_id is None or m["id"] == message_id)
        ]

    def draft_document(self, subject: str, pdf: bytes | None = None, **changes: Any) -> str:
        """The official drafts and submits; returns the document's path."""
        person = self.person(OFFICIAL.username)
        page = self.fill_in(person, subject, pdf or self.draft, **changes)
        path = "/van-ban-di/" + page.url.split("/van-ban-di/")[1].split("/")[0]
        person.open(path)
        person.send("/trinh", {})
        return path

    def fill_in(
        self,
        person: Person,
        subject: str,
        pdf: bytes,
        *,
        name: str = "Dự thảo.pdf",
        refused: bool = False,
        **changes: Any,
    ) -> Page:
        """The form of a new outgoing document, with its file."""
        person.open("/van-ban-di/moi")
        values = {
            "type_code": "quyet-dinh",
            "subject": subject,
            "urgency": "0",
            "competence": "TM.",
            "recipient_ids": ["vp-ubnd-tinh"],
            "no_secret": "1",
            "signer_id": self.world.accounts[CHAIR.username],
            **changes,
        }
        return person.send("/van-ban-di/moi", values, {"file": (name, pdf, "application/pdf")}, refused=refused)

    def issue_document(self, subject: str, **changes: Any) -> str:
        """Draft, sign, number, seal, issue; returns the document's path."""
        path = self.draft_document(subject, **changes)
        chair, clerk = self.person(CHAIR.username), self.person(CLERK.username)
        chair.open(path)
        chair.send("/ky", {"pin": self.world.pins[CHAIR.username]})
        clerk.open(path)
        clerk.send("/dong-dau", {"pin": self.world.pins[UBND.id]})
        clerk.open(path)
        clerk.send("/phat-hanh", {})
        return path


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    """One office for the whole run of tests; its folder has a short path because of Unix sockets."""
    data = Path(tempfile.mkdtemp(prefix="tram-"))
    with Supervisor(data / "log", say=lambda text: None) as programs:
        world, draft, letter, desk = start(data / "d", row_of_ports(5), programs)
        office = Live(world, programs, draft, letter, Eyes(desk))
        office.wait_for(lambda: bool(office.eyes.clock_trusted()))  # nobody signs before
        yield office
        desk.db.close()
    shutil.rmtree(data)
