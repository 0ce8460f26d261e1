"""Tolerant reader: order, prefix and namespace do not matter, what is odd becomes a warning, the rest is refused."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import BinaryIO

from appliance.errors import N_
from appliance.store.blobs import BlobStore
from sync.edxml.limits import label, too_long
from sync.edxml.media import media_type, safe_name, unwrap
from sync.edxml.model import BadPackage, Organ, ReadDocument, ReadFile, ReadStatus, Reference, Staff
from sync.edxml.names import MAX_PACKAGE_BYTES, clean, read_date, read_time, status_code
from sync.edxml.tree import Node, parse

_NOT_CONTENT = {"TraceHeaderList", "Signature", "DigitalSignature", "ContentId"}
"""What differs between copies of one document: each hop adds a trace, ids of parts are made anew."""
_HEAD = 1024


def read_package(source: Path | bytes, blobs: BlobStore) -> ReadDocument | ReadStatus:
    """Read one package; attachments are durable in ``blobs`` when this returns.

    Raises BadPackage with a Vietnamese sentence for anything hostile or not a package.
    """
    folder = blobs.root / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        root = parse(stream, folder)
    header = root.find("MessageHeader") or (root if root.child("StatusCode") else None)
    if header is None:
        raise BadPackage(
            N_("Tệp XML này không phải gói tin edXML (không có MessageHeader)."),
            next_step=N_("Bản gốc được giữ nguyên; đề nghị nơi gửi kiểm tra phần mềm."),
        )
    notes = _Notes()
    if header.child("StatusCode"):
        return _status(header, notes)
    return _document(root, header, notes, blobs)


class _Notes(list[str]):
    """Warnings for the clerk, collected while reading."""

    def text(self, node: Node | None, field: str, *, required: bool = False) -> str:
        """The clean text of a field, with a note where it is missing or too long."""
        value = clean(node.value(field)) if node else ""
        if required and not value:
            self.append(f"Gói tin thiếu “{label(field)}”.")
        if note := too_long(field, value):
            self.append(note)
        return value

    def date(self, node: Node | None, field: str, name: str) -> str:
        """An ISO date, or '' with a note where what stands there is no date."""
        text = node.value(field) if node else ""
        day = read_date(text)
        if text and day is None:
            self.append(f"{name} ghi “{clean(text)[:40]}”, không đọc được thành ngày.")
        return day.isoformat() if day else ""

    def number(self, node: Node | None, field: str, name: str, *, most: int) -> int:
        """A whole number from 0 to ``most``; 0 with a note where it is none."""
        text = node.value(field) if node else ""
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most:
            return int(text)
        if text:
            self.append(f"{name} có giá trị lạ “{clean(text)[:40]}”, được coi là 0.")
        return 0


def _document(root: Node, header: Node, notes: _Notes, blobs: BlobStore) -> ReadDocument:
    code, place, kind = header.child("Code"), header.child("PromulgationInfo"), header.child("DocumentType")
    signer, other = header.child("SignerInfo"), header.child("OtherInfo")
    trace = root.find("TraceHeaderList")
    business = (trace.child("Bussiness", "Business") if trace else None) or root.find("Bussiness")
    appendixes = other.child("Appendixes") if other else None
    return ReadDocument(
        sender=_sender(header, notes),
        recipients=tuple(_organ(node) for node in header.all("To")),
        document_code=notes.text(header, "DocumentId", required=True),
        number=notes.text(code, "CodeNumber", required=True),
        notation=notes.text(code, "CodeNotation", required=True),
        place=notes.text(place, "Place"),
        issue_date=notes.date(place, "PromulgationDate", "Ngày ban hành"),
        type_name=notes.text(kind, "TypeName"),
        subject=notes.text(header, "Subject", required=True),
        content=clean(header.value("Content")),
        competence=notes.text(signer, "Competence"),
        signer_position=notes.text(signer, "Position"),
        signer_name=notes.text(signer, "FullName"),
        reply_due=notes.date(header, "DueDate", "Hạn trả lời"),
        urgency=notes.number(other, "Priority", "Độ khẩn", most=4),
        page_count=notes.number(other, "PageAmount", "Số trang", most=999_999),
        appendixes=tuple(clean(node.text) for node in appendixes.all("Appendix")) if appendixes else (),
        response_for=tuple(_reference(node) for node in header.all("ResponseFor") if node.children),
        business_type=_business_type(business, notes),
        business_reason=clean(business.value("BussinessDocReason")) if business else "",
        business_document_code=clean(business.value("DocumentId")) if business else "",
        paper_follows=bool(business and business.value("Paper") == "1"),
        staff=_staff(business),
        files=_files(root, notes, blobs),
        warnings=tuple(notes),
        content_sha256=_content_digest(root),
    )


def _status(header: Node, notes: _Notes) -> ReadStatus:
    code = status_code(header.value("StatusCode"))
    if code == "14":  # one deployed sender writes 14 where it means 15
        notes.append("Mã trạng thái 14 được hiểu là 15.")
        code = "15"
    when = read_time(header.value("Timestamp"))
    reference = header.child("ResponseFor")
    return ReadStatus(
        sender=_sender(header, notes),
        response_for=_reference(reference) if reference else Reference("", "", "", ""),
        status_code=code,
        description=notes.text(header, "Description"),
        staff=_staff(header),
        at=when.isoformat() if when else "",
        warnings=tuple(notes),
    )


def _sender(header: Node, notes: _Notes) -> Organ:
    organ = _organ(header.child("From") or Node("From"))
    if not organ.code:
        raise BadPackage(
            N_("Gói tin không ghi mã định danh của nơi gửi (From/OrganId)."),
            next_step=N_("Bản gốc được giữ nguyên; báo kỹ thuật viên hỏi trục liên thông."),
        )
    if not organ.name:
        notes.append("Gói tin thiếu “Tên cơ quan” của nơi gửi.")
    return organ


def _organ(node: Node) -> Organ:
    fields = ("OrganId", "OrganName", "OrganAdd", "OrganizationInCharge", "Email", "Telephone")
    return Organ(*(clean(node.value(field)) for field in fields))


def _reference(node: Node) -> Reference:
    day = read_date(node.value("PromulgationDate"))
    organ, code, document = (clean(node.value(field)) for field in ("OrganId", "Code", "DocumentId"))
    return Reference(organ, code, document, day.isoformat() if day else "")


def _staff(parent: Node | None) -> Staff:
    block = parent.child("StaffInfo") if parent else None
    if block is None:
        return Staff()
    return Staff(*(clean(block.value(field)) for field in ("Department", "Staff", "Email", "Mobile")))


def _business_type(business: Node | None, notes: _Notes) -> int:
    if business is None:
        return 0
    field = "BussinessDocType" if business.child("BussinessDocType") else "BusinessDocType"
    return notes.number(business, field, "Loại nghiệp vụ (BussinessDocType)", most=3)


def _files(root: Node, notes: _Notes, blobs: BlobStore) -> tuple[ReadFile, ...]:
    manifest = root.find("edXMLManifest")
    listed = {_bare(node.value("ContentId")): node for node in manifest.all("Reference")} if manifest else {}
    block = root.find("AttachmentEncoded")
    files = []
    for number, node in enumerate(block.all("Attachment") if block else [], start=1):
        reference = listed.get(_bare(node.value("ContentId"))) or Node("Reference")
        written = node.value("AttachmentName") or reference.value("AttachmentName") or node.value("Description")
        name = safe_name(written, number)
        holder = node.child("ContentTransferEncoded")
        if holder is None or holder.content is None or holder.content.broken:
            notes.append(f"Tệp “{name}” không giải mã được, chỉ còn trong gói tin gốc.")
            continue
        files.append(_store(holder.content.file, name, node.value("ContentType"), notes, blobs))
    if len(files) < len(listed):
        notes.append(f"Gói tin kê {len(listed)} tệp đính kèm nhưng chỉ có {len(files)} tệp đọc được.")
    return tuple(files)


def _store(file: BinaryIO, name: str, declared: str, notes: _Notes, blobs: BlobStore) -> ReadFile:
    inner, note = unwrap(file, name)
    if note:
        notes.append(note)
    sha256, size = blobs.put_stream(inner, MAX_PACKAGE_BYTES)
    with blobs.path(sha256).open("rb") as stored:
        kind = media_type(stored.read(_HEAD), name)
    if size == 0:
        notes.append(f"Tệp “{name}” rỗng.")
    elif name.lower().endswith(".pdf") and kind != "application/pdf":
        notes.append(f"Tệp “{name}” không phải là tệp PDF thật.")
    return ReadFile(name, kind, sha256, size, clean(declared))


def _bare(content_id: str) -> str:
    return content_id.strip().removeprefix("cid:")


def _content_digest(root: Node) -> str:
    """SHA-256 of what the document says, whatever way the hops wrote it down."""
    digest = hashlib.sha256()

    def add(node: Node, depth: int) -> None:
        value = node.content.sha256 if node.content else clean(node.text)
        digest.update(f"{depth} {node.name} {len(value)} {value}\n".encode())
        for child in node.children:
            if child.name not in _NOT_CONTENT:
                add(child, depth + 1)

    add(root, 0)
    return digest.hexdigest()
