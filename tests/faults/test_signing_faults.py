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
from appliance.signing.algorithms import Scheme
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


def mother_of(service: SignerProcess) -> int:
    """The process that forks the workers."""
    assert service.process is not None
    return next(
        pid
        for pid in children(service.process.pid)
        if b"appliance.signing.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )


def strike_next_worker(service: SignerProcess, number: signal.Signals) -> threading.Thread:
    """Send ``number`` to the next worker as soon as it lives: a child of the workers' mother."""
    mother = mother_of(service)

    def wait() -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if workers := children(mother):
                os.kill(workers[0], number)
                return

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def code_of_signing(service: SignerProcess, signing: Signing) -> str:  # noqa: F811
    try:
        service.client.sign(signing.leader, Pin(LEADER_PIN), DATA, Scheme("rsa-pkcs1", "sha256"))
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
    deadline = time.monotonic() + 5
    while children(mother_of(service)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not children(mother_of(service))
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


def test_the_process_that_forks_the_workers_may_die_without_costing_a_signature(
    signing: Signing,  # noqa: F811
    service: SignerProcess,
) -> None:
    mother = mother_of(service)
    os.kill(mother, signal.SIGKILL)
    assert code_of_signing(service, signing) == "signed"
    assert mother_of(service) != mother


def test_workers_end_with_the_signer_even_when_it_is_killed(
    signing: Signing,  # noqa: F811
    service: SignerProcess,
) -> None:
    mother = mother_of(service)
    assert service.process is not None
    service.process.kill()
    service.process.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{mother}/cmdline").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{mother}/cmdline").exists()


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
