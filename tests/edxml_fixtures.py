"""Packages to write and to break, for tests of edXML and of what carries it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from appliance.clock import VN
from appliance.office.desk import (
    Answered,
    Business,
    DocumentPackage,
    PackageFile,
    Party,
    ReceiverChange,
    Replaced,
    StatusPackage,
)
from appliance.store.blobs import BlobStore
from appliance.store.text import uuid7
from sync.edxml.packer import EdxmlPacker

SAMPLES = Path(__file__).parents[2] / "shared" / "edxml-samples"
"""Packages of the national SDK, beside the repository on some machines."""
NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

_DOCUMENT = DocumentPackage(
    message_id="", sender=Party("H99.21", "Ủy ban nhân dân xã Hòa Bình", "Hòa Bình"),
    recipients=(Party("H99.01", "Văn phòng UBND tỉnh Hải Vân"), Party("H99.22", "Ủy ban nhân dân xã Đông Hải")),
    document_code="H99.21,2026/11/20,15/BC-UBND", number="15", notation="BC-UBND", place="Hòa Bình",
    issue_date=date(2026, 11, 20), type_name="Báo cáo", subject="Về công tác phòng, chống thiên tai năm 2026",
    competence="TM.", signer_position="CHỦ TỊCH", signer_name="Trần Văn Thạnh", reply_due=date(2026, 12, 1), urgency=2,
    page_count=3, staff_name="Nguyễn Thị Ngọc Trâm", department="Văn phòng",
    at=datetime(2026, 11, 20, 15, 4, 5, tzinfo=VN),
)  # fmt: skip


def document(**changes: object) -> DocumentPackage:
    """A report of the commune to the province and a neighbour, without files unless given."""
    return replace(_DOCUMENT, **{"message_id": uuid7(), **changes})  # type: ignore[arg-type]


def package_bytes(package: DocumentPackage, blobs: BlobStore) -> bytes:
    """The package as it goes on the wire."""
    sha256, _ = EdxmlPacker().document(package, blobs)
    data = blobs.read(sha256)
    blobs.path(sha256).unlink()  # as if another box had written it
    return data


def file_in(
    blobs: BlobStore, data: bytes, name: str = "bao-cao.pdf", media_type: str = "application/pdf"
) -> PackageFile:
    """A durable file as the office hands it to the writer."""
    return PackageFile(name, media_type, blobs.put(data))


def status(**changes: object) -> StatusPackage:
    """The neighbour says that the report went into its register."""
    values: dict[str, object] = {
        "message_id": uuid7(), "sender": Party("H99.22", "Ủy ban nhân dân xã Đông Hải"), "addressee_code": "H99.21",
        "document_code": "H99.21,2026/11/20,15/BC-UBND", "code": "15/BC-UBND", "issue_date": "2026-11-20",
        "status_code": "03", "description": "Tiếp nhận văn bản điện tử", "staff_name": "Lê Văn Mẫu",
        "department": "Văn thư", "at": datetime(2026, 11, 20, 16, 0, 0, tzinfo=VN), **changes,
    }  # fmt: skip
    return StatusPackage(**values)  # type: ignore[arg-type]


def raw_package(header: str = "", attachments: str = "", *, before: str = "") -> bytes:
    """A package written by hand, as other people's software writes it: no prefixes, any order."""
    return f"""<?xml version="1.0" encoding="utf-8"?>{before}
<edXML xmlns="{NS}"><edXMLEnvelope><edXMLHeader><MessageHeader>
<Subject>Giấy mời họp</Subject><From><OrganName>Văn phòng</OrganName><OrganId>H99.01</OrganId></From>{header}
</MessageHeader></edXMLHeader></edXMLEnvelope><AttachmentEncoded>{attachments}</AttachmentEncoded></edXML>""".encode()


def raw_attachment(data: bytes, name: str, declared: str = "application/pdf") -> str:
    """One attachment of such a package."""
    return (
        f"<Attachment><ContentTransferEncoded>\n{base64.encodebytes(data).decode()}</ContentTransferEncoded>"
        f"<AttachmentName>{name}</AttachmentName><ContentId>1</ContentId><ContentType>{declared}</ContentType></Attachment>"
    )


def whole_document(blobs: BlobStore, kind: int = 2) -> DocumentPackage:
    """A document with everything the office can say, doing the business ``kind``."""
    replaced = (Replaced("H99.21,2026/01/02,3/BC-UBND", ("H99.01", "H99.22")),) if kind == 3 else ()
    receivers = (ReceiverChange("H99.22", added=True), ReceiverChange("H99.23", added=False)) if kind == 2 else ()
    acted = "H99.21,2026/10/01,9/BC-UBND" if kind in (1, 2) else ""
    return document(
        files=(file_in(blobs, b"%PDF-1.7 a"), file_in(blobs, b"so lieu", "số liệu.csv", "text/plain")),
        business=Business(kind, "Sửa số liệu & phụ lục", acted, kind == 2, receivers, replaced, paper_follows=True),
        answers=(
            Answered("H99.01", "7/CV-UBND", "H99.01,2026/11/02,7/CV-UBND", date(2026, 11, 2)),
            Answered("H99.01", "8/CV-UBND", "", None),
        ),
        content="Nội dung <tóm tắt>\nhai dòng",
        to_places=("Lưu: VT", "Các thôn"),
    )


def malformed() -> dict[str, bytes]:
    """Packages that cannot be read, each in a way that has been met or must be expected (bus-link A.6, C.8)."""
    good = raw_package("<DocumentId>H99,1</DocumentId>")
    return {
        "tag mismatch": good.replace(b"<Subject>", b"<Subject><From>"),
        "junk before the root": b"HTTP/1.1 200 OK\r\n\r\n" + good,
        "junk after the root": good + good,
        "torn": good[: len(good) // 2],
        "empty": b"",
        "portal page": b"<html><body>Xin m\xe1\xbb\x9di \xc4\x91\xc4\x83ng nh\xe1\xba\xadp</body></html>",
        "a PDF": b"%PDF-1.4\n" + bytes(range(256)),
        "wrong encoding": good.replace("Giấy".encode(), b"Gi\xff\xfey"),
        "entities": raw_package("<Content>&a;</Content>", before='<!DOCTYPE e [<!ENTITY a "b">]>'),
        "undeclared entity": raw_package("<Content>&nbsp;</Content>"),
        "twice the same attribute": good.replace(b"<edXMLHeader>", b'<edXMLHeader a="1" a="2">'),
        "no sender": good.replace(b"<OrganId>H99.01</OrganId>", b""),
        "no header": b'<edXML xmlns="' + NS.encode() + b'"><edXMLEnvelope/></edXML>',
    }
