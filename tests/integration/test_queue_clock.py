"""The legal clock of sending (article 10.2): warned before, told after, held when the line is not to blame."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from appliance.clock import Reading
from appliance.office import deadlines, line
from appliance.store import audit
from tests import sync_fixtures
from tests.sync_fixtures import Box
from tests.web_fixtures import Visitor, words

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


def due(box: Box, message_id: str, **ago: int) -> None:
    """Let the deadline have been so long ago (negative: still to come)."""
    at = box.desk.clock.now() - timedelta(**ago)
    box.desk.db.execute("UPDATE message SET due_latest = ? WHERE id = ?", [at.isoformat(), message_id])


def told(box: Box, kind: str) -> list[str]:
    return [row["text"] for row in box.rows("SELECT DISTINCT text FROM notice WHERE kind = ?", kind)]


def test_amber_then_red_each_said_once_to_the_clerk_and_on_the_first_page(box: Box) -> None:
    message_id = box.issue("Về phòng cháy")
    assert deadlines.watch(box.desk) == 0
    due(box, message_id, hours=-1)
    assert deadlines.watch(box.desk) == 1
    assert deadlines.watch(box.desk) == 0
    assert "Về phòng cháy" in told(box, "send_amber")[0]
    clerk = Visitor(box.office)
    clerk.log_in("vanthu")
    assert "1 văn bản sắp đến hạn gửi" in words(clerk.get("/"))
    due(box, message_id, minutes=5)
    assert deadlines.watch(box.desk) == 1
    assert "QUÁ HẠN GỬI" in told(box, "send_red")[0]
    assert "1 văn bản đã quá hạn gửi" in words(clerk.get("/"))
    assert "Mở gói tin" in words(clerk.get("/nhac-viec/"))
    assert [row["action"] for row in box.rows("SELECT action FROM audit WHERE action = 'message.late'")]
    assert audit.verify(box.desk.db) > 0


def test_an_urgent_document_that_has_not_left_is_told_of_at_once(box: Box) -> None:
    box.issue("Hỏa tốc", urgency=3)
    assert deadlines.watch(box.desk) == 1
    assert "Hỏa tốc" in told(box, "send_amber")[0]


def test_many_at_once_are_told_of_together(box: Box) -> None:
    for number in range(8):
        due(box, box.issue(f"Văn bản {number}"), hours=1)
    assert deadlines.watch(box.desk) == 8
    (text,) = told(box, "send_red")
    assert text.startswith("8 văn bản")


@pytest.mark.parametrize(
    ("up_hours", "trusted", "state"),
    [(2, True, "held"), (0, True, "waiting"), (None, True, "waiting"), (2, False, "waiting")],
    ids=["the line works", "the line has just come back", "the line is down", "the clock is not trusted"],
)
def test_five_days_late_is_held_only_when_neither_line_nor_clock_is_to_blame(
    box: Box, monkeypatch: pytest.MonkeyPatch, up_hours: int | None, trusted: bool, state: str
) -> None:
    now = box.desk.clock.now()
    message_id = box.issue()
    due(box, message_id, days=6)
    box.desk.db.execute("UPDATE message SET state = 'waiting', attempts = 9")
    link = {"state": "down", "failures": 7}
    if up_hours is not None:
        link = {"state": "up", "since": (now - timedelta(hours=up_hours)).isoformat()}
    box.desk.db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", [line.KEY, json.dumps(link)])
    reading = Reading(now, "synced", "bus", 0.1, trusted, "")
    monkeypatch.setattr(type(box.desk.clock), "read", lambda self, db: reading)
    deadlines.watch(box.desk)
    row = box.message(message_id)
    assert row["state"] == state
    assert "HƠN 5 NGÀY" in told(box, "send_overdue")[0]
    if state == "held":
        assert row["held_by"] == "rule"
        leaders = box.office.accounts["chutich"]
        assert box.rows("SELECT 1 FROM notice WHERE account_id = ? AND kind = 'send_overdue'", leaders)
