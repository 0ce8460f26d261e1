"""Inputs for the reader of packages: damaged good ones, and ones grown from a grammar of what packages are made of."""

from __future__ import annotations

import base64
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

from appliance.store.blobs import BlobStore
from sync.edxml.dialects import dialect, dialect_names
from sync.edxml.packer import EdxmlPacker
from tests.edxml_fixtures import NS, malformed, raw_attachment, raw_package, status, whole_document

_ORDER = dialect().order
_NAMES = sorted({name for names in _ORDER.values() for name in names} | set(_ORDER) | {
    "edXML", "edXMLEnvelope", "edXMLBody", "edXMLManifest", "AttachmentEncoded", "Place", "CodeNumber", "CodeNotation",
    "PromulgationDate", "BusinessDocType", "Receiver", "ReceiverList", "ReceiverType", "DocumentInfo", "TaskCode",
    "DocumentReceiver", "ReplacementInfo", "OrganIdList", "Appendix", "Signature", "Status", "x:y", "a:", "a:1",
})  # fmt: skip
_NAMESPACES = [
    NS,
    "http://www.e-doc.vn/Schema/",
    "http://www.go.vn/eDoc",
    "",
    "urn:x",
    "http://www.w3.org/2000/09/xmldsig#",
]
_WORDS = [
    "H99.21", "000.00.00.G22", "null", "3", "03", "14", "16", "1", "0", "-1", "4", "9999999999", "²", "٣", "true",
    "2026/11/20", "30/10/2020", "2026-02-30", "0000/00/00", "9999/99/99", "2026/11/20 25:61:61", "2026/11/20 15:04:05",
    "cid:209", "cid:", "application/zip", "application/pdf", "Ủy ban nhân dân", "Ho\u0300a", "a\u202eb",
    "\u0085", "x" * 600,
    "../../etc/passwd", "CON", "tệp.pdf", "a.zip", "a.docx", "." * 300, "%(x)s", "%s", "{0}", "\ufeff", "\U0001f600",
]  # fmt: skip
_TOKENS = [
    b"<", b">", b"</", b"/>", b"&", b"&#0;", b"&#x110000;", b"&#xD800;", b"&lt;", b"&nbsp;", b"<!--", b"-->",
    b"<![CDATA[",
    b"]]>", b"<?x?>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80",
    b"cid:", b"=",
    b'xmlns="', b"'", b'"', b"PK\x03\x04", b"PK\x05\x06", b"UEsDBBQ", b"%PDF-", b"\r\n", b"utf-16", b"<edXML:From>",
    b"<StatusCode>", b"</edXML>",
]  # fmt: skip
_ENCODINGS = ["utf-8", "utf-16", "utf-16-le", "utf-8-sig", "latin-1", "cp1258", "utf-7"]


def corpus() -> list[bytes]:
    """Our own packages in every dialect and business, statuses, hand-written and broken ones."""
    with tempfile.TemporaryDirectory() as folder:
        blobs = BlobStore(Path(folder))
        made = [
            blobs.read(EdxmlPacker(dialect_name=name).document(whole_document(blobs, kind), blobs)[0])
            for name in dialect_names()
            for kind in range(4)
        ]
    made += [
        EdxmlPacker(dialect_name=name).status(status(status_code=code))
        for name in ("java-sdk", "dotnet")
        for code in ("01", "13")
    ]
    made += [raw_package(attachments=raw_attachment(payload(Random(seed)), "a.pdf")) for seed in range(12)]
    return made + list(malformed().values())


def make(random: Random, good: list[bytes]) -> bytes:
    """One input. The same state of ``random`` gives the same bytes."""
    dice = random.random()
    if dice < 0.002:
        return random.choice(EXTREMES)(random)
    if dice < 0.3:
        return damaged(random, good)
    if dice < 0.55:
        return shuffled(random, good)
    return grown(random)


def shuffled(random: Random, good: list[bytes]) -> bytes:
    """A good package whose lines, mostly whole elements, moved, doubled, vanished or say something else."""
    lines = random.choice(good).split(b"\n")
    whole = [number for number, line in enumerate(lines) if line.count(b"<") == 2 and b"</" in line]
    for _ in range(random.randint(1, 6) if len(whole) > 1 else 0):
        one, other = random.sample(whole, 2)
        kind = random.randrange(4)
        if kind == 0:
            lines[one], lines[other] = lines[other], lines[one]
        elif kind == 1:
            lines[one] += b"\n" + lines[other]
        elif kind == 2:
            lines[one] = b""
        else:
            before, _, rest = lines[one].partition(b">")
            lines[one] = before + b">" + escape(random.choice(_WORDS)).encode() + rest[rest.find(b"</") :]
    return b"\n".join(lines)


def damaged(random: Random, good: list[bytes]) -> bytes:
    """A good package after one to eight changes of its bytes."""
    data = bytearray(random.choice(good))
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at = random.randrange(len(data) + 1)
        end = min(len(data), at + random.choice((1, 1, 2, 8, 40, 300)))
        kind = random.randrange(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = random.randrange(256)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            data[at:at] = data[at:end] * random.randint(1, 30)
        elif kind == 4:
            data[at:at] = random.choice(_TOKENS)
        elif kind == 5:
            other = random.choice(good)
            start = random.randrange(len(other) + 1)
            data[at:end] = other[start : start + random.choice((5, 50, 500, 5000))]
        elif kind == 6:
            del data[at:]
        else:
            word = escape(random.choice(_WORDS)).encode()
            data[at:end] = word
    return bytes(data)


def grown(random: Random) -> bytes:
    """A package from the grammar: known names anywhere, any text, any prefix, now and then its own encoding."""
    space, prefix = random.choice(_NAMESPACES), random.choice(("", "", "edXML:", "q:", "edXML:"))
    binding = f' xmlns{":" + prefix[:-1] if prefix and random.random() < 0.7 else ""}="{space}"'
    header = "".join(_element(random, name, prefix, 1) for name in _chosen(random, _ORDER["MessageHeader"]))
    trace = "".join(_element(random, "TraceHeaderList", prefix, 0) for _ in range(random.choice((0, 1, 1, 2))))
    files = "".join(_attachment(random, prefix) for _ in range(random.choice((0, 1, 1, 2, 5))))
    listed = "".join(_element(random, "Reference", prefix, 2) for _ in range(random.choice((0, 1, 2))))
    root = prefix if random.random() < 0.5 else ""
    text = (
        f"<{root}edXML{binding}><{prefix}edXMLEnvelope><{prefix}edXMLHeader><{prefix}MessageHeader>{header}"
        f"</{prefix}MessageHeader>{trace}</{prefix}edXMLHeader><{prefix}edXMLBody><{prefix}edXMLManifest>{listed}"
        f"</{prefix}edXMLManifest></{prefix}edXMLBody></{prefix}edXMLEnvelope>"
        f"<AttachmentEncoded>{files}</AttachmentEncoded></{root}edXML>"
    )
    encoding = random.choice(_ENCODINGS) if random.random() < 0.1 else "utf-8"
    said = encoding if random.random() < 0.9 else random.choice(_ENCODINGS)
    return f'<?xml version="1.0" encoding="{said}"?>{text}'.encode(encoding, "replace")


def payload(random: Random) -> bytes:
    """An attachment's bytes: a file, or some kind of zip."""
    kind = random.randrange(8)
    data = random.choice((b"%PDF-1.4\n", b"", b"\xd0\xcf\x11\xe0", b"<?xml", b"{\\rtf")) + random.randbytes(
        random.randrange(400)
    )
    if kind < 3:
        return data
    buffer = io.BytesIO()
    method = random.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for number in range(random.choice((0, 1, 1, 1, 2))):
            archive.writestr(
                zipfile.ZipInfo(random.choice(("a.pdf", "../x", "d/", "é" * 50)) + str(number)),
                data * random.choice((1, 100)),
                method,
            )
    packed = bytearray(buffer.getvalue())
    if kind > 4 and packed:
        for _ in range(random.randint(1, 6)):
            packed[random.randrange(len(packed))] = random.randrange(256)
    return bytes(packed)


def _chosen(random: Random, names: tuple[str, ...]) -> list[str]:
    wanted = [name for name in names if random.random() < 0.6 and name != "StatusCode"]
    if random.random() < 0.3:
        wanted.append("StatusCode")
    if random.random() < 0.9:
        wanted.append("From")
    random.shuffle(wanted)
    return wanted


def _element(random: Random, name: str, prefix: str, depth: int) -> str:
    shown = prefix if random.random() < 0.95 else random.choice(("", "z:", "edXML:"))
    attributes = (
        f' {random.choice(("id", "xlink:href", "xmlns:z", "xmlns"))}="{escape(random.choice(_WORDS))}"'
        if random.random() < 0.05
        else ""
    )
    children = _ORDER.get(name, ())
    inner = ""
    if children and depth < 6 and random.random() < 0.95:
        inner = "".join(
            _element(random, child, prefix, depth + 1)
            for child in children
            if random.random() < (0.98 if child == "OrganId" else 0.7)
        )
    elif random.random() < 0.08 and depth < 8:
        inner = "".join(_element(random, random.choice(_NAMES), prefix, depth + 1) for _ in range(random.randrange(4)))
    if not inner and random.random() < 0.9:
        inner = escape(" ".join(random.choice(_WORDS) for _ in range(random.choice((1, 1, 1, 3)))))
        inner = f"<![CDATA[{inner}]]>" if random.random() < 0.03 else inner
    inner += random.choice(("", "", "", "\n  ", "<!-- - -->", "<?php ?>", "&#13;&#10;"))
    return f"<{shown}{name}{attributes}>{inner}</{shown}{name}>"


def _attachment(random: Random, prefix: str) -> str:
    encoded = base64.encodebytes(payload(random)).decode()
    if random.random() < 0.2:
        encoded = encoded[: random.randrange(len(encoded) + 1)]
    content = random.choice(
        ("ContentTransferEncoded", "edXML:ContentTransferEncoded", prefix + "ContentTransferEncoded")
    )
    rest = "".join(
        _element(random, name, "", 2)
        for name in ("AttachmentName", "ContentId", "ContentType", "Description")
        if random.random() < 0.8
    )
    return f"<Attachment>{rest}<{content}>{encoded}</{content}></Attachment>"


def _deep(random: Random) -> bytes:
    depth = random.choice((50, 70, 100_000))
    return raw_package("<a>" * depth + "</a>" * depth)


def _many(random: Random) -> bytes:
    return raw_package(f"<{random.choice(_NAMES)}/>" * random.choice((10_000, 200_001)))


def _long_text(random: Random) -> bytes:
    return raw_package(f"<Content>{'ấ' * random.choice((100_000, 3_000_000))}</Content>")


def _long_token(random: Random) -> bytes:
    count = random.choice((40, 5_000, 400_000))
    return raw_package("<b " + " ".join(f'a{n}=""' for n in range(count)) + "/>" + f"<!--{'-' * 0}{'x' * count}-->")


def _long_name(random: Random) -> bytes:
    return raw_package(f"<{'n' * random.choice((199, 201, 1_000_000))}/>")


def _many_recipients(random: Random) -> bytes:
    return raw_package("".join(f"<To><OrganId>H{n}</OrganId></To>" for n in range(random.choice((1000, 30_000)))))


def _many_files(random: Random) -> bytes:
    return raw_package(
        attachments="<Attachment><ContentTransferEncoded>QQ==</ContentTransferEncoded></Attachment>"
        * random.choice((60, 501))
    )


def _bomb(random: Random) -> bytes:
    buffer = io.BytesIO()
    method = random.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a", bytes(random.choice((1 << 16, 20 << 20))))
    return raw_package(attachments=raw_attachment(buffer.getvalue(), "a.pdf"))


EXTREMES: tuple[Callable[[Random], bytes], ...] = (
    _deep, _many, _long_text, _long_token, _long_name, _many_recipients, _many_files, _bomb,
)  # fmt: skip
"""Inputs of megabytes, near and beyond each limit."""
