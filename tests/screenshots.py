"""Pictures of the pages after a real day, at desktop and phone width: ``python -m tests.screenshots [FOLDER]``.

Without a folder it only makes docs/screenshot.png, the picture in the README.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from provisioning.demo.cast import CLERK, TECHNICIAN
from provisioning.demo.run import play, start
from provisioning.demo.world import World
from provisioning.supervisor import Supervisor
from tests.browser_fixtures import DESKTOP, PHONE, QUIET, trusting_home
from tests.ports import row_of_ports

PAGES = {
    CLERK.username: {
        "home": "/",
        "outgoing-list": "/van-ban-di/",
        "outgoing-new": "/van-ban-di/moi",
        "outgoing-type": "/van-ban-di/soan",
        "outgoing-text": "/van-ban-di/soan/cong-van",
        "outgoing": "{outgoing}",
        "incoming-list": "/van-ban-den/",
        "incoming": "{incoming}",
        "queue": "/hang-doi/",
        "quarantine": "/cach-ly",
        "outgoing-more": "{outgoing}/gui-them",
        "requests": "/van-ban-den/yeu-cau",
        "groups": "/nhom-noi-nhan/",
        "statistics": "/thong-ke/",
        "courier": "/usb/",
    },
    TECHNICIAN.username: {"system": "/he-thong"},
}


def main(folder: Path | None) -> None:
    """Play the day, then take the pictures."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short, Supervisor(Path(short) / "log", print) as programs:
        world, draft, letter, desk = start(Path(short) / "d", row_of_ports(5), programs)
        day = play(world, desk, draft, letter)
        if not day.held:
            raise SystemExit("the day did not hold; no pictures")
        home = trusting_home(Path(short) / "home", world.lan_ca)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=QUIET, env={**os.environ, "HOME": str(home)}
            )
            for size, name in ((DESKTOP, "desktop"), (PHONE, "phone")):
                for username, pages in PAGES.items():
                    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="vi-VN")
                    page = context.new_page()
                    _log_in(page, world, username)
                    for title, path in pages.items():
                        page.goto(world.base + path.format(outgoing=day.outgoing_path, incoming=day.incoming_path))
                        page.wait_for_load_state("networkidle")
                        if folder is not None:
                            page.screenshot(path=folder / f"{title}-{name}.png", full_page=True)
                        if (title, name) == ("outgoing", "desktop"):
                            page.screenshot(path=Path(__file__).parents[1] / "docs" / "screenshot.png")
            chromium.close()


def _log_in(page: Page, world: World, username: str) -> None:
    page.goto(f"{world.base}/dang-nhap")
    page.get_by_label("Tên đăng nhập").fill(username)
    page.get_by_label("Mật khẩu").fill(world.passwords[username])
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(lambda url: "/dang-nhap" not in url)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if target:
        target.mkdir(parents=True, exist_ok=True)
    main(target)
