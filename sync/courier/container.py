"""The container ``*.tvb``: a stored zip of packages and receipts with a signed manifest, sealed to one reader.

Inside the seal: ``manifest.json``, ``manifest.jws`` (names the manifest's SHA-256, signed with the link's key),
``packages/<message id>``, ``receipts/<number>``. Everything is checked before anything is taken in.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

from cryptography import x509

from appliance.envelope import Opener, seal, unseal
from appliance.errors import N_, BadInput
from sync import jws

TYPE = "courier"
BUS = "truc"
"""The reader's name of the province's bus, which is no organ."""
MAX_BYTES = 256 << 20
"""The largest container: it is opened in memory."""
_MAX_MANIFEST = 4 << 20
_MOST = 5_000
_HEX = re.compile(r"[0-9a-f]{64}")
_TORN = (zipfile.BadZipFile, EOFError, NotImplementedError, OverflowError, RuntimeError, ValueError)
"""What the zip reader makes of bytes that are none: names that are no text, sizes beyond the end, ciphers."""
_AGAIN = N_("Không có gì được nhận từ tệp này. Đề nghị nơi gửi lập lại gói USB.")


@dataclass(frozen=True)
class Carried:
    """One package: what the bus is told of it on the wire. Codes as the sender wrote them; ``size`` in bytes."""

    id: str
    kind: str
    priority: int
    sender: str
    recipients: tuple[str, ...]
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What a container says of itself. ``to``: an organ's code or ``BUS``; ``made_at`` ISO 8601."""

    id: str
    to: str
    made_at: str
    packages: tuple[Carried, ...]
    receipts: tuple[str, ...]
    """SHA-256 of each receipt."""


@dataclass(frozen=True)
class Opened:
    """A container that holds. ``signer``: whose link made it."""

    manifest: Manifest
    signer: x509.Certificate
    receipts: tuple[bytes, ...]
    archive: zipfile.ZipFile

    def package(self, carried: Carried) -> IO[bytes]:
        """The bytes of one package."""
        return self.archive.open(f"packages/{carried.id}")


@dataclass(frozen=True)
class Identity:
    """A link's own key and certificates, leaf first."""

    key: jws.Key
    chain: Sequence[x509.Certificate]


def write(
    target: BinaryIO,
    me: Identity,
    reader: x509.Certificate,
    manifest: Manifest,
    source: Callable[[Carried], Path],
    receipts: Sequence[bytes],
    folder: Path,
) -> None:
    """Write the sealed container into ``target``; ``folder`` takes the clear zip meanwhile. Raises BadInput."""
    if sum(one.size for one in manifest.packages) > MAX_BYTES - _MAX_MANIFEST or len(manifest.packages) > _MOST:
        raise BadInput(
            N_("Các gói tin đã chọn vượt %(limit)s MB hoặc %(most)s gói, không vừa một gói USB."),
            next_step=N_("Chọn ít gói tin hơn, lập thành nhiều gói USB."),
            limit=MAX_BYTES >> 20,
            most=_MOST,
        )
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode()
    statement = {"typ": TYPE, "id": manifest.id, "sha256": hashlib.sha256(text).hexdigest(), "at": manifest.made_at}
    with tempfile.TemporaryFile(dir=folder) as clear:
        with zipfile.ZipFile(clear, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("manifest.json", text)
            archive.writestr("manifest.jws", jws.sign(statement, me.key, me.chain, TYPE))
            for one in manifest.packages:
                archive.write(source(one), f"packages/{one.id}")
            for number, receipt in enumerate(receipts):
                archive.writestr(f"receipts/{number}", receipt)
        size = clear.tell()
        clear.seek(0)
        seal(clear, size, [reader], target)


@contextmanager
def opened(
    path: Path,
    opener: Opener,
    trusted: Sequence[x509.Certificate],
    mine: Collection[str],
    codes_of: Callable[[str], Collection[str]],
    folder: Path,
) -> Iterator[Opened]:
    """The container in ``path`` with everything checked: seal, signature, addressee ``mine``, senders, digests.

    ``codes_of``: every code that the holder of a code has or had. Raises BadInput, one sentence for the person.
    """
    if path.stat().st_size > MAX_BYTES + _MAX_MANIFEST:
        raise _bad(N_("lớn hơn mức cho phép"))
    with tempfile.TemporaryFile(dir=folder) as clear:
        unseal(path.read_bytes(), opener, clear)
        clear.seek(0)
        try:
            archive = zipfile.ZipFile(clear)
            found = _checked(archive, trusted, mine, codes_of)
        except _TORN as error:
            raise _bad(N_("bị hỏng")) from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # our own disk; a seek before the start is the zip's doing
                raise
            raise _bad(N_("bị hỏng")) from error
        with archive:
            yield found


def _checked(
    archive: zipfile.ZipFile,
    trusted: Sequence[x509.Certificate],
    mine: Collection[str],
    codes_of: Callable[[str], Collection[str]],
) -> Opened:
    names = [info.filename for info in archive.infolist()]
    if any(info.compress_type or info.flag_bits & 1 or info.is_dir() for info in archive.infolist()):
        raise _bad(N_("có mục nén hoặc mục lạ"))
    if not {"manifest.json", "manifest.jws"} <= set(names):
        raise _bad(N_("thiếu bảng kê"))
    text, token = _read(archive, "manifest.json", _MAX_MANIFEST), _read(archive, "manifest.jws", jws.MAX_BYTES)
    try:
        found = jws.verify(token, trusted, TYPE)
    except jws.BadStatement as error:
        raise _bad(N_("chữ ký của bảng kê không có giá trị")) from error
    manifest = _manifest(text)
    if (found.payload.get("sha256"), found.payload.get("id")) != (hashlib.sha256(text).hexdigest(), manifest.id):
        raise _bad(N_("bảng kê đã bị sửa"))
    if manifest.to not in mine:
        raise BadInput(
            N_("Gói USB này lập cho “%(code)s”, không phải cơ quan của máy này."),
            next_step=N_("Chuyển tệp tới đúng nơi nhận."),
            code=manifest.to[:60],
        )
    receipts = [f"receipts/{number}" for number in range(len(manifest.receipts))]
    listed = ["manifest.json", "manifest.jws", *(f"packages/{one.id}" for one in manifest.packages), *receipts]
    if sorted(names) != sorted(listed):
        raise _bad(N_("các tệp bên trong không đúng bảng kê"))
    speaks_for = set(jws.organ_codes(found.certificate))
    for one in manifest.packages:
        if not speaks_for & {one.sender, *codes_of(one.sender)}:
            raise _bad(N_("có gói tin của cơ quan khác với người lập"))
        with archive.open(f"packages/{one.id}") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != one.sha256:  # type: ignore[arg-type]
                raise _bad(N_("có gói tin không khớp mã băm"))
        if archive.getinfo(f"packages/{one.id}").file_size != one.size:
            raise _bad(N_("có gói tin không khớp dung lượng"))
    words = tuple(_read(archive, name, jws.MAX_BYTES) for name in receipts)
    if tuple(hashlib.sha256(word).hexdigest() for word in words) != manifest.receipts:
        raise _bad(N_("có biên nhận không khớp mã băm"))
    return Opened(manifest, found.certificate, words, archive)


def _read(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    if archive.getinfo(name).file_size > limit:
        raise _bad(N_("có tệp lớn hơn mức cho phép"))
    return archive.read(name)


def _manifest(text: bytes) -> Manifest:
    try:
        raw = json.loads(text)
        packages = tuple(_carried(one) for one in raw["packages"])
        receipts = tuple(_text(one, _HEX) for one in raw["receipts"])
        datetime.fromisoformat(_text(raw["made_at"]))
        manifest = Manifest(str(uuid.UUID(raw["id"])), _text(raw["to"]), raw["made_at"], packages, receipts)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise _bad(N_("không đọc được bảng kê")) from error
    if len(packages) > _MOST or len({one.id for one in packages}) < len(packages):
        raise _bad(N_("không đọc được bảng kê"))
    return manifest


def _carried(raw: dict[str, Any]) -> Carried:
    """One line of the manifest. Raises ValueError, TypeError, LookupError."""
    if raw["kind"] not in ("edoc", "status") or type(raw["size"]) is not int or type(raw["priority"]) is not int:
        raise ValueError("kind, size or priority")
    if not isinstance(raw["recipients"], list) or not 0 < len(raw["recipients"]) <= _MOST:
        raise ValueError("recipients")
    recipients = tuple(_text(code) for code in raw["recipients"])
    identifier = str(uuid.UUID(raw["id"]))
    priority = min(max(raw["priority"], 0), 4)
    sender, sha256 = _text(raw["sender"]), _text(raw["sha256"], _HEX)
    return Carried(identifier, raw["kind"], priority, sender, recipients, sha256, raw["size"])


def _text(value: object, form: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200 or (form and not form.fullmatch(value)):
        raise ValueError("text")
    return value


def _bad(why: str) -> BadInput:
    return BadInput(N_("Gói USB không dùng được: %(why)s."), next_step=_AGAIN, why=why)
