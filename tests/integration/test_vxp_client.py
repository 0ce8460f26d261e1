"""The VXP dialect on the wire: signatures against the SDK's own recorded requests, answers of every kind."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config import Settings
from appliance.errors import ConfigError
from sync.bus.account import read_account
from sync.bus.base import BusError, DigestMismatch
from sync.bus.factory import make_client
from sync.bus.native.client import NativeClient
from sync.bus.vxp import signing
from sync.bus.vxp.download import save_data

SECRET = "bí mật riêng của phép thử"


def settings(tmp_path: Path, **changes: object) -> Settings:
    """A box at a VXP bus."""
    secret = tmp_path / "secret.toml"
    secret.write_text(f'secret = "{SECRET}"', "utf-8")
    secret.chmod(0o600)
    values: dict[str, object] = {
        "data": tmp_path, "bus_dialect": "vxp", "bus_system_id": "H99.21", "bus_secret_file": secret,
        "bus_url": "http://127.0.0.1:9",
    }  # fmt: skip
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


def test_a_half_configured_account_refuses_to_start(tmp_path: Path) -> None:
    make_client(settings(tmp_path)).close()
    for changes, word in (
        ({"bus_system_id": ""}, "bus_system_id"),
        ({"bus_secret_file": None}, "bus_secret_file"),
        ({"bus_url": "http://10.0.0.1/"}, "https"),
        ({"bus_url": "http://localhost/"}, "https"),
        ({"bus_url": "https://u:p@bus.example/"}, "mật khẩu"),
        ({"bus_url": "https://bus.example/"}, "bus_ca"),
    ):
        with pytest.raises(ConfigError, match=word):
            make_client(settings(tmp_path, **changes))
    with pytest.raises(ConfigError):
        NativeClient(settings(tmp_path))


def test_a_secret_others_can_read_is_refused_and_none_is_ever_shown(tmp_path: Path) -> None:
    made = settings(tmp_path)
    assert made.bus_secret_file is not None
    assert SECRET not in repr(read_account(made, ("secret",)))
    made.bus_secret_file.chmod(0o640)
    with pytest.raises(ConfigError, match="Người khác đọc được"):
        make_client(made)
    made.bus_secret_file.chmod(0o600)
    made.bus_secret_file.write_text(f"secret = {SECRET}", "utf-8")
    with pytest.raises(ConfigError) as caught:
        make_client(made)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_hash_loses_its_leading_zeros_as_in_the_sdk() -> None:
    assert signing.unpadded(bytes([0, 1, 0x10, 0xFF])) == "0110ff"


def test_a_timestamp_ends_in_milliseconds_and_reads_back() -> None:
    moment = signing.read_timestamp("22112026T151913+0627")
    assert moment.microsecond == 627_000
    assert moment.utcoffset() is not None
    assert signing.timestamp(moment) == "22112026T151913+0627"
    for wrong in ("", "22112026T151913+0700 ", "99112026T151913+0627", "22112026T151913+1627"):
        with pytest.raises(ValueError, match=r"timestamp|month|day|millis"):
            signing.read_timestamp(wrong)


def _chunks(data: bytes, size: int) -> Iterator[bytes]:
    stream = io.BytesIO(data)
    return iter(lambda: stream.read(size), b"")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 1 << 20])
def test_a_package_comes_out_of_its_answer_whatever_the_pieces(tmp_path: Path, size: int) -> None:
    data = hashlib.sha256(b"x").digest() * 99 + b"\xfb\xff\xff"
    text = base64.encodebytes(data).decode()
    for coded in (json.dumps(text), json.dumps(text).replace("/", "\\/"), json.dumps(text.replace("\n", ""))):
        answer = f'{{"ErrorDesc":"Th\\u00e0nh c\\u00f4ng \\"data\\":\\"x","data" : {coded},"status":"OK"}}'.encode()
        found = save_data(_chunks(answer, size), tmp_path / "x", 1 << 20)
        assert (tmp_path / "x").read_bytes() == data
        assert found["status"] == "OK"


@pytest.mark.parametrize(
    "answer", [b"<html>" * 20_000, b'{"data":"AAAA', b'{"data":"A!AA"}', b'{"data":"AAAA"', b'{"data":"AAA"}', b"[]"]
)
def test_what_is_no_whole_answer_is_an_error(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(BusError):
        save_data(_chunks(answer, 100), tmp_path / "x", 1 << 20)


def test_content_that_is_no_base64_counts_as_damaged_and_what_came_is_kept(tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch):
        save_data(_chunks(b'{"data":"QUJD****","status":"OK"}', 12), tmp_path / "x", 1 << 20)
    assert (tmp_path / "x").exists()


def test_a_package_over_the_limit_stops_before_the_disk_is_full(tmp_path: Path) -> None:
    answer = b'{"data":"' + base64.b64encode(bytes(1 << 20)) + b'"}'
    with pytest.raises(BusError, match="vượt dung lượng"):
        save_data(_chunks(answer, 4096), tmp_path / "x", 1 << 16)
    assert (tmp_path / "x").stat().st_size <= 1 << 16
