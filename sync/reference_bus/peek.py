"""Reads what a package says of itself, from the front and only as far as needed; never trusts it.

The bus carries bytes whatever they are (a broken package must reach the receiver's quarantine), so nothing here
refuses: what cannot be read leaves ``problem`` with a sentence. Names of elements: QCVN 102:2016/BTTTT.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from sync.edxml.names import status_code

_CHUNK = 1 << 16
_MAX_BYTES = 4 << 20
"""The header ends long before; without a bound, one endless token costs expat quadratic time."""
_MAX_DEPTH = 64
_MAX_TEXT = 2000
"""Longest text kept of one element, in characters; Subject is 500 by the standard."""

_HEADER = "MessageHeader/"
"""Paths count from here: what is around it differs between systems."""
_FIELDS = {
    _HEADER + "From/OrganId": "from_code",
    _HEADER + "From/OrganName": "from_name",
    _HEADER + "DocumentId": "document_id",
    _HEADER + "Code/CodeNumber": "number",
    _HEADER + "Code/CodeNotation": "notation",
    _HEADER + "PromulgationInfo/PromulgationDate": "issue_date",
    _HEADER + "DocumentType/TypeName": "type_name",
    _HEADER + "Subject": "subject",
    _HEADER + "SignerInfo/FullName": "signer_name",
    _HEADER + "SignerInfo/Position": "signer_position",
    _HEADER + "ResponseFor/DocumentId": "answers_document",
    _HEADER + "ResponseFor/Code": "answers_code",
    _HEADER + "StatusCode": "status_code",
    _HEADER + "Description": "description",
    _HEADER + "StaffInfo/Staff": "staff",
}


@dataclass(frozen=True)
class Header:
    """What a document or status package says. Texts are NFC and cut to 2000 characters; empty when not said."""

    from_code: str = ""
    from_name: str = ""
    document_id: str = ""
    number: str = ""
    notation: str = ""
    issue_date: str = ""
    type_name: str = ""
    subject: str = ""
    signer_name: str = ""
    signer_position: str = ""
    answers_document: str = ""
    answers_code: str = ""
    status_code: str = ""
    description: str = ""
    staff: str = ""
    problem: str = ""

    @property
    def code(self) -> str:
        """Number and notation as printed: '15/UBND-VP'."""
        return "/".join(part for part in (self.number, self.notation) if part)


class _Enough(Exception):
    """The attachments begin: nothing further is wanted."""


class _Refused(Exception):
    """The document is not read any further; the text says why."""


@dataclass
class _Collector:
    """expat handlers that gather the texts of ``_FIELDS``."""

    stack: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, _attributes: object) -> None:
        """Open an element; prefixes are ignored because they differ from bus to bus."""
        local = name.rpartition(":")[2]
        if local in ("AttachmentEncoded", "edXMLBody"):
            raise _Enough
        if len(self.stack) >= _MAX_DEPTH:
            raise _Refused("gói tin lồng quá sâu")
        self.stack.append(local)

    def end(self, _name: str) -> None:
        """Close an element."""
        self.stack.pop()

    def text(self, data: str) -> None:
        """Gather text; expat may hand one text over in pieces."""
        above, header, below = "/".join(self.stack).rpartition(_HEADER)
        wanted = _FIELDS.get(header + below) if not above or above.endswith("/") else None
        if wanted and len(self.texts.get(wanted, "")) < _MAX_TEXT:
            self.texts[wanted] = (self.texts.get(wanted, "") + data)[:_MAX_TEXT]

    def doctype(self, *_arguments: object) -> None:
        """No DTD, hence no entities (bus-link C.8)."""
        raise _Refused("gói tin có khai báo DOCTYPE")


def peek(stream: BinaryIO) -> Header:
    """The header of the package in ``stream``."""
    collector = _Collector()
    problem = ""
    try:
        _parse(collector, iter(lambda: stream.read(_CHUNK), b""))
    except _Enough:
        problem = ""
    except _Refused as refusal:
        problem = str(refusal)
    except expat.ExpatError as error:
        problem = f"không phải XML đúng dạng (dòng {error.lineno}, cột {error.offset})"
    except (LookupError, UnicodeError, ValueError):
        problem = "bảng mã của gói tin không đọc được"
    texts = {name: unicodedata.normalize("NFC", text).strip() for name, text in collector.texts.items()}
    if "status_code" in texts:
        texts["status_code"] = status_code(texts["status_code"])  # "3" is "03", as every reader takes it
    if not problem and not (texts.get("document_id") or texts.get("answers_document")):
        problem = "không tìm thấy phần đầu edXML"
    return Header(**texts, problem=problem)


def _parse(collector: _Collector, chunks: Iterable[bytes]) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.StartDoctypeDeclHandler = collector.doctype
    left = _MAX_BYTES
    for chunk in chunks:
        parser.Parse(chunk, False)
        left -= len(chunk)
        if left <= 0:
            raise _Refused("phần đầu gói tin dài quá")
    parser.Parse(b"", True)
