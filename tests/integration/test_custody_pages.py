"""The pages of signing devices over real tokens: registering, handing over, losing, asking for revocation."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pypdfium2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from werkzeug.test import TestResponse

from appliance.antivirus import Scanner
from appliance.clock import VN, record_bus_sample
from appliance.office import custody, people
from appliance.office.desk import SYSTEM, Desk
from appliance.signing.token import TokenKey
from appliance.store.database import transaction
from provisioning.box import make_desk
from provisioning.demo.cast import CHAIR, CLERK, OFFICIAL, PROVINCE_OFFICE, TECHNICIAN, UBND
from tests import sync_fixtures
from tests.office_fixtures import PASSWORD, Office
from tests.signing_fixtures import LEADER_PIN, SEAL_MM, SEAL_PIN, Signing
from tests.web_fixtures import Visitor, add_outgoing, blank_pdf, words
from web import create_app

clamd = sync_fixtures.clamd
pytestmark = pytest.mark.slow
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
HANDOVER = {"reason": "Nghỉ phép năm", "condition": "Hoạt động bình thường", "number": "04/BB-UBND"}


@dataclass
class Place:
    """An office whose pages reach the tokens and the scanner."""

    office: Office
    app: Flask
    signing: Signing

    def visitor(self, username: str) -> Visitor:
        """One person's browser."""
        visitor = Visitor(self.office, self.app)
        visitor.log_in(username)
        return visitor

    def register(self, purpose: str) -> str:
        """The chair's token, or the seal's kept by the clerk; returns the device's id."""
        holder = self.office.accounts[CHAIR.username] if purpose == "personal" else ""
        wanted = custody.Registration(purpose, UBND.id, holder, holder or self.office.accounts[CLERK.username])
        key = self.signing.leader if holder else self.signing.seal
        return custody.register(self.office.desk, SYSTEM, wanted, key, "Chủ tịch" if holder else "Con dấu").id

    def second(self, role: str) -> str:
        """Another clerk or leader; returns the account's id."""
        db, name = self.office.desk.db, {"clerk": "Ngô Thị Diễm Phượng", "leader": "Nguyễn Văn An"}[role]
        with transaction(db):
            return people.add(
                db, username=f"{role}2", full_name=name, position={"clerk": "Văn thư", "leader": "CHỦ TỊCH"}[role],
                password=PASSWORD, memberships=[(UBND.id, role)], created_at=datetime.now(VN).isoformat(),
            )  # fmt: skip


@pytest.fixture
def place(office: Office, signing: Signing, clamd: Scanner) -> Iterator[Place]:
    def fit(desk: Desk) -> Desk:
        return replace(desk, signer=signing.client, scanner=clamd, trust=signing.trust)

    office.desk = fit(office.desk)
    record_bus_sample(office.desk.db, offset=0.0, error=0.05)
    office.desk.db["organ"].update(
        UBND.id, {"seal_sha256": office.desk.blobs.put(signing.seal_png), "seal_mm": SEAL_MM}
    )
    settings = office.desk.settings
    yield Place(office, create_app(settings, lambda: fit(make_desk(settings))), signing)
    office.desk.db.close()


def _choice(page: TestResponse, name: str) -> str:
    """The form's value beside the certificate of that name."""
    found = re.search(rf'name="choice" value="(\w+)"(?:(?!name="choice").)*?<strong>{name}</strong>', page.text, re.S)
    assert found, f"{name} is not offered"
    return found.group(1)


def _text(pdf: bytes) -> str:
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in pypdfium2.PdfDocument(pdf))


def _ask(place: Place, **changes: object) -> dict[str, object]:
    return {
        "reason_code": "lost", "detail": "Rơi trên đường đi họp huyện, tìm không thấy.", "unit": "VP", "urgency": "2",
        "discovered": f"{datetime.now(VN) - timedelta(hours=1):%Y-%m-%dT%H:%M}", "contact": "Văn thư, 0291 3822 113",
        "signer_id": place.office.accounts[CHAIR.username], "recipient_ids": PROVINCE_OFFICE.id, "no_secret": "1",
        **changes,
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------------- registering
def test_the_technician_registers_what_is_plugged_in_without_any_pin(place: Place) -> None:
    technician = place.visitor(TECHNICIAN.username)
    page = technician.get("/thiet-bi/dang-ky/")
    assert "Hợp lệ" in words(page)
    answer = technician.post("/thiet-bi/dang-ky/", {
        "choice": _choice(page, UBND.name), "purpose": "organ", "holder_id": "", "minutes_number": "11/BB-CTS",
        "keeper_id": place.office.accounts[CLERK.username], "condition": "Mới",
    })  # fmt: skip
    assert answer.status_code == 303, words(answer)
    shown = words(technician.get(answer.location))
    for expected in (
        f"{CLERK.full_name} đang giữ thiết bị này",
        "Biên bản số 11/BB-CTS",
        place.signing.seal.token_serial,
    ):
        assert expected in shown
    assert "Đã đăng ký: Đang sử dụng" in words(technician.get("/thiet-bi/dang-ky/"))
    again = technician.post("/thiet-bi/dang-ky/", {
        "choice": _choice(page, UBND.name), "purpose": "organ", "keeper_id": place.office.accounts[CLERK.username],
    })  # fmt: skip
    assert (again.status_code, "đã có trong sổ thiết bị" in words(again)) == (422, True)


def test_a_keeper_article_5_does_not_know_is_refused_with_the_article(place: Place) -> None:
    technician = place.visitor(TECHNICIAN.username)
    page = technician.get("/thiet-bi/dang-ky/")
    answer = technician.post("/thiet-bi/dang-ky/", {
        "choice": _choice(page, UBND.name), "purpose": "organ", "keeper_id": place.office.accounts[CHAIR.username],
    })  # fmt: skip
    assert answer.status_code == 409
    assert "Điều 5 khoản 2, QĐ 15/2019/QĐ-UBND" in words(answer)
    answer = technician.post("/thiet-bi/dang-ky/", {"choice": "rút rồi", "purpose": "organ"})
    assert (answer.status_code, "thiết bị vừa được rút ra" in words(answer)) == (422, True)


# -------------------------------------------------------------------------------------------------------- handing over
def test_minutes_are_printed_signed_and_brought_back(place: Place) -> None:
    device, receiver = place.register("organ"), place.second("clerk")
    clerk = place.visitor(CLERK.username)
    clerk.get(f"/thiet-bi/{device}")
    answer = clerk.post(f"/thiet-bi/{device}/ban-giao", {**HANDOVER, "to_id": receiver})
    assert answer.status_code == 303
    shown = clerk.get(answer.location)
    assert "Chưa có bản đã ký" in words(shown)
    minutes = re.search(r'href="([^"]+/bien-ban)"', shown.text)
    assert minutes
    assert "Ngô Thị Diễm Phượng" in _text(clerk.get(minutes.group(1)).data)
    signed = minutes.group(1).replace("bien-ban", "ban-ky")
    refused = clerk.post(signed, {"file": (io.BytesIO(b"%PDF-1.7\n" + EICAR), "a.pdf")})
    assert (refused.status_code, "có mã độc" in words(refused)) == (422, True)
    assert clerk.post(signed, {"file": (io.BytesIO(blank_pdf()), "quét.pdf")}).status_code == 303
    assert clerk.get(signed).data == blank_pdf()
    assert "Chưa có bản đã ký" not in words(clerk.get(f"/thiet-bi/{device}"))


def test_the_clerk_who_gave_the_seal_away_cannot_seal_and_no_number_is_lost(place: Place) -> None:
    device, receiver = place.register("organ"), place.second("clerk")
    document = add_outgoing(place.office, "signed")
    clerk = place.visitor(CLERK.username)
    clerk.get(f"/thiet-bi/{device}")
    clerk.post(f"/thiet-bi/{device}/ban-giao", {**HANDOVER, "to_id": receiver})
    page = clerk.get(f"/van-ban-di/{document}")
    assert 'name="pin"' not in page.text
    assert "đang do Ngô Thị Diễm Phượng giữ" in words(page)
    answer = clerk.post(f"/van-ban-di/{document}/dong-dau", {"pin": SEAL_PIN})
    assert answer.status_code == 409
    assert "Điều 5 khoản 2, QĐ 15/2019/QĐ-UBND" in words(answer)
    assert place.office.desk.db.execute("SELECT number FROM outgoing").fetchone()[0] is None


# ---------------------------------------------------------------------------------------------------- lost, revocation
def test_a_lost_personal_token_stops_at_once_and_the_request_is_signed_sealed_and_issued(place: Place) -> None:
    """The chair's token is gone; the other leader signs the request with the token of the tests."""
    lost, second = _chair_and_second_leader(place)
    serial, desk = "0000111122223333", place.office.desk
    waiting = add_outgoing(place.office, "submitted")
    chair = place.visitor(CHAIR.username)
    page = chair.get(f"/thiet-bi/{lost}/thu-hoi/")
    assert serial in words(page)
    assert "Điều 26 khoản 8" in words(page)
    answer = chair.post(f"/thiet-bi/{lost}/thu-hoi/", _ask(place, signer_id=second))
    assert answer.status_code == 303, words(answer)
    assert answer.location.startswith("/van-ban-di/")
    document = answer.location.rsplit("/", 1)[-1]
    text = _text(chair.get(f"/van-ban-di/{document}/tep").data)
    for expected in (
        "V/v đề nghị thu hồi chứng thư số", f"Kính gửi: {PROVINCE_OFFICE.name}", serial, CHAIR.full_name,
        "Thiết bị bị mất, thất lạc", "Rơi trên đường đi họp huyện", "0291 3822 113", "UTC+07:00", "/UBND-VP",
        "Nghị định số 68/2024/NĐ-CP", "Nguyễn Văn An",
    ):  # fmt: skip
        assert expected in text, expected
    stopped = chair.get(f"/van-ban-di/{waiting}")
    assert 'name="pin"' not in stopped.text
    assert "đã báo mất" in words(stopped)
    _send(place, chair, document)
    message = dict(next(desk.db.query("SELECT priority, state, title FROM message WHERE kind = 'edoc'")))
    assert message == {"priority": 2, "state": "ready", "title": f"Đề nghị thu hồi chứng thư số của {CHAIR.full_name}"}


def _chair_and_second_leader(place: Place) -> tuple[str, str]:
    """The chair's device (its token is gone) and the id of the second leader, whose token is plugged in."""
    second, chair_id = place.second("leader"), place.office.accounts[CHAIR.username]
    own = TokenKey("0000111122223333", "0b", _certificate(place, CHAIR.full_name))
    chairs = custody.Registration("personal", UBND.id, chair_id, chair_id)
    lost = custody.register(place.office.desk, SYSTEM, chairs, own, "Cá nhân chủ tịch")
    seconds = custody.Registration("personal", UBND.id, second, second)
    custody.register(place.office.desk, SYSTEM, seconds, place.signing.leader, "Cá nhân thứ hai")
    place.register("organ")
    return lost.id, second


def _send(place: Place, drafter: Visitor, document: str) -> None:
    """Submit, sign, seal and issue as any other document."""
    clerk = place.visitor(CLERK.username)
    steps = (
        (drafter, "trinh", {}), (place.visitor("leader2"), "ky", {"pin": LEADER_PIN}),
        (clerk, "dong-dau", {"pin": SEAL_PIN}), (clerk, "phat-hanh", {}),
    )  # fmt: skip
    for visitor, step, values in steps:
        visitor.get(f"/van-ban-di/{document}")
        answer = visitor.post(f"/van-ban-di/{document}/{step}", values)
        assert answer.status_code == 303, (step, words(answer))


def _certificate(place: Place, name: str, days: int = 365) -> bytes:
    """A certificate of the tests' authority for a token that is not here."""
    public = rsa.generate_private_key(65537, 2048).public_key()
    issued = place.signing.authority.issue(public, common_name=name, organ=UBND.name, days=days)
    return issued.public_bytes(Encoding.DER)


def test_when_the_seal_itself_is_lost_the_request_is_a_paper_to_be_stamped(place: Place) -> None:
    device = place.register("organ")
    clerk = place.visitor(CLERK.username)
    assert "không đóng dấu điện tử được" in words(clerk.get(f"/thiet-bi/{device}/thu-hoi/"))
    answer = clerk.post(f"/thiet-bi/{device}/thu-hoi/", _ask(place))
    assert (answer.status_code, answer.location) == (303, f"/thiet-bi/{device}")
    shown = clerk.get(answer.location)
    paper = re.search(r'href="([^"]+/giay)"', shown.text)
    assert paper
    text = _text(clerk.get(paper.group(1)).data)
    assert "Ký trực tiếp và đóng dấu" in text
    assert "THƯỢNG KHẨN" in text
    assert place.office.desk.db.execute("SELECT count(*) FROM outgoing").fetchone()[0] == 0
    assert custody.get(place.office.desk, place.office.clerk, device).state == "lost"
    found = clerk.post(f"/thiet-bi/{device}/buoc/tim-thay", {"reason": "Trong cốp xe."})
    assert (found.status_code, "Đã lập văn bản đề nghị thu hồi" in words(found)) == (409, True)


def test_what_is_missing_is_named_and_the_device_stays_in_use_until_the_form_is_whole(place: Place) -> None:
    device = place.register("personal")
    chair = place.visitor(CHAIR.username)
    chair.get(f"/thiet-bi/{device}/thu-hoi/")
    for wrong, sentence in (
        ({"reason_code": ""}, "Chưa chọn lý do thu hồi"), ({"contact": ""}, "Phải ghi người liên hệ"),
        ({"recipient_ids": ""}, "Chọn nơi nhận"), ({"discovered": "hôm qua"}, "không đúng dạng"),
        ({"discovered": "2999-01-01T00:00"}, "tương lai"), ({"no_secret": ""}, "bí mật nhà nước"),
        ({"signer_id": place.office.accounts[CLERK.username]}, "Người ký phải là lãnh đạo"),
    ):  # fmt: skip
        answer = chair.post(f"/thiet-bi/{device}/thu-hoi/", _ask(place, **wrong))
        assert sentence in words(answer), sentence
        assert "Rơi trên đường đi họp huyện" in words(answer), "what was typed stays"
        assert custody.get(place.office.desk, place.office.chair, device).state == "in_use"


def test_the_device_is_stopped_even_when_the_document_cannot_be_made_and_asking_again_completes_it(
    place: Place, tmp_path: Path
) -> None:
    lost, second = _chair_and_second_leader(place)
    chair, away = place.visitor(CHAIR.username), create_app(place.office.desk.settings, lambda: _away(place, tmp_path))
    without_scanner = Visitor(place.office, away)
    without_scanner.log_in(CHAIR.username)
    without_scanner.get(f"/thiet-bi/{lost}/thu-hoi/")
    answer = without_scanner.post(f"/thiet-bi/{lost}/thu-hoi/", _ask(place, signer_id=second))
    assert answer.status_code == 503
    assert custody.get(place.office.desk, place.office.chair, lost).state == "lost"
    chair.get(f"/thiet-bi/{lost}/thu-hoi/")
    answer = chair.post(f"/thiet-bi/{lost}/thu-hoi/", _ask(place, signer_id=second))
    assert answer.location.startswith("/van-ban-di/"), words(answer)


def _away(place: Place, folder: Path) -> Desk:
    desk = make_desk(place.office.desk.settings)
    return replace(desk, signer=place.signing.client, scanner=Scanner(folder / "no.sock"), trust=place.signing.trust)


# --------------------------------------------------------------------------------------------------------------- pages
def test_warnings_are_in_the_head_of_every_page_until_read(place: Place) -> None:
    wanted = custody.Registration("organ", UBND.id, "", place.office.accounts[CLERK.username])
    custody.register(
        place.office.desk,
        SYSTEM,
        wanted,
        TokenKey("1", "0a", _certificate(place, UBND.name, 20)),
        "Con dấu sắp hết hạn",
    )
    custody.warn_of_expiry(place.office.desk)
    clerk = place.visitor(CLERK.username)
    assert "Nhắc việc 1" in words(clerk.get("/van-ban-di/"))
    assert "Chứng thư số Còn" in words(clerk.get("/trang-thai"))
    page = clerk.get("/nhac-viec/")
    assert "làm thủ tục gia hạn" in words(page)
    read = re.search(r'action="([^"]+/da-doc)"', page.text)
    assert read
    clerk.post(read.group(1))
    assert "Không có nhắc việc nào chưa đọc" in words(clerk.get("/nhac-viec/"))
    assert "Nhắc việc" not in words(clerk.get("/van-ban-di/"))


def test_lists_empty_filtered_and_of_other_people(place: Place) -> None:
    technician = place.visitor(TECHNICIAN.username)
    assert "Chưa có thiết bị ký số nào trong sổ" in words(technician.get("/thiet-bi/"))
    place.register("organ")
    place.register("personal")
    assert "2 thiết bị" in words(technician.get("/thiet-bi/"))
    assert "Không có thiết bị nào ở trạng thái này" in words(technician.get("/thiet-bi/?trang-thai=lost"))
    assert "1 thiết bị" in words(place.visitor(CLERK.username).get("/thiet-bi/"))
    assert "Chưa có thiết bị ký số nào" in words(place.visitor(OFFICIAL.username).get("/thiet-bi/"))


@pytest.mark.parametrize(
    ("step", "who", "state"),
    [("khoa", TECHNICIAN, "locked"), ("bao-mat", CHAIR, "lost"), ("nop-lai", TECHNICIAN, "returned")],
)
def test_a_step_is_taken_from_the_page_with_its_reason(place: Place, step: str, who: object, state: str) -> None:
    device = place.register("personal")
    visitor = place.visitor(who.username)  # type: ignore[attr-defined]
    visitor.get(f"/thiet-bi/{device}")
    empty = visitor.post(f"/thiet-bi/{device}/buoc/{step}", {"reason": ""})
    assert (empty.status_code, "Phải ghi lý do" in words(empty)) == (422, True)
    assert visitor.post(f"/thiet-bi/{device}/buoc/{step}", {"reason": "Theo biên bản <b>số 5</b>"}).status_code == 303
    shown = visitor.get(f"/thiet-bi/{device}")
    assert custody.get(place.office.desk, place.office.technician, device).state == state
    assert "&lt;b&gt;số 5&lt;/b&gt;" in shown.text
