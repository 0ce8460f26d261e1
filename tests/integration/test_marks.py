"""What became of an issued document, where people look for it; organs found by what they were called before."""

from __future__ import annotations

from appliance.office import follow_ups, links, organs
from appliance.store.database import transaction
from provisioning.demo.cast import CLERK
from tests.office_fixtures import Office
from tests.web_fixtures import Visitor, add_outgoing, words


def issued(office: Office, number: int) -> str:
    """An issued document under this number."""
    now = office.desk.clock.now().isoformat()
    code = f"H99.21,2026/11/23,{number}/UBND-VP"
    return add_outgoing(
        office, "issued", document_code=code, issue_date=now[:10], issued_at=now, sealed_at=now, number=number
    )


def test_a_recalled_and_replaced_document_says_so_in_the_list_the_register_and_on_its_page(office: Office) -> None:
    old = issued(office, 7)
    new = add_outgoing(office, "drafting")
    links.replace_with(office.desk, office.clerk, new, old)
    clerk = Visitor(office)
    clerk.log_in(CLERK.username)
    places = ("/van-ban-di/", "/so/van-ban-di", f"/van-ban-di/{old}")
    assert not any("thay thế bởi" in words(clerk.get(place)) for place in places)  # a draft replaces nothing yet
    with transaction(office.desk.db):
        office.desk.db.execute(
            "UPDATE outgoing SET state = 'issued', number = 8, number_year = ?, notation = 'UBND-VP', book = 'chung',"
            " issue_date = ?, issued_at = ? WHERE id = ?",
            [office.desk.clock.now().year, *[office.desk.clock.now().isoformat()] * 2, new],
        )
    follow_ups.recall(office.desk, office.clerk, old, "Sai số liệu")
    for place in places:
        shown = words(clerk.get(place))
        assert "Đang thu hồi" in shown, place
        assert "Bị thay thế bởi 08/UBND-VP" in shown, place
    assert "Thay thế 07/UBND-VP" in words(clerk.get("/so/van-ban-di"))


def test_an_organ_is_looked_for_by_old_codes_and_by_those_it_followed(office: Office) -> None:
    db = office.desk.db
    with transaction(db):
        for organ_id, name, code in (
            ("huyen", "Ủy ban nhân dân huyện Cũ", "H99.70"),
            ("giua", "Cơ quan giữa", "H99.71"),
        ):
            codes = [("QD20", code, "2020-01-01")]
            organs.add(db, organ_id=organ_id, name=name, abbreviation="UBND", codes=codes, local=False)
        db.execute("UPDATE organ SET successor_id = 'giua' WHERE id = 'huyen'")
        db.execute("UPDATE organ SET successor_id = 'ubnd-dong-hai' WHERE id = 'giua'")
    also = organs.aliases(db)["ubnd-dong-hai"]
    assert all(text in also for text in ("000.00.22.H99", "H99.22", "Ủy ban nhân dân huyện Cũ", "H99.70", "H99.71"))
    clerk = Visitor(office)
    clerk.log_in(CLERK.username)
    assert 'data-also="' in (page := clerk.get("/van-ban-di/moi").text)
    assert "H99.70" in page
