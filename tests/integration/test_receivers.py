"""Whom documents go to: groups, organs that have ended, the directory's changes, identifiers by template."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta

import httpx
import pytest

from appliance.errors import BadInput, ConfigError, NotAllowed
from appliance.office import groups, organs
from appliance.regulation.codes import DOCUMENT_CODE, check_template, document_code
from sync.directory import refresh_directory
from tests import sync_fixtures
from tests.office_fixtures import Office
from tests.sync_fixtures import Box
from tests.web_fixtures import Visitor

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
DAY = date(2026, 11, 22)


def test_a_group_stands_for_its_members_and_a_document_keeps_them(office: Office) -> None:
    desk, clerk = office.desk, office.clerk
    groups.save(desk, clerk, "", "Các xã lân cận", ("ubnd-dong-hai",))
    (group,) = groups.of_office(desk.db, clerk.organ_id)
    assert groups.members_of(desk.db, clerk.organ_id, [group.id, "khong-co"]) == ("ubnd-dong-hai",)
    groups.save(desk, clerk, group.id, "Lân cận", ("ubnd-dong-hai", "so-noi-vu"))
    assert len(groups.of_office(desk.db, clerk.organ_id)[0].members) == 2
    assert groups.of_office(desk.db, "hdnd-hoa-binh") == []
    with pytest.raises(NotAllowed):
        groups.save(desk, office.official, "", "Khác", ("so-noi-vu",))
    with pytest.raises(BadInput, match="ít nhất một nơi nhận"):
        groups.save(desk, clerk, "", "Rỗng", ())
    with pytest.raises(BadInput, match="Đã có nhóm"):
        groups.save(desk, clerk, "", "Lân cận", ("so-noi-vu",))
    groups.remove(desk, clerk, group.id)
    assert groups.of_office(desk.db, clerk.organ_id) == []


def test_the_page_makes_a_group_and_drafts_offer_it(office: Office) -> None:
    clerk = Visitor(office)
    clerk.log_in("vanthu")
    assert "Chưa có nhóm nơi nhận nào" in clerk.get("/nhom-noi-nhan/").text
    answer = clerk.post("/nhom-noi-nhan/", {"name": "Các sở", "recipient_ids": "so-noi-vu"})
    assert answer.status_code == 303
    assert "Các sở" in clerk.get("/van-ban-di/moi").text
    again = clerk.post("/nhom-noi-nhan/", {"name": "Các sở", "recipient_ids": "so-noi-vu"})
    assert "Đã có nhóm tên này" in again.text


def test_an_organ_that_ended_is_refused_and_its_heir_is_named(office: Office) -> None:
    db = office.desk.db
    db.execute("UPDATE organ SET successor_id = 'so-noi-vu' WHERE id = 'ubnd-dong-hai'")
    with pytest.raises(BadInput, match="đã ngừng hoạt động; kế thừa là"):
        organs.party(db, "ubnd-dong-hai", DAY)
    assert "ubnd-dong-hai" not in [organ.id for organ, _code in organs.directory(db)]


def test_the_directory_tells_of_ends_and_heirs_and_only_of_changes_the_next_time(box: Box) -> None:
    """As when districts ended on 2025-07-01; an organ of the bus's directory made here, so that no other test minds."""
    desk, bus = box.desk, box.bus
    bus.control("POST", "organs", {"code": "H99.41", "name": "Ủy ban nhân dân xã Cũ"})
    with closing(box.client(httpx.Timeout(5))) as client:
        refresh_directory(desk, client)
        first = desk.db.execute("SELECT value FROM fact WHERE key = 'directory:cursor'").fetchone()[0]
        assert refresh_directory(desk, client) == 0
        yesterday = (desk.clock.now().date() - timedelta(days=1)).isoformat()
        ended = {"code": "H99.41", "name": "Ủy ban nhân dân xã Cũ", "valid_to": yesterday, "successor": "H99.01"}
        bus.control("POST", "organs", {**ended, "before": "H99.41"})
        assert refresh_directory(desk, client) > 0
        assert desk.db.execute("SELECT value FROM fact WHERE key = 'directory:cursor'").fetchone()[0] != first
    old = organs.by_code(desk.db, "H99.41")
    assert old is not None
    with pytest.raises(BadInput, match="kế thừa là"):
        organs.party(desk.db, old.id, desk.clock.now().date())


def test_document_identifiers_follow_the_template() -> None:
    values = ("H99.21", DAY, "15", "QĐ-UBND")
    assert document_code(*values) == "H99.21,2026/11/22,15/QĐ-UBND"
    assert document_code(*values, "{organId}-{year}-{number}/{notation}") == "H99.21-2026-15/QĐ-UBND"
    assert document_code(*values, "{organId}.{date:dd.MM.yyyy}.{number}.{notation}") == "H99.21.22.11.2026.15.QĐ-UBND"
    assert check_template(DOCUMENT_CODE) == DOCUMENT_CODE


@pytest.mark.parametrize("template", ["", "{organId},{number}", "{organId},{year},{number},{notation},{x}", "abc"])
def test_a_template_that_would_not_tell_documents_apart_is_refused_at_start(template: str) -> None:
    with pytest.raises(ConfigError, match="Mẫu mã định danh"):
        check_template(template)
