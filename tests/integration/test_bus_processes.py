"""Several bus processes on one PostgreSQL and one folder of packages are one bus."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.errors import ConfigError
from appliance.office.desk import Party
from appliance.store.blobs import BlobStore
from sync.reference_bus.config import BusConfig, OrganEntry
from sync.reference_bus.store import BusStore
from tests.bus_fixtures import BOX, OTHER_BOX, PROVINCE, RunningBus, start_bus
from tests.edxml_fixtures import document, package_bytes
from tests.postgres_fixtures import Postgres

pytest_plugins = ["tests.bus_fixtures"]


@pytest.fixture(scope="module")
def buses(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningBus, RunningBus]]:
    """Two processes of one bus."""
    folder = tmp_path_factory.mktemp("processes")
    more = postgres.configuration(postgres.database())
    first = start_bus(folder / "1", more=more)
    second = start_bus(folder / "2", more=more, beside=first)
    yield first, second
    assert (first.stop(), second.stop()) == (0, 0)


def _config(folder: Path, postgres: Postgres | None = None, database: str = "") -> BusConfig:
    passfile = postgres.passfile if postgres else None
    return BusConfig(
        folder, (OrganEntry("H04", "Tỉnh"),), folder, folder, folder, database=database, database_passfile=passfile
    )


def test_the_same_id_at_both_at_once_is_one_message_with_one_receipt(buses: tuple[RunningBus, RunningBus]) -> None:
    clients = [bus.client(BOX) for bus in buses]
    for round_ in range(10):
        id, data = str(uuid.uuid4()), b"<x>%d</x>" % round_
        gate = threading.Barrier(4)

        def put(number: int, id: str = id, data: bytes = data, gate: threading.Barrier = gate) -> tuple[int, bytes]:
            gate.wait()
            answer = buses[number % 2].put(data, id=id, client=clients[number % 2])
            return answer.status_code, answer.content

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(put, range(4)))
        assert sorted(status for status, _ in answers) == [200, 200, 200, 201]
        assert len({receipt for _, receipt in answers}) == 1
        for bus in buses:
            (found,) = [message for message in bus.messages() if message["id"] == id]
            assert len(found["deliveries"]) == 1


def test_what_one_process_accepts_another_hands_out(buses: tuple[RunningBus, RunningBus]) -> None:
    accepted = buses[0].receipt(buses[0].put(b"<x>across</x>"))
    (item,) = [item for item in buses[1].inbox(OTHER_BOX) if item["messageId"] == accepted["messageId"]]
    with buses[1].client(OTHER_BOX) as client:
        assert client.get(f"inbox/{item['docId']}/content").content == b"<x>across</x>"


def test_a_played_organ_answers_once_whoever_took_the_document_in(
    buses: tuple[RunningBus, RunningBus], tmp_path: Path
) -> None:
    ids = []
    for number, bus in enumerate(buses * 2):
        package = document(
            sender=Party(BOX, "Xã"),
            recipients=(Party(PROVINCE, "Tỉnh"),),
            document_code=f"{BOX},2026/11/23,{number}/BC",
        )
        ids.append(bus.receipt(bus.put(package_bytes(package, BlobStore(tmp_path)), to=PROVINCE))["messageId"])
    deadline = time.monotonic() + 15
    while True:
        messages = buses[0].messages()
        states = [d["status_code"] for m in messages if m["id"] in ids for d in m["deliveries"]]
        if states == ["01"] * 4 or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert states == ["01"] * 4
    answers = [m["document_id"] for m in messages if m["kind"] == "status" and m["from"] == PROVINCE]
    assert len(answers) == len(set(answers)) == 4


def test_numbers_become_visible_in_their_order_however_long_a_writer_waits(postgres: Postgres, tmp_path: Path) -> None:
    """A reader that has passed n never finds a smaller number later: two writers, one slow before its commit."""
    config = _config(tmp_path, postgres, postgres.database())
    one, two = BusStore(config), BusStore(config)
    one.db.execute("CREATE TABLE entry (number BIGINT PRIMARY KEY)")
    taken, committed = threading.Event(), threading.Event()

    def slow() -> None:
        with one.transaction():
            number = one.numbers("delivery", 1)[0]
            one.db.insert("entry", {"number": number})
            taken.set()
            committed.wait(1)  # the other tries to overtake meanwhile

    def fast() -> None:
        taken.wait()
        with two.transaction():
            two.db.insert("entry", {"number": two.numbers("delivery", 1)[0]})
        committed.set()

    seen: list[list[int]] = []
    threads = [threading.Thread(target=slow), threading.Thread(target=fast)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append([row["number"] for row in two.db.query("SELECT number FROM entry ORDER BY number")])
        time.sleep(0.02)
    final = [row["number"] for row in two.db.query("SELECT number FROM entry ORDER BY number")]
    one.close()
    two.close()
    assert final == [1, 2]
    assert all(numbers == final[: len(numbers)] for numbers in seen), "a number was passed over"


def test_a_ring_in_one_process_is_heard_in_the_other(postgres: Postgres, tmp_path: Path) -> None:
    config = _config(tmp_path, postgres, postgres.database())
    one, two = BusStore(config), BusStore(config)
    time.sleep(0.5)  # both listen by now
    rings = two.bell.rings
    with one.transaction(news=True):
        one.numbers("delivery", 1)
        assert not two.bell.wait(rings, 0.2), "rang before the commit"
    assert two.bell.wait(rings, 5)
    one.close()
    two.close()


def test_one_process_leads_and_another_takes_over_when_it_ends(postgres: Postgres, tmp_path: Path) -> None:
    config = _config(tmp_path, postgres, postgres.database())
    one, two = BusStore(config), BusStore(config)
    assert [one.db.lead("x"), two.db.lead("x"), one.db.lead("x"), two.db.lead("x")] == [True, False, True, False]
    one.close()
    assert two.db.lead("x")
    two.close()


def test_a_second_process_on_one_sqlite_file_is_refused(tmp_path: Path) -> None:
    store = BusStore(_config(tmp_path))
    with pytest.raises(ConfigError, match="PostgreSQL"):
        BusStore(_config(tmp_path))
    store.close()
    BusStore(_config(tmp_path)).close()
