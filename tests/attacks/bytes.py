"""Attacks on the file's bytes: what a signature covers, and how a reader finds it.

Universal signature forgery, incremental saving and signature wrapping after Mladenov, Mainka, Meyer zu Selhausen,
Grothe, Schwenk: "1 Trillion Dollar Refund: How To Spoof PDF Signatures" (CCS 2019).
"""

from __future__ import annotations

import io
import re
import zipfile

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from tests.attacks.scene import Scene
from tests.attacks.updates import with_section
from tests.drafts import make_draft

_RANGE = re.compile(rb"/ByteRange\s*\[[^\]]*\]")


def flipped(scene: Scene) -> bytes:
    """One bit of the page's text."""
    data = bytearray(scene.sealed)
    data[data.index(b"stream") + 40] ^= 1
    return bytes(data)


def truncated(scene: Scene) -> bytes:
    """The last fifth is missing."""
    return scene.sealed[: len(scene.sealed) * 4 // 5]


def junk(scene: Scene) -> bytes:
    """A comment after the end."""
    return scene.sealed + b"\n% anything\n"


def zip_behind(scene: Scene) -> bytes:
    """A PDF that is a ZIP archive too."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("khac.txt", "nội dung khác")
    return scene.sealed + out.getvalue()


def picture_before(scene: Scene) -> bytes:
    """A PDF that is a JPEG too: a picture's header before the signed bytes."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xfe\x00\x40" + scene.sealed


def incremental_saving(scene: Scene) -> bytes:
    """Objects appended without a cross-reference table, for readers that repair files."""
    number = PdfFileReader(io.BytesIO(scene.sealed)).root.raw_get("/Pages").idnum
    return scene.sealed + b"\n%d 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n%%%%EOF\n" % number


def incremental_saving_with_the_old_table(scene: Scene) -> bytes:
    """The same with a trailer that names the old table, so that strict readers open the file too."""
    start = re.findall(rb"startxref\s+\d+\s+%%EOF", scene.sealed)[-1]
    return incremental_saving(scene) + start + b"\n"


def copied_signature(scene: Scene) -> bytes:
    """Incremental saving with a copy of the signature in the update, as the paper's third variant."""
    at = scene.sealed.rindex(b"/ByteRange")
    start = re.findall(rb"startxref\s+\d+\s+%%EOF", scene.sealed)[-1]
    return scene.sealed + b"\n99999 0 obj\n<<" + scene.sealed[at : at + 400] + b">>\nendobj\n" + start + b"\n"


def hybrid(scene: Scene) -> bytes:
    """A hybrid table: old readers take one page tree, new ones the one that a hidden table names."""
    data = scene.sealed
    reader = PdfFileReader(io.BytesIO(data))
    tree, size = reader.root.raw_get("/Pages").idnum, int(reader.trailer["/Size"])
    at = len(data)
    other = b"%d 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n" % tree
    table = b"\x01" + at.to_bytes(4, "big") + b"\x00"
    hidden = b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 1]/Index[%d 1]/Length %d>>\nstream\n%s\nendstream\nendobj\n" % (
        size, size + 1, tree, len(table), table,
    )  # fmt: skip
    plain = with_section(data + other + hidden, {size + 1: b"<<>>"})
    return plain.replace(b"/Prev ", b"/XRefStm %d/Prev " % (at + len(other)))


def wrapped(scene: Scene) -> bytes:
    """Signature wrapping: the second signed part is moved back; in its old place stands an altered copy of it."""
    data, spot = scene.sealed, list(_RANGE.finditer(scene.sealed))[-1]
    first, length, second, rest = (int(n) for n in re.findall(rb"\d+", spot.group()))
    planted = data[second:].replace(b"/Type", b"/Typo", 1)
    moved = _ranges(data, f"[{first} {length} {second + len(planted)} {rest}]".encode())
    return moved[:second] + planted + moved[second:]


def no_range(scene: Scene) -> bytes:
    """USF: no /ByteRange."""
    return _last(scene.sealed, b"/ByteRange", b"/Byterange")


def null_range(scene: Scene) -> bytes:
    """USF: /ByteRange null."""
    return _ranges(scene.sealed, b"null")


def empty_range(scene: Scene) -> bytes:
    """USF: nothing is signed."""
    return _ranges(scene.sealed, b"[0 0 0 0]")


def negative_range(scene: Scene) -> bytes:
    """USF: impossible numbers."""
    return _ranges(scene.sealed, b"[0 -1 9 -1]")


def short_range(scene: Scene) -> bytes:
    """Only the head of the file is signed."""
    return _ranges(scene.sealed, b"[0 1000 1000 0]")


def no_contents(scene: Scene) -> bytes:
    """USF: no /Contents."""
    return _last(scene.sealed, b"/Contents <", b"/Kontents <")


def zero_contents(scene: Scene) -> bytes:
    """USF: /Contents of zeros only."""
    start, end = container(scene.sealed)
    return scene.sealed[:start] + b"0" * (end - start) + scene.sealed[end:]


def null_contents(scene: Scene) -> bytes:
    """USF: /Contents null."""
    start, end = container(scene.sealed)
    return scene.sealed[: start - 1] + b"null".ljust(end - start + 2) + scene.sealed[end + 1 :]


def encrypted(scene: Scene) -> bytes:
    """Behind a password."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(make_draft())))
    writer.encrypt("chủ", "khách")
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def container(data: bytes) -> tuple[int, int]:
    """Where the hexadecimal CMS of the last signature stands."""
    start = data.rindex(b"/Contents <") + len(b"/Contents <")
    return start, data.index(b">", start)


def _ranges(data: bytes, value: bytes) -> bytes:
    """The last /ByteRange replaced, the length kept."""
    spot = list(_RANGE.finditer(data))[-1]
    return data[: spot.start()] + (b"/ByteRange " + value).ljust(len(spot.group())) + data[spot.end() :]


def _last(data: bytes, old: bytes, new: bytes) -> bytes:
    at = data.rindex(old)
    return data[:at] + new + data[at + len(old) :]
