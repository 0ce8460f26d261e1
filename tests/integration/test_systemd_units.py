"""The units as systemd itself reads them: no unknown key, no bad value, and as tight as they once were."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from appliance.config import load_settings
from provisioning import box_files

SOURCE = Path(__file__).resolve().parents[2] / "systemd"
DEBIAN_UNITS = Path("/usr/lib/systemd/system")
OURS = tuple(sorted(path.name for path in SOURCE.iterdir() if path.is_file()))
TIGHTENED = ("nginx.service", "clamav-daemon.service", "clamav-daemon.socket", "pcscd.service")
PROGRAMS = (
    "/opt/tram/venv/bin/tram",
    "/usr/sbin/nginx",
    "/usr/sbin/clamd",
    "/usr/sbin/start-stop-daemon",
    "/usr/sbin/pcscd",
    "/usr/bin/kill",
)
# Tenths of systemd's exposure level (0 tight, 100 open), as reached; a looser unit fails.
EXPOSURE = {
    "tram-web.service": 2,
    "tram-signer.service": 4,
    "tram-sync.service": 12,  # its broker must see who asks: PrivateUsers=no
    "nginx.service": 27,
    "clamav-daemon.service": 6,
    "pcscd.service": 20,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A file tree with our units over Debian's, and every program they start."""
    (tmp_path / "usr/lib/systemd").mkdir(parents=True)
    shutil.copytree(DEBIAN_UNITS, tmp_path / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(SOURCE, tmp_path / "etc/systemd/system", ignore=shutil.ignore_patterns("etc"))
    for name in PROGRAMS:
        program = tmp_path / name.lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(mode=0o755)
    for link in ("bin", "sbin", "lib"):  # as on every Debian since 12
        (tmp_path / link).symlink_to(f"usr/{link}")
    return tmp_path


def analyze(root: Path, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", verb, f"--root={root}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("unit", [*OURS, *TIGHTENED])
def test_systemd_has_nothing_to_say_about_a_unit(root: Path, unit: str) -> None:
    # An unknown key or a bad value is only a message to systemd; here any output is a failure.
    said = analyze(root, "verify", "--man=no", unit)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("ProtectSytem=strict", "ProtectSytem"),
        ("MemoryMax=much", "Invalid memory limit"),
        ("SystemCallFilter=@nonsense", "nonsense"),
    ],
)
def test_a_mistake_in_a_unit_would_be_noticed(root: Path, line: str, complaint: str) -> None:
    unit = root / "etc/systemd/system/tram-web.service"
    unit.write_text(unit.read_text().replace("[Service]\n", f"[Service]\n{line}\n"))
    assert complaint in analyze(root, "verify", "--man=no", "tram-web.service").stderr


@pytest.mark.parametrize("unit", EXPOSURE)
def test_a_unit_is_as_tight_as_it_once_was(root: Path, unit: str) -> None:
    said = analyze(root, "security", "--offline=yes", "--no-pager", f"--threshold={EXPOSURE[unit]}", unit)
    assert said.returncode == 0, said.stdout


def test_the_bound_on_exposure_would_notice_a_looser_unit(root: Path) -> None:
    (root / "etc/systemd/system/tram-.service.d/hardening.conf").write_text("")
    said = analyze(
        root,
        "security",
        "--offline=yes",
        "--no-pager",
        f"--threshold={EXPOSURE['tram-web.service']}",
        "tram-web.service",
    )
    assert said.returncode == 1


def test_every_hardening_file_explains_itself() -> None:
    for path in SOURCE.rglob("*.conf"):
        if path.parent.name.endswith(".d"):
            assert path.read_text("utf-8").count("\n#") + path.read_text("utf-8").startswith("#") > 0, path


@pytest.fixture
def peopled(tmp_path: Path) -> Path:
    """A root with the box's users made by systemd-sysusers, and the users of Debian's packages."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    apply("systemd-sysusers", tmp_path, "sysusers.conf")
    return tmp_path


def apply(tool: str, root: Path, name: str, *options: str) -> None:
    command = [tool, f"--root={root}", *options, str(SOURCE / "etc" / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("Creating ")]
    assert (done.returncode, complaints) == (0, []), command


def table(path: Path) -> dict[str, list[str]]:
    """A colon-separated file by its first column."""
    rows = (line.split(":") for line in path.read_text().splitlines())
    return {row[0]: row[1:] for row in rows}


def test_the_users_have_the_numbers_that_the_configuration_names(peopled: Path) -> None:
    people = table(peopled / "etc/passwd")
    numbers = {name: people[name][1] for name in ("tram-web", "tram-sync", "tram-signer")}
    assert numbers == {"tram-web": "921", "tram-sync": "922", "tram-signer": "923"}
    assert load_settings(SOURCE / "etc/tram.toml").signer_allowed_uids == (921,)


def test_the_signer_is_no_member_of_the_group_that_owns_the_store(peopled: Path) -> None:
    assert set(table(peopled / "etc/group")["tram"][2].split(",")) == {"tram-web", "tram-sync"}


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users, which needs root")
def test_the_folders_belong_to_pages_and_link_together(peopled: Path) -> None:
    for _ in range(2):  # also at the second boot
        apply("systemd-tmpfiles", peopled, "tmpfiles.conf", "--create")
    store, database = (peopled / "var/lib/tram").stat(), (peopled / "var/lib/tram/tram.db").stat()
    assert (stat.S_IMODE(store.st_mode), store.st_uid, store.st_gid) == (0o2770, 0, 920)
    assert (stat.S_IMODE(database.st_mode), database.st_uid, database.st_gid) == (0o660, 921, 920)
    assert (peopled / "var/lib/tram/run/signer.sock").readlink() == Path("/run/tram/signer.sock")


def test_the_shipped_files_are_what_the_code_writes(tmp_path: Path) -> None:
    for written in box_files.write(tmp_path):
        shipped = SOURCE / "etc" / written.relative_to(tmp_path)
        assert shipped.read_text("utf-8") == written.read_text("utf-8")


def settings_of(unit: Path) -> set[str]:
    return {line.split("=")[0] for line in unit.read_text("utf-8").splitlines() if line[:1].isalpha() and "=" in line}


@pytest.mark.parametrize("unit", [name for name in OURS if name.endswith(".service")])
def test_a_service_sets_nothing_that_the_common_hardening_would_take_back(unit: str) -> None:
    # A drop-in is read last and wins, so the service's own line would look valid and do nothing.
    twice = settings_of(SOURCE / "tram-.service.d/hardening.conf") & settings_of(SOURCE / unit)
    assert twice == set()
