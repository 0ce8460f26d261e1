"""Coming in, staying in and going out: sessions, their limits, and what a stranger gets."""

from __future__ import annotations

import hashlib

import pytest

from provisioning.demo.cast import CHAIR, CLERK, TECHNICIAN
from tests.office_fixtures import PASSWORD, Office
from tests.web_fixtures import Visitor, words


@pytest.fixture
def visitor(office: Office) -> Visitor:
    return Visitor(office)


def _rows(office: Office) -> list[tuple[str, str | None]]:
    return list(office.desk.db.execute("SELECT id_sha256, account_id FROM web_session").fetchall())


def _age(office: Office, column: str, seconds: float) -> None:
    office.desk.db.execute(f"UPDATE web_session SET {column} = {column} - ?", [seconds])


def test_a_stranger_is_sent_to_the_log_in_page_and_back(visitor: Visitor) -> None:
    answer = visitor.get("/van-ban-di/?tim=ngan")
    assert answer.status_code == 303
    assert answer.location == "/dang-nhap?tiep=/van-ban-di/?tim%3Dngan"
    visitor.get(answer.location)
    values = {"username": CLERK.username, "password": PASSWORD, "tiep": "/van-ban-di/?tim=ngan"}
    assert visitor.post("/dang-nhap", values).location == "/van-ban-di/?tim=ngan"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_log_in_never_leads_to_a_foreign_page(visitor: Visitor, target: str) -> None:
    visitor.get("/dang-nhap")
    answer = visitor.post("/dang-nhap", {"username": CLERK.username, "password": PASSWORD, "tiep": target})
    assert answer.location == "/"


def test_the_cookie_is_locked_down_and_only_its_digest_is_stored(office: Office, visitor: Visitor) -> None:
    answer = visitor.log_in(CLERK.username)
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("__Host-tram="))
    for part in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert len(visitor.cookie) >= 43
    assert (hashlib.sha256(visitor.cookie.encode()).hexdigest(), office.accounts[CLERK.username]) in _rows(office)
    assert all(visitor.cookie not in str(row) for row in office.desk.db.query("SELECT * FROM web_session"))


def test_log_in_gives_a_new_token_and_forgets_the_old_one(office: Office, visitor: Visitor) -> None:
    visitor.get("/dang-nhap")
    before = visitor.cookie
    visitor.log_in(CLERK.username)
    assert before
    assert visitor.cookie != before
    assert hashlib.sha256(before.encode()).hexdigest() not in [row[0] for row in _rows(office)]


def test_log_out_ends_the_session_in_the_store(office: Office, visitor: Visitor) -> None:
    visitor.log_in(CLERK.username)
    stolen = visitor.cookie
    assert visitor.post("/dang-xuat").status_code == 303
    thief = Visitor(office)
    thief.client.set_cookie("__Host-tram", stolen, domain="localhost", secure=True)
    assert thief.get("/").status_code == 303
    assert not any(account for _, account in _rows(office))


def test_a_wrong_password_is_told_with_what_to_do(visitor: Visitor) -> None:
    answer = visitor.log_in(CLERK.username, "mật khẩu sai hẳn")
    assert answer.status_code == 403
    assert "Tên đăng nhập hoặc mật khẩu không đúng." in words(answer)
    assert "Việc cần làm" in words(answer)
    assert f'value="{CLERK.username}"' in answer.text
    assert "mật khẩu sai hẳn" not in answer.text


def test_the_sixth_try_is_refused_even_with_the_right_password(visitor: Visitor) -> None:
    for _ in range(5):
        visitor.log_in(CLERK.username, "mật khẩu sai hẳn")
    answer = visitor.log_in(CLERK.username)
    assert answer.status_code == 403
    assert "Đăng nhập sai quá nhiều lần" in words(answer)


def test_an_idle_session_ends(office: Office, visitor: Visitor) -> None:
    visitor.log_in(CLERK.username)
    _age(office, "seen_at", office.desk.settings.session_idle_minutes * 60 + 1)
    assert visitor.get("/").location.startswith("/dang-nhap")


def test_a_session_ends_after_its_longest_time_however_busy(office: Office, visitor: Visitor) -> None:
    visitor.log_in(CLERK.username)
    _age(office, "created_at", office.desk.settings.session_absolute_hours * 3600 + 1)
    assert visitor.get("/").location.startswith("/dang-nhap")


def test_work_keeps_a_session_alive_but_a_page_refreshing_itself_does_not(office: Office, visitor: Visitor) -> None:
    visitor.log_in(CLERK.username)
    _age(office, "seen_at", 600)
    visitor.get("/trang-thai", HX_Request="true")
    seen = office.desk.db.execute("SELECT max(seen_at) FROM web_session").fetchone()[0]
    visitor.get("/van-ban-di/")
    assert office.desk.db.execute("SELECT max(seen_at) FROM web_session").fetchone()[0] > seen + 500


def test_an_area_of_an_ended_session_sends_the_whole_page_to_log_in(visitor: Visitor) -> None:
    answer = visitor.get("/trang-thai", HX_Request="true")
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/dang-nhap")


def test_a_closed_account_is_out_at_once(office: Office, visitor: Visitor) -> None:
    visitor.log_in(CLERK.username)
    office.desk.db.execute("UPDATE account SET active = 0 WHERE id = ?", [office.accounts[CLERK.username]])
    assert visitor.get("/").location.startswith("/dang-nhap")


def test_a_link_from_outside_asks_again_from_our_own_page(visitor: Visitor) -> None:
    answer = visitor.get("/dang-nhap?tiep=/van-ban-di/", Sec_Fetch_Site="cross-site")
    assert 'http-equiv="refresh"' in answer.text
    assert not visitor.cookie


def test_a_person_of_two_organs_chooses_between_them_and_the_choice_is_kept(office: Office, visitor: Visitor) -> None:
    visitor.log_in(CLERK.username)
    assert 'value="ubnd-hoa-binh" selected' in visitor.get("/").text
    visitor.post("/co-quan", {"organ_id": "hdnd-hoa-binh"})
    assert 'value="hdnd-hoa-binh" selected' in visitor.get("/").text
    again = Visitor(office)
    again.log_in(CLERK.username)
    assert 'value="hdnd-hoa-binh" selected' in again.get("/").text


def test_nobody_acts_in_an_organ_they_do_not_belong_to(visitor: Visitor) -> None:
    visitor.log_in(CHAIR.username)
    answer = visitor.post("/co-quan", {"organ_id": "hdnd-hoa-binh"})
    assert answer.status_code == 403
    assert "không thuộc cơ quan" in words(answer)


def test_the_technician_starts_at_the_state_of_the_box(visitor: Visitor) -> None:
    visitor.log_in(TECHNICIAN.username)
    assert visitor.get("/").location == "/he-thong/"
