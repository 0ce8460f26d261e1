"""The signer process: who may ask, what it answers, and that the PIN goes nowhere else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.x509 import load_der_x509_certificate

from appliance.config import Settings
from appliance.errors import SignerError
from appliance.signing.algorithms import Scheme
from appliance.signing.client import SignerClient
from appliance.signing.token import Pin
from provisioning.demo import pki, soft_token
from tests.signing_fixtures import LEADER, LEADER_PIN, ORGAN, SEAL_PIN, SignerProcess, Signing, signing  # noqa: F401

DATA = b"signed attributes"
RSA, EC = Scheme("rsa-pkcs1", "sha256"), Scheme("ecdsa", "sha256")


def refusal(act: object) -> str:
    with pytest.raises(SignerError) as caught:
        act()  # type: ignore[operator]
    return caught.value.code


def test_an_rsa_token_signs_what_its_certificate_verifies(signing: Signing) -> None:  # noqa: F811
    raw = signing.client.sign(signing.leader, Pin(LEADER_PIN), DATA, RSA)
    public = load_der_x509_certificate(signing.leader.certificate).public_key()
    public.verify(raw, DATA, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg, union-attr, arg-type]
    assert len(raw) == 256


def test_an_elliptic_curve_token_gives_r_and_s(signing: Signing) -> None:  # noqa: F811
    module = signing.service.settings.pkcs11_modules[0]
    key = pki.make_signer(
        signing.authority, signing.configuration, module, label="Đường cong", pin="998877", common_name=LEADER,
        organ=ORGAN, key_type="ec",
    )  # fmt: skip
    raw = signing.client.sign(key, Pin("998877"), DATA, EC)
    assert len(raw) == 64
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = load_der_x509_certificate(key.certificate).public_key()
    public.verify(der, DATA, ec.ECDSA(hashes.SHA256()))  # type: ignore[call-arg, union-attr, arg-type]
    odd = replace(key, key_id="77")
    assert signing.client.sign(odd, Pin("998877"), DATA, EC), "found by its point where the CKA_ID is another"


def test_plugged_in_devices_are_listed_without_a_pin(signing: Signing) -> None:  # noqa: F811
    listed = {token.serial: token for token in signing.client.tokens()}
    assert listed[signing.leader.token_serial].label == "Chủ tịch"
    assert (signing.seal.key_id, signing.seal.certificate) in listed[signing.seal.token_serial].certificates


def test_a_wrong_pin_is_said_and_seen_and_the_right_one_clears_it(signing: Signing) -> None:  # noqa: F811
    assert refusal(lambda: signing.client.sign(signing.leader, Pin("000000"), DATA, RSA)) == "wrong_pin"
    flags = {token.serial: token.flags for token in signing.client.tokens()}
    assert flags[signing.leader.token_serial] == ("pin_count_low",)
    assert signing.client.sign(signing.leader, Pin(LEADER_PIN), DATA, RSA)
    flags = {token.serial: token.flags for token in signing.client.tokens()}
    assert flags[signing.leader.token_serial] == ()


def test_another_token_or_key_is_never_used_instead(signing: Signing) -> None:  # noqa: F811
    other_token = replace(signing.leader, token_serial="0123456789abcdef")
    other_key = replace(signing.leader, certificate=signing.seal.certificate)
    assert refusal(lambda: signing.client.sign(other_token, Pin(LEADER_PIN), DATA, RSA)) == "other_token"
    assert refusal(lambda: signing.client.sign(other_key, Pin(LEADER_PIN), DATA, RSA)) == "no_key"


def test_a_key_is_found_by_its_public_half_when_the_cka_id_is_another(signing: Signing) -> None:  # noqa: F811
    odd = replace(signing.leader, key_id="77")
    raw = signing.client.sign(odd, Pin(LEADER_PIN), DATA, RSA)
    assert raw == signing.client.sign(signing.leader, Pin(LEADER_PIN), DATA, RSA)


def test_a_missing_driver_is_said(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    settings = Settings(data=tmp_path, pkcs11_modules=(tmp_path / "no-such-driver.so",))
    service = SignerProcess(settings, signing.configuration)
    service.start()
    try:
        assert refusal(lambda: service.client.sign(signing.leader, Pin(LEADER_PIN), DATA, RSA)) == "no_module"
        assert refusal(service.client.tokens) == "no_module"
    finally:
        assert service.stop() == 0


def test_a_signer_that_is_down_is_said(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    nobody = SignerClient(tmp_path / "signer.sock")
    assert refusal(lambda: nobody.sign(signing.leader, Pin(LEADER_PIN), DATA, RSA)) == "unreachable"
    assert refusal(nobody.ping) == "unreachable"


def test_two_tokens_sign_at_once_and_one_token_in_turn(signing: Signing) -> None:  # noqa: F811
    jobs = [(signing.leader, LEADER_PIN), (signing.seal, SEAL_PIN)] * 4
    with ThreadPoolExecutor(len(jobs)) as pool:
        raws = list(pool.map(lambda job: signing.client.sign(job[0], Pin(job[1]), DATA, RSA), jobs))
    assert len(set(raws)) == 2  # PKCS#1 v1.5 is deterministic: one value per key
    assert len(raws) == 8


def test_rubbish_requests_are_dropped_and_the_next_one_is_served(signing: Signing) -> None:  # noqa: F811
    path = str(signing.service.settings.signer_socket)
    for rubbish in (b"\n", b"[]\n", b'{"op": "format"}\n', b"\xff\xfe\n", b"x" * 200_000 + b"\n", b'{"op": "sign"}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(path)
            try:
                connection.sendall(rubbish)
                reply = connection.makefile("rb").readline()
            except (BrokenPipeError, ConnectionResetError):
                reply = b""
        assert not reply or json.loads(reply)["ok"] is False
    signing.client.ping()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_another_user_is_refused_even_when_the_socket_lets_him_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path("/tmp") / f"tram-peer-{os.getpid()}"  # the other user must be able to walk there
    (folder / "run").mkdir(parents=True, mode=0o755)
    folder.chmod(0o755)
    settings = Settings(data=folder)
    service = SignerProcess(settings, soft_token.make_store(tmp_path_factory.mktemp("peer")))
    service.start()
    try:
        settings.signer_socket.chmod(0o666)
        code = (
            "import os, socket, sys; os.setgid(65534); os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            "try:\n    s.sendall(b'{\"op\": \"ping\"}\\n'); print(s.makefile('rb').readline())\n"
            "except OSError: print(b'')"
        )
        said = subprocess.run(
            [sys.executable, "-c", code, str(settings.signer_socket)], capture_output=True, text=True, check=True
        )
        assert said.stdout == "b''\n"
        service.client.ping()
    finally:
        service.stop()
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_the_pin_is_on_no_command_line_and_in_no_environment(signing: Signing) -> None:  # noqa: F811
    seen: list[bytes] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    seen.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(3):
        signing.client.sign(signing.leader, Pin(LEADER_PIN), DATA, RSA)
    stop.set()
    watcher.join()
    assert any(b"appliance.signing.worker" in text for text in seen)
    assert not any(LEADER_PIN.encode() in text for text in seen)


def test_the_signer_takes_its_socket_from_systemd_and_logs_no_pin(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "passed.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        code = (
            "import logging, os, sys; from pathlib import Path\n"
            "logging.basicConfig(level=logging.DEBUG)\n"
            "os.dup2(int(sys.argv[2]), 3); os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
            "from appliance.config import Settings; from appliance.signing import service\n"
            "service.main(Settings(data=Path(sys.argv[1])))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(listener.fileno())],
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
            env={**os.environ, "SOFTHSM2_CONF": str(signing.configuration)},
        )
    client = SignerClient(path)
    assert client.sign(signing.leader, Pin(LEADER_PIN), DATA, RSA)
    assert refusal(lambda: client.sign(signing.leader, Pin("424242"), DATA, RSA)) == "wrong_pin"
    signing.client.sign(signing.leader, Pin(LEADER_PIN), DATA, RSA)
    process.terminate()
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"sign: done" in log
    assert b"wrong_pin" in log
    assert LEADER_PIN.encode() not in log
    assert b"424242" not in log
    assert not (tmp_path / "run" / "signer.sock").exists()


def test_a_signature_under_way_is_finished_before_the_signer_stops(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    service = SignerProcess(Settings(data=tmp_path), signing.configuration)
    service.start()
    with ThreadPoolExecutor(1) as pool:
        raw = pool.submit(service.client.sign, signing.leader, Pin(LEADER_PIN), DATA, RSA)
        time.sleep(0.1)
        assert service.stop() == 0
        assert raw.result()


def test_a_process_that_holds_a_pin_can_leave_no_core_file_anywhere() -> None:
    code = (
        "import ctypes, resource; from appliance.signing.secrecy import keep_secrets\n"
        "keep_secrets(); print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "0 (0, 0)\n"  # PR_GET_DUMPABLE: not even to a program that the kernel would pipe it to


def test_signer_and_workers_hold_pins_under_that_rule(signing: Signing) -> None:  # noqa: F811
    assert signing.service.process
    signer = signing.service.process.pid
    family = [signer, *map(int, Path(f"/proc/{signer}/task/{signer}/children").read_text().split())]
    for pid in family:
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert [line.split()[4:6] for line in limits.splitlines() if "core file" in line] == [["0", "0"]]
