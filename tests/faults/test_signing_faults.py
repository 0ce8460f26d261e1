"""Drivers that hang or die, tokens pulled out: the right sentence, and the next signature works."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config import Settings
from appliance.errors import SignerError
from appliance.signing.token import Pin
from tests.signing_fixtures import LEADER_PIN, SignerProcess, Signing, signing  # noqa: F401

pytestmark = pytest.mark.fault

DATA = b"signed attributes"


@pytest.fixture
def service(signing: Signing, tmp_path: Path) -> Iterator[SignerProcess]:  # noqa: F811
    service = SignerProcess(Settings(data=tmp_path, signer_timeout_seconds=2), signing.configuration)
    service.start()
    yield service
    if service.process and service.process.poll() is None:
        service.stop()


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue  # the thread ended meanwhile
    return found


def is_worker(pid: int) -> bool:
    try:
        return b"appliance.signing.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def strike_next_worker(service: SignerProcess, number: signal.Signals) -> threading.Thread:
    """Send ``number`` to the next worker as soon as it lives."""
    assert service.process is not None
    parent = service.process.pid

    def wait() -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if workers := [pid for pid in children(parent) if is_worker(pid)]:
                os.kill(workers[0], number)
                return

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def code_of_signing(service: SignerProcess, signing: Signing) -> str:  # noqa: F811
    try:
        service.client.sign(signing.leader, Pin(LEADER_PIN), DATA)
    except SignerError as error:
        return error.code
    return "signed"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, "crashed"), (signal.SIGSTOP, "timeout")])
def test_a_driver_that_dies_or_hangs_costs_one_signature_only(
    signing: Signing,  # noqa: F811
    service: SignerProcess,
    number: signal.Signals,
    code: str,
) -> None:
    striker = strike_next_worker(service, number)
    assert code_of_signing(service, signing) == code
    striker.join()
    assert service.process is not None
    assert not children(service.process.pid)
    assert code_of_signing(service, signing) == "signed"


def test_a_token_pulled_out_is_said_and_works_again_when_put_back(
    signing: Signing,  # noqa: F811
    service: SignerProcess,
) -> None:
    tokens = signing.configuration.parent / "tokens"
    away = tokens.with_name("pulled-out")
    tokens.rename(away)
    try:
        assert code_of_signing(service, signing) in ("no_token", "no_module")
    finally:
        away.rename(tokens)
    assert code_of_signing(service, signing) == "signed"


def test_a_signer_killed_and_started_again_signs_again(
    signing: Signing,  # noqa: F811
    service: SignerProcess,
) -> None:
    assert service.process is not None
    service.process.kill()
    service.process.wait()
    assert code_of_signing(service, signing) == "unreachable"
    service.start()  # the old socket's name is still there
    assert code_of_signing(service, signing) == "signed"
