"""Packages on a stick between two boxes and a real bus: what travels both ways arrives once, the receipt settles it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.antivirus import Scanner
from appliance.config import Settings
from appliance.office import courier
from appliance.store import audit
from provisioning.box import make_desk
from provisioning.cli import main
from sync import inbox, outbox
from sync.worker import run_once
from tests import sync_fixtures
from tests.bus_fixtures import RunningBus
from tests.office_fixtures import Office
from tests.sync_fixtures import NEIGHBOUR, UBND, Box, skip_what_waits

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


@pytest.fixture
def neighbour(
    furnished: tuple[Path, dict[str, str]], tmp_path: Path, link_bus: RunningBus, clamd: Scanner, box: Box
) -> Iterator[Box]:
    """The box of the commune next door; both know each other's link certificate and the bus's."""
    data, accounts = furnished
    shutil.copytree(data, tmp_path / "neighbour")
    desk = make_desk(Settings(data=tmp_path / "neighbour", chronyc=False))
    desk.db.execute("UPDATE organ SET local = id = 'ubnd-dong-hai'")
    certificate, key = link_bus.ca.client(NEIGHBOUR)
    desk.settings = replace(
        desk.settings, bus_url=link_bus.url, bus_ca=link_bus.ca.certificate, link_certificate=certificate, link_key=key
    )
    desk.scanner = clamd
    made = Box(Office(desk, accounts), desk, link_bus, desk.settings)
    skip_what_waits(made)
    bus_certificate = next((link_bus.folder / "pki").glob("server-*.pem"))
    for one, code, other in ((box, NEIGHBOUR, made), (made, UBND, box)):
        folder = one.settings.data / "courier"
        folder.mkdir()
        assert other.settings.link_certificate is not None
        shutil.copyfile(other.settings.link_certificate, folder / f"{code}.pem")
        shutil.copyfile(bus_certificate, folder / "truc.pem")
    yield made
    desk.db.close()


def tram(box: Box, *arguments: str) -> int:
    """``tram courier``, with a configuration file like the box's."""
    path = box.settings.data / "tram.toml"
    names = ("data", "bus_url", "bus_ca", "link_certificate", "link_key")
    path.write_text("".join(f'{name} = "{getattr(box.settings, name)}"\n' for name in names) + "chronyc = false\n")
    action, *rest = arguments
    return main(["courier", "--config", str(path), action, *rest])


def export(box: Box, stick: Path, to: str) -> Path:
    """The container that ``tram courier export`` puts on the stick."""
    stick.mkdir(exist_ok=True)
    assert tram(box, "export", "--to", to, "--out", str(stick)) == 0
    (made,) = stick.glob(f"giao-{to}-*.tvb")
    return made


def bring(box: Box, file: Path) -> Path | None:
    """``tram courier import``; returns the answer to carry back."""
    before = set(file.parent.glob("tra-loi-*.tvb"))
    assert tram(box, "import", str(file)) == 0
    return next(iter(set(file.parent.glob("tra-loi-*.tvb")) - before), None)


def link(box: Box) -> dict[str, int]:
    """One round on the wire."""
    box.due_now()
    with closing(box.client()) as client:
        return dict(run_once(box.desk, client))


def arrived(box: Box) -> list[tuple[str, int]]:
    """Documents with how often they came."""
    return [(row["subject"], row["copies"]) for row in box.rows("SELECT subject, copies FROM incoming ORDER BY id")]


def test_a_package_goes_by_stick_and_the_answer_settles_it_so_that_it_never_leaves_over_the_wire(
    box: Box, neighbour: Box, tmp_path: Path
) -> None:
    message_id = box.issue("Về phòng, chống thiên tai")
    made = export(box, tmp_path / "usb", NEIGHBOUR)
    assert made.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")
    assert "thiên tai".encode() not in made.read_bytes()
    assert box.message(message_id)["state"] == "ready"
    assert len(courier.loads(box.desk.db, message_id)) == 1
    answer = bring(neighbour, made)
    assert answer is not None
    assert arrived(neighbour) == [("Về phòng, chống thiên tai", 1)]
    assert bring(box, answer) is not None, "our word for the status that came with it"
    row = box.message(message_id)
    assert row["state"] == "accepted"
    (recipient,) = box.rows("SELECT * FROM message_recipient WHERE message_id = ?", message_id)
    assert (recipient["state"], recipient["status_code"]) == ("status", "01")
    assert recipient["delivered_at"]
    assert box.rows("SELECT code FROM delivery_receipt WHERE message_id = ?", message_id) == [{"code": NEIGHBOUR}]
    assert link(box) == {}
    assert all(message["id"] != message_id for message in box.bus.messages())
    # the neighbour's status 01 came on the stick and comes again over the wire: one status
    assert link(neighbour)["accepted"] == 1
    link(box)
    assert box.rows("SELECT status_code FROM status_in") == [{"status_code": "01"}]
    assert audit.verify(box.desk.db) > 0
    assert tram(box, "import", str(answer)) == 0, "bringing it again changes nothing"
    assert box.rows("SELECT status_code FROM status_in") == [{"status_code": "01"}]


def test_a_package_that_travels_both_ways_arrives_once_whichever_is_first(
    box: Box, neighbour: Box, tmp_path: Path
) -> None:
    box.issue("USB trước")
    first = export(box, tmp_path / "first", NEIGHBOUR)
    assert bring(neighbour, first)
    with closing(box.client()) as client:
        assert outbox.send_due(box.desk, client) == {"accepted": 1}
    with closing(neighbour.client()) as client:
        inbox.fetch_new(neighbour.desk, client)
    assert arrived(neighbour) == [("USB trước", 2)]
    box.issue("Trục trước")
    second = export(box, tmp_path / "second", NEIGHBOUR)
    assert link(box)["accepted"] == 1
    link(neighbour)
    assert bring(neighbour, second)
    assert bring(neighbour, first) is not None, "an old stick again: answered again, taken in once"
    assert arrived(neighbour) == [("USB trước", 2), ("Trục trước", 2)]
    assert neighbour.rows("SELECT 1 FROM inbox WHERE acked_at IS NULL") == []


def test_the_bus_takes_a_stick_and_its_receipts_settle_the_queue(box: Box, neighbour: Box, tmp_path: Path) -> None:
    message_id = box.issue("Gửi trục bằng USB")
    made = export(box, tmp_path / "usb", "truc")
    assert main(["bus", "--config", str(box.bus.folder / "bus.toml"), "import", str(made)]) == 0
    (answer,) = made.parent.glob("tra-loi-*.tvb")
    assert link(neighbour)["document"] == 1
    assert bring(box, answer) is None
    row = box.message(message_id)
    assert (row["state"], bool(row["receipt_sha256"])) == ("accepted", True)
    link(box)
    assert main(["bus", "--config", str(box.bus.folder / "bus.toml"), "import", str(made)]) == 0
    assert sum(1 for message in box.bus.messages() if message["id"] == message_id) == 1
    assert arrived(neighbour) == [("Gửi trục bằng USB", 1)]


def test_a_container_that_is_torn_changed_or_for_somebody_else_is_refused_whole_and_kept(
    box: Box, neighbour: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box.issue("Một")
    made = export(box, tmp_path / "usb", NEIGHBOUR)
    data = made.read_bytes()
    for number, bad in enumerate((data[:-7], data[:200], b"", b"PK\x03\x04 nothing", data[:900] + b"x" + data[901:])):
        file = tmp_path / f"{number}.tvb"
        file.write_bytes(bad)
        assert tram(neighbour, "import", str(file)) == 1
    assert tram(box, "import", str(made)) == 1, "sealed for the neighbour, not for us"
    assert "Traceback" not in capsys.readouterr().err
    assert arrived(neighbour) == []
    refused = neighbour.rows("SELECT * FROM courier")
    assert {row["state"] for row in refused} == {"refused"}
    assert all(row["reason"] and neighbour.desk.blobs.path(row["sha256"]).exists() for row in refused)
