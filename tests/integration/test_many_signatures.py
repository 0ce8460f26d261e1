"""A thousand signatures on two tokens from many clients at once, and one token's driver dying meanwhile."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config import Settings
from appliance.errors import SignerError
from appliance.signing.algorithms import Scheme, verified
from appliance.signing.client import SignerClient
from appliance.signing.token import Pin, TokenKey
from appliance.signing.validate import validate
from tests.shim.module import make_shim
from tests.signing_fixtures import LEADER_PIN, SEAL_PIN, SignerProcess, Signing, signing  # noqa: F401

pytestmark = pytest.mark.slow

RSA = Scheme("rsa-pkcs1", "sha256")
CLIENTS = 32


def sign(client: SignerClient, key: TokenKey, pin: str, text: str) -> str:
    """'' for a signature that its certificate verifies, else the failure's code."""
    data = text.encode()
    try:
        verified(key.certificate, RSA, client.sign(key, Pin(pin), data, RSA), data)
    except SignerError as error:
        return error.code
    return ""


def test_a_thousand_signatures_on_two_tokens_from_many_clients(
    signing: Signing,  # noqa: F811
    record_property: pytest.RecordProperty,
) -> None:
    pairs = [(signing.leader, LEADER_PIN), (signing.seal, SEAL_PIN)]
    path = signing.service.settings.signer_socket
    slowest, lock = [0.0], threading.Lock()

    def one(number: int) -> str:
        key, pin = pairs[number % 2]
        start = time.monotonic()
        said = sign(SignerClient(path), key, pin, f"văn bản {number}")
        with lock:
            slowest[0] = max(slowest[0], time.monotonic() - start)
        return said

    start = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        said = list(pool.map(one, range(1000)))
    seconds = time.monotonic() - start
    record_property("seconds", seconds)
    print(f"1000 signatures, {CLIENTS} clients, 2 tokens: {seconds:.1f} s, slowest answer {slowest[0]:.2f} s")
    assert said == [""] * 1000
    assert signing.service.process
    assert signing.service.process.poll() is None


def test_whole_documents_are_signed_and_sealed_by_many_at_once(signing: Signing) -> None:  # noqa: F811
    def one(_: int) -> str:
        return validate(signing.sealed(), signing.trust).verdict

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(12))) == ["valid"] * 12


@pytest.mark.fault
@pytest.mark.parametrize(("what", "code"), [("crash", "crashed"), ("hang", "timeout"), ("gone", "removed")])
def test_one_tokens_driver_fails_again_and_again_while_the_other_token_signs_on(
    signing: Signing,  # noqa: F811
    tmp_path: Path,
    what: str,
    code: str,
) -> None:
    real = signing.service.settings.pkcs11_modules[0]
    one, other = (make_shim(tmp_path / f"{name}.so", real) for name in ("one", "other"))
    one.behave(f"only {signing.leader.token_serial}", f"C_Sign {what}")
    other.behave(f"only {signing.seal.token_serial}")
    settings = Settings(data=tmp_path, pkcs11_modules=(one.path, other.path), signer_timeout_seconds=1.0)
    service = SignerProcess(settings, signing.configuration)
    service.start()
    client = service.client
    try:
        with ThreadPoolExecutor(10) as pool:
            failing = [pool.submit(sign, client, signing.leader, LEADER_PIN, "một") for _ in range(6)]
            working = [pool.submit(sign, client, signing.seal, SEAL_PIN, f"hai {n}") for n in range(60)]
            assert {future.result() for future in working} == {""}
            assert {future.result() for future in failing} == {code}
        one.behave(f"only {signing.leader.token_serial}")
        assert sign(client, signing.leader, LEADER_PIN, "ba") == ""
    finally:
        assert service.stop() == 0


def test_more_clients_than_the_signer_takes_are_told_busy_and_none_is_left_hanging(
    signing: Signing,  # noqa: F811
    tmp_path: Path,
) -> None:
    shim = make_shim(tmp_path / "slow.so", signing.service.settings.pkcs11_modules[0])
    shim.behave("C_Sign hang")
    settings = Settings(data=tmp_path, pkcs11_modules=(shim.path,), signer_timeout_seconds=20)
    service = SignerProcess(settings, signing.configuration)
    service.start()
    impatient = replace(signing, service=service).client
    try:
        start = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda n: sign(impatient, signing.leader, LEADER_PIN, str(n)), range(8)))
        assert set(said) == {"busy", "timeout"}
        assert time.monotonic() - start < 45
        shim.behave()
        assert sign(impatient, signing.leader, LEADER_PIN, "sau đó") == ""
    finally:
        service.stop()
