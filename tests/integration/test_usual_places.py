"""What a drafter corrected once is suggested for the next draft of the same kind, and can be forgotten."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.office import outgoing, usual_places
from appliance.office.outgoing import Outgoing, OutgoingForm
from appliance.signing.inspection import inspect
from appliance.signing.placement import Placement, seal_over
from provisioning.demo.cast import CHAIR, OFFICIAL, PROVINCE_OFFICE
from tests.desk_fixtures import CleanScanner
from tests.drafts import make_draft
from tests.office_fixtures import Office, furnished, office  # noqa: F401
from tests.web_fixtures import Visitor, words

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


@pytest.fixture
def scanning(office: Office) -> Office:  # noqa: F811
    office.desk.scanner = CleanScanner(Path("unused"))
    return office


def draft(office: Office, data: bytes, type_code: str = "quyet-dinh") -> Outgoing:  # noqa: F811
    form = OutgoingForm(
        type_code, "Về việc thành lập Đội xung kích", 0, office.accounts[CHAIR.username], (PROVINCE_OFFICE.id,),
        competence="TM.", no_secret=True,
    )  # fmt: skip
    return outgoing.create(office.desk, office.official, form, "Bản chụp.pdf", io.BytesIO(data))


def corrected(office: Office, document: Outgoing) -> Placement:  # noqa: F811
    """The drafter drags the number and the signature of a scan to where they belong."""
    placement = Placement.from_json(document.placement)
    number, date = placement.slots
    number = replace(number, area=replace(number.area, x=116, y=727.5))
    signature = replace(placement.signature, x=352, y=366)
    placement = replace(placement, slots=(number, date), signature=signature, seal=seal_over(signature, 36))
    outgoing.set_placement(office.desk, office.official, document.id, placement)
    return placement


def test_a_scan_of_the_same_kind_starts_where_the_last_one_was_corrected(scanning: Office) -> None:
    scan = (SAMPLES / "scan.pdf").read_bytes()
    first = draft(scanning, scan)
    assert Placement.from_json(first.placement).usual == ()
    wanted = corrected(scanning, first)
    second = Placement.from_json(draft(scanning, scan).placement)
    assert second.usual == ("SoVanBan", "ChuKyLanhDao")
    assert second.signature == wanted.signature
    assert second.seal == wanted.seal
    assert [slot.area for slot in second.slots if slot.name == "SoVanBan"] == [wanted.slots[0].area]
    assert Placement.from_json(draft(scanning, scan, "thong-bao").placement).usual == (), "another kind of document"


def test_what_the_text_says_wins_over_what_is_usual(scanning: Office) -> None:
    first = draft(scanning, make_draft(signer=CHAIR.full_name))
    placement = Placement.from_json(first.placement)
    moved = replace(placement, signature=replace(placement.signature, x=placement.signature.x + 40))
    outgoing.set_placement(scanning.desk, scanning.official, first.id, moved)
    again = Placement.from_json(draft(scanning, make_draft(signer=CHAIR.full_name)).placement)
    assert again.usual == ()
    assert again.signature == placement.signature
    strange = Placement.from_json(draft(scanning, make_draft(position="BÍ THƯ", signer="Ai Khác")).placement)
    assert strange.usual == ("ChuKyLanhDao",)
    assert strange.signature == moved.signature


def test_only_what_was_moved_is_remembered_and_the_journal_says_so(scanning: Office) -> None:
    document = draft(scanning, (SAMPLES / "scan.pdf").read_bytes())
    untouched = Placement.from_json(document.placement)
    outgoing.set_placement(scanning.desk, scanning.official, document.id, untouched)
    assert scanning.desk.db.table("usual_place").count == 0
    corrected(scanning, outgoing.get(scanning.desk, scanning.official, document.id))
    row = scanning.desk.db.execute("SELECT layout, places FROM usual_place").fetchone()
    assert (row[0], set(json.loads(row[1]))) == ("scan 210x297", {"SoVanBan", "ChuKyLanhDao"})
    entries = [json.loads(entry["detail"]) for entry in outgoing.history(scanning.desk.db, document.id)]
    assert entries[-1]["moved"] == ["SoVanBan", "ChuKyLanhDao"]


def test_usual_places_can_be_forgotten(scanning: Office) -> None:
    scan = (SAMPLES / "scan.pdf").read_bytes()
    corrected(scanning, draft(scanning, scan))
    facts = inspect(scan)
    assert usual_places.known(scanning.desk, scanning.official.organ_id, "quyet-dinh", facts)
    usual_places.forget(scanning.desk, scanning.official, "quyet-dinh", facts)
    assert Placement.from_json(draft(scanning, scan).placement).usual == ()
    assert not usual_places.known(scanning.desk, scanning.stranger.organ_id, "quyet-dinh", facts)


def test_the_page_says_where_each_place_comes_from(scanning: Office) -> None:
    scan = (SAMPLES / "scan.pdf").read_bytes()
    visitor = Visitor(scanning)
    visitor.log_in(OFFICIAL.username)
    first = draft(scanning, scan)
    page = words(visitor.get(f"/van-ban-di/{first.id}/vi-tri"))
    assert "Vị trí mặc định, cần xem lại" in page
    assert "Đây là bản chụp" in page
    assert "trạm đã ghi lại tệp cho đúng chuẩn" in page
    assert "Quên mẫu thường dùng" not in page
    corrected(scanning, first)
    assert "Đặt bằng tay" in words(visitor.get(f"/van-ban-di/{first.id}/vi-tri"))
    second = draft(scanning, scan)
    page = words(visitor.get(f"/van-ban-di/{second.id}/vi-tri"))
    assert "Theo mẫu thường dùng của cơ quan" in page
    assert "Quên mẫu thường dùng" in page
    assert visitor.post(f"/van-ban-di/{second.id}/vi-tri/quen").status_code == 303
    assert "Quên mẫu thường dùng" not in words(visitor.get(f"/van-ban-di/{second.id}/vi-tri"))


def test_the_number_may_be_written_whole_and_on_white(scanning: Office) -> None:
    document = draft(scanning, make_draft())
    visitor = Visitor(scanning)
    visitor.log_in(OFFICIAL.username)
    page = visitor.get(f"/van-ban-di/{document.id}/vi-tri")
    values = dict(re.findall(r'name="([\w.]+)" value="([^"]*)" type="number"', page.text))
    look = {"SoVanBan.look": "1", "SoVanBan.cover": "1", "SoVanBan.template": "Số: {number}/{notation}"}
    assert visitor.post(f"/van-ban-di/{document.id}/vi-tri", {**values, **look}).status_code == 303
    slot = Placement.from_json(outgoing.get(scanning.desk, scanning.official, document.id).placement).slots[0]
    assert (slot.template, slot.cover) == ("Số: {number}/{notation}", True)
    look["SoVanBan.template"] = "{number.__class__}"
    visitor.post(f"/van-ban-di/{document.id}/vi-tri", {**values, **look})
    slot = Placement.from_json(outgoing.get(scanning.desk, scanning.official, document.id).placement).slots[0]
    assert slot.template == "Số: {number}/{notation}"
