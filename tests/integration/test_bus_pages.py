"""The operator's pages: what they show, what they refuse, and that a hostile package cannot write into them."""

from __future__ import annotations

import time
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from appliance.clock import VN
from appliance.office.desk import Party
from appliance.store.blobs import BlobStore
from sync.edxml.packer import EdxmlPacker
from sync.reference_bus import reports
from sync.reference_bus.config import load_config
from sync.reference_bus.store import BusStore
from tests.bus_fixtures import BOX, OTHER_BOX, PROVINCE, RunningBus, minimal_pdf, start_bus
from tests.edxml_fixtures import document, file_in, package_bytes, status

pytest_plugins = ["tests.bus_fixtures"]

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


class _Markup(HTMLParser):
    """Reads a page as a browser does, and objects to anything that could run or restyle it."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "style", "img", "iframe", "object", "i", "b"}, tag
        for name, value in attrs:
            assert name != "style", self.get_starttag_text()
            assert not name.startswith("on"), self.get_starttag_text()
            assert not (value or "").strip().lower().startswith("javascript:"), self.get_starttag_text()

    @classmethod
    def check(cls, text: str) -> None:
        parser = cls()
        parser.feed(text)
        parser.close()


@pytest.fixture
def page(bus: RunningBus) -> httpx.Client:
    return httpx.Client(base_url=bus.operator, trust_env=False, timeout=20)


def _document(bus: RunningBus, folder: Path, subject: str, **changes: object) -> str:
    """A document from a box to the province; returns the delivery's docId."""
    blobs = BlobStore(folder)
    values: dict[str, object] = {
        "sender": Party(BOX, HOSTILE), "recipients": (Party(PROVINCE, HOSTILE),), "subject": subject,
        "files": (file_in(blobs, minimal_pdf(), "báo cáo.pdf"), file_in(blobs, b"<b>x</b>", "b.html", "text/html")),
        **changes,
    }  # fmt: skip
    data = package_bytes(document(**values), blobs)
    message_id = bus.receipt(bus.put(data, to=PROVINCE, Edoc_Priority="3"))["messageId"]
    (delivery,) = next(m for m in bus.messages() if m["id"] == message_id)["deliveries"]
    return str(delivery["doc_id"])


def test_every_page_can_be_opened(page: httpx.Client, bus: RunningBus, tmp_path: Path) -> None:
    doc_id = _document(bus, tmp_path, "Về phòng, chống thiên tai")
    for path in ("/", "/?live=1", f"/organs/{PROVINCE}", f"/organs/{BOX}/sent", f"/organs/{PROVINCE}/send"):
        answer = page.get(path)
        assert answer.status_code == 200, path
        assert "Trục liên thông" in answer.text
    assert "Về phòng, chống thiên tai" in page.get(f"/deliveries/{doc_id}").text


def test_a_hostile_package_stays_text_on_every_page(page: httpx.Client, bus: RunningBus, tmp_path: Path) -> None:
    doc_id = _document(
        bus, tmp_path, HOSTILE, document_code=HOSTILE, signer_name=HOSTILE[:40], signer_position=HOSTILE,
        type_name=HOSTILE, notation="<b>ký</b>",
    )  # fmt: skip
    said = status(
        sender=Party(OTHER_BOX, HOSTILE), addressee_code=BOX, document_code=HOSTILE, description=HOSTILE,
        staff_name=HOSTILE, status_code="<i>",
    )  # fmt: skip
    bus.put(EdxmlPacker().status(said), sender=OTHER_BOX, to=BOX, Edoc_Kind="status")
    for path in ("/", f"/organs/{PROVINCE}", f"/organs/{BOX}/sent", f"/deliveries/{doc_id}"):
        text = page.get(path).text
        assert "&lt;script&gt;alert(1)" in text, path
        assert "{{ 7*7 }}" in text, path
        _Markup.check(text)


def test_pages_have_no_script_and_no_inline_style_and_forbid_both(page: httpx.Client) -> None:
    for path in ("/", f"/organs/{PROVINCE}/send", "/organs/nobody"):
        answer = page.get(path)
        _Markup.check(answer.text)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_attachments_and_the_package_can_be_saved(page: httpx.Client, bus: RunningBus, tmp_path: Path) -> None:
    doc_id = _document(bus, tmp_path, "Có tệp đính kèm")
    pdf, html = page.get(f"/deliveries/{doc_id}/files/0"), page.get(f"/deliveries/{doc_id}/files/1")
    assert pdf.content == minimal_pdf()
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert quote("báo cáo.pdf") in pdf.headers["Content-Disposition"]
    assert html.headers["Content-Type"] == "application/octet-stream"
    assert html.headers["Content-Disposition"].startswith("attachment")
    assert page.get(f"/deliveries/{doc_id}/files/9").status_code == 404
    assert page.get(f"/deliveries/{doc_id}/package").content.startswith(b"<?xml")


def test_what_cannot_be_read_is_shown_as_such(page: httpx.Client, bus: RunningBus) -> None:
    message_id = bus.receipt(bus.put(b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', to=PROVINCE))["messageId"]
    (delivery,) = next(m for m in bus.messages() if m["id"] == message_id)["deliveries"]
    answer = page.get(f"/deliveries/{delivery['doc_id']}")
    assert answer.status_code == 200
    assert "Gói tin không đọc được" in answer.text
    assert "DOCTYPE" in answer.text


def test_a_letter_is_sent_from_the_form(page: httpx.Client, bus: RunningBus) -> None:
    subject = f"V/v thử {time.time_ns()}"
    form = {"to": [BOX, OTHER_BOX], "subject": subject, "number": "7", "notation": "VP", "urgency": "1"}
    answer = page.post(f"/organs/{PROVINCE}/send", data=form)
    assert answer.status_code == 302
    assert subject in page.get(answer.headers["Location"]).text
    (sent,) = [m for m in bus.messages() if m["subject"] == subject]
    assert sorted(d["organ"] for d in sent["deliveries"]) == [BOX, OTHER_BOX]


def test_a_form_with_a_hole_comes_back_filled_in(page: httpx.Client) -> None:
    answer = page.post(f"/organs/{PROVINCE}/send", data={"to": BOX, "subject": "Giữ lại chữ này", "number": "7"})
    assert answer.status_code == 422
    assert "Chưa ghi ký hiệu" in answer.text
    assert "Giữ lại chữ này" in answer.text


def test_statuses_are_sent_from_the_document_page(page: httpx.Client, bus: RunningBus, tmp_path: Path) -> None:
    doc_id = _document(bus, tmp_path, "Về trạng thái")
    assert "phải nêu lý do" in page.post(f"/deliveries/{doc_id}/status", data={"code": "02"}).text
    done = page.post(f"/deliveries/{doc_id}/status", data={"code": "06", "description": "Đã xong việc này"})
    assert "Đã xong việc này" in page.get(done.headers["Location"]).text


def test_the_form_does_not_send_for_an_organ_with_a_box(page: httpx.Client) -> None:
    assert page.get(f"/organs/{BOX}/send").status_code == 422
    answer = page.post(f"/organs/{BOX}/send", data={"to": PROVINCE, "subject": "x", "number": "1", "notation": "x"})
    assert "có trạm riêng" in answer.text


def test_the_line_is_switched_from_the_page_and_its_state_is_seen_everywhere(page: httpx.Client) -> None:
    try:
        assert page.post("/line", data={"preset": "slow"}).status_code == 302
        assert "4000 byte/giây" in page.get("/").text
        assert "Đường truyền có lỗi" in page.get(f"/organs/{PROVINCE}").text
        page.post("/line", data={"stall": "1", "latency_ms": "20"})
        state = page.get("/control/state").json()["line"]
        assert (state["stall"], state["latency_ms"], state["bytes_per_second"]) == (True, 20, 0)
        assert page.post("/line", data={"latency_ms": "-1"}).status_code == 422
    finally:
        page.post("/line", data={"preset": "good"})
    assert "Đường truyền thông suốt" in page.get("/").text


def test_another_site_cannot_press_the_buttons(page: httpx.Client) -> None:
    for origin in ("https://example.test", "null"):
        answer = page.post("/line", data={"preset": "down"}, headers={"Origin": origin})
        assert answer.status_code == 403
    assert page.get("/control/state").json()["line"]["down"] is False
    own = page.post("/line", data={"preset": "good"}, headers={"Origin": str(page.base_url).rstrip("/")})
    assert own.status_code == 302


def test_another_name_for_this_address_is_refused(page: httpx.Client) -> None:
    assert page.get("/", headers={"Host": "example.test"}).status_code == 403


def test_what_does_not_exist_is_said_in_words(page: httpx.Client) -> None:
    for path in ("/organs/H99.99", "/deliveries/none", "/nothing"):
        answer = page.get(path)
        assert answer.status_code == 404
        assert "Không làm được" in answer.text
    assert page.post("/control/line", json={"speed": 1}).json()["error"] == "Đường truyền không có công tắc “speed”."
    assert page.post("/control/line", json={"down": 1}).status_code == 422
    assert page.post("/control/settings", json={"auto_answer": "no"}).status_code == 422


def test_the_directory_is_searched_paged_and_changed(bus: RunningBus, page: httpx.Client) -> None:
    lines = "\n".join(f"H77.{n},Ủy ban nhân dân xã Số {n} – vùng sâu vùng xa,H77,{n % 2}" for n in range(1, 121))
    file = {"file": ("organs.csv", f"code,name,parent,virtual\n{lines}".encode(), "text/csv")}
    answer = page.post("/organs", files=file, follow_redirects=True)
    assert "Đã nạp tệp danh bạ" in answer.text
    _Markup.check(answer.text)
    found = page.get("/organs", params={"q": "vung xa", "page": "3"}).text
    assert "120 đơn vị khớp" in found
    assert "Trang 3" in found
    assert "Trang sau" not in found
    assert "Không có đơn vị nào khớp" in page.get("/organs", params={"q": "ở đâu"}).text
    assert page.post("/organs", files={"file": ("x.csv", b"name\nx")}).status_code == 422

    form = {"code": "H77.999", "name": HOSTILE, "valid_to": "2025-06-30", "successor": "H77.2", "old_codes": "OLD.1"}
    changed = page.post("/organs/H77.1/edit", data=form, follow_redirects=True)
    assert "Đã ghi vào danh bạ" in changed.text
    _Markup.check(changed.text)
    told = {organ["code"]: organ for organ in bus.client(BOX).get("directory").json()["organs"]}
    assert set(told["H77.999"]["oldCodes"]) == {"OLD.1", "H77.1"}
    assert "đã là của đơn vị khác" in page.post("/organs/new", data={"code": "H77.1", "name": "x"}).text
    assert "H77.500" in page.post(
        "/organs/new", data={"code": "H77.500", "name": "Sở Y tế"}, follow_redirects=True
    ).text  # fmt: skip
    for path in ("/", "/organs?page=x", "/organs/new", "/organs/H77.999/edit", "/organs/H77.999/reports",
                 "/organs/H77.2", "/organs/H77.3/send"):  # fmt: skip
        shown = page.get(path)
        assert shown.status_code == 200, path
        _Markup.check(shown.text)


def test_a_report_stands_beside_the_count_of_the_bus(tmp_path: Path) -> None:
    """A month's statistics of an organ, newest in force, with the difference marked."""
    bus = start_bus(tmp_path)
    try:
        bus.put(b"<x/>")
        month = datetime.now(VN).strftime("%Y-%m")
        with httpx.Client(base_url=bus.operator, trust_env=False) as page:
            before = page.get(f"/organs/{BOX}/reports").text
            assert "chưa gửi báo cáo của tháng này" in before
        bus.stop()
        store = BusStore(load_config(tmp_path / "bus.toml"))
        both = [{"code": f"H77.{n}", "name": "Ủy ban nhân dân xã Tân Lập", "issued": 1} for n in (1, 2)]
        content = {
            "sent": {"issued": 2, "refused": 0, "hỏa tốc": 1, "byUrgency": {"2": {"issued": 2}}, "byOrgan": both},
            "received": {"arrived": 0, "byType": "none"}, "ghi chú": HOSTILE,
        }  # fmt: skip
        reports.keep(store, BOX, month, content)
        store.close()
        bus.start()
        with httpx.Client(base_url=bus.operator, trust_env=False) as page:
            text = page.get(f"/organs/{BOX}/reports", params={"month": month}).text
        _Markup.check(text)
        assert "2 (lệch)" in text
        assert text.count("(lệch)") == 1
        assert "sent › hỏa tốc" in text
        assert "Ủy ban nhân dân xã Tân Lập (H77.2)" in text
        assert "Theo độ khẩn" in text
        assert "Theo loại" not in text
        assert bus.control("GET", f"reports/{BOX}")["reports"][0]["content"] == content
    finally:
        bus.stop()
