"""A stranger's check: a document's exported proof, verified by the commands of its own text file and public tools."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from appliance.office.proof.guide import NAME, SUMS, commands
from appliance.store.blobs import BlobStore
from appliance.store.database import open_database
from tests.edxml_fixtures import document as letter
from tests.edxml_fixtures import file_in, package_bytes
from tests.live_fixtures import Live

pytestmark = pytest.mark.slow
LETTER = "H99.01,2026/11/20,77/GM-VP"
TOOLS = (
    "sh", "sha256sum", "cut", "tail", "head", "cmp", "base64", "basenc", "tr", "grep", "openssl", "pdfsig", "cat",
)  # fmt: skip


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the public tools: the stranger has no Python and no `tram`."""
    folder = tmp_path_factory.mktemp("tools")
    for tool in TOOLS:
        found = shutil.which(tool, path="/usr/bin:/bin")
        assert found, tool
        (folder / tool).symlink_to(found)
    return folder


@pytest.fixture(scope="module")
def sent(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proof of a document signed on both tokens, sent over the bus, and reported done by the recipient."""
    path = live.issue_document("Về việc kiểm tra bằng chứng gửi, nhận văn bản điện tử")
    document = path.rsplit("/", 1)[-1]
    live.wait_for(lambda: bool(_rows(live, "SELECT 1 FROM status_in WHERE outgoing_id = ?", document)))
    return _exported(live, document, tmp_path_factory.mktemp("sent") / "proof.zip")


@pytest.fixture(scope="module")
def received(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proof of a letter from the province, with the status that the box sent about it."""
    blobs = BlobStore(tmp_path_factory.mktemp("blobs"))
    file = file_in(blobs, live.letter, "giay-moi.pdf")
    live.put_at_bus(package_bytes(letter(files=(file,), document_code=LETTER), blobs))
    query = (
        "SELECT i.id FROM incoming i JOIN message m ON m.incoming_id = i.id JOIN inbox b USING (bus_doc_id)"
        " WHERE i.document_code = ? AND m.state = 'accepted' AND b.acked_at IS NOT NULL"
    )
    live.wait_for(lambda: bool(_rows(live, query, LETTER)))
    return _exported(live, _rows(live, query, LETTER)[0][0], tmp_path_factory.mktemp("received") / "proof.zip")


def _rows(live: Live, query: str, *values: str) -> list[tuple[str, ...]]:
    db = open_database(live.world.settings.database)
    try:
        return db.execute(query, values).fetchall()
    finally:
        db.close()


def _exported(live: Live, document: str, target: Path) -> Path:
    command = [sys.executable, "-m", "provisioning", "proof", "--config", str(live.world.config), document, "-o"]
    subprocess.run([*command, str(target)], check=True, timeout=60)
    return target


def _unpacked(archive: Path, folder: Path) -> Path:
    subprocess.run(["unzip", "-q", str(archive), "-d", str(folder)], check=True, timeout=30)
    return folder


def _first_failure(folder: Path, tools: Path) -> str:
    """Follow the text file to the letter; the first command that fails or prints something else, '' when all hold."""
    for command, expected in commands((folder / NAME).read_text("utf-8")):
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=folder, capture_output=True, timeout=60,
            env={"PATH": str(tools), "LC_ALL": os.environ.get("LC_ALL", "C.UTF-8"), "HOME": str(folder)},
        )  # fmt: skip
        if done.returncode or expected not in done.stdout.decode("utf-8", "replace"):
            return f"{command}\n{done.returncode} {done.stdout!r} {done.stderr!r}"
    return ""


def _seal_sums_again(folder: Path) -> None:
    """What a forger does first: the list of sums fits the forged files."""
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(lines), "utf-8")


def _tamper(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    data[at] = ord("A") if data[at] != ord("A") else ord("B")
    path.write_bytes(data)


@pytest.mark.parametrize("which", ["sent", "received"])
def test_every_command_of_the_text_file_holds_with_public_tools_only(
    which: str, request: pytest.FixtureRequest, tools: Path, tmp_path: Path
) -> None:
    folder = _unpacked(request.getfixturevalue(which), tmp_path / "p")
    found = commands((folder / NAME).read_text("utf-8"))
    words = " ".join(command for command, _ in found)
    for tool in ("sha256sum -", "openssl verify", "openssl dgst -sha256", "openssl cms -verify", "pdfsig"):
        assert tool in words
    assert _first_failure(folder, tools) == ""


@pytest.mark.parametrize("which", ["sent", "received"])
def test_whatever_member_is_changed_some_command_fails(
    which: str, request: pytest.FixtureRequest, tools: Path, tmp_path: Path
) -> None:
    whole = _unpacked(request.getfixturevalue(which), tmp_path / "p")
    names = [p.relative_to(whole) for p in sorted(whole.rglob("*")) if p.is_file() and p.name != NAME]
    assert len(names) > 10
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        shutil.copytree(whole, folder)
        _tamper(folder / name)
        assert _first_failure(folder, tools), name


def test_the_proof_of_what_came_holds_the_box_s_own_signed_word_that_it_came(received: Path) -> None:
    with zipfile.ZipFile(received) as archive:
        said = json.loads(archive.read("xac-nhan/den.noi-dung.json"))
        package = archive.read("goi-tin/den.edxml")
    assert (said["outcome"], said["sha256"]) == ("done", hashlib.sha256(package).hexdigest())


def test_a_forger_who_makes_the_sums_anew_is_still_found(sent: Path, tools: Path, tmp_path: Path) -> None:
    whole = _unpacked(sent, tmp_path / "p")
    core = ("van-ban/", "goi-tin/", "bien-nhan/", "trang-thai/", "nhat-ky/", "chu-ky/")
    names = [name for p in sorted(whole.rglob("*")) if (name := str(p.relative_to(whole))).startswith(core)]
    for number, name in enumerate(name for name in names if (whole / name).is_file()):
        folder = tmp_path / str(number)
        shutil.copytree(whole, folder)
        _tamper(folder / name)
        _seal_sums_again(folder)
        assert _first_failure(folder, tools), name


def test_the_same_document_gives_the_same_bytes_and_tells_nothing_of_other_work(
    live: Live, sent: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(sent) as archive:
        names = archive.namelist()
        lines = archive.read("nhat-ky/chuoi.txt").decode().splitlines()
        title = archive.read(NAME).decode()
    assert names[0] == NAME
    assert names[-1] == SUMS
    assert all(len(line) < 200 for line in lines), "numbers and hashes only"
    assert "kiểm tra bằng chứng gửi" in title
    (document,) = _rows(live, "SELECT id FROM outgoing WHERE subject LIKE 'Về việc kiểm tra bằng chứng%'")[0]
    before = _exported(live, document, tmp_path / "1.zip").read_bytes()
    assert before == _exported(live, document, tmp_path / "2.zip").read_bytes()


def test_a_package_that_has_not_left_is_not_called_sent_and_every_command_holds(
    live: Live, tools: Path, tmp_path: Path
) -> None:
    """The proof is asked for while the line is dead, and one package was put aside for another."""
    live.line(down=True)
    try:
        document = live.issue_document("Về việc lập bằng chứng khi đường truyền hỏng").rsplit("/", 1)[-1]
        ((message,),) = _rows(live, "SELECT id FROM message WHERE outgoing_id = ?", document)
        queue = [sys.executable, "-m", "provisioning", "queue", "--config", str(live.world.config)]

        def done(*action: str) -> bool:  # not while an attempt is going on
            command = [*queue, *action, "--reason", "nhầm nơi nhận"]
            return subprocess.run(command, check=False, timeout=60, capture_output=True).returncode == 0

        live.wait_for(lambda: done("hold", message))
        assert done("resend", message, "--to", "H99.01")
        folder = _unpacked(_exported(live, document, tmp_path / "proof.zip"), tmp_path / "p")
    finally:
        live.line(down=False)
    assert _first_failure(folder, tools) == ""
    guide = (folder / NAME).read_text("utf-8")
    assert (guide.count("trục chưa xác nhận đã nhận"), "Gói tin đã gửi" in guide) == (2, False)
    for package in sorted((folder / "goi-tin").iterdir()):
        assert f"sha256sum < goi-tin/{package.name}" in guide, "its hash is in the journal"
