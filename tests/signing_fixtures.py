"""Shared by every test that signs: two real SoftHSM tokens, the real signer process, a demo authority.

Import the fixtures by name: ``from tests.signing_fixtures import signing  # noqa: F401``. Everything lives in a
temporary folder and lasts for the session.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from appliance.clock import VN
from appliance.config import Settings
from appliance.errors import SignerError
from appliance.regulation.appearances import appearance
from appliance.signing.client import SignerClient
from appliance.signing.placement import Placement
from appliance.signing.prepare import find_places, prepare
from appliance.signing.produce import number_and_seal, sign_personal
from appliance.signing.token import Pin, TokenKey
from appliance.signing.trust import TrustStore
from provisioning.demo import artwork, pki, soft_token
from tests.drafts import make_draft

ORGAN = "Ủy ban nhân dân xã Hòa Bình"
LEADER = "Nguyễn Văn An"
TITLE = "CHỦ TỊCH"
SEAL_MM = 36.0
LEADER_PIN, SEAL_PIN = "246810", "135791"
VALUES = {"number": "125", "notation": "QĐ-UBND", "day": "22", "month": "11", "year": "2026", "place": "Hòa Bình"}


class SignerProcess:
    """``appliance.signing.service`` as a process of its own."""

    def __init__(self, settings: Settings, configuration: Path) -> None:
        self.settings, self.configuration = settings, configuration
        self.client = SignerClient(settings.signer_socket)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        code = (
            "import sys; from dataclasses import replace; from pathlib import Path\n"
            "from appliance.config import Settings; from appliance.signing import service\n"
            "service.main(Settings(data=Path(sys.argv[1]), signer_timeout_seconds=float(sys.argv[2]),"
            " pkcs11_modules=tuple(map(Path, sys.argv[3:]))))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.settings.data), str(self.settings.signer_timeout_seconds),
             *map(str, self.settings.pkcs11_modules)],
            env={**os.environ, "SOFTHSM2_CONF": str(self.configuration)},
            cwd=Path(__file__).resolve().parents[1],
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.client.ping()
            except SignerError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def stop(self) -> int:
        """Stop it as systemd does; returns its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=20)


@dataclass(frozen=True)
class Signing:
    """The cast: the chair's token, the organ's token in the clerk's keeping, and an organ of the province."""

    authority: pki.Authority
    trust: TrustStore
    configuration: Path
    leader: TokenKey
    seal: TokenKey
    service: SignerProcess
    signature_png: bytes
    seal_png: bytes

    @property
    def client(self) -> SignerClient:
        """Asks the running signer."""
        return self.service.client

    def prepared(self, draft: bytes | None = None) -> tuple[bytes, Placement]:
        """A draft with its fields, and where they are."""
        data = draft or make_draft()
        placement = find_places(data, signer_title=TITLE, signer_name=LEADER, seal_mm=SEAL_MM)
        return prepare(data, placement), placement

    def sign(self, prepared: bytes, *, pin: str = LEADER_PIN, at: datetime | None = None, image: bool = True) -> bytes:
        """The leader signs."""
        return sign_personal(
            prepared,
            key=self.leader,
            pin=Pin(pin),
            signer=self.client,
            image_png=self.signature_png if image else None,
            signer_name=LEADER,
            at=at or datetime.now(VN),
            trust=self.trust,
        )

    def number_and_seal(
        self, signed: bytes, placement: Placement, *, at: datetime | None = None, profile: str = "BL15", **values: str
    ) -> bytes:
        """The clerk numbers, dates and seals."""
        return number_and_seal(
            signed,
            values={**VALUES, **values},
            placement=placement,
            key=self.seal,
            pin=Pin(SEAL_PIN),
            signer=self.client,
            seal_png=self.seal_png,
            seal_mm=SEAL_MM,
            organ_name=ORGAN,
            at=at or datetime.now(VN),
            trust=self.trust,
            look=appearance(profile, "seal"),
        )

    def sealed(self, draft: bytes | None = None) -> bytes:
        """A whole document: drafted, signed, numbered, sealed."""
        prepared, placement = self.prepared(draft)
        return self.number_and_seal(self.sign(prepared), placement)


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signing]:
    """Two tokens, the authority, and the signer process, running."""
    folder = tmp_path_factory.mktemp("signing")
    settings = Settings(data=folder / "data", signer_timeout_seconds=20)
    module = settings.pkcs11_modules[0]
    configuration = soft_token.make_store(folder / "softhsm")
    authority = pki.make_ca(folder / "ca")
    leader = pki.make_signer(
        authority, configuration, module, label="Chủ tịch", pin=LEADER_PIN, common_name=LEADER,
        organ=ORGAN, position="Chủ tịch",
    )  # fmt: skip
    seal = pki.make_signer(
        authority, configuration, module, label="Con dấu", pin=SEAL_PIN, common_name=ORGAN, organ=ORGAN
    )
    service = SignerProcess(settings, configuration)
    service.start()
    yield Signing(
        authority, TrustStore(authority.trust), configuration, leader, seal, service,
        artwork.signature_png(LEADER), artwork.seal_png("Ủy ban nhân dân xã Hòa Bình", "Tỉnh Hải Vân"),
    )  # fmt: skip
    service.stop()
