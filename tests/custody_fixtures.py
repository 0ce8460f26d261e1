"""Devices in an office's register without a token: certificates of a demo authority, and a clock one can turn."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.clock import VN, Clock
from appliance.config import Settings
from appliance.office import custody
from appliance.office.desk import SYSTEM
from appliance.office.devices import Device
from appliance.signing.token import TokenKey
from appliance.signing.trust import TrustStore
from appliance.store.text import uuid7
from provisioning.demo import pki
from provisioning.demo.cast import CHAIR, CLERK, UBND
from tests.office_fixtures import Office


class TurnedClock(Clock):
    """Where a test cannot wait sixty days."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        super().__init__(settings)
        self.time = now

    def now(self) -> datetime:
        """The time it was turned to."""
        return self.time


@functools.cache
def _public_key() -> Any:
    return rsa.generate_private_key(65537, 2048).public_key()


@dataclass
class Store:
    """An office with an authority it trusts, and its devices."""

    office: Office
    authority: pki.Authority
    clock: TurnedClock

    def certificate(self, name: str, days: int = 365) -> Any:
        """A certificate that ends ``days`` after now."""
        return self.authority.issue(_public_key(), common_name=name, organ=UBND.name, days=days)

    def register(self, purpose: str = "organ", *, days: int = 365, **changes: Any) -> Device:
        """A device in the register: the seal kept by the clerk, or the chair's own."""
        holder = self.office.accounts[CHAIR.username] if purpose == "personal" else ""
        keeper = holder or self.office.accounts[CLERK.username]
        name = CHAIR.full_name if holder else UBND.name
        der = changes.pop("certificate", None) or self.certificate(name, days).public_bytes(Encoding.DER)
        values = {"purpose": purpose, "organ_id": UBND.id, "holder_id": holder, "keeper_id": keeper, **changes}
        key = TokenKey(uuid7()[-12:], "0a", der)
        label = "Con dấu UBND" if purpose == "organ" else "Cá nhân chủ tịch"
        return custody.register(self.office.desk, SYSTEM, custody.Registration(**values), key, label)

    def turn(self, **later: float) -> None:
        """Let time pass."""
        self.clock.time += timedelta(**later)

    def look_again(self) -> None:
        """Read the revocation lists anew, as the next process would."""
        self.office.desk.trust = TrustStore(self.authority.trust)


@pytest.fixture(scope="session")
def custody_authority(tmp_path_factory: pytest.TempPathFactory) -> pki.Authority:
    """One authority for all of them; each test that revokes makes its own certificate."""
    return pki.make_ca(tmp_path_factory.mktemp("custody") / "ca")


@pytest.fixture
def store(office: Office, custody_authority: pki.Authority, tmp_path: Path) -> Store:
    """An office whose clock stands at now until it is turned."""
    clock = TurnedClock(office.desk.settings, datetime.now(VN))
    office.desk.clock = clock
    made = Store(office, custody_authority, clock)
    made.look_again()
    return made
