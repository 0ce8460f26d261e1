"""Tolerant reader: order, prefix and namespace do not matter, what is odd becomes a warning, the rest is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from appliance.errors import N_
from appliance.store.blobs import BlobStore
from sync.edxml import attachments, header
from sync.edxml.model import BadPackage, ReadDocument, ReadStatus, content_digest
from sync.edxml.notes import Notes
from sync.edxml.tree import Node, parse


def read_package(source: Path | bytes, blobs: BlobStore) -> ReadDocument | ReadStatus:
    """Read one package; attachments are durable in ``blobs`` when this returns.

    Raises BadPackage with a Vietnamese sentence for anything hostile or not a package.
    """
    root = tree_of(source, blobs)
    return understand(root, blobs)


def tree_of(source: Path | bytes, blobs: BlobStore) -> Node:
    """The elements of a package, attachments decoded beside ``blobs``. Raises BadPackage."""
    folder = blobs.root / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        return parse(stream, folder)


def understand(root: Node, blobs: BlobStore) -> ReadDocument | ReadStatus:
    """The model of a tree. Raises BadPackage."""
    block = root.find("MessageHeader") or (root if root.child("StatusCode") else None)
    if block is None:
        raise BadPackage(
            N_("Tệp XML này không phải gói tin edXML (không có MessageHeader)."),
            next_step=N_("Bản gốc được giữ nguyên; đề nghị nơi gửi kiểm tra phần mềm."),
        )
    notes = Notes()
    if block.value("StatusCode"):
        return header.status(block, notes)
    if block.child("StatusCode") and not any(map(block.value, ("DocumentId", "Subject"))):
        raise BadPackage(
            N_("Gói tin trạng thái không ghi mã trạng thái (StatusCode)."),
            next_step=N_("Bản gốc được giữ nguyên; đề nghị nơi gửi kiểm tra phần mềm."),
        )
    document = _document(root, block, notes, blobs)
    return replace(document, warnings=tuple(notes), content_sha256=content_digest(document))


def _document(root: Node, block: Node, notes: Notes, blobs: BlobStore) -> ReadDocument:
    code, place, kind = block.child("Code"), block.child("PromulgationInfo"), block.child("DocumentType")
    signer, other = block.child("SignerInfo"), block.child("OtherInfo")
    business = header.business_block(root)
    listed = attachments.manifest(root)
    return ReadDocument(
        sender=header.sender(block, notes),
        recipients=header.recipients(block, notes),
        document_code=notes.text(block, "DocumentId", required=True),
        number=notes.text(code, "CodeNumber", required=True),
        notation=notes.text(code, "CodeNotation", required=True),
        place=notes.text(place, "Place"),
        issue_date=notes.date(place, "PromulgationDate", "Ngày ban hành"),
        type_name=notes.text(kind, "TypeName"),
        type_number=notes.number_or_none(kind, "Type", "Mã loại văn bản", most=999_999),
        type_detail=notes.number_or_none(kind, "TypeDetail", "Mã loại văn bản chi tiết", most=999_999),
        subject=notes.text(block, "Subject", required=True),
        content=notes.text(block, "Content"),
        competence=notes.text(signer, "Competence"),
        signer_position=notes.text(signer, "Position"),
        signer_name=notes.text(signer, "FullName"),
        reply_due=notes.date(block, "DueDate", "Hạn trả lời"),
        urgency=notes.number(other, "Priority", "Độ khẩn", most=4),
        sphere=notes.text(other, "SphereOfPromulgation"),
        typist_mark=notes.text(other, "TyperNotation"),
        copies=notes.number(other, "PromulgationAmount", "Số bản phát hành", most=999_999),
        page_count=notes.number(other, "PageAmount", "Số trang", most=999_999),
        direction=notes.flag(other, "Direction", "Direction"),
        reply_fors=header.items(other.child("ReplyFors") if other else None),
        reference_codes=header.items(other.child("ReferenceCodes") if other else None),
        appendixes=notes.texts(other.child("Appendixes") if other else None, "Appendix"),
        answers=header.answers(block),
        steering=notes.number_or_none(block, "SteeringType", "Loại chỉ đạo", most=9),
        tasks=notes.texts(block.child("ResponseForTask"), "TaskCode"),
        application_type=notes.text(block, "ApplicationType"),
        to_places=notes.texts(block.child("ToPlaces"), "Place", "ToPlace"),
        trace=header.trace(root, notes),
        business=header.business(business, notes),
        staff=header.staff(business, notes),
        signature=header.signature(root),
        manifest=listed,
        files=attachments.files(root, listed, notes, blobs),
    )
