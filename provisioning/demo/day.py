"""A short real day, played by three people over HTTPS through the same pages that everybody uses.

Out: an official drafts a decision while the line is down, the chair signs, the clerk numbers, seals and issues; it
waits, and when the line returns it is sent once. In: the province's letter arrives, is registered, assigned, worked on,
finished.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import httpx

from appliance.clock import VN
from appliance.errors import TramError
from provisioning.demo.cast import CHAIR, CLERK, OFFICIAL, PROVINCE_OFFICE, UBND
from provisioning.demo.eyes import Eyes
from provisioning.demo.person import Person

PATIENCE_SECONDS = 90.0


class StepFailed(TramError):
    """A step of the day did not lead where it should."""


@dataclass(frozen=True)
class Step:
    """One line of the timeline. ``seconds`` since the day began (monotonic)."""

    at: str
    seconds: float
    who: str
    what: str
    held: bool
    detail: str = ""


@dataclass
class Day:
    """The running office as the day sees it, and what has happened so far."""

    people: dict[str, Person]
    eyes: Eyes
    bus: str
    pins: dict[str, str]
    draft: bytes
    letter: bytes
    say: Callable[[Step], None]
    timeline: list[Step] = field(default_factory=list)
    outgoing_path: str = ""
    incoming_path: str = ""
    _began: float = field(default_factory=time.monotonic)

    def play(self) -> None:
        """Every step in order; ends at the first that does not hold."""
        for who, what, step in self._programme():
            try:
                held, detail = True, step() or ""
            except (TramError, httpx.HTTPError) as error:
                held, detail = False, f"{type(error).__name__}: {error}"
            line = Step(
                datetime.now(VN).isoformat(timespec="seconds"),
                round(time.monotonic() - self._began, 2),
                who,
                what,
                held,
                detail,
            )
            self.timeline.append(line)
            self.say(line)
            if not held:
                return

    @property
    def held(self) -> bool:
        """Whether every step of the programme was taken and held."""
        return len(self.timeline) == len(self._programme()) and all(step.held for step in self.timeline)

    def as_dicts(self) -> list[dict[str, Any]]:
        """The timeline for summary.json."""
        return [asdict(step) for step in self.timeline]

    def _programme(self) -> list[tuple[str, str, Callable[[], str | None]]]:
        clerk, chair, official = CLERK.full_name, CHAIR.full_name, OFFICIAL.full_name
        return [
            ("Trạm", "đồng bộ giờ với trục liên thông", self.clock_is_trusted),
            ("Đường truyền", "bị đứt", lambda: self.line(down=True)),
            (official, "soạn quyết định, tải PDF lên và trình ký", self.draft_and_submit),
            (chair, "xem và ký số bằng khóa cá nhân", self.sign),
            (clerk, "lấy số, ghi số và ngày vào văn bản, đóng dấu cơ quan", self.number_and_seal),
            (clerk, "phát hành; văn bản chờ trong hàng đợi vì đường truyền đứt", self.issue),
            ("Trạm", "thấy đường truyền đứt, giữ văn bản lại, tiếp tục dò", self.waits_in_queue),
            ("Đường truyền", "có lại", lambda: self.line(down=False)),
            ("Trạm", "gửi đi đúng một lần và nhận biên nhận của trục", self.arrives_once),
            ("Nơi nhận", "báo “đã đến” (01)", self.status_comes_back),
            (PROVINCE_OFFICE.name, "gửi công văn đã ký số cho xã", self.province_sends),
            (clerk, "kiểm tra chữ ký, tiếp nhận vào sổ văn bản đến (03)", self.accept),
            (chair, "phân công xử lý (04)", self.assign),
            (official, "xử lý và hoàn thành (05, 06)", self.work),
            (PROVINCE_OFFICE.name, "thấy đủ các trạng thái 01, 03, 04, 05, 06", self.province_sees_statuses),
        ]

    # ------------------------------------------------------------------------------------------------------ outgoing
    def clock_is_trusted(self) -> str:
        """Wait until the box has taken the bus's time; nobody signs before."""
        return self._until(lambda: self.eyes.clock_trusted(), "đồng hồ chưa đáng tin")

    def line(self, *, down: bool) -> None:
        """Switch the line between box and bus."""
        httpx.post(f"{self.bus}/control/line", json={"down": down}, timeout=10).raise_for_status()

    def draft_and_submit(self) -> str:
        """The official's form, with the PDF; then the found places; then to the chair."""
        person = self.people[OFFICIAL.username]
        page = person.open("/van-ban-di/moi")
        values: dict[str, str | list[str]] = {
            "type_code": "quyet-dinh",
            "subject": "Về việc thành lập Tổ công nghệ số cộng đồng xã Hòa Bình",
            "urgency": "1",
            "competence": "TM.",
            "recipient_ids": [PROVINCE_OFFICE.id, "ubnd-dong-hai"],
            "no_secret": "1",
            "signer_id": _option(page.html, CHAIR.full_name),
        }
        page = person.send(
            "/van-ban-di/moi", values, {"file": ("Quyết định Tổ công nghệ số.pdf", self.draft, "application/pdf")}
        )
        self.outgoing_path = "/van-ban-di/" + page.url.split("/van-ban-di/")[1].split("/")[0]
        person.open(self.outgoing_path)
        person.send("/trinh", {})
        return self.outgoing_path

    def sign(self) -> None:
        """The chair opens the document and enters the PIN."""
        person = self.people[CHAIR.username]
        person.open(self.outgoing_path)
        person.send("/ky", {"pin": self.pins[CHAIR.username]})

    def number_and_seal(self) -> str:
        """The clerk opens the document and enters the PIN of the organ's token."""
        person = self.people[CLERK.username]
        person.open(self.outgoing_path)
        page = person.send("/dong-dau", {"pin": self.pins[UBND.id]})
        return "số 01/QĐ-UBND" if "01/QĐ-UBND" in page.text else _fail("trang không hiện số 01/QĐ-UBND")

    def issue(self) -> None:
        """Issue; the message is queued with the change of state."""
        person = self.people[CLERK.username]
        person.open(self.outgoing_path)
        person.send("/phat-hanh", {})

    def waits_in_queue(self) -> str:
        """The box has noticed that the line is down, keeps the document, and the bus has nothing."""
        why = self._until(self.eyes.waiting_for_line, "trạm chưa nhận ra đường truyền đứt")
        if self._documents_at_bus():
            _fail("trục đã có văn bản dù đường truyền đứt")
        return f"trục chưa có gì; {why}"

    def arrives_once(self) -> str:
        """The bus holds it exactly once, the box has the receipt."""
        self._until(lambda: self.eyes.receipt(), "trạm chưa có biên nhận")
        found = self._documents_at_bus()
        if len(found) != 1:
            _fail(f"trục có {len(found)} bản")
        return f"mã gói tin {found[0]['id']}"

    def status_comes_back(self) -> str:
        """The played organs answer 01 and the page shows it."""
        return self._until(lambda: self.eyes.statuses(), "chưa nhận trạng thái 01")

    # ------------------------------------------------------------------------------------------------------ incoming
    def province_sends(self) -> str:
        """The province's page sends a signed letter; it appears in the clerk's list, once."""
        values = {
            "organ": PROVINCE_OFFICE.code,
            "to": UBND.code,
            "subject": "V/v rà soát mã định danh và tài khoản liên thông văn bản",
            "number": "215",
            "notation": "VP-TH",
            "type_name": "Công văn",
            "urgency": "1",
        }
        files = {"file": ("Công văn 215.pdf", self.letter, "application/pdf")}
        httpx.post(f"{self.bus}/control/send", data=values, files=files, timeout=30).raise_for_status()
        self.incoming_path = self._until(lambda: self.eyes.incoming_path(), "văn bản chưa về trạm")
        return self.incoming_path

    def accept(self) -> str:
        """The clerk sees who signed, and takes it into the register."""
        person = self.people[CLERK.username]
        page = person.open(self.incoming_path)
        if "Hợp lệ" not in page.text and "hợp lệ" not in page.text:
            _fail("trang không nói chữ ký hợp lệ")
        person.send("/tiep-nhan", {})
        return "số đến 1"

    def assign(self) -> None:
        """The chair gives it to the official."""
        person = self.people[CHAIR.username]
        page = person.open(self.incoming_path)
        values: dict[str, str | list[str]] = {
            "assignee_id": _option(page.html, OFFICIAL.full_name),
            "instruction": "Rà soát, tham mưu văn bản trả lời trước thứ Sáu.",
        }
        person.send("/phan-cong", values)

    def work(self) -> None:
        """The official begins and finishes."""
        person = self.people[OFFICIAL.username]
        person.open(self.incoming_path)
        person.send("/bat-dau", {})
        person.open(self.incoming_path)
        person.send("/hoan-thanh", {"result": "Đã rà soát, cập nhật đầy đủ; không có vướng mắc."})

    def province_sees_statuses(self) -> str:
        """All five statuses have reached the bus."""

        def seen() -> str:
            sent = {m["status_code"] for m in self._messages() if m["kind"] == "status" and m["from"] == UBND.code}
            return "01 03 04 05 06" if {"01", "03", "04", "05", "06"} <= sent else ""

        return self._until(seen, "trục chưa nhận đủ trạng thái")

    # ---------------------------------------------------------------------------------------------------------- looking
    def _messages(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.bus}/control/messages", timeout=10)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def _documents_at_bus(self) -> list[dict[str, Any]]:
        return [m for m in self._messages() if m["kind"] == "edoc" and m["from"] == UBND.code]

    def _until(self, look: Callable[[], str], otherwise: str) -> str:
        """Look again until there is an answer; raises StepFailed when patience ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(0.5)
        return _fail(otherwise)


def _fail(why: str) -> str:
    raise StepFailed(why)


def _option(html: str, label: str) -> str:
    """The value of the select's option with this label."""
    found = re.search(r'<option\s+value="([^"]+)"[^>]*>\s*[^<]*' + re.escape(label), html)
    return found.group(1) if found else _fail(f"không có lựa chọn “{label}” trên trang")
