"""Organ identifiers (mã định danh cơ quan) in both schemes, and the document identifier."""

from __future__ import annotations

import re
from datetime import date

from appliance.errors import N_, BadInput, ConfigError

SCHEMES: dict[str, re.Pattern[str]] = {
    # QCVN 102:2016/BTTTT: V1V2V3.Z1Z2.Y1Y2.MX1X2, read right to left
    "QCVN102": re.compile(r"[0-9A-Z]{3}\.[0-9A-Z]{2}\.[0-9A-Z]{2}\.[A-Y][0-9]{2}"),
    # QĐ 20/2020/QĐ-TTg: level 1 first, up to 35 characters
    "QD20": re.compile(r"[A-Y][0-9]{2}(\.[0-9A-Z]+)*"),
}
MAX_LENGTH = 35
_WIRE = re.compile(r"[0-9A-Z.]{1,35}")
DOCUMENT_CODE = "{organId},{date:yyyy/MM/dd},{number}/{notation}"
"""Template of the document identifier (mã định danh văn bản) as the official samples write it."""
_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d"}
_DATE = re.compile("yyyy|MM|dd")
_PLACE = re.compile(r"\{(organId|year|number|notation|date:[yMd/.-]+)\}")


def check_organ_code(scheme: str, value: str) -> str:
    """``value`` when it is a well-formed code of ``scheme``. Raises BadInput."""
    pattern = SCHEMES.get(scheme)
    if pattern is None or len(value) > MAX_LENGTH or not pattern.fullmatch(value):
        raise BadInput(
            N_("Mã định danh “%(value)s” không đúng dạng %(scheme)s."),
            next_step=N_("Đối chiếu với danh sách mã định danh do UBND tỉnh ban hành (Điều 14 khoản 3)."),
            value=value,
            scheme=scheme,
        )
    return value


def scheme_of(value: str) -> str | None:
    """Which scheme a code is written in, or None for one met in the wild."""
    return next((name for name, pattern in SCHEMES.items() if pattern.fullmatch(value)), None)


def looks_like_code(value: str) -> bool:
    """Whether ``value`` may be an organ code at all; codes from outside are opaque."""
    return bool(_WIRE.fullmatch(value))


def check_template(template: str) -> str:
    """``template`` when its identifiers are one per document: organ, year and number are in it (QĐ 28/2018 art. 10.2b).

    Raises ConfigError.
    """
    places = {match[1].split(":")[0] for match in _PLACE.finditer(template)}
    dated = "year" in places or any("yyyy" in match[1] for match in _PLACE.finditer(template))
    rest = _PLACE.sub("", template)
    if not {"organId", "number", "notation"} <= places or not dated or "{" in rest or "}" in rest:
        raise ConfigError(
            N_("Mẫu mã định danh văn bản “%(template)s” phải có {organId}, {number}, {notation} và năm."),
            next_step=N_("Ví dụ: %(example)s (Điều 14 khoản 3)."),
            template=template,
            example=DOCUMENT_CODE,
        )
    return template


def document_code(organ: str, issued: date, number: str, notation: str, template: str = DOCUMENT_CODE) -> str:
    """The document identifier: organ, date, number and notation (article 14.3b)."""
    values = {"organId": organ, "year": f"{issued:%Y}", "number": number, "notation": notation}

    def fill(place: re.Match[str]) -> str:
        name, _colon, form = place[1].partition(":")
        return values[name] if not form else issued.strftime(_DATE.sub(lambda part: _PARTS[part[0]], form))

    return _PLACE.sub(fill, template)
