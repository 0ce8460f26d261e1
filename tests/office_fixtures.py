"""A box's store with the demo's cast in it, for tests that need people and organs but no token, scanner or line.

The fixed cast: the clerk (văn thư), the chair (chủ tịch), an official (công chức), the technician, and a stranger
from the other organ.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.config import Settings
from appliance.office import people
from appliance.office.desk import Actor, Desk
from provisioning.box import make_desk
from provisioning.demo.cast import AUDITOR, CHAIR, CLERK, COUNCIL_CHAIR, OFFICIAL, PEOPLE, TECHNICIAN, UBND
from provisioning.demo.office import fill

PASSWORD = "mật khẩu để thử"


@dataclass
class Office:
    """A desk and the people who may sit at it."""

    desk: Desk
    accounts: dict[str, str]

    def actor(self, username: str, organ_id: str = UBND.id) -> Actor:
        """One of the cast, in one organ."""
        return people.actor(self.desk.db, self.accounts[username], organ_id)

    @property
    def clerk(self) -> Actor:
        """Văn thư."""
        return self.actor(CLERK.username)

    @property
    def chair(self) -> Actor:
        """Chủ tịch."""
        return self.actor(CHAIR.username)

    @property
    def official(self) -> Actor:
        """Công chức."""
        return self.actor(OFFICIAL.username)

    @property
    def auditor(self) -> Actor:
        """Kiểm tra."""
        return self.actor(AUDITOR.username)

    @property
    def technician(self) -> Actor:
        """Kỹ thuật viên."""
        return self.actor(TECHNICIAN.username)

    @property
    def stranger(self) -> Actor:
        """A leader of another organ on the same box."""
        return self.actor(COUNCIL_CHAIR.username, "hdnd-hoa-binh")


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An office's data folder, made once (hashing passwords is slow on purpose), and username → account id."""
    data = tmp_path_factory.mktemp("office") / "box"
    desk = make_desk(Settings(data=data, chronyc=False), create=True)
    accounts = fill(desk, passwords={person.username: PASSWORD for person in PEOPLE}, seals={}, signatures={})
    desk.db.close()
    return data, accounts


@pytest.fixture
def office(furnished: tuple[Path, dict[str, str]], tmp_path: Path) -> Office:
    """A fresh office: a copy of the furnished one."""
    data, accounts = furnished
    shutil.copytree(data, tmp_path / "box")
    return Office(make_desk(Settings(data=tmp_path / "box", chronyc=False)), accounts)
