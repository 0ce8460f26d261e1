"""Typing a document in a real Chromium: the look beside the form, a refusal that loses nothing, both window sizes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect
from waitress.server import create_server

from appliance.config import Settings
from appliance.office.desk import Desk
from provisioning.box import make_desk
from provisioning.demo.cast import OFFICIAL
from tests.browser.page_scene import LONG
from tests.browser.test_web_pages import AXE, RULES, WATCH
from tests.browser_fixtures import DESKTOP, PHONE, QUIET
from tests.desk_fixtures import CleanScanner
from tests.office_fixtures import PASSWORD
from web import create_app

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BODY = "Thực hiện Kế hoạch của Ủy ban nhân dân tỉnh, đề nghị:\n1. Mục đích\na) Nâng cao nhận thức.\n" + "\n".join(
    f"{number}. Ủy ban nhân dân xã đề nghị quý cơ quan phối hợp thực hiện nội dung này." for number in range(2, 40)
)


@pytest.fixture(scope="module")
def base(furnished: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("drafting") / "box"
    shutil.copytree(furnished[0], folder)
    settings = Settings(data=folder, chronyc=False)

    def desk() -> Desk:
        made = make_desk(settings)
        made.scanner = CleanScanner(Path("unused"))
        return made

    server = create_server(create_app(settings, desk), listen="127.0.0.1:0", threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://localhost:{server.effective_port}"
    server.close()


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
    yield browser
    browser.close()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser, base: str) -> Iterator[Page]:
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="vi-VN", base_url=base)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto("/dang-nhap")
    page.get_by_label("Tên đăng nhập").fill(OFFICIAL.username)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(lambda url: "/dang-nhap" not in url)
    yield page
    assert page.evaluate("window.broken") == []
    context.close()


def _is_sound(page: Page) -> None:
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.evaluate("window.scrollTo(0, 0)")  # nothing half under the bar
    page.evaluate(AXE.read_text("utf-8"))
    report = page.evaluate("(rules) => axe.run(document, {runOnly: rules, preload: false})", RULES)
    assert [f"{one['id']} {one['nodes'][0]['html'][:120]}" for one in report["violations"]] == []


def test_a_letter_is_chosen_typed_looked_at_and_kept(page: Page, tmp_path: Path) -> None:
    page.goto("/van-ban-di/")
    page.get_by_role("link", name="Soạn văn bản").first.click()
    _is_sound(page)
    page.get_by_role("link", name="Công văn", exact=True).click()
    page.get_by_label("Trích yếu nội dung").fill(LONG[:300])
    page.get_by_label("Sở Nội vụ tỉnh Hải Vân").check()
    page.get_by_label("Nội dung văn bản").fill(BODY)
    page.get_by_text("Tên cơ quan, độ khẩn, hạn trả lời").click()
    page.get_by_label("Độ khẩn").select_option("2")
    _is_sound(page)
    page.screenshot(path=tmp_path / "form.png", full_page=True)

    page.get_by_role("button", name="Xem thử").click()
    expect(page.locator(".draft__paper .sheet canvas").first).to_be_visible(timeout=30_000)
    expect(page.locator(".draft__paper .textLayer").first).to_contain_text("THƯỢNG KHẨN")
    expect(page.locator(".draft__paper [data-pages]")).to_have_text("2")
    _is_sound(page)
    page.screenshot(path=tmp_path / "look.png")

    page.get_by_label("Trích yếu nội dung").fill("chữ 漢")
    page.get_by_role("button", name="Xem thử").click()
    expect(page.locator(".draft__paper .problem")).to_contain_text("Mục “Trích yếu nội dung”: ký tự “漢”")
    page.screenshot(path=tmp_path / "told.png")
    page.get_by_label("Trích yếu nội dung").fill("phối hợp tuyên truyền")
    page.get_by_text("Tôi xác nhận văn bản này không chứa bí mật nhà nước.").click()
    page.get_by_role("button", name="Lưu dự thảo").click()
    page.wait_for_url(lambda url: "/soan" not in url)
    expect(page.locator("h1")).to_have_text("phối hợp tuyên truyền")
    expect(page.locator(".sheet canvas").first).to_be_visible()
    page.get_by_role("link", name="Sửa dự thảo").click()
    expect(page.get_by_label("Nội dung văn bản")).to_have_value(BODY)


def test_minutes_with_an_appendix_lose_nothing_when_room_is_added(page: Page, tmp_path: Path) -> None:
    page.goto("/van-ban-di/soan/bien-ban")
    page.get_by_label("Địa điểm").fill("Hội trường UBND xã")
    page.get_by_text("Phụ lục, văn bản ban hành kèm theo").click()
    page.get_by_label("Tiêu đề").fill("Danh sách dự họp")
    page.get_by_role("button", name="Thêm phần kèm theo").click()
    expect(page.get_by_label("Tiêu đề")).to_have_count(2)
    expect(page.get_by_label("Tiêu đề").first).to_have_value("Danh sách dự họp")
    expect(page.get_by_label("Địa điểm")).to_have_value("Hội trường UBND xã")
    _is_sound(page)
    page.screenshot(path=tmp_path / "minutes.png", full_page=True)
