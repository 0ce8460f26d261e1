"""A setting that cannot be half right: unknown keys and wrong kinds refuse to start, naming the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import load_settings
from appliance.errors import ConfigError


def _load(tmp_path: Path, text: str):
    path = tmp_path / "tram.toml"
    path.write_text(text, "utf-8")
    return load_settings(path)


def test_relative_paths_count_from_the_configuration_file(tmp_path: Path) -> None:
    settings = _load(
        tmp_path, 'data = "box"\npublic_hosts = ["tram.lan"]\npoll_seconds = 2\npkcs11_modules = ["a.so", "/b.so"]'
    )
    assert settings.data == tmp_path / "box"
    assert settings.signer_socket == tmp_path / "box" / "run" / "signer.sock"
    assert settings.public_hosts == ("tram.lan",)
    assert settings.poll_seconds == 2.0
    assert settings.pkcs11_modules == (tmp_path / "a.so", Path("/b.so"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('data = "d"\ncolour = "red"', "colour"),
        ('data = "d"\nchronyc = "yes"', "chronyc"),
        ('data = "d"\nmax_upload_mb = true', "max_upload_mb"),
        ('data = "d"\npublic_hosts = "tram.lan"', "public_hosts"),
        ('data = "d"\npkcs11_modules = "a.so"', "pkcs11_modules"),
        ('data = "d"\nrsa_padding = "oaep"', "rsa_padding"),
        ('box_name = "Trạm"', "data"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        _load(tmp_path, text)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        _load(tmp_path, "data = ")
