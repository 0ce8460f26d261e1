"""Each month's statistics go to the bus (QĐ 15/2019, article 17), and once more whenever the figures have changed."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta

from appliance.office import organs, statistics
from appliance.office.desk import Desk
from appliance.store import audit, facts
from appliance.store.database import transaction
from sync.bus.base import BusClient

MONTHS = 12
"""How far back a change is still reported."""


def report_due(desk: Desk, client: BusClient) -> int:
    """Report the finished months whose figures the bus does not have; returns how many. Raises BusError."""
    now, done = desk.clock.now(), 0
    for month in _before(now.date()):
        for organ in organs.own(desk.db):
            code = organs.code_on(desk.db, organ.id, date.fromisoformat(f"{month}-01"))
            content = statistics.report(desk.db, organ.id, code, month, now)
            key, figures = f"statistics:{organ.id}:{month}", _digest(content)
            known = facts.get(desk.db, key)
            nothing = not content["sent"]["issued"] and not content["received"]["arrived"]
            if known == figures or (known is None and nothing):
                continue
            if not client.report(content):
                return done  # this dialect has no place for it
            with transaction(desk.db):
                facts.put(desk.db, key, figures)
                audit.append(desk.db, now, "system", "statistics.report", f"organ:{organ.id}", {"month": month})
            done += 1
    return done


def _before(today: date) -> list[str]:
    """The months that are over, newest first."""
    found, day = [], today.replace(day=1)
    for _ in range(MONTHS):
        day = (day - timedelta(days=1)).replace(day=1)
        found.append(f"{day:%Y-%m}")
    return found


def _digest(content: dict[str, object]) -> str:
    """Of the figures alone: the moment of counting is no change."""
    figures = {key: value for key, value in content.items() if key != "computedAt"}
    return hashlib.sha256(json.dumps(figures, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
