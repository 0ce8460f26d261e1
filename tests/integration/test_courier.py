"""Packages on a stick between two boxes and a real bus: what travels both ways arrives once, the receipt settles it."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.antivirus import Scanner
from appliance.config import Settings
from appliance.envelope import SoftwareKey, seal
from appliance.errors import BadInput
from appliance.office import courier
from appliance.store import audit
from appliance.store.text import uuid7
from provisioning.box import make_desk
from provisioning.cli import main
from sync import inbox, jws, outbox
from sync.bus.native.client import NativeClient
from sync.bus.native.renewal import before
from sync.bus.native.tls import authorities
from sync.courier import identity
from sync.courier.bring import work as bring_work
from sync.courier.container import TYPE, Carried, Manifest, opened
from sync.worker import run_once
from tests import sync_fixtures
from tests.bus_fixtures import RunningBus
from tests.office_fixtures import Office
from tests.sync_fixtures import NEIGHBOUR, PROVINCE, UBND, Box, skip_what_waits
from tests.web_fixtures import Visitor, words

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
    (word,) = neighbour.rows("SELECT ack_sha256 FROM inbox WHERE kind = 'edoc'")
    assert box.rows("SELECT 1 FROM delivery_receipt WHERE sha256 = ?", word["ack_sha256"]), "both hold the same word"
    assert link(box) == {}
    assert all(message["id"] != message_id for message in box.bus.messages())
    # the neighbour's status 01 came on the stick and comes again over the wire: one status
    assert link(neighbour)["accepted"] == 1
    link(box)
    assert box.rows("SELECT status_code FROM status_in") == [{"status_code": "01"}]
    assert audit.verify(box.desk.db) > 0
    assert tram(box, "import", str(answer)) == 0, "bringing it again changes nothing"
    assert box.rows("SELECT status_code FROM status_in") == [{"status_code": "01"}]


def test_whose_certificate_is_missing_is_said_with_the_place_where_it_belongs(
    box: Box, neighbour: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box.issue()
    place = box.settings.data / "courier" / f"{NEIGHBOUR}.pem"
    place.unlink()
    assert tram(box, "export", "--to", NEIGHBOUR, "--out", str(tmp_path)) == 1
    assert f"chép chứng thư (PEM) của nơi đó vào {place}." in capsys.readouterr().err
    (row,) = box.rows("SELECT next_step FROM courier")
    assert str(place) in row["next_step"]


def test_what_lies_on_a_stick_is_not_corrected_into_a_second_document(box: Box, neighbour: Box, tmp_path: Path) -> None:
    message_id = box.issue()
    clerk = Visitor(box.office)
    clerk.log_in("vanthu")
    export(box, tmp_path / "usb", NEIGHBOUR)
    clerk.get(f"/hang-doi/{message_id}")
    clerk.post(f"/hang-doi/{message_id}/giu", {"reason": "Chờ USB"})
    assert "Sửa và gửi lại" not in words(clerk.get(f"/hang-doi/{message_id}"))
    change = {"recipients": PROVINCE, "urgency": "0", "subject": "Khác", "reason": "Sai nơi nhận"}
    refused = clerk.post(f"/hang-doi/{message_id}/sua", change)
    assert (refused.status_code, "thành hai văn bản" in words(refused)) == (409, True)
    assert len(box.rows("SELECT 1 FROM message")) == 1
    # what the bus has refused may be corrected, with a word about the stick
    box.desk.db.execute("UPDATE message SET state = 'rejected' WHERE id = ?", [message_id])
    box.desk.db.conn.commit()
    assert "đã chép vào gói USB" in words(clerk.get(f"/hang-doi/{message_id}/sua"))


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


def test_what_was_sealed_to_the_link_key_before_a_renewal_still_opens(box: Box, neighbour: Box, tmp_path: Path) -> None:
    names = [x509.UniformResourceIdentifier(f"urn:x-edoc:organ:{NEIGHBOUR}")]
    certificate, key = tmp_path / "link.pem", tmp_path / "link.key"
    made = box.bus.ca._issue("due", names, ExtendedKeyUsageOID.CLIENT_AUTH, 10)
    shutil.copyfile(made[0], certificate)
    shutil.copyfile(made[1], key)
    shutil.copyfile(certificate, box.settings.data / "courier" / f"{NEIGHBOUR}.pem")
    neighbour.settings = replace(neighbour.settings, link_certificate=certificate, link_key=key)
    neighbour.desk.settings = neighbour.settings
    box.issue("Niêm phong trước khi gia hạn")
    stick = export(box, tmp_path / "usb", NEIGHBOUR)
    with closing(neighbour.client()) as client:
        assert isinstance(client, NativeClient)
        client.renew()
    assert bring(neighbour, stick), "opened with the key before, answered with the one of today"
    assert arrived(neighbour) == [("Niêm phong trước khi gia hạn", 1)]
    before(key).unlink()
    assert tram(neighbour, "import", str(stick)) != 0, "without that key it is for somebody else"


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


def test_the_bus_page_takes_a_stick_and_hands_the_answer_back(box: Box, neighbour: Box, tmp_path: Path) -> None:
    message_id = box.issue("Mang USB tới tỉnh")
    made = export(box, tmp_path / "usb", "truc")
    with httpx.Client(base_url=box.bus.operator, trust_env=False, timeout=60) as page:
        assert "Chưa chọn tệp" in page.post("/courier", files={"file": ("", b"")}).text
        torn = page.post("/courier", files={"file": (made.name, made.read_bytes()[:-9])})
        assert (torn.status_code, 'class="error" role="alert"' in torn.text) == (422, True), torn.text
        taken = page.post("/courier", files={"file": (made.name, made.read_bytes())})
        assert "1 gói tin mới, 0 gói đã có từ trước" in taken.text
        (link_to,) = re.findall(r'href="(/courier/answers/tra-loi-[^"]+)"', taken.text)
        answer = made.parent / link_to.rsplit("/", 1)[1]
        answer.write_bytes(page.get(link_to).content)
        assert page.get("/courier/answers/..%2Fbus.toml").status_code == 404
    assert bring(box, answer) is None
    assert box.message(message_id)["state"] == "accepted"


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


def test_the_pages_ask_and_sync_does_it(box: Box, neighbour: Box) -> None:
    box.issue("Báo cáo tình hình thiên tai")
    clerk = Visitor(box.office)
    clerk.log_in("vanthu")
    assert "Báo cáo tình hình thiên tai" in words(clerk.get("/usb/"))
    assert clerk.post("/usb/giao", {"to": PROVINCE}).status_code == 422
    assert clerk.post("/usb/giao", {"to": NEIGHBOUR}).status_code == 303
    assert bring_work(box.desk) == {"load": 1}
    (row,) = box.rows("SELECT * FROM courier")
    container = clerk.get(f"/usb/{row['id']}/tep").data
    assert clerk.get(f"/usb/{row['id']}/bien-ban").data.startswith(b"%PDF-")
    assert "đã giao qua USB, chờ xác nhận" in words(clerk.get("/usb/"))
    # the neighbour's people are the commune's here, in an organ that is not theirs: by the office's door instead
    technician = neighbour.office.technician
    courier.ask_bring(neighbour.desk, technician, io.BytesIO(container))
    courier.ask_bring(neighbour.desk, technician, io.BytesIO(b"nothing of the kind"))
    assert bring_work(neighbour.desk) == {"bring": 1, "refused": 1}
    done, refused = neighbour.rows("SELECT * FROM courier WHERE kind = 'bring' ORDER BY id")
    assert "phong bì" in refused["reason"]
    (answer,) = neighbour.rows("SELECT * FROM courier WHERE id = ?", done["answer_id"])
    data = neighbour.desk.blobs.read(answer["sha256"])
    assert clerk.post("/usb/nhan").status_code == 422
    clerk.get("/usb/")
    assert clerk.post("/usb/nhan", {"file": (io.BytesIO(data), "tra-loi.tvb")}).status_code == 303
    assert bring_work(box.desk) == {"bring": 1}
    page = words(clerk.get("/usb/"))
    assert "1 biên nhận mới" in page
    assert "1 trạng thái" in page
    assert clerk.post("/usb/chung-thu", {"code": "truc"}).status_code == 403


def test_the_technician_keeps_certificates_by_page(box: Box) -> None:
    technician = Visitor(box.office)
    technician.log_in("kythuat")
    page = words(technician.get("/usb/"))
    assert "Không có gói tin nào đang chờ gửi" in page
    assert box.settings.link_certificate is not None
    pem = box.settings.link_certificate.read_bytes()
    for code, data, status in (("truc", pem, 303), ("../x", pem, 422), (NEIGHBOUR, b"no", 422), ("H1.2", pem, 422)):
        answer = technician.post("/usb/chung-thu", {"code": code, "file": (io.BytesIO(data), "a.pem")})
        assert answer.status_code == status
        technician.get("/usb/")
    assert [path.name for path in (box.settings.data / "courier").iterdir()] == ["truc.pem"]


def test_what_left_over_the_wire_meanwhile_makes_no_empty_container(box: Box, neighbour: Box) -> None:
    box.issue("Một")
    courier.ask_load(box.desk, box.office.clerk, NEIGHBOUR, [])
    assert link(box)["accepted"] == 1
    assert bring_work(box.desk) == {"refused": 1}
    assert "không còn chờ gửi" in box.rows("SELECT reason FROM courier")[0]["reason"]


@pytest.mark.parametrize("evil", ["compressed", "extra", "path", "digest", "organ", "unlisted", "receipt", "bomb"])
def test_a_sealed_container_whose_inside_lies_is_refused_whole(
    box: Box, neighbour: Box, tmp_path: Path, evil: str
) -> None:
    """The signer is a box of the province, the seal is right; only the inside is not."""
    box.issue("Một")
    export(box, tmp_path / "usb", NEIGHBOUR)
    me = identity.own(box.settings.link_certificate, box.settings.link_key)
    reader = identity.reader(box.desk, NEIGHBOUR)
    (row,) = box.rows("SELECT * FROM message")
    data = box.desk.blobs.read(row["sha256"])
    sender = {"organ": PROVINCE}.get(evil, UBND)
    digest = "0" * 64 if evil == "digest" else row["sha256"]
    carried = Carried(row["id"], "edoc", 0, sender, (NEIGHBOUR,), digest, len(data))
    receipt = b"eyJ.x.y" if evil == "receipt" else b""
    digests = (hashlib.sha256(receipt).hexdigest(),) if receipt else ()
    text = json.dumps(asdict(Manifest(uuid7(), NEIGHBOUR, "2026-11-23T08:00:00+07:00", (carried,), digests))).encode()
    said = {"typ": TYPE, "id": json.loads(text)["id"], "sha256": hashlib.sha256(text).hexdigest()}
    token = jws.sign({**said, "at": box.desk.clock.now().isoformat()}, me.key, me.chain, TYPE)
    clear = io.BytesIO()
    with zipfile.ZipFile(clear, "w") as archive:
        archive.writestr("manifest.json", text)
        archive.writestr("manifest.jws", token)
        name = "packages/../../etc/passwd" if evil == "path" else f"packages/{row['id']}"
        compressed = zipfile.ZIP_DEFLATED if evil in ("compressed", "bomb") else zipfile.ZIP_STORED
        archive.writestr(name, bytes(80_000_000) if evil == "bomb" else data, compressed)
        if evil in ("extra", "unlisted"):
            archive.writestr("autorun.inf" if evil == "extra" else f"packages/{uuid7()}", b"x")
        if receipt:
            archive.writestr("receipts/0", receipt)
    sealed = io.BytesIO()
    clear.seek(0)
    seal(clear, len(clear.getvalue()), [reader], sealed)
    sealed.seek(0)
    courier.ask_bring(neighbour.desk, neighbour.office.technician, sealed)
    assert bring_work(neighbour.desk) == {"refused": 1}
    assert arrived(neighbour) == []
    assert neighbour.rows("SELECT 1 FROM inbox") == []
    (kept,) = neighbour.rows("SELECT reason, next_step, sha256 FROM courier WHERE kind = 'bring'")
    assert kept["reason"].startswith("Gói USB không dùng được")
    assert neighbour.desk.blobs.path(kept["sha256"]).exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), bits=st.integers(1, 255), cut=st.booleans())
def test_no_change_of_a_sealed_container_gets_past_the_seal(
    torn: tuple[Path, Box], tmp_path: Path, place: int, bits: int, cut: bool
) -> None:
    made, neighbour = torn
    data = bytearray(made.read_bytes())
    at = place * len(data) // 10_001
    if cut:
        data = data[:at]
    else:
        data[at] ^= bits
    file = tmp_path / "changed.tvb"
    file.write_bytes(data)
    me = identity.own(neighbour.settings.link_certificate, neighbour.settings.link_key)
    opener, trusted = SoftwareKey(me.chain[0], me.key), authorities(neighbour.settings)
    try:
        with opened(file, opener, trusted, {NEIGHBOUR}, lambda code: [code], tmp_path) as found:
            assert [one.sender for one in found.manifest.packages] == [UBND], "a bit that says nothing"
    except BadInput:
        return


@pytest.fixture
def torn(box: Box, neighbour: Box, tmp_path: Path) -> tuple[Path, Box]:
    """A container for the neighbour, to be changed."""
    box.issue("Một")
    return export(box, tmp_path / "usb", NEIGHBOUR), neighbour
