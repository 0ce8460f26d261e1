"""From elements to bytes: order, prefixes, indents and line ends of a dialect, attachments streamed from the store.

A receiver at the national end is known to refuse headers that lost the ``edXML:`` prefix, so prefixes, order and the
two default-namespace islands (the root, AttachmentEncoded) are written by hand, as the SDK's own writer leaves them.
"""

from __future__ import annotations

import base64
import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from appliance.store.blobs import BlobStore
from sync.edxml.dialects import Dialect
from sync.edxml.media import extension, wrapped
from sync.edxml.model import ReadFile
from sync.edxml.names import NAMESPACE, PREFIX
from sync.edxml.wire import Element

_CHUNK = 3 << 18  # divisible by 3: pieces of base64 join without padding between them
_ISLANDS = {"edXML", "AttachmentEncoded", "Attachment"}
_BOUND = f' xmlns:{PREFIX}="{NAMESPACE}"'
_LATE = 1 << 10  # rank of a child that the dialect's order does not name
_SPOOLED = 1 << 20
_SUSPICIOUS = 100
"""A file that shrinks more than this is stored in its zip as it is: readers take such a zip for a bomb."""


def wraps(dialect: Dialect, file: ReadFile, blobs: BlobStore) -> bool:
    """Whether a file travels in a zip of one entry: where the dialect does so, and where it looks like one itself.

    The latter because every reader takes such a layer off: it must not be the file's own.
    """
    if dialect.zip_wrapper and extension(file.name) not in dialect.raw_extensions:
        return True
    with blobs.path(file.sha256).open("rb") as stream:
        return wrapped(stream, file.name)


class Pieces(io.RawIOBase):
    """An iterator of bytes as a stream that can be read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes; 0 at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class Layout:
    """Writes one tree of elements in one dialect."""

    def __init__(self, dialect: Dialect, blobs: BlobStore | None = None) -> None:
        self._dialect = dialect
        self._blobs = blobs

    def write(self, root: Element) -> Iterator[bytes]:
        """The package, piece by piece. Raises OSError when an attachment's bytes cannot be read."""
        yield (self._dialect.declaration + self._dialect.newline).encode()
        yield from self._element(root, 0, root.name)
        if self._dialect.final_newline:
            yield self._dialect.newline.encode()

    def _element(self, element: Element, depth: int, parent: str) -> Iterator[bytes]:
        name, opening = self._names(element, parent)
        indent = "  " * depth
        if element.file:
            yield f"{indent}<{opening}>".encode()
            yield from self._content(element.file)
            yield f"</{name}>".encode()
        elif element.children:
            yield f"{indent}<{opening}>{self._dialect.newline}".encode()
            for child in self._ordered(element):
                yield from self._element(child, depth + 1, element.name)
                yield self._dialect.newline.encode()
            yield f"{indent}</{name}>".encode()
        elif element.text:
            yield f"{indent}<{opening}>{self._escaped(element.text)}</{name}>".encode()
        else:
            yield f"{indent}<{opening} />".encode()

    def _names(self, element: Element, parent: str) -> tuple[str, str]:
        """The written name, and what stands in the opening tag."""
        local = element.name
        plain = local in _ISLANDS or (parent == "Attachment" and not (element.file and self._dialect.prefixed_content))
        name = local if plain else f"{PREFIX}:{local}"
        bound = ""
        if local == "edXML":
            bound = f' xmlns="{NAMESPACE}"'
        elif local == "edXMLEnvelope" or (element.file and not plain):
            bound = _BOUND
        attributes = "".join(f' {key}="{_quoted(value)}"' for key, value in element.attributes)
        return name, name + bound + attributes

    def _ordered(self, element: Element) -> list[Element]:
        order = self._dialect.order.get(element.name)
        if order is None:
            return element.children
        rank = {name: position for position, name in enumerate(order)}
        return sorted(element.children, key=lambda child: rank.get(child.name, _LATE))

    def _escaped(self, text: str) -> str:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return text.replace("\n", self._dialect.newline)

    def _content(self, file: ReadFile) -> Iterator[bytes]:
        """Base64 of a file in the store, zipped before where the dialect says so."""
        if self._blobs is None:
            raise ValueError("attachments need a store")
        path = self._blobs.path(file.sha256)
        if not wraps(self._dialect, file, self._blobs):
            with path.open("rb") as stream:
                yield from _encoded(stream)
            return
        (self._blobs.root / "tmp").mkdir(parents=True, exist_ok=True)
        with tempfile.SpooledTemporaryFile(_SPOOLED, dir=str(self._blobs.root / "tmp")) as spool:
            name = f"{file.sha256[:32]}.{extension(file.name) or 'bin'}"
            _zip(path, name, spool, zipfile.ZIP_DEFLATED)
            if path.stat().st_size > _SUSPICIOUS * spool.tell():
                spool.seek(0)
                spool.truncate()
                _zip(path, name, spool, zipfile.ZIP_STORED)
            spool.seek(0)
            yield from _encoded(spool)


def _zip(path: Path, name: str, target: IO[bytes], method: int) -> None:
    """One entry; no time of day in it, so the same file gives the same bytes."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = method
    with zipfile.ZipFile(target, "w") as archive, archive.open(entry, "w") as packed, path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            packed.write(chunk)


def _encoded(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield base64.b64encode(chunk)


def _quoted(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
