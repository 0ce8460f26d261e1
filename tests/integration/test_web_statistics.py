"""Thống kê and the proof's button as people see them."""

from __future__ import annotations

import io
import zipfile

import pypdfium2
import pytest

from provisioning.demo.cast import AUDITOR, CLERK, OFFICIAL, TECHNICIAN
from tests.office_fixtures import Office
from tests.web_fixtures import Visitor, add_incoming, add_outgoing, words


def visitor(office: Office, username: str = CLERK.username) -> Visitor:
    made = Visitor(office)
    made.log_in(username)
    return made


def test_the_page_the_sheet_and_the_paper_say_the_same(office: Office) -> None:
    now = office.desk.clock.now()
    add_incoming(office, from_name="=HYPERLINK(1)")
    ask, clerk = f"?nam={now.year}", visitor(office)
    page = words(clerk.get(f"/thong-ke/{ask}"))
    for text in ("Kỳ này chưa phát hành văn bản nào", "Chưa vào sổ, còn hạn", "Theo tháng", "Điều 17, QĐ 15/2019"):
        assert text in page
    sheet = clerk.get(f"/thong-ke/bang-tinh.csv{ask}")
    assert sheet.data.startswith("\ufeff".encode())
    rows = sheet.data.decode("utf-8-sig").split("\r\n")
    assert "'=HYPERLINK(1);1;0;0;1;0;0;0;0" in rows
    paper = clerk.get(f"/thong-ke/ban-in.pdf{ask}")
    text = " ".join(one.get_textpage().get_text_range() for one in pypdfium2.PdfDocument(io.BytesIO(paper.data)))
    assert "THỐNG KÊ GỬI, NHẬN VĂN BẢN ĐIỆN TỬ" in text


@pytest.mark.parametrize("ask", ["nam=26", "nam=2026&phan=13", "nam=2026&phan=Q9", "nam=x&phan=%00"])
def test_a_period_that_is_none_is_said_with_the_next_step(office: Office, ask: str) -> None:
    answer = visitor(office).get(f"/thong-ke/?{ask}")
    assert answer.status_code == 422
    assert "Nhập năm (2026), quý (2026-Q4) hoặc tháng (2026-11)" in words(answer)
    assert visitor(office).get(f"/thong-ke/bang-tinh.csv?{ask}").status_code == 422


def test_only_clerk_leader_and_auditor_see_figures_and_take_proofs(office: Office) -> None:
    document = add_incoming(office)
    for username, allowed in ((CLERK.username, True), (AUDITOR.username, True), (TECHNICIAN.username, False)):
        person = visitor(office, username)
        assert (person.get("/thong-ke/").status_code == 200) is allowed
        assert (person.post(f"/van-ban-den/{document}/bang-chung").status_code == 200) is allowed
    assert visitor(office, OFFICIAL.username).post(f"/van-ban-den/{document}/bang-chung").status_code == 403


def test_a_proof_is_taken_from_the_page_and_that_stands_in_the_journal(office: Office) -> None:
    document, clerk = add_incoming(office), visitor(office)
    assert "Tải bằng chứng" in words(clerk.get(f"/van-ban-den/{document}"))
    answer = clerk.post(f"/van-ban-den/{document}/bang-chung")
    assert answer.mimetype == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(answer.data)).namelist()[0] == "HUONG-DAN.txt"
    (entry,) = office.desk.db.query("SELECT actor, subject FROM audit WHERE action = 'proof.export'")
    assert entry == {"actor": office.accounts[CLERK.username], "subject": f"incoming:{document}"}


def test_a_document_that_was_not_issued_has_no_proof_yet(office: Office) -> None:
    document, clerk = add_outgoing(office, "sealed"), visitor(office)
    assert "Tải bằng chứng" not in words(clerk.get(f"/van-ban-di/{document}"))
    answer = clerk.post(f"/van-ban-di/{document}/bang-chung")
    assert answer.status_code == 409
    assert "chưa phát hành" in words(answer)
