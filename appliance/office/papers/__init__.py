"""Papers about devices that people sign: minutes of a handover, the request to revoke a certificate.

Layout by NĐ 30/2020/NĐ-CP annex I; text in NFC, printed through ``appliance.typesetting``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jinja2

from appliance.office.devices import Device
from appliance.office.organs import Organ
from appliance.office.people import Account
from appliance.regulation.document_types import day_month_text
from appliance.typesetting import typeset

if TYPE_CHECKING:
    from appliance.office.custody.handover import HandoverForm

_UNIT = re.compile(r" (?=(?:xã|phường|thị trấn|đặc khu|huyện|quận|thị xã|thành phố|tỉnh) )", re.IGNORECASE)
_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("appliance.office.papers"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def organ_lines(name: str) -> list[str]:
    """An organ's name as the head of a document breaks it: 'ỦY BAN NHÂN DÂN', 'XÃ HÒA BÌNH'."""
    return _UNIT.sub("\n", name, count=1).upper().split("\n")


def handover_minutes(
    organ: Organ,
    device: Device,
    *,
    giver: Account | None,
    receiver: Account,
    holder: Account | None,
    form: HandoverForm,
    at: datetime,
) -> bytes:
    """Biên bản bàn giao as PDF, with places for both to sign by hand."""
    values: dict[str, Any] = {"device": device, "giver": giver, "receiver": receiver, "holder": holder, "form": form}
    return _print("minutes.html", organ, at, **values)


def revocation_request(organ: Organ, device: Device, at: datetime, **values: Any) -> bytes:
    """The request to revoke a certificate as PDF: a công văn with its number and day left empty.

    ``values`` fill ``request.html``.
    """
    return _print("request.html", organ, at, device=device, **values)


def courier_minutes(organ: Organ, at: datetime, qr: bytes, **values: Any) -> bytes:
    """Biên bản giao nhận gói tin qua USB as PDF; ``qr`` a PNG, ``values`` fill ``courier.html``."""
    return _print("courier.html", organ, at, pictures={"qr.png": qr}, **values)


def _print(
    template: str, organ: Organ, at: datetime, *, pictures: Mapping[str, bytes] | None = None, **values: Any
) -> bytes:
    day, month = day_month_text(at.day, at.month)
    when = {"at": at, "day": day, "month": month, "moment": _moment}
    page = _environment.get_template(template).render(
        organ=organ, organ_lines=organ_lines(organ.name), **when, **values
    )
    return typeset(page, pictures=pictures)


def _moment(value: datetime) -> str:
    """A time in a document's words, its zone named."""
    day, month = day_month_text(value.day, value.month)
    return f"{value:%H} giờ {value:%M} phút ngày {day} tháng {month} năm {value.year} (giờ Việt Nam, UTC+07:00)"
