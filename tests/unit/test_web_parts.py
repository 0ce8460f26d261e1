"""Small parts of the pages: how times and sizes are written, and how the assets are brought."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel

from appliance.clock import VN
from appliance.errors import ConfigError
from web import build_assets, formats
from web.assets import build_id, check_vendor

NOW = datetime(2026, 11, 20, 9, 5, tzinfo=VN)


@pytest.fixture(autouse=True)
def vietnamese() -> object:
    app = Flask("test")
    Babel(app, default_locale="vi")
    with app.test_request_context():
        yield


def test_times_are_written_day_first_at_plus_seven() -> None:
    assert formats.moment("2026-11-20T02:05:09+00:00") == "20/11/2026 09:05"
    assert formats.moment(NOW, seconds=True) == "20/11/2026 09:05:00"
    assert formats.moment(None) == formats.moment("") == ""


@pytest.mark.parametrize(
    ("value", "written"),
    [(date(2026, 2, 1), "01/02/2026"), ("2026-02-01", "01/02/2026"), ("", ""), (None, ""), ("không rõ", "không rõ")],
)
def test_days_are_written_day_first_and_strange_ones_stay(value: date | str | None, written: str) -> None:
    assert formats.day(value) == written


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (NOW + timedelta(hours=3, minutes=5), "còn 3 giờ 5 phút"),
        (NOW + timedelta(minutes=40), "còn 40 phút"),
        (NOW + timedelta(days=1, hours=2), "còn 1 ngày 2 giờ"),
        (NOW - timedelta(days=40, hours=2), "quá hạn 40 ngày"),
        (NOW - timedelta(hours=2), "quá hạn 2 giờ"),
    ],
)
def test_time_left_is_said_in_the_two_largest_units(due: datetime, words: str) -> None:
    assert formats.time_left(due, NOW) == words


def test_days_left_know_today() -> None:
    assert formats.days_left("2026-11-20", NOW.date()) == "hạn hôm nay"
    assert formats.days_left("2026-11-23", NOW.date()) == "còn 3 ngày"
    assert formats.days_left("2026-11-18", NOW.date()) == "quá hạn 2 ngày"


@pytest.mark.parametrize(("count", "written"), [(0, "0 B"), (1536, "1,5 KB"), (5_242_880, "5,0 MB")])
def test_sizes_have_a_decimal_comma(count: int, written: str) -> None:
    assert formats.size(count) == written


def _modules(folder: Path) -> Path:
    for source, _ in build_assets.wanted():
        path = folder / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.encode())
    return folder


def test_the_build_copies_what_is_wanted_and_lists_its_digests(tmp_path: Path) -> None:
    vendor = tmp_path / "static" / "vendor"
    vendor.mkdir(parents=True)
    (vendor / "old.js").write_text("left over")
    build_assets.build(_modules(tmp_path / "node_modules"), vendor)
    manifest = json.loads((vendor / "manifest.json").read_text("utf-8"))
    assert set(manifest) == {target for _, target in build_assets.wanted()}
    assert manifest["htmx.js"] == hashlib.sha256((vendor / "htmx.js").read_bytes()).hexdigest()
    assert not (vendor / "old.js").exists()
    check_vendor(tmp_path / "static")


def test_the_build_names_what_npm_did_not_bring(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"htmx\.min\.js"):
        build_assets.build(tmp_path, tmp_path / "vendor")


def test_the_web_process_refuses_missing_and_changed_assets(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Thiếu tài nguyên"):
        check_vendor(tmp_path / "static")
    vendor = tmp_path / "static" / "vendor"
    build_assets.build(_modules(tmp_path / "node_modules"), vendor)
    (vendor / "htmx.js").write_text("alert(1)")
    with pytest.raises(ConfigError, match=r"htmx\.js"):
        check_vendor(tmp_path / "static")


def test_the_build_id_changes_with_any_byte(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    before = build_id(tmp_path)
    (tmp_path / "a.css").write_text("b{}")
    assert build_id(tmp_path) != before
    assert len(before) == 12
