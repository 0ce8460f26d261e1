"""Looks after the link's certificate: renewed in time, and said loudly when that does not succeed (bus-link C.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol, runtime_checkable

from cryptography import x509

from appliance.clock import VN
from appliance.errors import N_, Unavailable
from appliance.office.desk import Desk
from appliance.store import audit
from appliance.store.database import transaction
from sync.bus.base import BusClient, BusError

_RENEW_AT = 300 / 365
"""Part of its life after which a certificate is renewed: day 300 of a year."""
_WARN = timedelta(days=60)


@runtime_checkable
class Renewing(Protocol):
    """A client whose bus renews link certificates."""

    def renew(self) -> None:
        """Exchange the certificate for a new one. Raises BusError."""


def keep(desk: Desk, client: BusClient) -> bool:
    """Renew when it is time; returns whether it was. Raises Unavailable while the end is near and renewal fails.

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
    if end - now <= _WARN:
        raise Unavailable(
            N_("Chứng thư kết nối của trạm đã hết hạn ngày %(until)s: không gửi, nhận qua trục được. %(why)s")
            if end <= now
            else N_("Chứng thư kết nối của trạm hết hạn ngày %(until)s, còn %(left)s ngày. %(why)s"),
            next_step=N_("Kỹ thuật viên xin cấp lại chứng thư kết nối; việc soạn, ký, tra cứu vẫn làm bình thường."),
            until=_day(certificate),
            left=(end - now).days,
            why=why,
        )
    return False


def _read(desk: Desk) -> x509.Certificate | None:
    path = desk.settings.link_certificate
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0] if path else None
    except (OSError, ValueError):
        return None


def _day(certificate: x509.Certificate | None) -> str:
    return f"{certificate.not_valid_after_utc.astimezone(VN):%d/%m/%Y}" if certificate else ""
