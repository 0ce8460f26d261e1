"""A real clamd with the local signatures, started by the supervisor, asked by the box's own scanner."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.antivirus import Scanner
from appliance.config import Settings
from appliance.errors import ConfigError, Unavailable
from provisioning.clamd import clamd_program, eicar, write_configuration
from provisioning.supervisor import Supervisor


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("box"), max_upload_mb=5)


@pytest.fixture(scope="module")
def programs(settings: Settings) -> Iterator[Supervisor]:
    with Supervisor(settings.data / "log") as supervisor:
        supervisor.start(clamd_program(settings))
        yield supervisor


@pytest.fixture
def scanner(programs: Supervisor, settings: Settings) -> Scanner:
    return Scanner(settings.clamd_socket)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "sample"
    path.write_bytes(data)
    return path


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.txt", data)
    return packed.getvalue()


@pytest.mark.parametrize(
    "data", [eicar(), b"a letter " + eicar() + b" goes on", zipped(b"x" + eicar())], ids=["alone", "within", "zipped"]
)
def test_the_test_virus_is_found(scanner: Scanner, tmp_path: Path, data: bytes) -> None:
    verdict = scanner.scan(written(tmp_path, data))
    assert verdict.state == "infected"
    assert "Eicar" in verdict.name


def test_an_ordinary_file_is_clean(scanner: Scanner, tmp_path: Path) -> None:
    verdict = scanner.scan(written(tmp_path, "Quyết định về việc …".encode()))
    assert verdict.clean
    assert verdict.engine.startswith("ClamAV")


def test_a_file_of_the_upload_limit_is_still_scanned(scanner: Scanner, settings: Settings, tmp_path: Path) -> None:
    path = written(tmp_path, os.urandom(settings.max_upload_mb << 20))
    assert scanner.scan(path).clean


def test_a_file_over_clamds_limit_is_never_called_clean(scanner: Scanner, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="size limit"):
        scanner.scan(written(tmp_path, os.urandom(15 << 20)))


@pytest.mark.fault
def test_after_a_crash_the_stale_socket_is_no_obstacle(
    programs: Supervisor, scanner: Scanner, settings: Settings, tmp_path: Path
) -> None:
    programs.kill("clamd")
    assert settings.clamd_socket.exists()
    with pytest.raises(Unavailable):
        scanner.scan(written(tmp_path, b"letter"))
    programs.restart("clamd")
    assert scanner.scan(written(tmp_path, b"letter")).clean


def test_a_data_folder_with_too_long_a_path_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="quá dài"):
        write_configuration(Settings(data=tmp_path / ("d" * 100)))
