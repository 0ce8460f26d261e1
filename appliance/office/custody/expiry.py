"""What the box watches by itself: certificates that end soon, and certificates found on a revocation list."""

from __future__ import annotations

from datetime import date

from asn1crypto import x509

from appliance.errors import N_
from appliance.office import notices
from appliance.office.custody.records import TRANSITIONS, USABLE
from appliance.office.custody.steps import move
from appliance.office.desk import SYSTEM, Desk
from appliance.office.devices import COLUMNS, Device
from appliance.regulation.custody import WARN_DAYS
from appliance.signing.certificates import standing
from appliance.store import audit
from appliance.store.database import transaction


def watch(desk: Desk) -> None:
    """Everything the box looks at by itself, without any line; run it as often as you like."""
    find_revoked(desk)
    warn_of_expiry(desk)


def days_left(device: Device, today: date) -> int:
    """Calendar days until the certificate's last day; negative once it is over."""
    return (device.facts.valid_to.date() - today).days


def warn_of_expiry(desk: Desk) -> int:
    """Tell keeper, holder, clerks and technicians at 60, 30, 14, 7 and 1 days; returns the number of new notices.

    Safe to repeat: one notice per person, device and threshold. A threshold whose day passed while the box was off is
    told at the next run, by the nearest one only. Nothing is told by a clock known to be wrong.
    """
    if desk.clock.read(desk.db).state == "suspect":
        return 0
    return sum(_warn(desk, device) for device in _in_states(desk, USABLE))


def _warn(desk: Desk, device: Device) -> int:
    now = desk.clock.now()
    left = days_left(device, now.date())
    threshold = 0 if left < 0 else min((days for days in WARN_DAYS if left <= days), default=None)
    if threshold is None:
        return 0
    values = {
        "label": device.token_label,
        "serial": device.token_serial,
        "subject": device.facts.subject,
        "until": f"{device.facts.valid_to:%H:%M ngày %d/%m/%Y}",
        "left": left,
    }
    text = (
        N_("Chứng thư số của %(subject)s trên thiết bị %(label)s (%(serial)s) đã hết hạn lúc %(until)s: không ký được.")
        if device.facts.valid_to <= now
        else N_(
            "Chứng thư số của %(subject)s trên thiết bị %(label)s (%(serial)s) hết hạn lúc %(until)s, còn %(left)s "
            "ngày: làm thủ tục gia hạn với cơ quan cấp."
        )
    )
    with transaction(desk.db):
        told = notices.about_device(desk.db, device)
        new = notices.tell(desk.db, told, device, kind="expiry", mark=str(threshold), text=text % values, at=now)
        if new:
            audit.append(desk.db, now, "system", "device.warn", f"device:{device.id}", {"days": threshold, "told": new})
    return new


def find_revoked(desk: Desk) -> int:
    """Devices whose certificate stands on a revocation list become 'revoked'; returns how many. Safe to repeat."""
    found = 0
    for device in _in_states(desk, TRANSITIONS["revoke"].sources):
        judged = standing(x509.Certificate.load(device.certificate), (), desk.trust, desk.clock.now())
        if judged.code == "revoked":
            _revoked(desk, device, judged.reason)
            found += 1
    return found


def _revoked(desk: Desk, device: Device, reason: str) -> None:
    text = N_("Thiết bị ký số %(label)s (%(serial)s): %(reason)s (theo danh sách thu hồi).") % {
        "label": device.token_label,
        "serial": device.token_serial,
        "reason": reason[0].lower() + reason[1:],
    }
    told = notices.about_device(desk.db, device)
    move(
        desk, SYSTEM, device, "revoke", {"state_reason": reason}, {"reason": reason},
        lambda now: notices.tell(desk.db, told, device, kind="revoked", mark="list", text=text, at=now),
    )  # fmt: skip


def _in_states(desk: Desk, states: tuple[str, ...]) -> list[Device]:
    marks = ", ".join("?" * len(states))
    rows = desk.db.execute(f"SELECT {COLUMNS} FROM device WHERE state IN ({marks}) ORDER BY id", list(states))
    return [Device(*row) for row in rows.fetchall()]
