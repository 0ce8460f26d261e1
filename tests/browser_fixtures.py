"""A real Chromium that trusts the box's own authority (and no certificate error is ever waved through)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.live_fixtures import Live

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 900), (390, 844)


def trusting_home(home: Path, authority: Path) -> Path:
    """A home folder whose certificate store trusts ``authority`` for web sites, as on an office PC."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for arguments in (("-N", "--empty-password"), ("-A", "-n", "tram", "-t", "C,,", "-i", str(authority))):
        subprocess.run(["certutil", "-d", f"sql:{store}", *arguments], check=True, capture_output=True)
    return home


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """One engine for the browser tests; it ends with them, because its event loop may not run beside other tests."""
    with sync_playwright() as engine:
        yield engine


@pytest.fixture(scope="package")
def browser(playwright: Playwright, live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium from Debian that trusts the running office."""
    home = trusting_home(tmp_path_factory.mktemp("home"), live.world.lan_ca)
    chromium = playwright.chromium.launch(
        executable_path="/usr/bin/chromium", args=QUIET, env={**os.environ, "HOME": str(home)}
    )
    yield chromium
    chromium.close()


def log_in(browser: Browser, live: Live, username: str, size: tuple[int, int] = DESKTOP) -> Page:
    """A window of one person, logged in through the form."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh"
    )
    page = context.new_page()
    page.goto(f"{live.world.base}/dang-nhap")
    page.get_by_label("Tên đăng nhập").fill(username)
    page.get_by_label("Mật khẩu").fill(live.world.passwords[username])
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(lambda url: "/dang-nhap" not in url)
    return page
