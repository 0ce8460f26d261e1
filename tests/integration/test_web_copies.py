"""Bản sao điện tử on pages: the form from paper and from the box's own documents, and what its page says."""

from __future__ import annotations

import io

from appliance.office import outgoing
from provisioning.demo.cast import CHAIR, CLERK, PROVINCE_OFFICE
from tests.desk_fixtures import CleanScanner
from tests.integration.test_copies import scan
from tests.office_fixtures import Office, furnished, office  # noqa: F401
from tests.web_fixtures import Visitor, add_incoming, add_outgoing, words


def clerk(office: Office) -> Visitor:  # noqa: F811
    visitor = Visitor(office)
    visitor.log_in(CLERK.username)
    return visitor


def test_the_form_for_a_paper_original_names_its_articles(office: Office) -> None:  # noqa: F811
    page = words(clerk(office).get("/ban-sao/moi"))
    assert "Lập bản sao điện tử" in page
    assert "Điều 26, NĐ 30/2020/NĐ-CP" in page
    assert "tối thiểu 200 dpi" in page


def test_the_form_knows_an_incoming_original_and_refuses_one_not_yet_accepted(office: Office) -> None:  # noqa: F811
    visitor, came = clerk(office), add_incoming(office, "accepted")
    page = visitor.get(f"/ban-sao/moi?den={came}&tep=0")
    assert 'value="101/VP-TH"' in page.text
    assert PROVINCE_OFFICE.name in page.text
    assert visitor.get(f"/ban-sao/moi?den={came}&tep=7").status_code == 404
    assert visitor.get(f"/ban-sao/moi?den={came}&tep=x").status_code == 404
    assert visitor.get(f"/ban-sao/moi?den={add_incoming(office, 'arrived')}&tep=0").status_code == 404
    assert visitor.get(f"/ban-sao/moi?di={add_outgoing(office, 'sealed')}").status_code == 404


def test_what_was_typed_stays_beside_the_error(office: Office) -> None:  # noqa: F811
    visitor = clerk(office)
    visitor.get("/ban-sao/moi")
    typed = {
        "form": "trich-sao", "original_code": "7/QĐ-TTg", "original_date": "2026-01-05",
        "original_organ": "Thủ tướng Chính phủ", "subject": "Trích sao Quyết định 7",
        "decided_by": office.accounts[CHAIR.username], "recipient_ids": PROVINCE_OFFICE.id, "no_secret": "1",
    }  # fmt: skip
    answer = visitor.post("/ban-sao/moi", typed)
    assert answer.status_code == 422
    assert "Chưa chọn tệp PDF quét" in words(answer)
    assert 'value="7/QĐ-TTg"' in answer.text
    answer = visitor.post("/ban-sao/moi", {**typed, "file": (io.BytesIO(scan(pages=1)), "quét.pdf")})
    assert "Ghi các trang trích sao" in words(answer)


def test_a_copys_page_says_what_it_is_a_copy_of(office: Office) -> None:  # noqa: F811
    work = office.desk
    work.scanner = CleanScanner(work.settings.clamd_socket)
    source = outgoing.paper_source(work, office.clerk, "Quét.pdf", io.BytesIO(scan(dpi=100, pages=1)))
    form = outgoing.CopyForm(
        "sao-y", "7/QĐ-TTg", "2026-01-05", "Thủ tướng Chính phủ", "Sao Quyết định 7",
        office.accounts[CHAIR.username], (PROVINCE_OFFICE.id,), no_secret=True,
    )  # fmt: skip
    copy = outgoing.create_copy(work, office.clerk, form, source)
    visitor = clerk(office)
    page = words(visitor.get(f"/van-ban-di/{copy.id}"))
    for said in ("SAO Y", "7/QĐ-TTg", "05/01/2026", "Trang 1: độ phân giải dưới 200 dpi.", "Lấy số và ký số bản sao"):
        assert said in page
    assert "Trình ký" not in page
    for path in ("/van-ban-di/", "/", f"/van-ban-di/{copy.id}/sua", f"/van-ban-di/{copy.id}/vi-tri"):
        assert visitor.get(path).status_code == 200
    answer = visitor.post(f"/van-ban-di/{copy.id}/ky-ban-sao", {"pin": "123456"})
    assert answer.status_code >= 400  # no clock, no token here: said on the page, nothing numbered
    assert outgoing.get(work, office.clerk, copy.id).state == "drafting"
