"""From what a form says to a letter; every field checked, with a sentence for the person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import BinaryIO

from werkzeug.datastructures import FileStorage, MultiDict

from appliance.clock import VN
from appliance.errors import N_, BadInput
from appliance.regulation.document_types import URGENCY
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.organ_files import COLUMNS
from sync.reference_bus.players import Letter

URGENCIES = tuple(URGENCY.values())
TYPES = ("Công văn", "Quyết định", "Thông báo", "Báo cáo", "Tờ trình", "Kế hoạch", "Giấy mời", "Chỉ thị", "Hướng dẫn")


def letter_from(form: MultiDict[str, str], organ: OrganEntry) -> Letter:
    """The letter that ``form`` describes; missing fields get what the organ starts with. Raises BadInput."""
    recipients = tuple(code for value in form.getlist("to") for code in value.replace(",", " ").split())
    if not recipients:
        raise BadInput(N_("Chưa chọn nơi nhận."))
    return Letter(
        recipients=recipients,
        subject=_needed(form, "subject", "trích yếu"),
        type_name=form.get("type_name", "").strip() or TYPES[0],
        number=_needed(form, "number", "số văn bản"),
        notation=_needed(form, "notation", "ký hiệu"),
        issue_date=_day(form.get("issue_date", "")),
        urgency=_urgency(form.get("urgency", "0")),
        place=form.get("place", "").strip() or organ.place,
        signer_name=form.get("signer_name", "").strip() or organ.signer_name,
        signer_position=form.get("signer_position", "").strip() or organ.signer_position,
    )


def organ_from(form: Mapping[str, str]) -> OrganEntry:
    """The organ that ``form`` describes; the directory checks it."""
    texts = {name: form.get(name, "").strip() for name in COLUMNS if name not in ("old_codes", "virtual")}
    virtual = form.get("virtual", "").lower() in ("1", "true")
    return OrganEntry(**texts, old_codes=tuple(form.get("old_codes", "").split()), virtual=virtual)


def uploaded(file: FileStorage | None) -> tuple[str, BinaryIO | None]:
    """Name and bytes of the chosen file; ('', None) when none was chosen. The name never becomes a path."""
    if file is None or not file.filename:
        return "", None
    name = file.filename.replace("\\", "/").rpartition("/")[2]
    return name[:200], file.stream  # type: ignore[return-value]


def _needed(form: Mapping[str, str], field: str, label: str) -> str:
    value = form.get(field, "").strip()
    if not value:
        raise BadInput(N_("Chưa ghi %(label)s."), label=label)
    return value


def _day(text: str) -> date:
    if not text:
        return datetime.now(VN).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(N_("Ngày ban hành “%(text)s” không đọc được."), text=text[:20]) from error


def _urgency(text: str) -> int:
    if text not in {str(number) for number in range(len(URGENCIES))}:
        raise BadInput(N_("Độ khẩn không dùng được."))
    return int(text)
