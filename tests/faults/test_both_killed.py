"""A short run of the campaign (``make campaign``): box and bus are killed in turn while documents go both ways."""

from __future__ import annotations

import random
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import kills, postgres_fixtures

KILLS = 12


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_box_and_bus_killed_at_random_lose_nothing_and_double_nothing(store: str) -> None:
    """On PostgreSQL the database server crashes as well, so it is one of the test's own."""
    seed = random.randrange(2**32)
    with tempfile.TemporaryDirectory(prefix="tram-") as short, ExitStack() as stack:
        database = stack.enter_context(postgres_fixtures.serving()) if store == "postgresql" else None
        result = kills.run(Path(short), KILLS, seed, database)
    assert result.problems == [], f"seed {seed}"
    assert sum(result.kills.values()) == KILLS
    assert result.sent > 0, f"seed {seed}"
    assert result.received > 0, f"seed {seed}"


def test_the_count_sees_every_kind_of_loss_and_double() -> None:
    """The negative control: a campaign that could not fail would prove nothing."""
    queued = [{"id": "a", "kind": "edoc", "receipt_sha256": "x"}, {"id": "s", "kind": "status", "receipt_sha256": "x"}]
    at_bus = [
        {"id": "a", "kind": "edoc", "document_id": "A"}, {"id": "n", "kind": "edoc", "document_id": "N"},
        {"id": "s", "kind": "status", "document_id": "N"},
    ]  # fmt: skip
    taken_in = [{"document_code": "N", "copies": 1}]

    def found(**changes: object) -> list[str]:
        held = {"said": ["a"], "queued": queued, "at_bus": at_bus, "handed_in": {"N": "n"}, "taken_in": taken_in}
        return kills.problems(**{**held, **changes})  # type: ignore[arg-type]

    assert found() == []
    assert found(said=["a", "b"]) == ["b: said to be queued, lost at the box"]
    assert found(at_bus=at_bus[1:]) == ["a: 0 times at the bus"]
    assert found(at_bus=[*at_bus, at_bus[0]]) == ["a: 2 times at the bus"]
    assert found(queued=[{**queued[0], "receipt_sha256": None}, queued[1]]) == ["a: no receipt at the box"]
    assert found(at_bus=[*at_bus, {"id": "?", "kind": "edoc", "document_id": "?"}]) == ["?: at the bus, sent by nobody"]
    assert found(taken_in=[]) == ["N: 0 times in the box"]
    assert found(taken_in=taken_in * 2) == ["N: 2 times in the box"]
    assert found(taken_in=[{"document_code": "N", "copies": 2}]) == ["N: came in several copies"]
    twice = [*at_bus, {"id": "t", "kind": "status", "document_id": "N"}]
    assert found(at_bus=twice, queued=[*queued, {**queued[1], "id": "t"}]) == ["N: told 2 times as arrived"]
