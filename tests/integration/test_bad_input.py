"""Bad input through the real pages: a clear Vietnamese message, nothing lost, nothing half done."""

from __future__ import annotations

import io
import ssl

import httpx
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from appliance.clock import boot_id
from provisioning.clamd import eicar
from provisioning.demo.cast import CHAIR, CLERK, OFFICIAL, UBND
from tests.live_fixtures import Live


def _drafts(live: Live) -> int:
    return int(live.eyes.count("outgoing"))


def _encrypted(pdf: bytes) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    writer.encrypt(owner_pass="chủ", user_pass="người đọc")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("torn", "bị đứt"),
        ("encrypted", "mật khẩu"),
        ("no pdf", "PDF"),
        ("empty", "PDF"),
        ("eicar", "mã độc"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_reason(live: Live, kind: str, says: str) -> None:
    before = _drafts(live)
    files = {
        "torn": live.draft[: len(live.draft) // 2],
        "encrypted": _encrypted(live.draft),
        "no pdf": "Đây là văn bản thường, không phải PDF.".encode(),
        "empty": b"",
        "eicar": eicar(),
    }
    page = live.fill_in(live.person(OFFICIAL.username), f"Tệp hỏng: {kind}", files[kind], refused=True)
    assert says in page.text
    assert page.status in (409, 422)
    assert f"Tệp hỏng: {kind}" in page.html, "what was typed must not be lost"
    assert _drafts(live) == before


def test_malware_names_article_19(live: Live) -> None:
    page = live.fill_in(live.person(OFFICIAL.username), "Tệp nhiễm", eicar(), refused=True)
    assert "Điều 19" in page.text


def test_an_upload_of_200_mb_gets_a_vietnamese_page(live: Live) -> None:
    before = _drafts(live)
    page = live.fill_in(live.person(OFFICIAL.username), "Tệp quá lớn", b"%PDF-1.7\n" + bytes(200 << 20), refused=True)
    assert page.status == 413
    assert "Tệp quá lớn" in page.text
    assert _drafts(live) == before


def test_a_document_not_declared_free_of_state_secrets_does_not_enter(live: Live) -> None:
    page = live.fill_in(live.person(OFFICIAL.username), "Có thể mật", live.draft, no_secret="", refused=True)
    assert "bí mật nhà nước" in page.text
    assert "Điều 1" in page.text


def test_a_wrong_pin_is_said_counted_and_the_next_right_one_signs(live: Live) -> None:
    path = live.draft_document("Nhập sai mã PIN")
    chair = live.person(CHAIR.username)
    chair.open(path)
    page = chair.send("/ky", {"pin": "000000"}, refused=True)
    assert "PIN" in page.text
    assert live.eyes.state_of(path) == "submitted"
    chair.open(path)
    chair.send("/ky", {"pin": live.world.pins[CHAIR.username]})
    assert live.eyes.state_of(path) == "signed"


def test_a_missing_token_is_said_and_plugging_it_in_again_is_enough(live: Live) -> None:
    path = live.draft_document("Chưa cắm thiết bị")
    tokens = live.world.data / "tokens" / "tokens"
    away = tokens.with_name("away")
    tokens.rename(away)
    tokens.mkdir()
    chair = live.person(CHAIR.username)
    try:
        chair.open(path)
        page = chair.send("/ky", {"pin": live.world.pins[CHAIR.username]}, refused=True)
    finally:
        tokens.rmdir()
        away.rename(tokens)
    assert "thiết bị" in page.text.lower()
    chair.open(path)
    chair.send("/ky", {"pin": live.world.pins[CHAIR.username]})
    assert live.eyes.state_of(path) == "signed"


def test_a_failed_seal_keeps_the_number_and_resumes_with_it(live: Live) -> None:
    path = live.draft_document("Đóng dấu hỏng giữa chừng")
    chair, clerk = live.person(CHAIR.username), live.person(CLERK.username)
    chair.open(path)
    chair.send("/ky", {"pin": live.world.pins[CHAIR.username]})
    clerk.open(path)
    clerk.send("/dong-dau", {"pin": "111111"}, refused=True)
    assert live.eyes.state_of(path) == "numbered"
    number = live.eyes.number_of(path)
    clerk.open(path)
    clerk.send("/dong-dau", {"pin": live.world.pins[UBND.id]})
    assert (live.eyes.state_of(path), live.eyes.number_of(path)) == ("sealed", number)


def test_without_the_scanner_nothing_leaves_and_the_page_says_why(live: Live) -> None:
    path = live.draft_document("Máy quét mã độc ngừng")
    chair, clerk = live.person(CHAIR.username), live.person(CLERK.username)
    chair.open(path)
    chair.send("/ky", {"pin": live.world.pins[CHAIR.username]})
    clerk.open(path)
    clerk.send("/dong-dau", {"pin": live.world.pins[UBND.id]})
    live.programs.kill("clamd")
    try:
        clerk.open(path)
        page = clerk.send("/phat-hanh", {}, refused=True)
        assert "quét mã độc" in page.text
        assert "Điều 19" in page.text
        assert live.eyes.state_of(path) == "sealed"
    finally:
        live.programs.restart("clamd")
    clerk.open(path)
    clerk.send("/phat-hanh", {})
    assert live.eyes.state_of(path) == "issued"


def test_hostile_xml_from_the_bus_is_quarantined_with_its_bytes(live: Live) -> None:
    before = int(live.eyes.count("inbox", "state = 'quarantined'"))
    bomb = b'<?xml version="1.0"?><!DOCTYPE edXML [<!ENTITY a "aaaaaaaaaa">]><edXML>&a;</edXML>'
    live.put_at_bus(bomb)
    live.wait_for(lambda: int(live.eyes.count("inbox", "state = 'quarantined'")) == before + 1)
    assert live.eyes.newest_quarantined_bytes() == bomb


def test_a_stranger_gets_nothing_without_logging_in(live: Live) -> None:
    trust = ssl.create_default_context(cafile=live.world.lan_ca)
    with httpx.Client(base_url=live.world.base, verify=trust, follow_redirects=False) as stranger:
        for path in ("/", "/van-ban-di/", "/van-ban-den/", "/hang-doi/"):
            answer = stranger.get(path)
            assert answer.status_code in (302, 303), path
            assert "/dang-nhap" in answer.headers["location"]


def test_a_signature_of_yesterday_is_not_sealed_today_and_the_number_stays(live: Live) -> None:
    path = live.draft_document("Qua nửa đêm giữa hai chữ ký")
    chair, clerk = live.person(CHAIR.username), live.person(CLERK.username)
    chair.open(path)
    chair.send("/ky", {"pin": live.world.pins[CHAIR.username]})
    clerk.open(path)
    clerk.send("/dong-dau", {"pin": "111111"}, refused=True)  # the number is taken, the seal fails, midnight passes
    number = live.eyes.number_of(path)
    clerk.open(path)
    live.pretend("UPDATE outgoing SET signed_at = '2026-11-01T10:00:00+07:00' WHERE id = ?", path)
    page = clerk.send("/dong-dau", {"pin": live.world.pins[UBND.id]}, refused=True)
    assert "Điều 12 khoản 2" in page.text
    assert live.eyes.state_of(path) == "numbered"
    clerk.open(path)
    clerk.send("/ky-lai", {})
    chair.open(path)
    chair.send("/ky", {"pin": live.world.pins[CHAIR.username]})
    clerk.open(path)
    clerk.send("/dong-dau", {"pin": live.world.pins[UBND.id]})
    assert (live.eyes.state_of(path), live.eyes.number_of(path)) == ("sealed", number)


def test_nobody_signs_on_a_clock_that_cannot_be_trusted(live: Live) -> None:
    path = live.draft_document("Đồng hồ chưa đồng bộ")
    chair = live.person(CHAIR.username)
    chair.open(path)
    live.pretend("UPDATE clock_sample SET boot_id = 'lần khởi động trước'")
    try:
        page = chair.send("/ky", {"pin": live.world.pins[CHAIR.username]}, refused=True)
        assert "Đồng hồ" in page.text
        assert "Điều 12 khoản 2" in page.text
        assert live.eyes.state_of(path) == "submitted"
        assert chair.open("/van-ban-di/").status == 200, "reading goes on"
    finally:
        live.pretend("UPDATE clock_sample SET boot_id = ?", boot_id())
    chair.open(path)
    chair.send("/ky", {"pin": live.world.pins[CHAIR.username]})
    assert live.eyes.state_of(path) == "signed"
