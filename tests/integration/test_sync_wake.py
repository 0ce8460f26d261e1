"""What ends a pause early: the bus's port answering again, and the bus saying that there is news."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest

from provisioning.box import make_desk
from sync import link, wake
from tests.office_fixtures import Office
from tests.ports import free_ports


def test_a_port_that_answers_again_ends_the_pause_between_probes(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "LINE_SECONDS", 0.2)
    (port,) = free_ports(1)
    desk, stop, back = office.desk, threading.Event(), threading.Event()
    for _ in range(8):
        link.note_failure(desk.db, desk.clock.now(), "không nối được")
    assert not link.closed(desk.db)
    watching = threading.Thread(
        target=wake.watch_line,
        args=(lambda: make_desk(desk.settings), f"https://127.0.0.1:{port}/v1", back.set, stop),
    )
    watching.start()
    try:
        assert not back.wait(1.0)  # dead: nothing is tried
        with socket.create_server(("127.0.0.1", port)):
            assert back.wait(5.0)
        assert link.may_probe(desk.db, desk.clock.now())
        assert link.read(desk.db).probe_at == ""
    finally:
        stop.set()
        watching.join(5)


def test_news_at_the_bus_start_fetching_at_once(office: Office) -> None:
    stop, fetched, asked = threading.Event(), threading.Event(), []

    def wait(cursor: str, seconds: float) -> bool:
        asked.append(seconds)
        return len(asked) == 1

    listening = threading.Thread(
        target=wake.listen,
        args=(lambda: make_desk(office.desk.settings), SimpleNamespace(wait=wait), fetched.set, 60.0, stop),
    )
    listening.start()
    assert fetched.wait(5.0)
    stop.set()
    listening.join(5)
    assert asked[0] == wake.WAIT_SECONDS
    assert not listening.is_alive()
