"""A signing office with a real time-stamp service, OCSP responder and revocation lists on loopback, and time travel.

Import by name: ``from tests.evidence_fixtures import evidence  # noqa: F401``. Tokens, signer, broker and HTTP are the
real ones.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.clock import VN
from appliance.config import Settings
from appliance.signing.evidence_line import BrokerLine
from appliance.signing.extend import Extended, extend
from appliance.signing.produce import number_and_seal, sign_personal
from appliance.signing.timestamps import LineStamper
from appliance.signing.token import Pin, TokenKey
from appliance.signing.trust import TrustStore
from provisioning.demo import artwork, pki, soft_token
from provisioning.demo.trust_services import TrustServices, serving
from sync.evidence.broker import answering
from sync.evidence.line import DirectLine
from tests.ports import row_of_ports
from tests.signing_fixtures import LEADER, LEADER_PIN, ORGAN, SEAL_MM, SEAL_PIN, VALUES, SignerProcess, Signing

YEAR = timedelta(days=365)


@dataclass
class Evidence:
    """The office, its authority's services, and what time it is for all of them."""

    signing: Signing
    services: TrustServices
    settings: Settings
    direct: DirectLine
    line: BrokerLine
    shift: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The simulated time."""
        return datetime.now(VN) + self.shift

    def travel(self, shift: timedelta) -> None:
        """Move to another time; the authority publishes its lists there."""
        self.shift = shift
        self.signing.authority.publish_lists(now=self.now())

    @property
    def trust(self) -> TrustStore:
        """Whom the office trusts; its folder has no revocation list but those fetched."""
        return self.signing.trust

    def stamper(self) -> LineStamper:
        """A time stamper for one signature."""
        return LineStamper(self.line, self.trust, self.now)

    def sealed(self, *, stamped: bool) -> bytes:
        """A whole document, each signature stamped or not."""
        office, at = self.signing, self.now()
        prepared, placement = office.prepared()
        signed = sign_personal(
            prepared, key=office.leader, pin=Pin(LEADER_PIN), signer=office.client, image_png=None,
            signer_name=LEADER, at=at, trust=self.trust, stamper=self.stamper() if stamped else None,
        )  # fmt: skip
        return number_and_seal(
            signed, values=VALUES, placement=placement, key=office.seal, pin=Pin(SEAL_PIN), signer=office.client,
            seal_png=office.seal_png, seal_mm=SEAL_MM, organ_name=ORGAN, at=at, trust=self.trust,
            stamper=self.stamper() if stamped else None,
        )  # fmt: skip

    def extended(self, data: bytes) -> Extended:
        """The same, made to last."""
        return extend(data, trust=self.trust, line=self.line, now=self.now)

    def fresh_line(self) -> DirectLine:
        """A line that has forgotten which hosts failed."""
        self.direct = DirectLine(self.settings, self.trust, self.now)
        return self.direct


def make_office(folder: Path) -> tuple[Signing, Settings]:
    """Authority with services, two tokens, the signer running."""
    address = f"http://127.0.0.1:{row_of_ports(1)}"
    authority = pki.make_ca(folder / "ca", services=address)
    trust = folder / "trust"
    trust.mkdir()
    for name in ("root.pem", "intermediate.pem"):
        shutil.copy(authority.trust / name, trust / name)
    settings = Settings(data=folder / "d", signer_timeout_seconds=20, tsa_url=f"{address}/tsa", trust_dir=trust)
    configuration = soft_token.make_store(folder / "softhsm")
    keys: list[TokenKey] = []
    module = settings.pkcs11_modules[0]
    for label, pin, name in (("Chủ tịch", LEADER_PIN, LEADER), ("Con dấu", SEAL_PIN, ORGAN)):
        key = pki.make_signer(authority, configuration, module, label=label, pin=pin, common_name=name, organ=ORGAN)
        keys.append(key)
    service = SignerProcess(settings, configuration)
    service.start()
    office = Signing(
        authority, TrustStore(trust), configuration, keys[0], keys[1], service,
        artwork.signature_png(LEADER), artwork.seal_png(ORGAN, "Tỉnh Hải Vân"),
    )  # fmt: skip
    return office, settings


@pytest.fixture(scope="module")
def evidence() -> Iterator[Evidence]:
    """Everything up and running."""
    folder = Path(tempfile.mkdtemp(prefix="tram-"))
    office, settings = make_office(folder)
    services = TrustServices(office.authority)
    world = Evidence(office, services, settings, DirectLine(settings, office.trust, lambda: datetime.now(VN)),
                     BrokerLine(settings.evidence_socket, 30))  # fmt: skip
    services.now = world.now
    world.fresh_line()
    with serving(services), answering(settings, _Through(world)):
        yield world
    office.service.stop()
    shutil.rmtree(folder)


class _Through:
    """The broker asks whatever line the world has now."""

    def __init__(self, world: Evidence) -> None:
        self._world = world

    def __getattr__(self, name: str) -> object:
        return getattr(self._world.direct, name)
