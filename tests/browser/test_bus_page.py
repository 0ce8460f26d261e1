"""The bus's operator page in Chromium: without any script, at a desk and on a phone."""

from __future__ import annotations

import time

import httpx
import pytest
from playwright.sync_api import Browser, Page

from provisioning.demo.cast import PROVINCE_OFFICE, UBND
from tests.browser_fixtures import DESKTOP, PHONE
from tests.live_fixtures import Live

pytestmark = pytest.mark.browser


def _page(browser: Browser, size: tuple[int, int]) -> tuple[Page, list[str]]:
    """A window with JavaScript off, and what its console complains about."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="vi-VN", java_script_enabled=False
    )
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    return page, complaints


def _messages(live: Live) -> list[dict[str, object]]:
    found: list[dict[str, object]] = httpx.get(f"{live.world.operator}/control/messages", trust_env=False).json()[
        "messages"
    ]
    return found


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_letter_is_sent_and_the_line_broken_and_mended_by_hand(
    browser: Browser, live: Live, size: tuple[int, int]
) -> None:
    page, complaints = _page(browser, size)
    page.goto(live.world.operator)
    page.get_by_role("link", name=PROVINCE_OFFICE.name).first.click()
    page.get_by_role("link", name="Gửi văn bản").click()
    subject = f"V/v thử trang của trục {time.time_ns()}"
    page.get_by_label("Trích yếu").fill(subject)
    page.get_by_label("Ký hiệu").fill("VP-TH")
    page.get_by_label(UBND.name, exact=True).check()
    page.get_by_role("button", name="Gửi lên trục").click()
    assert page.get_by_role("status").inner_text() == "Đã gửi văn bản lên trục."
    assert page.get_by_text(subject).is_visible()
    (sent,) = [message for message in _messages(live) if message["subject"] == subject]
    assert UBND.code in str(sent["to"])

    page.get_by_role("link", name="Đường truyền").click()
    page.get_by_role("button", name="Rất chậm").click()
    assert page.get_by_role("link", name="Đường truyền có lỗi").is_visible()
    page.get_by_role("button", name="Thông suốt").click()
    assert page.get_by_role("link", name="Đường truyền thông suốt").is_visible()
    assert complaints == []


def test_no_page_is_wider_than_a_phone(browser: Browser, live: Live) -> None:
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    page = context.new_page()
    for path in ("/", f"/organs/{UBND.code}", f"/organs/{UBND.code}/sent", f"/organs/{PROVINCE_OFFICE.code}/send"):
        page.goto(live.world.operator + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
