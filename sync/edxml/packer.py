"""Strict writer: packages exactly as the national SDK lays them out.

A receiver at the national end is known to refuse headers that lost the ``edXML:`` prefix, so prefixes, element order
and the two default-namespace islands (the root, AttachmentEncoded) are reproduced to the letter.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from lxml import etree

from appliance.errors import N_, BadInput
from appliance.office.desk import DocumentPackage, PackageFile, Party, StatusPackage
from appliance.store.blobs import BlobStore
from sync.edxml.limits import check
from sync.edxml.names import MAX_PACKAGE_BYTES, NAMESPACE, NEW, PREFIX, clean, wire_date, wire_time

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_PREFIXED = {PREFIX: NAMESPACE}
_STEERING_NONE = "0"  # sources disagree whether "no steering" is 0 or 1; the national samples accept 0
_TYPE_NUMBER = "1"  # numbers disagree between systems, receivers go by TypeName; the national sample writes 1


class EdxmlPacker:
    """Implements ``appliance.office.desk.PackageWriter``. Raises BadInput naming the field that does not fit."""

    def __init__(self, max_bytes: int = MAX_PACKAGE_BYTES) -> None:
        self.max_bytes = max_bytes

    def document(self, package: DocumentPackage, blobs: BlobStore) -> tuple[str, int]:
        """The package with its files, base64, no zip wrapper, into ``blobs``; returns (SHA-256, bytes)."""
        paths = [blobs.path(file.sha256) for file in package.files]
        self._check_size(paths)
        root, header = _envelope()
        _message_header(_sub(header, "MessageHeader"), package)
        _trace(_sub(header, "TraceHeaderList"), package)
        marks = _attachments(root, package.files)
        data = _splice(_serialise(root), dict(zip(marks, paths, strict=True)))
        return blobs.put(data), len(data)

    def status(self, package: StatusPackage) -> bytes:
        """The edXML bytes of a status package: header only, no body, no trace."""
        root, header = _envelope()
        block = _sub(header, "MessageHeader")
        _party(_sub(block, "From"), package.sender)
        _response_for(_sub(block, "ResponseFor"), package)
        _staff(block, package.department, package.staff_name)
        _text(block, "StatusCode", package.status_code)
        _text(block, "Description", package.description)
        _text(block, "Timestamp", wire_time(package.at))
        return _serialise(root)

    def _check_size(self, paths: list[Path]) -> None:
        total = sum(path.stat().st_size for path in paths) * 4 // 3
        if total > self.max_bytes:
            raise BadInput(
                N_("Gói tin có dung lượng %(size)s MB, vượt giới hạn %(limit)s MB của trục liên thông."),
                next_step=N_("Giảm dung lượng tệp đính kèm rồi phát hành lại."),
                size=total >> 20,
                limit=self.max_bytes >> 20,
            )


def _envelope() -> tuple[etree._Element, etree._Element]:
    """The root (default namespace) and the header below its prefixed envelope."""
    root = etree.Element(_name("edXML"), nsmap={None: NAMESPACE})
    envelope = etree.SubElement(root, _name("edXMLEnvelope"), nsmap=_PREFIXED)
    return root, _sub(envelope, "edXMLHeader")


def _message_header(block: etree._Element, package: DocumentPackage) -> None:
    _party(_sub(block, "From"), package.sender)
    for recipient in package.recipients:
        _party(_sub(block, "To"), recipient)
    _text(block, "DocumentId", package.document_code)
    code = _sub(block, "Code")
    _text(code, "CodeNumber", package.number)
    _text(code, "CodeNotation", package.notation)
    promulgation = _sub(block, "PromulgationInfo")
    _text(promulgation, "Place", package.place)
    _text(promulgation, "PromulgationDate", wire_date(package.issue_date))
    kind = _sub(block, "DocumentType")
    _text(kind, "Type", _TYPE_NUMBER)
    _text(kind, "TypeDetail", "0")
    _text(kind, "TypeName", package.type_name)
    _text(block, "Subject", package.subject)
    signer = _sub(block, "SignerInfo")
    _text(signer, "Competence", package.competence)
    _text(signer, "Position", package.signer_position)
    _text(signer, "FullName", package.signer_name)
    if package.reply_due:
        _text(block, "DueDate", wire_date(package.reply_due))
    _other_info(_sub(block, "OtherInfo"), package)
    _text(block, "SteeringType", _STEERING_NONE)


def _response_for(block: etree._Element, package: StatusPackage) -> None:
    """Who gets the status and about what: the sender's own words, echoed even where they break a limit."""
    day = package.issue_date.replace("-", "/")
    names = ("OrganId", "Code", "PromulgationDate", "DocumentId")
    values = (package.addressee_code, package.code, day, package.document_code)
    for local, value in zip(names, map(clean, values), strict=True):
        if value:
            _sub(block, local).text = value


def _other_info(block: etree._Element, package: DocumentPackage) -> None:
    _text(block, "Priority", str(package.urgency))
    _text(block, "PromulgationAmount", str(len(package.recipients)))
    _text(block, "PageAmount", str(package.page_count))
    if len(package.files) > 1:
        appendixes = _sub(block, "Appendixes")
        for file in package.files[1:]:
            _text(appendixes, "Appendix", file.name)


def _trace(block: etree._Element, package: DocumentPackage) -> None:
    hop = _sub(block, "TraceHeader")
    _text(hop, "OrganId", package.sender.code)
    _text(hop, "Timestamp", wire_time(package.at))
    business = _sub(block, "Bussiness")  # spelt so on the wire
    _text(business, "BussinessDocType", str(NEW))
    _text(business, "BussinessDocReason", "Văn bản điện tử mới")
    _text(business, "Paper", "0")
    _staff(business, package.department, package.staff_name)


def _attachments(root: etree._Element, files: tuple[PackageFile, ...]) -> list[str]:
    """Manifest in the envelope and attachments beside it; returns the mark that stands for each file's bytes."""
    body = etree.SubElement(root[0], _name("edXMLBody"))
    manifest = _sub(body, "edXMLManifest")
    manifest.set("version", "1.0")
    encoded = _sub(root, "AttachmentEncoded")
    marks = []
    for number, file in enumerate(files, start=1):
        content_id = f"cid:{file.sha256[:32]}-{number}"
        reference = _sub(manifest, "Reference")
        _text(reference, "ContentId", content_id)
        _text(reference, "ContentType", file.media_type)
        _text(reference, "AttachmentName", file.name)
        attachment = _sub(encoded, "Attachment")
        _text(attachment, "ContentId", content_id)
        _text(attachment, "AttachmentName", file.name)
        _text(attachment, "ContentType", file.media_type)
        content = etree.SubElement(attachment, _name("ContentTransferEncoded"), nsmap=_PREFIXED)
        content.text = secrets.token_hex(24)
        marks.append(content.text)
    return marks


def _party(block: etree._Element, party: Party) -> None:
    _text(block, "OrganId", party.code)
    _text(block, "OrganName", party.name)
    _text(block, "OrganAdd", party.address)


def _staff(parent: etree._Element, department: str, name: str) -> None:
    if clean(department) or clean(name):
        block = _sub(parent, "StaffInfo")
        _text(block, "Department", department)
        _text(block, "Staff", name)


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _sub(parent: etree._Element, local: str) -> etree._Element:
    return etree.SubElement(parent, _name(local))


def _text(parent: etree._Element, local: str, value: str) -> None:
    """One field, checked; an empty one is left out, as the SDK does. Raises BadInput."""
    value = check(local, clean(value))
    if value:
        _sub(parent, local).text = value


def _serialise(root: etree._Element) -> bytes:
    skeleton: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=False, pretty_print=True)
    return _DECLARATION + skeleton


def _splice(skeleton: bytes, contents: dict[str, Path]) -> bytes:
    """``skeleton`` with each mark replaced by the base64 of its file: big files never pass through the XML library."""
    parts = []
    for mark, path in contents.items():
        before, skeleton = skeleton.split(mark.encode(), 1)
        parts += [before, base64.b64encode(path.read_bytes())]
    return b"".join([*parts, skeleton])
