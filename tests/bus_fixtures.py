"""A real bus process with a throw-away authority, for every test that needs the other end of the line.

Use: ``pytest_plugins = ["tests.bus_fixtures"]`` and the session fixture ``bus``, or ``start_bus(folder)`` for a bus of
one's own. A module whose tests must hold on both stores says ``pytestmark = on_both_stores``.
"""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sync import jws
from tests.ports import free_ports

pytest_plugins = ["tests.postgres_fixtures"]

on_both_stores = pytest.mark.parametrize("bus", ["sqlite", "postgresql"], indirect=True)

BOX, OTHER_BOX = "H04.01.11", "H04.01.12"
"""Two organs with boxes of their own (tests speak for them)."""
PROVINCE, NEIGHBOUR = "H04", "H04.01.13"
"""Two organs played by the bus."""
OLD_BOX = "000.11.01.H04"
"""A former code of BOX."""


def minimal_pdf() -> bytes:
    """One empty A4 page."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
    )
    data, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return data + b"xref\n0 4\n0000000000 65535 f \n%strailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        len(data),
    )


def detail_of(answer: httpx.Response) -> str:
    """Type and words of a refusal in the bus's own form."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return f"{problem['type']} {problem['detail']}"


class Authority:
    """A throw-away P-256 certificate authority in ``folder``; ``certificate`` is its PEM."""

    def __init__(self, folder: Path, name: str = "Throw-away CA") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.certificate, self.key = folder, folder / "ca.pem", folder / "ca.key"
        self._key = ec.generate_private_key(ec.SECP256R1())
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        self.key.write_bytes(self._key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._builder(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # sign certificates, lists
        own = own.add_extension(usage, critical=True)
        self.certificate.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server(self, *addresses: str) -> tuple[Path, Path]:
        """(certificate, key) for localhost, 127.0.0.1 and further ``addresses``."""
        names: list[x509.GeneralName] = [x509.DNSName("localhost")]
        names += [x509.IPAddress(ip_address(address)) for address in ("127.0.0.1", *addresses)]
        return self._issue("server", names, ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, *organs: str, days: int = 365) -> tuple[Path, Path]:
        """(certificate, key) that names ``organs`` as SAN URIs; negative ``days``: expired."""
        names = [x509.UniformResourceIdentifier(f"urn:x-edoc:organ:{code}") for code in organs]
        names = names or [x509.UniformResourceIdentifier("urn:x-edoc:device:none")]
        return self._issue("client-" + "-".join(organs), names, ExtendedKeyUsageOID.CLIENT_AUTH, days)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int = 365) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        start = now - timedelta(days=abs(days) + 2) if days < 0 else now - timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def _issue(
        self,
        label: str,
        names: list[x509.GeneralName] | list[x509.UniformResourceIdentifier],
        usage: x509.ObjectIdentifier,
        days: int = 365,
    ) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label[:60])])
        certificate = (
            self._builder(subject, key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = f"{label}-{certificate.serial_number:x}"
        pem, key_pem = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return pem, key_pem


@dataclass
class RunningBus:
    """A bus process. ``url`` is the API through the line, ``operator`` the page's address."""

    folder: Path
    ca: Authority
    url: str
    operator: str
    process: subprocess.Popen[bytes] | None = None
    _clients: list[httpx.Client] = field(default_factory=list)

    def start(self) -> None:
        """Start the process and wait until page and API answer."""
        with (self.folder / "bus.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sync.reference_bus", str(self.folder / "bus.toml")],
                cwd=Path(__file__).parents[1],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{self.operator}/control/state", timeout=5, trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "bus.log").read_text("utf-8")) from None
                time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, as a power cut would end it."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=20)

    def client(self, *organs: str, certificate: tuple[Path, Path] | None = None, timeout: float = 20) -> httpx.Client:
        """An HTTPS client whose certificate names ``organs``; a fresh connection for each request."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca.certificate)
        context.load_cert_chain(*(certificate or self.ca.client(*organs)))
        limits = httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(base_url=self.url, verify=context, timeout=timeout, limits=limits, trust_env=False)
        self._clients.append(client)
        return client

    def put(
        self,
        data: bytes,
        *,
        sender: str = BOX,
        to: str = OTHER_BOX,
        id: str = "",
        client: httpx.Client | None = None,
        **headers: str,
    ) -> httpx.Response:
        """PUT a package as a box does; ``headers`` (with _ for -) replace the usual ones."""
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        usual = {
            "Content-Type": "application/edxml+xml", "Edoc-Kind": "edoc", "Edoc-Priority": "0", "Edoc-From": sender,
            "Edoc-To": to, "Repr-Digest": f"sha-256=:{digest}:",
        }  # fmt: skip
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        client = client or self.client(sender)
        return client.put(f"messages/{id or uuid.uuid4()}", content=data, headers=usual | given)

    def receipt(self, answer: httpx.Response) -> dict[str, Any]:
        """What the signed receipt in ``answer`` says, checked as a box checks it."""
        assert answer.headers["Content-Type"] == jws.MEDIA_TYPE, answer.text
        trusted = x509.load_pem_x509_certificates(self.ca.certificate.read_bytes())
        return jws.verify(answer.content, trusted, jws.RECEIPT).payload

    def inbox(self, *organs: str) -> list[dict[str, Any]]:
        """Everything in the inbox of ``organs``, oldest first."""
        found: list[dict[str, Any]] = []
        with self.client(*organs) as client:
            while True:
                page = client.get("inbox", params={"after": found[-1]["seq"] if found else 0, "limit": 200}).json()
                if not page["items"]:
                    return found
                found += page["items"]

    def line(self, **switches: object) -> dict[str, object]:
        """Change switches of the line; returns its state."""
        answer = httpx.post(f"{self.operator}/control/line", json=switches, timeout=20, trust_env=False)
        answer.raise_for_status()
        state: dict[str, object] = answer.json()
        return state

    def control(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        """A request to /control; raises where the bus refuses."""
        address = f"{self.operator}/control/{path}"
        answer = httpx.request(method, address, json=body, timeout=20, trust_env=False)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def fault(self, kind: str, **switches: object) -> None:
        """Switch on a fault of the bus's API (sync/reference_bus/faults.py)."""
        self.control("POST", "faults", {"kind": kind, **switches})

    def conditions(self, **switches: object) -> None:
        """Change the bus's clock, room or certificate (sync/reference_bus/conditions.py)."""
        self.control("POST", "conditions", switches)

    def sound(self) -> None:
        """Every fault of the bus's API and every bad condition off."""
        self.control("DELETE", "faults")
        self.conditions(clock_offset_seconds=0, room_bytes=-1, commits=True, certificate="")

    def entries(self, organ: str, message_id: str) -> list[dict[str, Any]]:
        """What lies in the inbox of ``organ`` of one message."""
        return [item for item in self.inbox(organ) if item["messageId"] == message_id]

    def perfect_line(self) -> None:
        """All faults off."""
        self.line(
            down=False,
            stall=False,
            bytes_per_second=0,
            latency_ms=0,
            drop_answer="off",
            drop_answer_from=0,
            cut_after=0,
        )

    def messages(self) -> list[dict[str, Any]]:
        """Everything the bus has accepted (GET /control/messages)."""
        found: list[dict[str, Any]] = httpx.get(
            f"{self.operator}/control/messages", timeout=20, trust_env=False
        ).json()["messages"]
        return found


def start_bus(
    folder: Path, *, auto_answer: bool = True, organs: str = "", more: str = "", beside: RunningBus | None = None
) -> RunningBus:
    """A bus of one's own below ``folder``. Stop it yourself.

    ``organs`` is further TOML ([[organs]] tables), ``more`` further keys. ``beside``: another process of the same bus,
    with its authority and its folder of packages; both need the same ``more`` with a PostgreSQL database.
    """
    api, line, operator = free_ports(3)
    folder.mkdir(parents=True, exist_ok=True)
    ca = beside.ca if beside else Authority(folder / "pki")
    data = beside.folder / "data" if beside else folder / "data"
    certificate, key = ca.server()
    (folder / "sample.pdf").write_bytes(minimal_pdf())
    (folder / "bus.toml").write_text(
        f"""
data = "{data}"
certificate = "{certificate}"
key = "{key}"
client_ca = "{ca.certificate}"
client_ca_key = "{ca.key}"
revoked = "revoked.txt"
api_port = {api}
line_port = {line}
operator_port = {operator}
default_pdf = "sample.pdf"
auto_answer = {str(auto_answer).lower()}
{more}
[[organs]]
code = "{PROVINCE}"
name = "Văn phòng Ủy ban nhân dân tỉnh"
virtual = true
place = "Cà Mau"
signer_name = "Nguyễn Văn Mẫu"
signer_position = "Chánh Văn phòng"
[[organs]]
code = "{NEIGHBOUR}"
name = "Ủy ban nhân dân xã Vĩnh Lợi"
virtual = true
[[organs]]
code = "{BOX}"
name = "Ủy ban nhân dân xã Hòa Bình"
old_codes = ["{OLD_BOX}"]
[[organs]]
code = "{OTHER_BOX}"
name = "Ủy ban nhân dân xã Minh Diệu"
{organs}
""",
        "utf-8",
    )
    running = RunningBus(folder, ca, f"https://localhost:{line}/v1", f"http://127.0.0.1:{operator}")
    running.start()
    return running


@pytest.fixture(scope="session")
def _buses() -> Iterator[dict[str, RunningBus]]:
    """The session's buses by the kind of their store, started when first wanted."""
    running: dict[str, RunningBus] = {}
    yield running
    for one in running.values():
        one.stop()


@pytest.fixture(scope="session")
def bus(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _buses: dict[str, RunningBus]
) -> RunningBus:
    """One bus for the whole session; tests that switch faults on switch them off again."""
    kind = getattr(request, "param", "sqlite")
    if kind not in _buses:
        more = ""
        if kind == "postgresql":
            postgres = request.getfixturevalue("postgres")
            more = postgres.configuration(postgres.database())
        _buses[kind] = start_bus(tmp_path_factory.mktemp(f"bus-{kind}"), more=more)
    return _buses[kind]
