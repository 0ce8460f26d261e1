"""Streaming XML into a small tree under hard limits, attachments decoded to disk on the way.

Names are local names: prefixes and namespaces differ between senders and some forget to declare them. Nothing a
document can say makes the parser fetch, expand or recurse: DOCTYPE is refused, so there are no entities.
"""

from __future__ import annotations

import binascii
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast
from xml.parsers import expat

from appliance.errors import N_
from sync.edxml.faults import not_xml
from sync.edxml.model import BadPackage
from sync.edxml.names import MAX_PACKAGE_BYTES

MAX_DEPTH = 64
MAX_ELEMENTS = 200_000
MAX_TEXT = 2 << 20
"""Characters of all text outside attachments; a long document's header has a few thousand."""
MAX_ATTACHMENTS = 500
MAX_NAME = 200
"""Characters of an element's name."""
MAX_ATTRIBUTES = 50
MAX_TOKEN = 1 << 18
"""Bytes of one tag, comment or instruction: expat holds it whole, and every attribute as an object."""
_CHUNK = 1 << 16
_CONTENT = "ContentTransferEncoded"
_SPACES = dict.fromkeys(map(ord, " \t\r\n"))
_NO_ATTRIBUTES: Mapping[str, str] = {}


class Content:
    """Base64 text decoded piece by piece into a temporary file; ``broken`` when it is not base64."""

    def __init__(self, folder: Path) -> None:
        self.file = cast(BinaryIO, tempfile.SpooledTemporaryFile(1 << 16, dir=str(folder)))  # noqa: SIM115
        self.broken = False
        self._pending = ""

    def feed(self, text: str) -> None:
        """Take the next piece of text; white space anywhere is fine."""
        if self.broken:
            return
        self._pending += text.translate(_SPACES)
        whole = len(self._pending) - len(self._pending) % 4
        self._decode(self._pending[:whole])
        self._pending = self._pending[whole:]

    def finish(self) -> None:
        """End of the text; missing padding is forgiven."""
        if self._pending:
            self._decode(self._pending + "=" * (-len(self._pending) % 4))
        self.file.seek(0)

    def _decode(self, text: str) -> None:
        if self.broken:
            return
        try:
            data = binascii.a2b_base64(text, strict_mode=True)
        except ValueError:  # binascii.Error, or characters outside ASCII
            self.broken = True
            return
        self.file.write(data)


class Node:
    """One element: local name, its own text, children; ``content`` on the elements that carry an attachment.

    ``attributes`` by local name; ``namespaces``, on the root only: those the package declares anywhere.
    """

    __slots__ = ("attributes", "children", "content", "name", "namespaces", "parts", "prefix")

    def __init__(self, name: str, prefix: str = "") -> None:
        self.name = name
        self.prefix = prefix
        self.parts: list[str] = []
        self.children: list[Node] = []
        self.content: Content | None = None
        self.attributes = _NO_ATTRIBUTES
        self.namespaces: list[str] = []

    @property
    def text(self) -> str:
        """The element's own text, trimmed."""
        return "".join(self.parts).strip()

    def child(self, *names: str) -> Node | None:
        """The first child with one of ``names``."""
        return next((node for node in self.children if node.name in names), None)

    def all(self, *names: str) -> list[Node]:
        """All children with one of ``names``."""
        return [node for node in self.children if node.name in names]

    def value(self, *path: str) -> str:
        """The text at the end of ``path``, '' where any step is missing."""
        node: Node | None = self
        for name in path:
            node = node.child(name) if node else None
        return node.text if node else ""

    def find(self, *names: str) -> Node | None:
        """The first element with one of ``names`` here or below, in document order."""
        return next((node for node in self.walk() if node.name in names), None)

    def walk(self) -> Iterator[Node]:
        """This element and everything below it, in document order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack += reversed(node.children)


class _Builder:
    """Expat's handlers, counting as they go."""

    def __init__(self, folder: Path) -> None:
        self.root: Node | None = None
        self._folder = folder
        self._stack: list[Node] = []
        self._elements = self._attachments = self._characters = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(name) > MAX_NAME or len(attributes) > MAX_ATTRIBUTES:
            raise hostile(N_("Gói tin có phần tử với tên quá dài hoặc quá nhiều thuộc tính."))
        prefix, _, local = name.rpartition(":")
        node = Node(local, prefix)
        self._elements += 1
        if len(self._stack) >= MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise hostile(N_("Gói tin lồng quá sâu hoặc có quá nhiều phần tử."))
        if node.name == _CONTENT:
            self._attachments += 1
            if self._attachments > MAX_ATTACHMENTS:
                raise hostile(N_("Gói tin có quá nhiều tệp đính kèm."))
            node.content = Content(self._folder)
        if self._stack:
            self._stack[-1].children.append(node)
        else:
            self.root = node
        self._stack.append(node)
        if attributes:
            self._take_attributes(node, attributes)

    def _take_attributes(self, node: Node, attributes: dict[str, str]) -> None:
        """Their text counts as text; what they declare is gathered at the root."""
        self._count(sum(map(len, attributes.values())))
        spaces = [value for key, value in attributes.items() if key == "xmlns" or key.startswith("xmlns:")]
        root = self._stack[0]
        root.namespaces += [space for space in spaces if space not in root.namespaces and len(root.namespaces) < 20]
        node.attributes = {
            key.rpartition(":")[2]: value for key, value in attributes.items() if not key.startswith("xmlns")
        }

    def end(self, name: str) -> None:
        node = self._stack.pop()
        if node.content:
            node.content.finish()

    def characters(self, text: str) -> None:
        node = self._stack[-1]
        if node.content:
            node.content.feed(text)
            return
        self._count(len(text))
        if node.parts or not text.isspace():  # indents are most of the pieces
            node.parts.append(text)

    def _count(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MAX_TEXT:
            raise hostile(N_("Gói tin có phần chữ quá dài."))

    def doctype(self, *_: object) -> None:
        raise hostile(N_("Gói tin chứa khai báo DOCTYPE, không được phép."))


def parse(stream: BinaryIO, folder: Path) -> Node:
    """The tree of one package; ``folder`` takes temporary files. Raises BadPackage."""
    builder = _Builder(folder)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = _CHUNK
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = builder.doctype
    size = 0
    try:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > MAX_PACKAGE_BYTES:
                raise hostile(N_("Gói tin vượt dung lượng cho phép."))
            parser.Parse(chunk, False)
            if size - max(parser.CurrentByteIndex, 0) > MAX_TOKEN:
                raise hostile(N_("Gói tin có một thẻ hoặc chú thích quá dài."))
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise not_xml(error.code, error.lineno) from error
    except (ValueError, LookupError) as error:  # an unknown or unusable encoding
        raise not_xml(expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING], 1) from error
    if builder.root is None:
        raise hostile(N_("Gói tin rỗng."))
    return builder.root


def hostile(message: str) -> BadPackage:
    """A refusal of something no honest sender writes."""
    return BadPackage(message, next_step=N_("Bản gốc được giữ nguyên; báo nơi gửi và kỹ thuật viên kiểm tra."))
