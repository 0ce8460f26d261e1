"""Names, limits and dates of edXML as the national SDK writes them (QCVN 102:2016, items 1.1-2.2)."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
PREFIX = "edXML"
MAX_PACKAGE_BYTES = 60 << 20
"""Largest package we write or read; known buses stop at 50 MB or say so with 413."""

FIELD_LIMITS: dict[str, int] = {
    "OrganId": 35,
    "OrganName": 200,
    "OrganizationInCharge": 500,
    "OrganAdd": 500,
    "Email": 100,
    "Telephone": 20,
    "Fax": 20,
    "DocumentId": 200,
    "CodeNumber": 11,
    "CodeNotation": 30,
    "Place": 50,
    "ToPlace": 150,
    "TypeName": 100,
    "Subject": 500,
    "Content": 500,
    "SphereOfPromulgation": 100,
    "TyperNotation": 10,
    "Competence": 100,
    "Position": 100,
    "FullName": 50,
    "Department": 200,
    "Staff": 200,
    "Description": 500,
    "AttachmentName": 500,
}
"""Longest text of a field in characters. Outbound longer ones are refused, inbound ones only noted."""

NEW, RECALL, UPDATE, REPLACE = 0, 1, 2, 3
"""BussinessDocType (sic): new, recall (thu hồi), update, replace."""

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DATE = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})|(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def clean(text: str) -> str:
    """``text`` in NFC, trimmed, with what XML 1.0 cannot carry turned into spaces (pasted control characters)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as every XML reader would
    return unicodedata.normalize("NFC", _ILLEGAL.sub(" ", text)).strip()


def wire_moment(iso: str) -> str:
    """The model's ISO date, or date and time, as the wire has it: yyyy/MM/dd, yyyy/MM/dd HH:mm:ss; '' stays ''."""
    return iso.replace("-", "/").replace("T", " ")


def read_date(text: str) -> date | None:
    """A date written yyyy/MM/dd or dd/MM/yyyy (both are met; also with - or .), or None."""
    match = _DATE.match(text.strip())
    if not match:
        return None
    year, month, day, day2, month2, year2 = match.groups()
    try:
        return date(int(year or year2), int(month or month2), int(day or day2))
    except ValueError:
        return None


def read_time(text: str) -> datetime | None:
    """A local date and time without zone (midnight where the time is missing), or None."""
    day = read_date(text)
    if day is None:
        return None
    match = _TIME.search(text)
    hour, minute, second = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    try:
        return datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001 - the wire has none
    except ValueError:
        return None


def status_code(text: str) -> str:
    """A status code as two digits: "3" and "03" are the same; a strange one stays as it is."""
    text = clean(text)
    return text.zfill(2) if text.isascii() and text.isdigit() else text
