"""Key and certificate files: private ones readable by their owner only, from the moment they exist."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


def write_key(path: Path, key: Any) -> None:
    """Write a private key as PKCS#8 PEM, mode 0600."""
    _write_secret(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def read_key(path: Path) -> Any:
    """The private key in ``path``."""
    return load_pem_private_key(path.read_bytes(), password=None)


def write_private(path: Path) -> str:
    """A new random PIN of 16 digits, kept in ``path`` (mode 0600)."""
    pin = f"{secrets.randbelow(10**16):016d}"
    _write_secret(path, pin.encode("ascii"))
    return pin


def write_public(path: Path, data: bytes) -> None:
    """Write a certificate or list in one step, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _write_secret(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
