"""From a fetched package to what the office takes in: read, scan, check signatures. No row is written here."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

from appliance.clock import VN
from appliance.errors import Unavailable
from appliance.office import verdicts
from appliance.office.arrival import BusItem, ReceivedDocument, ReceivedFile
from appliance.office.desk import Desk, Party
from appliance.office.status_arrival import ReceivedStatus
from sync.bus.base import InboxItem
from sync.edxml.model import Organ, ReadDocument, ReadFile, ReadStatus
from sync.edxml.names import REPLACE, UPDATE, read_time
from sync.edxml.reader import read_package

_log = logging.getLogger(__name__)
_BUSINESS: dict[int, str] = {
    UPDATE: "Nơi gửi CẬP NHẬT văn bản đã gửi trước",
    REPLACE: "Nơi gửi THAY THẾ văn bản đã gửi trước",
}


def bus_item(item: InboxItem) -> BusItem:
    """The entry as the office's record knows it."""
    return BusItem(item.doc_id, item.message_id, item.kind, item.seq, item.to, item.sha256, item.size)


def read(desk: Desk, item: InboxItem) -> ReceivedDocument | ReceivedStatus:
    """Read the durable bytes of ``item``; attachments become durable too. Raises BadPackage."""
    package = read_package(desk.blobs.path(item.sha256), desk.blobs)
    if isinstance(package, ReadStatus):
        return _status(desk, item, package)
    return _document(desk, item, package)


def _status(desk: Desk, item: InboxItem, status: ReadStatus) -> ReceivedStatus:
    when = read_time(status.at)
    return ReceivedStatus(
        item=replace(bus_item(item), kind="status"),
        sender=_party(status.sender),
        document_code=status.response_for.document_code,
        status_code=status.status_code,
        description=status.description,
        staff=" – ".join(part for part in (status.staff.department, status.staff.name) if part),
        at=(when.replace(tzinfo=VN) if when else desk.clock.now()).isoformat(),
        to=status.response_for.organ_code,
    )


def _document(desk: Desk, item: InboxItem, document: ReadDocument) -> ReceivedDocument:
    warnings = list(document.warnings)
    business = document.business
    if business.kind in _BUSINESS:
        about = f" ({business.document_code})" if business.document_code else ""
        reason = f": {business.reason}" if business.reason else ""
        warnings.insert(0, f"{_BUSINESS[business.kind]}{about}{reason}.")
    files = tuple(_file(desk, file, warnings) for file in document.files)
    if not files:
        warnings.append("Gói tin không có tệp văn bản nào đọc được.")
    return ReceivedDocument(
        item=replace(bus_item(item), kind="edoc"),
        dedup_key=_dedup_key(document),
        sender=_party(document.sender),
        document_code=document.document_code,
        number=document.number,
        notation=document.notation,
        issue_date=document.issue_date,
        type_name=document.type_name,
        subject=document.subject,
        urgency=document.urgency,
        signer_name=document.signer_name,
        signer_position=document.signer_position,
        reply_due=document.reply_due or None,
        files=files,
        warnings=tuple(warnings),
        business=business,
        answers=document.answers,
        to=tuple(organ.code for organ in document.recipients),
    )


def _dedup_key(document: ReadDocument) -> str:
    """Sender, document, business type and content without the hops' trace (bus-link C.2 rule 3), as JSON."""
    parts = [document.sender.code, document.document_code, document.business.kind, document.content_sha256]
    return json.dumps(parts, ensure_ascii=False)


def _file(desk: Desk, file: ReadFile, warnings: list[str]) -> ReceivedFile:
    verdict = scan(desk, file.sha256)
    if verdict not in ("", "clean"):
        warnings.insert(0, f"Tệp “{file.name}” có mã độc ({verdict}); không mở.")
    signatures = "[]"
    if file.media_type == "application/pdf" and verdict == "clean":
        signatures = signatures_of(desk, file.sha256, file.name, warnings)
    return ReceivedFile(file.name, file.media_type, file.sha256, file.size, verdict, signatures)


def scan(desk: Desk, sha256: str) -> str:
    """'clean', the malware's name, or '' when the scanner cannot answer now (the caller asks again later)."""
    try:
        verdict = desk.scanner.scan(desk.blobs.path(sha256))
    except Unavailable as error:
        _log.warning("scanner: %s", error)
        return ""
    return "clean" if verdict.clean else verdict.name or "?"


def signatures_of(desk: Desk, sha256: str, name: str, warnings: list[str]) -> str:
    """The validation report of a PDF as JSON; a PDF that cannot be read is warned of by its ``name``."""
    report = verdicts.examine(desk, sha256)
    if report["reason"]:
        warnings.append(f"Tệp “{name}”: {report['reason']}")
    return json.dumps(report, ensure_ascii=False)


def _party(organ: Organ) -> Party:
    return Party(organ.code, organ.name, organ.address)
