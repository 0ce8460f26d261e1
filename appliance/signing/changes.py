"""What happened to a PDF after a signature, and whether that spoils it."""

from __future__ import annotations

import re

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.status import ModificationInfo, PdfSignatureStatus, SignatureCoverageLevel

from appliance.errors import N_
from appliance.signing.placement import COPY_FIELD, DAY_FIELD, NUMBER_FIELD, SEAL_FIELD, SIGNATURE_FIELD, SLOT_FIELDS

CHANGED = N_("NỘI DUNG ĐÃ BỊ THAY ĐỔI sau khi ký")
NOT_COVERED = N_("Chữ ký số không bao trùm toàn bộ nội dung tệp tại thời điểm ký")
COVERAGE = {SignatureCoverageLevel.ENTIRE_FILE: "whole", SignatureCoverageLevel.ENTIRE_REVISION: "revision"}
_HARMLESS = (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES)


def coverage_of(status: ModificationInfo) -> str:
    """'whole', 'revision' or 'partial'."""
    return COVERAGE.get(status.coverage, "partial") if status.coverage else "partial"


def modified(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, names: set[str], *, last: bool) -> list[str]:
    """Why what happened after the signature spoils it; empty when it does not."""
    if status.coverage not in COVERAGE:
        return [NOT_COVERED]
    level = status.modification_level
    if not isinstance(status.diff_result, DiffResult) or not status.docmdp_ok:
        return [CHANGED]
    if last and level not in _HARMLESS:
        return [N_("Nội dung biểu mẫu bị điền thêm sau chữ ký cuối cùng")]
    if {SIGNATURE_FIELD, SEAL_FIELD} <= names:
        # the box's own documents: exactly number, date and seal may follow the personal signature
        allowed = {*SLOT_FIELDS, SEAL_FIELD} if embedded.field_name == SIGNATURE_FIELD else set()
        if status.diff_result.changed_form_fields - allowed - _stamps(embedded.reader):
            return [CHANGED]
    return []


def _stamps(reader: PdfFileReader) -> set[str]:
    """The fields of document time stamps, whose own checks are made elsewhere."""
    return {stamp.field_name for stamp in reader.embedded_timestamp_signatures}


def changes(status: PdfSignatureStatus, reader: PdfFileReader) -> list[str]:
    """What happened after the signature, in the clerk's words."""
    if status.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return [N_("Không có thay đổi nào sau chữ ký này")]
    if not isinstance(status.diff_result, DiffResult) or not status.docmdp_ok:
        return [CHANGED]
    changed = set(status.diff_result.changed_form_fields)
    done = []
    if NUMBER_FIELD in changed:
        done.append(N_("đã điền số"))
    if DAY_FIELD in changed:
        done.append(N_("đã điền ngày"))
    if SEAL_FIELD in changed:
        done.append(N_("đã đóng dấu"))
    stamps = _stamps(reader)
    if COPY_FIELD in changed:
        done.append(N_("đã có chữ ký số của cơ quan trên bản sao"))
    other = changed - {*SLOT_FIELDS, SEAL_FIELD, COPY_FIELD} - stamps
    if other:
        done.append(N_("đã ký hoặc điền thêm ô: %s") % ", ".join(sorted(other)))
    if changed & stamps:
        done.append(N_("đã bổ sung dữ liệu kiểm tra và đóng dấu thời gian"))
    elif status.modification_level == ModificationLevel.LTA_UPDATES:
        done.append(N_("đã bổ sung dữ liệu kiểm tra lâu dài"))
    sentence = "; ".join([*done, N_("không có thay đổi nào khác")])
    return [sentence[0].upper() + sentence[1:]]


def trailing(embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, latest: int) -> bool:
    """Bytes after the last signature that belong to no revision."""
    if embedded.signed_revision != latest or status.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return False
    return bool(embedded.reader.xrefs.total_revisions - 1 == embedded.signed_revision)


def smuggled(embedded: EmbeddedPdfSignature) -> bool:
    """Whether PDF objects stand behind the last signature, for readers that ignore the table and repair the file."""
    stream = embedded.reader.stream
    numbers = [int(number) for number in embedded.byte_range]
    stream.seek(max(0, sum(numbers[-2:])))
    return re.search(rb"\d\s+\d+\s+obj\b", stream.read()) is not None


_SIGNED_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,12})\s+(\d{1,12})\s+\d{1,12}\s*\]")


def signatures_within(data: bytes) -> int:
    """How many signatures stand in the bytes, whether the document still names them or not.

    One that no field names any more was taken out by an update: the file must not pass for an unsigned one. Counted
    are ranges whose gap really holds a hexadecimal string of this file, so that a PDF within the PDF or a text about
    signatures does not count.
    """
    ranges = {(int(spot[1]), int(spot[2])) for spot in _SIGNED_RANGE.finditer(data)}
    return sum(data[start : start + 1] == b"<" and data[end - 1 : end] == b">" for start, end in ranges)
