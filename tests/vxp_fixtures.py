"""The national SDK's requests as they were recorded, and a bus with a door for accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from werkzeug.datastructures import Headers

from sync.bus.base import BusClient
from sync.bus.factory import make_client
from tests.bus_fixtures import RunningBus, start_bus
from tests.edxml_fixtures import SAMPLES
from tests.office_fixtures import Office
from tests.ports import free_ports
from tests.sync_fixtures import HDND, ORGANS, UBND, Box, Scanner, make_box

WIRE = SAMPLES / "vxp-wire"
SECRET = "bí mật: của phép thử"
SYSTEM, PASSWORD = "H99.21", "mật khẩu của phép thử"
SAMPLE = b'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"/>'
"""The file that the recorded sends carry."""

ACCOUNTS = f"""
[[accounts]]
system_id = "{SYSTEM}"
secret = "{SECRET}"
organs = ["{UBND}", "{HDND}"]
username = "xa"
password = "{PASSWORD}"
application_code = "QLVB"
[[accounts]]
system_id = "000.00.24.H04"
secret = "TESTSECRET"
organs = ["000.00.24.H04"]
"""


@dataclass(frozen=True)
class Recorded:
    """One request."""

    method: str
    path: str
    headers: Headers
    body: bytes


def recorded(file: Path) -> list[Recorded]:
    """The requests in a recording; a body that is the sample ends with the SDK's CRLF."""
    found = []
    for part in file.read_bytes().split(b"\n>>> ")[1:]:
        head, _, rest = part.partition(b"\n\n[body ")
        first, *lines = head.decode().splitlines()
        headers = Headers([line.split(": ", 1) for line in lines])
        body = rest.partition(b"] ")[2].rstrip(b"\r\n")
        if headers["Content-Type"] == "application/octet-stream":
            body += b"\r\n"
        method, path, _ = first.split(" ")
        found.append(Recorded(method, path, headers, body))
    return found


def open_bus(folder: Path, accounts: str = ACCOUNTS, **more: object) -> tuple[RunningBus, int, int]:
    """A bus with accounts; returns it with its HTTPS door for them and the plain one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accounts.toml").write_text(accounts, "utf-8")
    (folder / "accounts.toml").chmod(0o600)
    secure, plain = free_ports(2)
    keys = {"accounts_port": secure, "vxp_http_port": plain, **more}
    text = 'accounts = "accounts.toml"\n' + "".join(f"{key} = {value}\n" for key, value in keys.items())
    sdk = '[[organs]]\ncode = "000.00.24.H04"\nname = "A"\n[[organs]]\ncode = "000.00.00.H41"\nname = "B"\n'
    return start_bus(folder, auto_answer=False, organs=ORGANS + sdk, more=text), secure, plain


@dataclass
class Door:
    """A bus for the whole session, and its two doors."""

    bus: RunningBus
    secure: int
    plain: int


@pytest.fixture(scope="session")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Shared: tests that switch faults on use them up."""
    made = Door(*open_bus(tmp_path_factory.mktemp("accounts-bus")))
    yield made
    made.bus.stop()


def account_box(office: Office, door: Door, scanner: Scanner, dialect: str, folder: Path) -> tuple[Box, BusClient]:
    """The office at the bus with its account, over TLS without a client certificate."""
    box = make_box(office, door.bus, scanner)
    secret = folder / "bus-secret.toml"
    secret.write_text(
        f'secret = "{SECRET}"\nusername = "xa"\npassword = "{PASSWORD}"\napplication_code = "QLVB"\n', "utf-8"
    )
    secret.chmod(0o600)
    base = "/v1" if dialect == "lgsp" else ""
    box.settings = replace(
        box.settings, bus_dialect=dialect, bus_system_id=SYSTEM, bus_secret_file=secret,
        bus_url=f"https://localhost:{door.secure}{base}", link_certificate=None, link_key=None,
    )  # fmt: skip
    box.desk.settings = box.settings
    return box, make_client(box.settings)
