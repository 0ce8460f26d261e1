"""`tram edxml`: any package or status shown and unpacked; what is broken ends with one Vietnamese line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.store.blobs import BlobStore
from provisioning.cli import main
from sync.edxml.packer import EdxmlPacker
from tests.edxml_fixtures import (
    malformed,
    package_bytes,
    raw_attachment,
    raw_package,
    status,
    whole_document,
)  # fmt: skip


@pytest.fixture
def package(tmp_path: Path) -> Path:
    blobs, file = BlobStore(tmp_path / "blobs"), tmp_path / "gói.edxml"
    file.write_bytes(package_bytes(whole_document(blobs), blobs))
    return file


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["edxml", *arguments]) == 0
    return capsys.readouterr().out


def test_json_has_the_whole_model(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: dict[str, Any] = json.loads(shown(capsys, "show", str(package), "--json"))
    assert (said["kind"], said["sender"]["code"], said["notation"]) == ("document", "H99.21", "BC-UBND")
    assert said["business"]["receivers"][1] == {"code": "H99.23", "added": False}
    assert said["answers"][0]["issue_date"] == "2026-11-02"
    assert [file["name"] for file in said["files"]] == ["bao-cao.pdf", "số liệu.csv"]
    assert (said["warnings"], said["schema_deviations"]) == ([], [])


def test_without_json_it_is_vietnamese(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "show", str(package))
    for words in ("Gói văn bản: Cập nhật", "Nơi nhận: H99.22", "Số, ký hiệu: 15/BC-UBND", "Độ khẩn: Thượng khẩn"):
        assert words in text
    assert "Thay đổi nơi nhận: bớt H99.23" in text


def test_a_status_is_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "status.edxml"
    file.write_bytes(EdxmlPacker().status(status()))
    assert "Bản tin trạng thái: 03" in shown(capsys, "show", str(file))
    assert json.loads(shown(capsys, "show", str(file), "--json"))["response_for"]["organ_code"] == "H99.21"
    assert main(["edxml", "extract", str(file), str(tmp_path / "out")]) == 1


def test_what_is_odd_is_a_warning_and_moves_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "odd.edxml"
    file.write_bytes(raw_package("<DocumentId>a\u009b2J\u202eb</DocumentId><DueDate>sớm</DueDate>"))
    text = shown(capsys, "show", str(file))
    assert "! Hạn trả lời ghi “sớm”" in text
    assert "~ “Subject” không đúng chỗ" in text
    assert "\u009b" not in text
    assert "\u202e" not in text


def test_files_come_out_under_safe_names_and_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "p.edxml", tmp_path / "out"
    names = ("../../công văn.pdf", "công văn.pdf", "/etc/passwd")
    file.write_bytes(raw_package(attachments="".join(raw_attachment(b"%PDF-1.4 x", name) for name in names)))
    outside = tmp_path / "outside"
    out.mkdir()
    (out / "passwd").symlink_to(outside)
    shown(capsys, "extract", str(file), str(out))
    assert sorted(os.listdir(out)) == ["công văn (2).pdf", "công văn.pdf", "passwd", "passwd (2)"]
    assert not outside.exists()


@pytest.mark.parametrize("action", ["show", "extract"])
@pytest.mark.parametrize("name", malformed())
def test_a_broken_or_hostile_package_ends_with_one_line(
    name: str, action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.edxml"
    file.write_bytes(malformed()[name])
    assert main(["edxml", action, str(file), *([str(tmp_path / "out")] if action == "extract" else [])]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("tram: ")
    assert error.count("\n") == 1
    assert "Gói tin" in error or "gói tin" in error


def test_a_file_that_is_not_there_is_said_in_a_process_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "provisioning", "edxml", "show", str(tmp_path / "không có.edxml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"tram: Không đọc được tệp {tmp_path / 'không có.edxml'}: không có tệp hay thư mục này.\n"


_MEASURE = """
import re, sys
from pathlib import Path
from appliance.store.blobs import BlobStore
from sync.edxml.packer import EdxmlPacker
from sync.edxml.reader import read_package
from tests.edxml_fixtures import document, file_in
from appliance.office.desk import PackageFile

def highest():  # KiB; getrusage would count the parent's memory at the fork, this is the program's own
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

blobs = BlobStore(Path(sys.argv[1]))
small, _ = EdxmlPacker().document(document(files=(file_in(blobs, b"%PDF-1.4 x"),)), blobs)
read_package(blobs.path(small), blobs)                                   # everything is loaded
before = highest()
digest, size = EdxmlPacker(dialect_name=sys.argv[3]).document(
    document(files=(PackageFile("a.bin", "application/octet-stream", sys.argv[2]),)), blobs)
wrote = highest()
back = read_package(blobs.path(digest), blobs)
assert back.files[0].sha256 == sys.argv[2], back
print(size, wrote - before, highest() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["java-sdk", "java-sdk-zip"])
def test_a_package_of_sixty_megabytes_is_written_and_read_in_bounded_memory(dialect: str, tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    with (tmp_path / "big").open("wb+") as file:
        for _ in range(44):
            file.write(os.urandom(1 << 20))
        file.seek(0)
        sha256, _ = blobs.put_stream(file, 1 << 30)
    command = [sys.executable, "-c", _MEASURE, str(blobs.root), sha256, dialect]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    size, wrote, both = map(int, done.stdout.split())
    assert size > 58 << 20
    assert wrote < 30 << 10  # KiB
    assert both < 30 << 10


@pytest.mark.parametrize("action", ["show", "extract"])
def test_output_that_nobody_reads_any_more_is_no_fault(package: Path, tmp_path: Path, action: str) -> None:
    """As in ``tram edxml show FILE --json | head -1``."""
    reader, writer = os.pipe()
    os.close(reader)
    rest = [str(package), *(["--json"] if action == "show" else [str(tmp_path / "out")])]
    done = subprocess.run(
        [sys.executable, "-m", "provisioning", "edxml", action, *rest],
        stdout=writer, stderr=subprocess.PIPE, check=False, timeout=120,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
