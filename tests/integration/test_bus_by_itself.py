"""``tram bus`` in an empty folder: a bus that the national SDK could be pointed at."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.config import Settings
from appliance.store.blobs import BlobStore
from provisioning.bus import embedded
from sync.bus.base import BusError, Outbound, Outcome
from sync.bus.vxp.client import VxpClient
from tests.edxml_fixtures import document, package_bytes
from tests.ports import row_of_ports


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """The bus's folder and its plain port."""
    base = row_of_ports(5)
    plain = base + 4
    command = [sys.executable, "-m", "provisioning", "bus", "--data", "bus", "--port", str(base)]
    process = subprocess.Popen([*command, "--vxp-http", str(plain)], cwd=tmp_path, stdout=subprocess.DEVNULL)
    yield tmp_path / "bus", plain
    process.terminate()
    assert process.wait(timeout=30) == 0


def test_two_programs_with_accounts_exchange_a_document(running: tuple[Path, int], tmp_path: Path) -> None:
    folder, port = running
    data = package_bytes(document(), BlobStore(tmp_path / "blobs"))
    package = tmp_path / "package"
    package.write_bytes(data)
    with closing(_client(folder, port, "H99.21", tmp_path)) as ours:
        message = Outbound("x", "edoc", 0, "H99.21", ("H99.01", "H99.22"), package, len(data), "")
        assert ours.find_sent(message) is None
        sent = ours.send(message)
        assert sent.outcome is Outcome.ACCEPTED
        again = ours.send(message)
        assert again.doc_id == sent.doc_id, "the SDK repeats by itself; the same bytes stay one message"
    with closing(_client(folder, port, "H99.22", tmp_path)) as theirs:
        (item,) = theirs.list_incoming("").items
        theirs.fetch(item, tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == data
        theirs.ack(item.doc_id, "done", reason="", sha256="")
        assert theirs.list_incoming("").items == ()
    assert (folder / "accounts.toml").stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_named_and_the_bus_ends(tmp_path: Path) -> None:
    """The last door to open: those already open must not keep the process alive."""
    base = row_of_ports(5)
    with socket.create_server(("127.0.0.1", base + 4)):
        done = _tram_bus(tmp_path, "--data", "bus", "--port", str(base), "--vxp-http", str(base + 4))
    assert done.returncode == 1
    assert f"tram: Không mở được cổng {base + 4}: chương trình khác đang dùng cổng này." in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_bytes(b"\xff\xfe")
    for arguments, status, words in (
        (("--data", str(file)), 1, "Không dùng được thư mục dữ liệu"),
        (("--config", str(file)), 1, "Không đọc được tệp cấu hình"),
        (("--port", "70000"), 2, "not a port"),
        (("--port", "9444", "--vxp-http", "9447"), 1, "bốn cổng liền nhau"),
    ):
        done = _tram_bus(tmp_path, *arguments)
        assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (status, True, False), arguments


def test_a_data_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    base = row_of_ports(4)
    embedded(tmp_path / "bus", base, 0)
    (tmp_path / "bus" / "bus.lock").mkdir()  # root may write anywhere: rights alone would not stop it here
    done = _tram_bus(tmp_path, "--data", "bus", "--port", str(base))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert f"Trục không dùng được {tmp_path / 'bus' / 'bus.lock'}: đây là thư mục." in done.stderr


def _tram_bus(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "provisioning", "bus", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False, timeout=120)


def _client(folder: Path, port: int, system_id: str, tmp_path: Path) -> VxpClient:
    """A program with the account of that organ, once the bus answers."""
    deadline = time.monotonic() + 40
    while True:
        try:
            accounts = tomllib.loads((folder / "accounts.toml").read_text("utf-8"))["accounts"]
            (account,) = (row for row in accounts if row["system_id"] == system_id)
            secret = tmp_path / f"{system_id}.toml"
            secret.write_text(f'secret = "{account["secret"]}"')
            secret.chmod(0o600)
            url = f"http://127.0.0.1:{port}"
            client = VxpClient(
                Settings(tmp_path, bus_dialect="vxp", bus_system_id=system_id, bus_secret_file=secret, bus_url=url)
            )
            client.time()
            return client
        except (OSError, BusError):
            assert time.monotonic() < deadline
            time.sleep(0.2)
