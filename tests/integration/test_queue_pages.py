"""The queue as people meet it: what is next in words, the buttons, the correction form, and the same by command."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from appliance.office import line, messages
from appliance.store.database import transaction
from provisioning import queue_arguments
from provisioning.cli import main as tram
from tests import sync_fixtures
from tests.sync_fixtures import PROVINCE, Box
from tests.web_fixtures import Visitor, words

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


@pytest.fixture
def clerk(box: Box) -> Visitor:
    visitor = Visitor(box.office)
    visitor.log_in("vanthu")
    return visitor


def change(box: Box, message_id: str, **columns: object) -> None:
    sets = ", ".join(f"{name} = ?" for name in columns)
    box.desk.db.execute(f"UPDATE message SET {sets} WHERE id = ?", [*columns.values(), message_id])


def in_minutes(box: Box, minutes: int) -> str:
    return (box.desk.clock.now() + timedelta(minutes=minutes, seconds=30)).isoformat()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"state": "ready"}, "Đến lượt là gửi ngay"),
        ({"state": "waiting", "next_at": 3}, "còn 3 phút"),
        ({"state": "uncertain", "next_at": 9, "doubt_at": 0}, "sẽ hỏi trục lúc"),
        ({"state": "sending", "doubt_at": 0}, "Đang hỏi trục"),
        ({"state": "held", "held_reason": "Chờ ý kiến", "held_by": "rule"}, "Đang tạm giữ"),
        ({"state": "rejected", "fault": "organ"}, "hoặc gửi bản giấy"),
        ({"state": "accepted", "proved_by": "x"}, "nên gói tin đã đến"),
    ],
    ids=lambda value: value.get("state") if isinstance(value, dict) else None,
)
def test_every_state_says_what_happens_next(box: Box, clerk: Visitor, columns: dict[str, object], said: str) -> None:
    message_id = box.issue()
    filled = {name: in_minutes(box, value) if isinstance(value, int) else value for name, value in columns.items()}
    change(box, message_id, **filled)
    assert said in words(clerk.get("/hang-doi/"))
    assert said in words(clerk.get(f"/hang-doi/{message_id}"))


def test_while_the_line_is_down_it_says_that_it_waits_for_the_line(box: Box, clerk: Visitor) -> None:
    box.issue()
    box.desk.db.execute("INSERT INTO fact VALUES (?, ?)", [line.KEY, json.dumps({"state": "down"})])
    assert "Đợi đường truyền" in words(clerk.get("/hang-doi/"))


def test_hold_release_and_send_by_button(box: Box, clerk: Visitor) -> None:
    message_id = box.issue()
    page = f"/hang-doi/{message_id}"
    clerk.get(page)
    assert clerk.post(f"{page}/giu", {"reason": ""}).status_code == 422
    assert clerk.post(f"{page}/giu", {"reason": "Chờ Chủ tịch"}).status_code == 303
    assert "Chờ Chủ tịch" in words(clerk.get(page))
    assert "1 gói tin" in words(clerk.get("/hang-doi/?ngan=held"))
    assert clerk.post(f"{page}/gui").status_code == 409
    assert clerk.post(f"{page}/thoi-giu").status_code == 303
    change(box, message_id, state="waiting", next_at=in_minutes(box, 10))
    assert clerk.post(f"{page}/gui").status_code == 303
    assert box.message(message_id)["next_at"] <= box.desk.clock.now().isoformat()
    actions = [row["action"] for row in box.rows("SELECT action, actor FROM audit WHERE action LIKE 'message.%'")]
    assert actions == ["message.hold", "message.release", "message.send"]


def test_the_form_puts_a_rejected_package_right(box: Box, clerk: Visitor) -> None:
    message_id = box.issue()
    change(box, message_id, state="rejected", fault="organ", last_error="Đơn vị bị khóa")
    page = f"/hang-doi/{message_id}/sua"
    assert "Đơn vị bị khóa" in words(clerk.get(page))
    values = {"recipients": "H99.777", "urgency": "1", "subject": "Về phòng, chống thiên tai", "reason": "Nhầm mã"}
    answer = clerk.post(page, values)
    assert answer.status_code == 422
    assert "danh bạ" in words(answer)
    answer = clerk.post(page, {**values, "recipients": PROVINCE})
    assert answer.status_code == 303
    assert box.message(message_id)["superseded_by"] in answer.location
    assert "Đã thay bằng gói tin khác" in words(clerk.get(f"/hang-doi/{message_id}"))


@pytest.mark.parametrize("path", ["gui", "giu", "thoi-giu", "sua"])
def test_readers_only_read(box: Box, path: str) -> None:
    message_id = box.issue()
    leader = Visitor(box.office)
    leader.log_in("chutich")
    assert f"/{message_id}/giu" not in leader.get(f"/hang-doi/{message_id}").text
    assert leader.post(f"/hang-doi/{message_id}/{path}").status_code == 403


def test_a_paused_link_is_resumed_by_the_technician_alone(box: Box, clerk: Visitor) -> None:
    line.pause(box.desk.db, box.desk.clock.now(), "Sai khóa bí mật.", "Xin lại khóa.")
    assert "Sai khóa bí mật." in words(clerk.get("/hang-doi/"))
    assert clerk.post("/hang-doi/ket-noi/noi-lai").status_code == 403
    technician = Visitor(box.office)
    technician.log_in("kythuat")
    technician.get("/hang-doi/")
    assert technician.post("/hang-doi/ket-noi/noi-lai").status_code == 303
    assert line.paused(box.desk.db) is None


def test_two_thousand_rows_are_paged_and_quick(box: Box, clerk: Visitor) -> None:
    now = box.desk.clock.now().isoformat()
    with transaction(box.desk.db):
        box.desk.db.conn.executemany(
            "INSERT INTO message (id, kind, organ_id, title, priority, sha256, size, state, queued_at)"
            " VALUES (?, 'edoc', 'ubnd-hoa-binh', ?, 0, '', 1, 'ready', ?)",
            [(f"m{number}", f"Văn bản số {number}", now) for number in range(2000)],
        )
    start = time.monotonic()
    text = words(clerk.get("/hang-doi/?trang=40"))
    assert time.monotonic() - start < 3
    assert "2000 gói tin" in text
    assert "Trang 40/40" in text
    assert "1 gói tin" in words(clerk.get("/hang-doi/?tim=văn bản số 1999"))


@pytest.fixture
def command(box: Box, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run ``tram queue …`` on this box; returns (exit status, what it printed)."""
    path = box.settings.data / "queue.toml"
    path.write_text(f'data = "{box.settings.data}"\n', "utf-8")

    def run(*words: str) -> tuple[int, str]:
        status = tram(["queue", "--config", str(path), *words])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


def test_the_command_acts_through_the_same_functions(box: Box, command: Callable[..., tuple[int, str]]) -> None:
    message_id = box.issue("Về phòng cháy")
    status, text = command("list")
    assert status == 0
    assert "Về phòng cháy" in text
    assert "1/1" in text
    assert command("hold", message_id, "--reason", "Kiểm tra")[0] == 0
    status, text = command("send", message_id)
    assert status == 1
    assert "không còn ở trạng thái" in text
    assert command("--as", "kythuat", "release", message_id)[0] == 0
    actors = {row["action"]: row["actor"] for row in box.rows("SELECT action, actor FROM audit")}
    assert actors["message.hold"] == "console"
    assert actors["message.release"] == box.office.accounts["kythuat"]
    change(box, message_id, state="rejected", last_error="sai nơi nhận")
    status, text = command("resend", message_id, "--to", PROVINCE, "--reason", "nhầm mã")
    assert status == 0
    assert f"supersedes: {message_id}" in text
    assert PROVINCE in text
    assert "Đã thay" in command("show", message_id)[1]
    assert command("show", "khong-co")[0] == 1
    assert command("--as", "vanthu", "send", message_id)[0] == 1


def test_the_command_knows_the_lanes_of_the_page() -> None:
    assert set(queue_arguments.LANES) == {lane for lane in messages.LANES if lane}
