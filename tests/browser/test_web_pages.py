"""Every page in a real Chromium, wide and narrow: accessible by axe-core, inside the window, true to the policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from provisioning.demo.cast import CLERK, OFFICIAL
from tests.browser import page_scene
from tests.browser.page_scene import Place, pages
from tests.browser_fixtures import DESKTOP, PHONE, QUIET
from tests.office_fixtures import PASSWORD
from tests.web_fixtures import add_outgoing

pytestmark = [pytest.mark.browser, pytest.mark.slow]
place = page_scene.place

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WATCH = """
window.broken = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.broken.push(event.violatedDirective + ' ' + event.blockedURI);
});
"""


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
    yield browser
    browser.close()


def _context(chromium: Browser, size: tuple[int, int], **options: object) -> BrowserContext:
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="vi-VN", **options)  # type: ignore[arg-type]
    context.add_init_script(WATCH)
    return context


def _log_in(context: BrowserContext, place: Place, username: str) -> Page:
    page = context.new_page()
    page.goto(f"{place.base}/dang-nhap")
    page.get_by_label("Tên đăng nhập").fill(username)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(lambda url: "/dang-nhap" not in url)
    return page


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_is_accessible_stays_in_the_window_and_keeps_the_policy(
    chromium: Browser, place: Place, size: tuple[int, int]
) -> None:
    faults: list[str] = []
    for username, paths in pages(place).items():
        context = _context(chromium, size)
        page = _log_in(context, place, username)
        page.on("pageerror", lambda error, found=faults: found.append(f"script: {error}"))
        for path in paths:
            page.goto(place.base + path)
            page.wait_for_load_state("networkidle")
            faults += [f"{path}: policy {one}" for one in page.evaluate("window.broken")]
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                faults.append(f"{path}: wider than the window")
            page.evaluate(AXE.read_text("utf-8"))
            report = page.evaluate("(rules) => axe.run(document, {runOnly: rules, preload: false})", RULES)
            faults += [f"{path}: {one['id']} {one['nodes'][0]['html'][:120]}" for one in report["violations"]]
        context.close()
    assert faults == []


def test_every_field_has_a_label_that_is_more_than_a_placeholder(chromium: Browser, place: Place) -> None:
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    for path in (
        "/van-ban-di/moi",
        "/ban-sao/moi",
        "/hinh-anh/",
        f"/van-ban-di/{place.outgoing['drafting']}/vi-tri",
        "/van-ban-di/",
        "/hang-doi/",
    ):
        page.goto(place.base + path)
        bare = page.eval_on_selector_all(
            "input:not([type=hidden]), select, textarea",
            "all => all.filter(e => !e.labels.length && !e.getAttribute('aria-label')).map(e => e.outerHTML)",
        )
        assert bare == [], path
    context.close()


def test_the_viewer_draws_turns_and_zooms(chromium: Browser, place: Place) -> None:
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    page.goto(f"{place.base}/van-ban-di/{place.outgoing['sealed']}")
    expect(page.locator(".sheet canvas")).to_be_visible()
    width = page.locator(".sheet").bounding_box()
    page.get_by_role("button", name="Phóng to").click()
    wider = page.locator(".sheet").bounding_box()
    assert width is not None
    assert wider is not None
    assert wider["width"] > width["width"] * 1.2
    page.get_by_role("button", name="Vừa khung").click()
    with page.expect_download() as download:
        page.locator(".pdf").get_by_role("link", name="Tải về").click()
    assert re.fullmatch(r"\d\d-UBND-VP Công văn về việc thử\.pdf", download.value.suggested_filename)
    context.close()


def test_a_box_is_moved_with_the_keyboard_and_dragged_with_the_mouse(chromium: Browser, place: Place) -> None:
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    page.goto(f"{place.base}/van-ban-di/{place.outgoing['drafting']}/vi-tri")
    box = page.get_by_role("button", name=re.compile("^Con dấu"))
    left, top = page.locator("[id='seal.left']"), page.locator("[id='seal.top']")
    expect(box).to_be_visible()
    before = float(left.input_value())
    box.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert float(left.input_value()) == pytest.approx(before + 1.1, abs=0.05)
    drawn = box.bounding_box()
    assert drawn is not None
    start = float(top.input_value())
    x, y = drawn["x"] + drawn["width"] / 2, drawn["y"] + drawn["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 60, steps=4)
    page.mouse.up()
    assert float(top.input_value()) < start - 5
    page.get_by_role("button", name="Lưu vị trí").click()
    expect(page.get_by_text("Đã lưu các vị trí.")).to_be_visible()
    context.close()


def test_a_box_is_resized_by_its_corner_with_a_finger_and_by_the_keyboard_and_the_seal_is_not(
    chromium: Browser, place: Place
) -> None:
    context = _context(chromium, PHONE, has_touch=True)
    page = _log_in(context, place, CLERK.username)
    page.goto(f"{place.base}/van-ban-di/{place.outgoing['drafting']}/vi-tri")
    box = page.get_by_role("button", name=re.compile("^Chữ ký"))
    width, height = page.locator("[id='signature.width']"), page.locator("[id='signature.height']")
    expect(box).to_be_visible()
    assert page.get_by_role("button", name=re.compile("^Con dấu")).locator(".box__grip").count() == 0
    before = float(width.input_value()), float(height.input_value())
    box.scroll_into_view_if_needed()
    grip = box.locator(".box__grip").bounding_box()
    assert grip is not None
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    finger = context.new_cdp_session(page)
    for kind, dx in (("touchStart", 0), ("touchMove", 6), ("touchMove", 12), ("touchEnd", None)):
        points = [] if dx is None else [{"x": x + dx, "y": y + dx}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert float(width.input_value()) > before[0] + 2
    assert float(height.input_value()) > before[1] + 2
    larger = float(width.input_value())
    box.focus()
    page.keyboard.press("Alt+ArrowLeft")
    assert float(width.input_value()) == pytest.approx(larger - 1, abs=0.05)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_a_box_is_dragged_to_the_next_page_and_turned_back_by_the_keyboard(chromium: Browser, place: Place) -> None:
    sample = Path(__file__).resolve().parents[1] / "samples" / "libreoffice-pdfa.pdf"
    digest = place.office.desk.blobs.put(sample.read_bytes())
    document = add_outgoing(place.office, "drafting", draft_sha256=digest, prepared_sha256=None, page_count=2)
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    page.goto(f"{place.base}/van-ban-di/{document}/vi-tri")
    box, number = page.get_by_role("button", name=re.compile("^Chữ ký")), page.locator("[id='signature.page']")
    expect(box).to_be_visible()
    for key in [*["ArrowDown"] * 60]:
        box.press(key)  # down to where the next page is near
    box.scroll_into_view_if_needed()
    page.locator("[data-sheets]").evaluate("sheets => sheets.scrollBy(0, 450)")
    drawn, second = box.bounding_box(), page.locator(".sheet[data-number='2']").bounding_box()
    assert drawn is not None
    assert second is not None
    page.mouse.move(drawn["x"] + 20, drawn["y"] + 10)
    page.mouse.down()
    page.mouse.move(drawn["x"] + 20, second["y"] + 60, steps=6)
    page.mouse.move(drawn["x"] + 20, second["y"] + 90, steps=3)
    page.mouse.up()
    expect(number).to_have_value("2")
    assert page.locator(".sheet[data-number='2'] .box--signature").count() == 1
    page.mouse.move(drawn["x"] + 200, second["y"] + 300)  # let go means let go
    dropped = page.locator("[id='signature.top']").input_value()
    page.mouse.move(drawn["x"], second["y"] + 200)
    assert page.locator("[id='signature.top']").input_value() == dropped
    box.press("PageUp")
    expect(number).to_have_value("1")
    context.close()


def test_recipients_are_found_without_marks_and_counted(chromium: Browser, place: Place) -> None:
    context = _context(chromium, PHONE)
    page = _log_in(context, place, OFFICIAL.username)
    page.goto(f"{place.base}/van-ban-di/moi")
    page.get_by_label("Tìm cơ quan nhận theo tên hoặc mã").fill("so noi vu")
    expect(page.locator(".picker__item:visible")).to_have_count(1)
    page.locator(".picker__item:visible").click()
    expect(page.get_by_text("Đã chọn 1")).to_be_visible()
    context.close()


def test_the_search_narrows_the_list_while_typing(chromium: Browser, place: Place) -> None:
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    page.goto(f"{place.base}/van-ban-di/")
    page.get_by_label(re.compile("^Tìm theo trích yếu")).fill("khong co chu nay")
    expect(page.get_by_text("Không tìm thấy văn bản nào.")).to_be_visible()
    assert "tim=khong" in page.url
    context.close()


def test_all_of_it_works_without_script(chromium: Browser, place: Place) -> None:
    context = _context(chromium, PHONE, java_script_enabled=False)
    page = _log_in(context, place, CLERK.username)
    page.goto(f"{place.base}/van-ban-den/{place.incoming['arrived']}")
    expect(page.get_by_role("link", name="Tải tệp PDF về máy")).to_be_visible()
    page.get_by_role("button", name="Tiếp nhận, vào sổ").click()
    expect(page.get_by_text(re.compile("Đã tiếp nhận, số đến"))).to_be_visible()
    page.goto(f"{place.base}/van-ban-di/")
    page.get_by_label(re.compile("^Tìm theo trích yếu")).fill("trien khai")
    page.get_by_role("button", name="Tìm").click()
    expect(page.get_by_role("link", name=re.compile("triển khai")).first).to_be_visible()
    page.goto(place.base)
    page.get_by_role("link", name=re.compile("Xem đường truyền")).click()
    expect(page.get_by_text("Quét mã độc", exact=True)).to_be_visible()
    context.close()


def test_the_menu_is_folded_on_a_phone_and_open_on_a_desk(chromium: Browser, place: Place) -> None:
    for size, shown in ((DESKTOP, True), (PHONE, False)):
        context = _context(chromium, size)
        page = _log_in(context, place, CLERK.username)
        link = page.get_by_role("link", name="Văn bản đến", exact=True)
        expect(link).to_be_visible(visible=shown)
        if not shown:
            page.get_by_text("Danh mục").click()
            link.click()
            expect(page.get_by_role("heading", name="Văn bản đến")).to_be_visible()
        context.close()


def test_the_shipped_font_is_the_one_that_is_drawn(chromium: Browser, place: Place) -> None:
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    page.evaluate("document.fonts.ready.then(() => true)")
    session = context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": "h1"})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    assert {(font["familyName"], font["isCustomFont"]) for font in fonts} == {("Be Vietnam Pro SemiBold", True)}
    context.close()


def test_a_page_left_open_goes_to_log_in_when_its_session_has_ended(chromium: Browser, place: Place) -> None:
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    page.goto(f"{place.base}/hang-doi/")
    place.office.desk.db.execute("DELETE FROM web_session")
    page.wait_for_url(re.compile("/dang-nhap"), timeout=20_000)
    context.close()


def test_a_link_from_another_site_finds_the_person_still_logged_in(chromium: Browser, place: Place) -> None:
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    page.goto(place.base.replace("localhost", "127.0.0.1") + "/dang-nhap")  # the same box is another site by number
    page.evaluate(
        "(to) => { const a = document.createElement('a'); a.href = to; a.id = 'out'; a.textContent = 'x';"
        " document.querySelector('main').append(a); }",
        f"{place.base}/van-ban-den/",
    )
    page.locator("#out").click()
    expect(page.get_by_role("heading", name="Văn bản đến")).to_be_visible()
    context.close()


def test_what_is_unfolded_stays_open_when_its_area_refreshes(chromium: Browser, place: Place) -> None:
    context = _context(chromium, DESKTOP)
    page = _log_in(context, place, CLERK.username)
    page.goto(f"{place.base}/van-ban-di/{place.outgoing['issued']}")
    details = page.locator("#noi-nhan details").first
    details.locator("summary").click()
    with page.expect_response(re.compile("/noi-nhan"), timeout=15_000):
        page.evaluate("document.querySelector('#noi-nhan').dataset.old = '1'")
    expect(page.locator("#noi-nhan[data-old]")).to_have_count(0)
    expect(details).to_have_attribute("open", "")
    context.close()
