"""Strict writer: what the office sends becomes a model, the model becomes a package in the route's dialect."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime

from appliance.errors import N_, BadInput
from appliance.office.desk import Business, Correction, DocumentPackage, PackageFile, Party, StatusPackage
from appliance.store.blobs import BlobStore
from sync.edxml.dialects import DEFAULT, Dialect, dialect
from sync.edxml.layout import Layout, Pieces, wraps
from sync.edxml.limits import check
from sync.edxml.model import Hop, Listed, Organ, ReadDocument, ReadFile, ReadStatus, Reference, Staff
from sync.edxml.names import MAX_PACKAGE_BYTES, NEW, RECALL, REPLACE, UPDATE
from sync.edxml.reader import read_package
from sync.edxml.wire import Check, Element, attachment, document_header, lenient, manifest, status_header

_REASONS = {
    NEW: "Văn bản điện tử mới",
    RECALL: "Thu hồi văn bản điện tử",
    UPDATE: "Cập nhật văn bản điện tử",
    REPLACE: "Văn bản thay thế",
}
"""What the official samples say where the sender gives no reason."""
_XLINK = "http://www.w3.org/1999/xlink"


class EdxmlPacker:
    """Implements ``appliance.office.desk.PackageWriter``. Raises BadInput naming the field that does not fit."""

    def __init__(self, max_bytes: int = MAX_PACKAGE_BYTES, dialect_name: str = DEFAULT) -> None:
        self.max_bytes = max_bytes
        self.dialect = dialect(dialect_name)

    def document(self, package: DocumentPackage, blobs: BlobStore) -> tuple[str, int]:
        """The package with its files into ``blobs``, in bounded memory; returns (SHA-256, bytes)."""
        _sensible(package)
        total = sum(blobs.path(file.sha256).stat().st_size for file in package.files) * 4 // 3
        if total > self.max_bytes:  # known before anything is written
            raise _too_large(total, self.max_bytes)
        return _write(_said(package, blobs, self.dialect), blobs, self.dialect, check, self.max_bytes)

    def status(self, package: StatusPackage) -> bytes:
        """The edXML bytes of a status package: header only, no body, no trace."""
        about = Reference(package.addressee_code, package.code, package.document_code, package.issue_date)
        status = ReadStatus(
            sender=_organ(package.sender),
            response_for=about,
            status_code=package.status_code,
            description=package.description,
            staff=Staff(package.department, package.staff_name),
            at=_local(package.at),
        )
        return _status_bytes(status, self.dialect, check)

    def corrected(self, sha256: str, change: Correction, blobs: BlobStore) -> tuple[str, int]:
        """One of our own packages with other receivers, urgency or subject; its files' bytes stay."""
        model = read_package(blobs.path(sha256), blobs)
        to = tuple(map(_organ, change.recipients))
        if isinstance(model, ReadStatus):
            about = replace(model.response_for, organ_code=to[0].code if to else model.response_for.organ_code)
            data = _status_bytes(replace(model, response_for=about), self.dialect, check)
            return blobs.put(data), len(data)
        model = replace(
            model,
            recipients=to or model.recipients,
            copies=len(to) or model.copies,
            urgency=model.urgency if change.urgency is None else change.urgency,
            subject=change.subject or model.subject,
        )
        return _write(model, blobs, self.dialect, check, self.max_bytes)


def write_again(model: ReadDocument | ReadStatus, blobs: BlobStore, layout: Dialect) -> tuple[str, int]:
    """A package that says what ``model`` says, its files taken from ``blobs``; returns (SHA-256, bytes).

    No limits are held against it: somebody else wrote it. Left out: envelope signatures, which sign other bytes, and
    attachments that could not be decoded.
    """
    if isinstance(model, ReadStatus):
        data = _status_bytes(model, layout, lenient)
        return blobs.put(data), len(data)
    return _write(model, blobs, layout, lenient, MAX_PACKAGE_BYTES)


def _sensible(package: DocumentPackage) -> None:
    """What the bus would refuse beyond single fields (bus-link A.2, A.3). Raises BadInput."""
    codes = [recipient.code for recipient in package.recipients]
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if twice:
        raise BadInput(
            N_("Nơi nhận “%(code)s” được ghi hai lần trong gói tin."),
            next_step=N_("Bỏ nơi nhận trùng rồi phát hành lại."),
            code=twice,
        )
    business = package.business
    if business.kind == UPDATE and not business.document_code:
        raise BadInput(
            N_("Gói tin cập nhật chưa ghi văn bản được cập nhật."), next_step=N_("Chọn văn bản rồi gửi lại.")
        )
    if business.kind == REPLACE and not business.replaced:
        raise BadInput(N_("Gói tin thay thế chưa ghi văn bản bị thay thế."), next_step=N_("Chọn văn bản rồi gửi lại."))


def _said(package: DocumentPackage, blobs: BlobStore, layout: Dialect) -> ReadDocument:
    """The model of what the office sends; what it does not know of, the dialect fills in."""
    files = tuple(_file(number, file, blobs) for number, file in enumerate(package.files, start=1))
    business = package.business
    return ReadDocument(
        sender=_organ(package.sender),
        recipients=tuple(map(_organ, package.recipients)),
        document_code=package.document_code,
        number=package.number,
        notation=package.notation,
        place=package.place,
        issue_date=package.issue_date.isoformat(),
        type_name=package.type_name,
        type_number=layout.type_number(package.type_name),
        type_detail=layout.type_detail,
        subject=package.subject,
        content=package.content,
        competence=package.competence,
        signer_position=package.signer_position,
        signer_name=package.signer_name,
        reply_due=package.reply_due.isoformat() if package.reply_due else "",
        urgency=package.urgency,
        copies=len(package.recipients),
        page_count=package.page_count,
        appendixes=tuple(file.name for file in package.files[1:]),
        answers=package.answers,
        steering=layout.steering,
        to_places=package.to_places,
        trace=(Hop(package.sender.code, _local(package.at)),),
        business=replace(business, reason=business.reason or _reason(business)),
        staff=Staff(package.department, package.staff_name),
        files=files,
        manifest=tuple(Listed(file.content_id, file.declared, file.name) for file in files),
    )


def _reason(business: Business) -> str:
    return _REASONS.get(business.kind, "")


def _file(number: int, file: PackageFile, blobs: BlobStore) -> ReadFile:
    size = blobs.path(file.sha256).stat().st_size
    return ReadFile(
        name=file.name,
        media_type=file.media_type,
        sha256=file.sha256,
        size=size,
        declared=file.media_type,
        content_id=f"{file.sha256[:32]}-{number}",
    )


def _organ(party: Party) -> Organ:
    return Organ(party.code, party.name, party.address)


def _local(moment: datetime) -> str:
    """The wire's time: Vietnam local, no zone."""
    return moment.replace(tzinfo=None, microsecond=0).isoformat()


def _write(document: ReadDocument, blobs: BlobStore, layout: Dialect, judge: Check, max_bytes: int) -> tuple[str, int]:
    """Raises BadInput from ``judge``, or when the package grows beyond ``max_bytes``."""
    types = {file.content_id: _written_type(file, layout, blobs) for file in document.files}
    listed = [
        (replace(entry, media_type=types.get(entry.content_id, entry.media_type)), entry.content_id)
        for entry in document.manifest
    ]
    lines = manifest((entry, _cid(content_id, layout.cid_prefix)) for entry, content_id in listed)
    if layout.xlink:
        for line, (_, content_id) in zip(lines, listed, strict=True):
            line.attributes = (
                ("xmlns:xlink", _XLINK), ("xlink:href", f"cid:{content_id}"), ("xlink:role", "XLinkRole"),
                ("xlink:type", "simple"),
            )  # fmt: skip
    attached = [
        attachment(file, _cid(file.content_id, layout.cid_prefix_attachment), types[file.content_id], judge)
        for file in document.files
    ]
    header = document_header(document, judge)
    body = Element("edXMLBody", children=[Element("edXMLManifest", children=lines, attributes=(("version", "1.0"),))])
    root = _envelope(header, layout, [body], [Element("AttachmentEncoded", children=attached)])
    with io.BufferedReader(Pieces(Layout(layout, blobs).write(root)), 1 << 20) as stream:
        try:
            return blobs.put_stream(stream, max_bytes)
        except BadInput as error:
            raise _too_large(max_bytes, max_bytes) from error


def _too_large(size: int, limit: int) -> BadInput:
    """The package is or grows to ``size`` bytes, more than ``limit``."""
    return BadInput(
        N_("Gói tin có dung lượng %(size)s MB, vượt giới hạn %(limit)s MB của trục liên thông."),
        next_step=N_("Giảm dung lượng tệp đính kèm rồi phát hành lại."),
        size=f"{size / (1 << 20):.1f}",
        limit=limit >> 20,
    )


def _status_bytes(status: ReadStatus, layout: Dialect, judge: Check) -> bytes:
    root = _envelope(status_header(status, judge), layout, [], [])
    return b"".join(Layout(layout).write(root))


def _envelope(header: list[Element], layout: Dialect, body: list[Element], beside: list[Element]) -> Element:
    """The root; an empty DigitalSignature only on documents, where dialects that have one write it."""
    signature = [Element("DigitalSignature")] if layout.empty_signature and body else []
    envelope = Element("edXMLEnvelope", children=[Element("edXMLHeader", children=[*header, *signature]), *body])
    return Element("edXML", children=[envelope, *beside])


def _written_type(file: ReadFile, layout: Dialect, blobs: BlobStore) -> str:
    """ContentType as the dialect writes it: the SDK names wrapped files zip, whatever is inside."""
    return "application/zip" if wraps(layout, file, blobs) else file.media_type


def _cid(content_id: str, prefixed: bool) -> str:
    return f"cid:{content_id}" if prefixed and content_id else content_id
