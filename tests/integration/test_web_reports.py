"""The validation report as a page and on paper, the tool for any PDF, and the news that a verdict has changed."""

from __future__ import annotations

import io
import json
import shutil

import pypdfium2
import pytest

from appliance.office import rechecks, verdicts
from appliance.store.database import transaction
from provisioning.demo.cast import AUDITOR, CHAIR, CLERK, TECHNICIAN
from tests.office_fixtures import Office
from tests.signing_fixtures import LEADER, ORGAN, Signing
from tests.web_fixtures import Visitor, add_file, add_incoming, blank_pdf, words


@pytest.fixture(scope="module")
def sealed(signing: Signing) -> bytes:
    return signing.sealed()


@pytest.fixture
def trusting(office: Office, signing: Signing) -> Office:
    shutil.copytree(signing.authority.trust, office.desk.settings.trust, dirs_exist_ok=True)
    return office


def visitor(office: Office, username: str = CLERK.username) -> Visitor:
    made = Visitor(office)
    made.log_in(username)
    return made


def arrived(office: Office, data: bytes) -> str:
    desk, document = office.desk, add_incoming(office)
    text = json.dumps(verdicts.judge(data, desk.trust, desk.clock.now()), ensure_ascii=False)
    with transaction(desk.db):
        desk.db.execute("DELETE FROM incoming_file WHERE incoming_id = ?", [document])
        add_file(desk, document, 0, "Quyết định 125.pdf", data, signatures=text)
        verdicts.first(desk.db, f"incoming:{document}", desk.blobs.put(data), text, desk.clock.now())
    return document


EVERY_ITEM = (
    "Người ký", LEADER, ORGAN, "Tổ chức cấp chứng thư số", "Chứng thực thử nghiệm chuyên dùng công vụ",
    "Số chứng thư số", "Thời hạn chứng thư số", "Thời điểm ký (do người ký khai)", "Dấu thời gian",
    "Không có dấu thời gian được tin cậy", "Thuật toán", "SHA-256", "RSA 2048", "Mục đích của chứng thư số",
    "chống chối bỏ (ký văn bản)", "Tình trạng thu hồi", "Danh sách thu hồi (CRL) của", "còn hạn khi xét",
    "Phạm vi chữ ký bao trùm", "Thay đổi sau chữ ký này", "Đã điền số", "đã đóng dấu", "Mức chữ ký", "B-B",
    "Nội dung đã ký còn nguyên vẹn", "Chứng thư số còn hiệu lực khi ký", "Chứng thư số không bị thu hồi",
    "Mã băm SHA-256", "Kiểm tra lúc", "Xét tại thời điểm", "Điều 3", "Các lần kiểm tra",
    "Kiểm tra lần đầu khi văn bản đến trạm",
)  # fmt: skip


def test_the_page_and_the_paper_show_every_item(trusting: Office, sealed: bytes) -> None:
    document, clerk = arrived(trusting, sealed), visitor(trusting)
    page = words(clerk.get(f"/van-ban-den/{document}/tep/0/kiem-tra"))
    assert [item for item in EVERY_ITEM if item not in page] == []
    paper = clerk.get(f"/van-ban-den/{document}/tep/0/kiem-tra.pdf")
    assert paper.mimetype == "application/pdf"
    pdf = pypdfium2.PdfDocument(io.BytesIO(paper.data))
    text = " ".join(" ".join(page.get_textpage().get_text_range() for page in pdf).split())
    assert [item for item in EVERY_ITEM if item not in text] == []
    assert "KẾT QUẢ KIỂM TRA CHỮ KÝ SỐ" in text


def test_the_legal_value_stands_on_the_page_in_the_list_and_in_the_register(trusting: Office, sealed: bytes) -> None:
    good, bad, clerk = arrived(trusting, sealed), arrived(trusting, blank_pdf()), visitor(trusting)
    assert "Có giá trị như bản giấy" in words(clerk.get(f"/van-ban-den/{good}"))
    page = words(clerk.get(f"/van-ban-den/{bad}"))
    assert "Để biết, tham khảo" in page
    assert "Điều 3, QĐ 15/2019/QĐ-UBND" in page
    assert words(clerk.get("/van-ban-den/")).count("Để biết, tham khảo") == 1
    for document in (good, bad):
        clerk.post(f"/van-ban-den/{document}/tiep-nhan")
    assert words(clerk.get("/so/van-ban-den")).count("để biết, tham khảo") == 1


def test_a_verdict_that_became_worse_is_on_the_clerks_list_until_confirmed(trusting: Office, sealed: bytes) -> None:
    document, clerk, chair = arrived(trusting, sealed), visitor(trusting), visitor(trusting, CHAIR.username)
    for file in trusting.desk.settings.trust.glob("*.pem"):
        file.unlink()
    assert rechecks.keep_current(trusting.desk)["changed"] == 1
    assert "Kết quả kiểm tra chữ ký đã thay đổi" in words(clerk.get("/"))
    assert "Kết quả kiểm tra chữ ký đã thay đổi" not in words(chair.get("/"))
    page = words(chair.get(f"/van-ban-den/{document}"))
    assert "Kết quả kiểm tra chữ ký số đã thay đổi lúc" in page
    assert "Chứng thư số không do tổ chức được tin cậy cấp" in page
    assert "Tôi đã xem kết quả mới" not in page
    assert "Tôi đã xem kết quả mới" in words(clerk.get(f"/van-ban-den/{document}"))
    assert clerk.post(f"/van-ban-den/{document}/da-xem-ket-qua").status_code == 303
    assert "Kết quả kiểm tra chữ ký đã thay đổi" not in words(clerk.get("/"))
    report = words(clerk.get(f"/van-ban-den/{document}/tep/0/kiem-tra"))
    assert "Kiểm tra lại với dữ liệu tin cậy mới" in report
    assert "Kiểm tra lần đầu khi văn bản đến trạm" in report


def test_anybody_may_check_any_pdf_and_nothing_of_it_is_kept(trusting: Office, sealed: bytes) -> None:
    def kept() -> set[str]:
        return {path.name for path in trusting.desk.settings.blobs.rglob("*")}

    for username in (TECHNICIAN.username, AUDITOR.username):
        person, before = visitor(trusting, username), kept()
        answer = person.post("/kiem-tra-chu-ky", {"file": (io.BytesIO(sealed), "thư lạ.pdf")})
        assert answer.status_code == 200
        assert "Chữ ký hợp lệ" in words(answer)
        assert "Trạm không lưu tệp này" in words(answer)
        assert kept() == before
        assert trusting.desk.db.execute("SELECT count(*) FROM verdict").fetchone()[0] == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "không phải là PDF"),
        (b"<script>alert(1)</script>", "không phải là PDF"),
        (b"%PDF-1.7\nhong", "đứt hoặc hỏng"),
        (b"%PDF-1.7\n" + b"<<" * 50_000, "đứt hoặc hỏng"),
    ],
)
def test_what_is_no_pdf_gets_a_sentence(trusting: Office, data: bytes, said: str) -> None:
    answer = visitor(trusting).post("/kiem-tra-chu-ky", {"file": (io.BytesIO(data), "<b>tệp</b>.pdf")})
    assert answer.status_code == 200
    assert said in words(answer)
    assert "<b>tệp" not in answer.text


def test_no_file_is_asked_for_again(trusting: Office) -> None:
    answer = visitor(trusting).post("/kiem-tra-chu-ky", {})
    assert answer.status_code == 422
    assert "Chưa chọn tệp PDF." in words(answer)
