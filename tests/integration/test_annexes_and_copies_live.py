"""Annexes and copies through the pages of a running office: real clamd, signer, tokens, bus."""

from __future__ import annotations

import io
import re

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from provisioning.demo.cast import CHAIR, CLERK, OFFICIAL, UBND
from provisioning.demo.person import Person
from tests.drafts import make_draft
from tests.integration.test_copies import scan, words
from tests.live_fixtures import Live, live  # noqa: F401

pytestmark = pytest.mark.slow


def fields(data: bytes) -> list[str]:
    return [one.field_name for one in PdfFileReader(io.BytesIO(data)).embedded_signatures]


def annex_paths(person: Person, path: str) -> list[str]:
    page = person.open(path)
    return list(dict.fromkeys(re.findall(rf"{path}/phu-luc/[^/\"]+/tep", page.html)))


def test_a_document_with_two_annexes_goes_out_with_every_file_sealed(live: Live) -> None:  # noqa: F811
    official, chair, clerk = (live.person(who.username) for who in (OFFICIAL, CHAIR, CLERK))
    page = live.fill_in(official, "Về việc ban hành kèm hai phụ lục", live.draft)
    path = "/van-ban-di/" + page.url.split("/van-ban-di/")[1].split("/")[0]
    for name in ("Phụ lục I.pdf", "Phụ lục II.pdf"):
        official.open(path)
        official.send("/phu-luc", {}, {"annex": (name, make_draft(), "application/pdf")})
    official.open(path)
    refused = official.send("/phu-luc", {}, {"annex": ("Biểu.xlsx", b"PK\x03\x04", "application/zip")}, refused=True)
    assert "Điều 6 khoản 2 điểm b" in refused.text
    official.open(path)
    official.send("/trinh", {})
    chair.open(path)
    chair.send("/ky", {"pin": live.world.pins[CHAIR.username]})
    assert "2 phụ lục ở tệp riêng" in clerk.open(path).text
    clerk.send("/dong-dau", {"pin": live.world.pins[UBND.id]})
    code = re.search(r"Kèm theo (\S+)", words(clerk.download(annex_paths(clerk, path)[0])))
    assert code is not None
    assert code[1] in clerk.open(path).text
    assert [fields(clerk.download(one)) for one in annex_paths(clerk, path)] == [["ConDau"], ["ConDau"]]
    clerk.send("/phat-hanh", {})
    assert "Đã phát hành" in clerk.open(path).text


def test_a_paper_original_is_copied_numbered_signed_and_sent(live: Live) -> None:  # noqa: F811
    clerk = live.person(CLERK.username)
    clerk.open("/ban-sao/moi")
    values: dict[str, str | list[str]] = {
        "form": "sao-y", "original_code": "7/QĐ-TTg", "original_date": "2026-01-05",
        "original_organ": "Thủ tướng Chính phủ", "subject": "Sao gửi Quyết định 7/QĐ-TTg",
        "decided_by": live.world.accounts[CHAIR.username], "recipient_ids": ["vp-ubnd-tinh"], "no_secret": "1",
    }  # fmt: skip
    page = clerk.send("/ban-sao/moi", values, {"file": ("Quét.pdf", scan(), "application/pdf")})
    path = "/van-ban-di/" + page.url.split("/van-ban-di/")[1].split("/")[0]
    clerk.open(path)
    clerk.send("/ky-ban-sao", {"pin": live.world.pins[UBND.id]})
    assert "/SY-UBND" in clerk.open(path).text
    data = clerk.download(f"{path}/tep")
    assert fields(data) == ["DauBanSao"]
    assert "SAO Y" in words(data)
    clerk.send("/phat-hanh", {})
    assert "Đã phát hành" in clerk.open(path).text
