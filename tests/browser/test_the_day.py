"""The whole outgoing and incoming day through the pages, in a real Chromium, as three different people."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from provisioning.demo.cast import CHAIR, CLERK, OFFICIAL, PROVINCE_OFFICE, UBND
from tests.browser_fixtures import log_in
from tests.live_fixtures import Live

LONG = (
    "Về việc phê duyệt Kế hoạch chuyển đổi số, bảo đảm an toàn thông tin mạng và ứng dụng chữ ký số chuyên dùng công "
    "vụ trong hoạt động của Ủy ban nhân dân xã Hòa Bình giai đoạn 2026 - 2030, tầm nhìn đến năm 2035"
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_an_outgoing_document_goes_through_three_hands_and_leaves(browser: Browser, live: Live, tmp_path: Path) -> None:
    pdf = tmp_path / "Quyết định chuyển đổi số.pdf"
    pdf.write_bytes(live.draft)
    official, chair, clerk = (log_in(browser, live, one.username) for one in (OFFICIAL, CHAIR, CLERK))

    official.get_by_role("link", name=re.compile("Soạn văn bản")).first.click()
    official.get_by_role("link", name="Tải tệp PDF lên").click()
    official.get_by_label(re.compile("Tệp PDF")).set_input_files(pdf)
    official.get_by_label(re.compile("^Loại văn bản")).select_option(label="Quyết định")
    official.get_by_label(re.compile("^Trích yếu")).fill(LONG)
    official.get_by_role("checkbox", name=re.compile(PROVINCE_OFFICE.name)).check()
    official.get_by_role("checkbox", name=re.compile("không chứa bí mật nhà nước")).check()
    _press(official, "Lưu dự thảo")
    expect(official).to_have_url(re.compile("/vi-tri"))
    path = re.sub(r"/vi-tri.*", "", official.url.removeprefix(live.world.base))
    official.goto(live.world.base + path)
    _press(official, "Trình ký")
    expect(official.get_by_role("heading", name="Không có việc của anh/chị lúc này")).to_be_visible()

    chair.goto(f"{live.world.base}/")
    chair.get_by_role("link", name=re.compile(re.escape(LONG[:40]))).first.click()
    expect(chair.locator("canvas").first).to_be_visible()
    chair.get_by_label("Mã PIN thiết bị của tôi").fill(live.world.pins[CHAIR.username])
    _press(chair, "Ký số")
    expect(chair.get_by_text("Đã ký số.")).to_be_visible(timeout=30_000)

    clerk.goto(f"{live.world.base}{path}")
    clerk.get_by_label("Mã PIN thiết bị của cơ quan").fill(live.world.pins[UBND.id])
    _press(clerk, "Lấy số và đóng dấu")
    expect(clerk.get_by_text(re.compile(r"Đã lấy số \d+/QĐ-UBND"))).to_be_visible(timeout=30_000)
    _press(clerk, "Phát hành văn bản")
    expect(clerk.get_by_role("heading", name="Đã phát hành")).to_be_visible(timeout=30_000)

    live.wait_for(lambda: live.eyes.message_state(path) == "accepted")
    clerk.reload()
    expect(clerk.get_by_text(LONG).first).to_be_visible()
    expect(clerk.get_by_text(re.compile("hợp lệ", re.IGNORECASE)).first).to_be_visible(timeout=30_000)
    assert not _leaves_the_page(clerk)


def test_an_incoming_document_is_registered_assigned_and_finished(browser: Browser, live: Live) -> None:
    subject = "V/v báo cáo tình hình ứng dụng chữ ký số quý IV"
    values = {"organ": PROVINCE_OFFICE.code, "to": UBND.code, "subject": subject, "number": "216", "notation": "VP-TH"}
    files = {"file": ("Công văn 216.pdf", live.letter, "application/pdf")}
    httpx.post(f"{live.world.operator}/control/send", data=values, files=files, timeout=30).raise_for_status()
    live.wait_for(lambda: live.eyes.count("incoming", "code_number = '216'") == "1")

    clerk = log_in(browser, live, CLERK.username)
    clerk.goto(f"{live.world.base}/van-ban-den/")
    clerk.get_by_role("link", name=subject).first.click()
    path = clerk.url
    expect(clerk.get_by_text(PROVINCE_OFFICE.name).first).to_be_visible()
    expect(clerk.get_by_text(re.compile("hợp lệ", re.IGNORECASE)).first).to_be_visible(timeout=30_000)
    expect(clerk.locator("canvas").first).to_be_visible()
    _press(clerk, "Tiếp nhận, vào sổ")

    chair = log_in(browser, live, CHAIR.username)
    chair.goto(path)
    chair.get_by_label(re.compile("^Người xử lý")).select_option(label=f"{OFFICIAL.full_name} – {OFFICIAL.position}")
    chair.get_by_label("Ý kiến chỉ đạo").fill("Tổng hợp, báo cáo trước ngày 25.")
    _press(chair, "Phân công")

    official = log_in(browser, live, OFFICIAL.username)
    official.goto(path)
    _press(official, "Bắt đầu xử lý")
    official.get_by_label(re.compile("^Kết quả xử lý")).fill("Đã có báo cáo số 12/BC-UBND gửi Văn phòng.")
    _press(official, "Hoàn thành")
    expect(official.get_by_role("heading", name="Đã hoàn thành")).to_be_visible()

    def codes() -> set[str]:
        messages = httpx.get(f"{live.world.operator}/control/messages", timeout=10).json()["messages"]
        return {m["status_code"] for m in messages if m["kind"] == "status" and "216/VP-TH" in (m["document_id"] or "")}

    live.wait_for(lambda: codes() >= {"01", "03", "04", "05", "06"})


def _leaves_the_page(page: Page) -> bool:
    """Whether anything makes the page wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"))
