"""Looks after the link's certificate: renewed in time, and said loudly when that does not succeed (bus-link C.4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from cryptography import x509

from appliance.clock import VN
from appliance.errors import N_, Unavailable
from appliance.office import notices
from appliance.office.desk import Desk
from appliance.regulation.custody import WARN_DAYS
from appliance.store import audit
from appliance.store.database import transaction
from sync.bus.base import BusClient, BusError

_RENEW_AT = 300 / 365
"""Part of its life after which a certificate is renewed: day 300 of a year."""
_WARN = timedelta(days=max(WARN_DAYS))


@runtime_checkable
class Renewing(Protocol):
    """A client whose bus renews link certificates."""

    def renew(self) -> None:
        """Exchange the certificate for a new one. Raises BusError."""


def keep(desk: Desk, client: BusClient) -> bool:
    """Renew when it is time; returns whether it was. Raises Unavailable while the end is near and renewal fails.

    The staff is told at 60, 30, 14, 7 and 1 days and at the end, each once; the nearest only after days switched off.

    An expired certificate stops only the line: everything else in the office goes on.
    """
    certificate = _read(desk)
    if certificate is None:
        return False
    now, start, end = desk.clock.now(), certificate.not_valid_before_utc, certificate.not_valid_after_utc
    why = ""
    if now >= start + (end - start) * _RENEW_AT and isinstance(client, Renewing):
        try:
            client.renew()
        except BusError as error:
            why = str(error)
        else:
            with transaction(desk.db):
                audit.append(desk.db, now, "system", "link.renew", "link:certificate", {"until": _day(_read(desk))})
            return True
    if end - now > _WARN:
        return False
    near = _near(certificate, now, why)
    if desk.clock.read(desk.db).state != "suspect":  # by a wrong clock nobody is told that something ends
        left = (end - now).days
        step = 0 if end <= now else min(days for days in WARN_DAYS if left <= days)
        with transaction(desk.db):
            mark, text = f"{certificate.serial_number:x}:{step}", f"{near} {near.advice}"
            notices.tell_staff(desk.db, "link:certificate", kind="link_expiry", mark=mark, text=text, at=now)
    raise near


def _near(certificate: x509.Certificate, now: datetime, why: str) -> Unavailable:
    end = certificate.not_valid_after_utc
    return Unavailable(
        N_("Chứng thư kết nối của trạm đã hết hạn ngày %(until)s: không gửi, nhận qua trục được. %(why)s")
        if end <= now
        else N_("Chứng thư kết nối của trạm hết hạn ngày %(until)s, còn %(left)s ngày. %(why)s"),
        next_step=N_("Kỹ thuật viên xin cấp lại chứng thư kết nối; việc soạn, ký, tra cứu vẫn làm bình thường."),
        until=_day(certificate),
        left=(end - now).days,
        why=why,
    )


def _read(desk: Desk) -> x509.Certificate | None:
    path = desk.settings.link_certificate
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0] if path else None
    except (OSError, ValueError):
        return None


def _day(certificate: x509.Certificate | None) -> str:
    return f"{certificate.not_valid_after_utc.astimezone(VN):%d/%m/%Y}" if certificate else ""
