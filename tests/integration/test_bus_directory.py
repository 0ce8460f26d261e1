"""The bus's address book and its reports, on both stores: codes, days, successors, changes, files, statistics."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import BadInput, ConfigError
from sync.reference_bus import inbox, reports
from sync.reference_bus.config import BusConfig, OrganEntry
from sync.reference_bus.directory import Directory
from sync.reference_bus.exchange import Exchange, Submission
from sync.reference_bus.organ_files import organs_from, read_organs
from sync.reference_bus.problems import BadRequest, UnknownOrgan
from sync.reference_bus.store import BusStore
from tests.bus_fixtures import Authority
from tests.postgres_fixtures import Postgres

pytest_plugins = ["tests.postgres_fixtures"]

PROVINCE = OrganEntry("H04", "Ủy ban nhân dân tỉnh Cà Mau")
COMMUNE = OrganEntry("H04.01.11", "Ủy ban nhân dân xã Hòa Bình", parent="H04", old_codes=("000.11.01.H04",))


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> BusConfig:
    ca = Authority(tmp_path / "pki")
    certificate, key = ca.server()
    plain = BusConfig(tmp_path / "data", (PROVINCE, COMMUNE), certificate, key, ca.certificate)
    if request.param == "sqlite":
        return plain
    postgres: Postgres = request.getfixturevalue("postgres")
    return replace(plain, database=postgres.database(), database_passfile=postgres.passfile)


@pytest.fixture
def store(config: BusConfig) -> Iterator[BusStore]:
    opened = BusStore(config)
    yield opened
    opened.close()


@pytest.fixture
def directory(store: BusStore) -> Directory:
    return Directory(store, (PROVINCE, COMMUNE))


@pytest.fixture
def exchange(config: BusConfig) -> Iterator[Exchange]:
    opened = Exchange(config)
    yield opened
    opened.store.close()


def _send(exchange: Exchange, number: int, sender: str = "H04", to: str = "H04.01.11", kind: str = "edoc") -> None:
    data = f"<x>{number}</x>".encode()
    id = f"00000000-0000-4000-8000-{number:012d}"
    exchange.accept(Submission(id, kind, 0, sender, (to,), "", io.BytesIO(data)))


def test_what_changed_since_a_number_is_told_in_order(directory: Directory) -> None:
    everything, first = directory.changes(0)
    assert [organ.code for organ in everything] == ["H04", "H04.01.11"]
    assert directory.changes(first) == ([], first)
    directory.save(replace(COMMUNE, name="Ủy ban nhân dân xã Hòa Bình Đông"), before=COMMUNE.code)
    directory.save(OrganEntry("H04.02", "Sở Nội vụ", parent="H04"))
    changed, newest = directory.changes(first)
    assert [organ.name for organ in changed] == ["Ủy ban nhân dân xã Hòa Bình Đông", "Sở Nội vụ"]
    assert newest == first + 2
    assert directory.version == newest


def test_a_configuration_is_taken_over_where_it_is_new_and_does_not_undo_the_page(store: BusStore) -> None:
    directory = Directory(store, (PROVINCE, COMMUNE))
    directory.save(replace(COMMUNE, name="Đặt trên trang"), before=COMMUNE.code)
    version = directory.version
    again = Directory(store, (PROVINCE, COMMUNE))
    assert (again.version, again.name(COMMUNE.code)) == (version, "Đặt trên trang")
    changed = Directory(store, (PROVINCE, replace(COMMUNE, name="Đặt trong tệp")))
    assert (changed.version, changed.name(COMMUNE.code)) == (version + 1, "Đặt trong tệp")


def test_a_replaced_code_keeps_leading_to_the_organ_and_its_inbox(exchange: Exchange) -> None:
    _send(exchange, 1)
    exchange.directory.save(replace(COMMUNE, code="H04.77"), before=COMMUNE.code)
    _send(exchange, 2)
    _send(exchange, 3, to="000.11.01.H04")
    assert exchange.directory.get(COMMUNE.code).code == "H04.77"
    entries = inbox.listing(exchange.store, ["H04.77"], 0, 10)
    assert [entry["addressed_as"] for entry in entries] == ["H04.01.11", "H04.01.11", "000.11.01.H04"]
    restarted = Directory(exchange.store, (PROVINCE, COMMUNE))
    assert restarted.get(COMMUNE.code).code == "H04.77", "an old configuration does not bring the code back"


def test_a_code_replaced_by_another_process_meanwhile_loses_no_package(exchange: Exchange) -> None:
    other = Directory(exchange.store, ())
    exchange.directory.find(COMMUNE.code)  # this process knows the old code and may believe it for a moment
    other.save(replace(COMMUNE, code="H04.77"), before=COMMUNE.code)
    _send(exchange, 1)
    assert len(inbox.listing(exchange.store, ["H04.77"], 0, 10)) == 1


def test_another_process_sees_a_change_within_a_moment(store: BusStore, directory: Directory) -> None:
    other = Directory(store, ())
    other.find("H04")
    directory.save(OrganEntry("H04.02", "Sở Nội vụ"))
    deadline = time.monotonic() + 5
    while other.find("H04.02") is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_ended_organ_gives_way_to_its_successor_or_is_refused_with_its_day(directory: Directory) -> None:
    directory.save(replace(COMMUNE, valid_to="2025-06-30", successor="H04"), before=COMMUNE.code)
    assert directory.resolve(COMMUNE.code).code == "H04"
    directory.save(replace(COMMUNE, valid_to="2025-06-30"), before=COMMUNE.code)
    with pytest.raises(UnknownOrgan, match="30/06/2025"):
        directory.resolve(COMMUNE.code)
    assert directory.get(COMMUNE.code).name == COMMUNE.name, "its past is still known"


def test_successors_in_a_circle_and_organs_of_tomorrow_are_refused(directory: Directory) -> None:
    directory.save(replace(COMMUNE, valid_to="2025-06-30", successor="H04"), before=COMMUNE.code)
    directory.save(replace(PROVINCE, valid_to="2025-06-30", successor=COMMUNE.code), before="H04")
    with pytest.raises(UnknownOrgan):
        directory.resolve("H04")
    directory.save(OrganEntry("H05", "Tỉnh mới", valid_from="2999-01-01"))
    with pytest.raises(UnknownOrgan, match="chưa hoạt động"):
        directory.resolve("H05")


@pytest.mark.parametrize(
    "organ",
    [
        OrganEntry("H04.01.11", "Trùng mã"),
        OrganEntry("H09", "Trùng mã cũ", old_codes=("000.11.01.H04",)),
        OrganEntry("H 9", "Mã có dấu cách"),
        OrganEntry("H09", " "),
        OrganEntry("H09", "Ngày sai", valid_from="2025-02-30"),
        OrganEntry("H09", "Ngày ngược", valid_from="2025-02-03", valid_to="2025-02-02"),
        OrganEntry("H09", "Chính mình", parent="H09"),
    ],
    ids=lambda organ: organ.name,
)
def test_an_organ_that_cannot_be_is_refused_and_changes_nothing(directory: Directory, organ: OrganEntry) -> None:
    before = directory.version
    with pytest.raises(BadInput):
        directory.save(organ)
    assert directory.version == before


def test_names_are_found_without_accents_and_by_any_code(directory: Directory) -> None:
    for words in ("hoa binh", "XÃ HÒA", "11.01.h04", "ỦY ban h04.01"):
        assert COMMUNE.code in [organ.code for organ in directory.search(words)], words
    assert directory.search("không có đâu") == []


def test_a_file_of_a_whole_province_is_read_and_taken_over(directory: Directory) -> None:
    lines = [f"H04.{n};Ủy ban nhân dân xã {n};H04;2025-07-01;;;G.{n} X.{n};{n % 2}" for n in range(1, 1201)]
    text = "\ufeffcode;name;parent;valid_from;valid_to;successor;old_codes;virtual\r\n" + "\r\n".join(lines)
    organs = organs_from(text.encode())
    assert organs[0] == OrganEntry(
        "H04.1", "Ủy ban nhân dân xã 1", True, ("G.1", "X.1"), parent="H04", valid_from="2025-07-01"
    )
    began = time.monotonic()
    assert directory.load(organs) == 1200
    assert time.monotonic() - began < 20
    assert directory.load(organs) == 0
    assert directory.get("X.700").code == "H04.700"
    assert len(directory.organs) == 1202


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("code,name\nH04.1,Xã\nH 4,Xã", "Dòng 3"),
        ("code,title\n", "code, name"),
        ("code,name,virtual\nH04.1,Xã,yes", "virtual"),
        ("", "code, name"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        organs_from(text.encode())
    path = tmp_path / "organs.csv"
    path.write_bytes(text.encode())
    with pytest.raises(ConfigError, match=r"organs\.csv"):
        read_organs(path)


def test_a_file_in_another_encoding_is_refused() -> None:
    with pytest.raises(BadInput, match="UTF-8"):
        organs_from("code,name\nH04,Tỉnh".encode("utf-16"))


def test_the_newest_report_of_a_month_is_in_force_and_the_same_again_is_none(store: BusStore) -> None:
    first = reports.keep(store, "H04.01.11", "2026-11", {"sent": {"total": 3}})
    assert reports.keep(store, "H04.01.11", "2026-11", {"sent": {"total": 3}}) == first
    second = reports.keep(store, "H04.01.11", "2026-11", {"sent": {"total": 4}, "ghi chú": "sửa"})
    newest = reports.in_force(store, "H04.01.11", "2026-11")
    assert newest is not None
    assert (newest["number"], json.loads(newest["content"])["ghi chú"]) == (second, "sửa")
    assert [row["number"] for row in reports.history(store, "H04.01.11")] == [second, first]
    assert reports.in_force(store, "H04", "2026-11") is None


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "", "2026-11-01", "２０２６-11"])
def test_a_month_that_is_none_is_refused(store: BusStore, month: str) -> None:
    with pytest.raises(BadRequest):
        reports.keep(store, "H04", month, {})


def test_the_bus_counts_what_passed_by_organ_and_month(exchange: Exchange) -> None:
    make: Callable[..., None] = _send
    for number in range(3):
        make(exchange, number)
    make(exchange, 10, sender=COMMUNE.code, to="H04", kind="status")
    (entry, *_) = inbox.listing(exchange.store, [COMMUNE.code], 0, 10)
    inbox.acknowledge(exchange.store, entry["doc_id"], [COMMUNE.code], outcome="done")
    month = exchange.store.clock.now().strftime("%Y-%m")
    assert reports.seen(exchange.store, "H04", month) == reports.Seen(3, 3, 1, 0, 0, 0)
    assert reports.seen(exchange.store, COMMUNE.code, month) == reports.Seen(0, 0, 0, 0, 3, 1)
    assert reports.months(exchange.store, "H04") == [month]
    assert reports.seen(exchange.store, "H04", "2020-01").sent == 0
