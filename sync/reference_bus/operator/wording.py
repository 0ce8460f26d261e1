"""Template filters: sizes, times and states in words."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint

from sync.reference_bus import statuses
from sync.reference_bus.operator.forms import URGENCIES

_DELIVERY = {"waiting": "Chờ nơi nhận lấy", "delivered": "Nơi nhận đã lấy", "failed": "Nơi nhận không đọc được"}


def add_wording(pages: Blueprint) -> None:
    """Register the filters on the application that takes ``pages``."""
    pages.add_app_template_filter(size)
    pages.add_app_template_filter(when)
    pages.add_app_template_filter(day)
    pages.add_app_template_filter(statuses.name, "status_name")
    pages.add_app_template_filter(lambda state: _DELIVERY[state], "delivery_name")
    pages.add_app_template_filter(lambda priority: URGENCIES[priority], "urgency_name")


def size(count: int) -> str:
    """Bytes for people: '812 byte', '36 KB', '1,4 MB'."""
    if count < 1000:
        return f"{count} byte"
    if count < 1_000_000:
        return f"{count / 1000:.0f} KB"
    return f"{count / 1_000_000:.1f} MB".replace(".", ",")


def day(text: str) -> str:
    """An edXML date '2026/11/23' as '23/11/2026'; anything else as it stands."""
    parts = text.replace("-", "/").split("/")
    return "/".join(reversed(parts)) if len(parts) == 3 and all(part.isdigit() for part in parts) else text


def when(text: str | None) -> str:
    """An ISO time as '23/11/2026 00:57:06', or nothing."""
    return datetime.fromisoformat(text).strftime("%d/%m/%Y %H:%M:%S") if text else ""
