"""Packages to write and to break, for tests of edXML and of what carries it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from appliance.clock import VN
from appliance.office.desk import DocumentPackage, PackageFile, Party, StatusPackage
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
