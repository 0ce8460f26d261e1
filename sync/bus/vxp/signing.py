"""How a VXP request proves who sends it: a JSON text of its own headers under HMAC-SHA256 (bus-link A.7).

The signature covers neither method nor path nor body; a package's bytes are bound through ``hash-file``. Box and
reference bus both use this module, so that neither can be right alone: the recorded requests of the SDK hold both.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from appliance.clock import VN

PREFIX = "XroadVnpt-"
AGENT = "JAVASDKAgent/1.0.0 XRoad/VPCP"
VERSION = "3.0.201608"
FILE_PATH = "/tmp"
"""The SDK tells the bus where on its own disk it will store a package; we always say the same and nothing true."""

Fields = Sequence[tuple[str, str]]
"""Names without the prefix, in the order in which they are signed."""

_STAMP = re.compile(r"(\d{2})(\d{2})(\d{4})T(\d{2})(\d{2})(\d{2})\+(\d{4})", re.ASCII)


def timestamp(moment: datetime) -> str:
    """ddMMyyyy'T'HHmmss'+'SSSS of Vietnam's clock; what looks like a zone is milliseconds."""
    local = moment.astimezone(VN)
    return f"{local:%d%m%YT%H%M%S}+{local.microsecond // 1000:04d}"


def read_timestamp(text: str) -> datetime:
    """The moment in ``text``. Raises ValueError."""
    found = _STAMP.fullmatch(text)
    if found is None:
        raise ValueError("not a VXP timestamp")
    day, month, year, hour, minute, second, milli = map(int, found.groups())
    if milli > 999:
        raise ValueError("more than 999 milliseconds")
    return datetime(year, month, day, hour, minute, second, milli * 1000, VN)


def file_hash(path: Path) -> str:
    """SHA-256 of the file in the SDK's spelling."""
    with path.open("rb") as file:
        return unpadded(hashlib.file_digest(file, "sha256").digest())


def unpadded(digest: bytes) -> str:
    """Each byte printed with %x: no leading zeros, so 32 to 64 characters."""
    return "".join(f"{byte:x}" for byte in digest)


def sign_header(fields: Fields) -> str:
    """The compact JSON text that is signed, in the order of the fields."""
    named = {PREFIX + name: value for name, value in fields}
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))


def mac(secret: str, signed: bytes) -> str:
    """HMAC-SHA256 in lower-case hex."""
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def headers(secret: str, fields: Fields) -> list[tuple[str, str]]:
    """All headers of a request that carries ``fields``, in the SDK's order."""
    text = sign_header(fields)
    return [
        ("Content-Type", dict(fields)["Content-Type"]),
        *((PREFIX + name, value) for name, value in fields),
        (PREFIX + "sign-header-key", ";".join(name for name, _ in fields)),
        (PREFIX + "sign-header", text),
        (PREFIX + "hash-header", mac(secret, text.encode())),
        ("User-Agent", AGENT),
        (PREFIX + "version", VERSION),
    ]
