"""Who may come in: passwords, throttling, memberships."""

from __future__ import annotations

import pytest

from appliance.errors import BadInput, NotAllowed
from appliance.office import people
from appliance.store import audit
from tests.office_fixtures import PASSWORD, Office


def test_the_right_password_lets_the_clerk_in_whatever_the_case_of_the_name(office: Office) -> None:
    account = people.log_in(office.desk, " VanThu ", PASSWORD, "10.0.0.5")
    assert account.full_name == "Nguyễn Thị Ngọc Trâm"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(office: Office) -> None:
    answers = set()
    for name in ("vanthu", "khong-co"):
        with pytest.raises(NotAllowed) as caught:
            people.log_in(office.desk, name, "sai mật khẩu", "10.0.0.5")
        answers.add(str(caught.value))
    assert len(answers) == 1


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(office: Office) -> None:
    for _ in range(people.MAX_FAILURES_PER_ACCOUNT):
        with pytest.raises(NotAllowed):
            people.log_in(office.desk, "vanthu", "sai mật khẩu", "10.0.0.5")
    with pytest.raises(NotAllowed, match="tạm khóa"):
        people.log_in(office.desk, "vanthu", PASSWORD, "10.0.0.5")
    assert people.log_in(office.desk, "chutich", PASSWORD, "10.0.0.5").username == "chutich"


def test_one_address_that_tries_many_names_is_locked_out(office: Office) -> None:
    for attempt in range(people.MAX_FAILURES_PER_ADDRESS):
        with pytest.raises(NotAllowed):
            people.log_in(office.desk, f"ten-{attempt}", "sai mật khẩu", "10.0.0.66")
    with pytest.raises(NotAllowed, match="tạm khóa"):
        people.log_in(office.desk, "vanthu", PASSWORD, "10.0.0.66")
    assert people.log_in(office.desk, "vanthu", PASSWORD, "10.0.0.5").username == "vanthu"


def test_a_closed_account_stays_out(office: Office) -> None:
    office.desk.db["account"].update(office.accounts["congchuc"], {"active": 0})
    with pytest.raises(NotAllowed):
        people.log_in(office.desk, "congchuc", PASSWORD, "10.0.0.5")
    with pytest.raises(NotAllowed):
        _ = office.official


def test_a_person_acts_only_in_organs_they_belong_to(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.actor("chutich", "hdnd-hoa-binh")
    assert office.actor("vanthu", "hdnd-hoa-binh").roles == {"clerk"}


def test_a_short_password_is_refused(office: Office) -> None:
    with pytest.raises(BadInput):
        people.add(
            office.desk.db,
            username="x",
            full_name="X",
            position="",
            password="ngắn",
            memberships=[],
            created_at="2026-01-01",
        )


def test_passwords_are_never_stored_in_clear_and_logins_are_in_the_journal(office: Office) -> None:
    people.log_in(office.desk, "vanthu", PASSWORD, "10.0.0.5")
    dump = "\n".join(office.desk.db.conn.iterdump())
    assert PASSWORD not in dump
    assert "login.accepted" in dump
    assert audit.verify(office.desk.db) >= 2
