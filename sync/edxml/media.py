"""What an attachment really is: magic bytes before names, the one-entry zip wrapper taken off, names made safe."""

from __future__ import annotations

import struct
import unicodedata
import zipfile
import zlib
from typing import BinaryIO, cast

from appliance.errors import N_
from sync.edxml.names import MAX_PACKAGE_BYTES
from sync.edxml.tree import hostile

MAX_RATIO = 200
_SMALL = 1 << 20  # below this a high ratio is harmless (an empty form compresses a thousandfold)
_MAX_NAME_BYTES = 200
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"Rar!", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"<?xml", "application/xml"),
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_TORN = (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, OSError, EOFError)
_ZIP, _OLE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_BY_NAME: dict[bytes, dict[str, str]] = {
    _ZIP: {
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt": "application/vnd.oasis.opendocument.text",
        "ods": "application/vnd.oasis.opendocument.spreadsheet",
    },
    _OLE: {"doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint"},
}
_FALLBACK = {_ZIP: "application/zip", _OLE: "application/x-ole-storage"}


def media_type(head: bytes, name: str) -> str:
    """The media type by the first bytes; the name decides only between formats that share a container."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    for magic, by_extension in _BY_NAME.items():
        if head.startswith(magic):
            return by_extension.get(extension(name), _FALLBACK[magic])
    return "application/octet-stream" if b"\0" in head or not _is_text(head) else "text/plain"


def extension(name: str) -> str:
    """The extension of a file name, lower case, without the dot."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def safe_name(name: str, number: int) -> str:
    """A name fit for a file: NFC, no folders, no control characters, at most 200 bytes, the extension kept."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip(" .")
    if not name:
        return f"tep-dinh-kem-{number}"
    if len(name.encode()) <= _MAX_NAME_BYTES:
        return name
    stem, dot, end = name.rpartition(".")
    end = dot + end if stem and len(end) <= 10 else ""
    cut = name.encode()[: _MAX_NAME_BYTES - len(end.encode())].decode("utf-8", "ignore")
    return cut.strip(" .") + end


def unwrap(file: BinaryIO, name: str) -> tuple[BinaryIO, str]:
    """The file inside a one-entry zip wrapper (the SDK's habit), else the file itself; with a warning or ''.

    A file called .zip stays a zip. Raises BadPackage for a zip bomb.
    """
    if not wrapped(file, name):
        return file, ""
    try:
        archive = zipfile.ZipFile(file)
        (entry,) = archive.infolist()
        if entry.is_dir() or entry.flag_bits & 1 or entry.compress_type not in _METHODS:
            raise zipfile.BadZipFile("a folder, encrypted, or packed in a way that may ask for any amount of memory")
        if entry.file_size > MAX_PACKAGE_BYTES or (
            entry.file_size > _SMALL and entry.file_size > MAX_RATIO * max(entry.compress_size, 1)
        ):
            raise hostile(N_("Tệp đính kèm là tệp nén bất thường (bom nén)."))
        if archive.testzip() is not None:
            raise zipfile.BadZipFile("wrong checksum")
        return cast(BinaryIO, archive.open(entry)), ""
    except _TORN:
        file.seek(0)
        return file, f"Tệp “{name}” nằm trong lớp nén bị hỏng, được giữ nguyên như đã nhận."


def size_inside(file: BinaryIO, name: str) -> int:
    """Bytes that the file, or the one in its zip wrapper, will take; by the zip's directory, which reading keeps to."""
    file.seek(0, 2)
    size = file.tell()
    if not wrapped(file, name):
        return size
    try:
        return max(size, sum(entry.file_size for entry in zipfile.ZipFile(file).infolist()))
    except _TORN:
        return size


def wrapped(file: BinaryIO, name: str) -> bool:
    """Whether the file looks like a zip of one entry under a name that is no zip's; leaves it at its start."""
    file.seek(0)
    found = file.read(4) == _ZIP and extension(name) != "zip" and _has_one_entry(file)
    file.seek(0)
    return found


def _has_one_entry(file: BinaryIO) -> bool:
    """Looks at the end record only: a directory of a million entries is never loaded."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22 or tail[max(0, at - 20) :].startswith(b"PK\x06\x07"):
        return False
    entries, directory_size = struct.unpack("<HI", tail[at + 10 : at + 16])
    return bool(entries == 1 and directory_size < 70_000)


def _is_text(head: bytes) -> bool:
    try:
        head[:-4].decode("utf-8") if len(head) > 8 else head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 8  # a character cut in two at the end of the sample
    return True
