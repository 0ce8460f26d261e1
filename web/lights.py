"""The state of the box's parts as cards anyone can read: line, clock, signer, scanner, queue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext as _

from appliance.clock import parse
from appliance.errors import SignerError, Unavailable
from appliance.office import custody, devices, messages
from appliance.office import line as office_line
from appliance.office.desk import Actor, Desk
from appliance.regulation.custody import WARN_DAYS
from appliance.store import facts
from web.formats import CLOCK, day, moment, span, told


@dataclass(frozen=True)
class Light:
    """One card: tone good, wait or bad; what it says, and what more."""

    name: str
    tone: str
    words: str
    more: str = ""


def lights(work: Desk, person: Actor) -> list[Light]:
    """All cards, in the order people ask about them."""
    return [
        line(work),
        clock(work),
        signer(work, person),
        *certificates(work, person),
        scanner(work),
        queue(work, person),
    ]


def line(work: Desk) -> Light:
    """The line to the bus, by what sync last met (the fact ``link:state``)."""
    name = _("Đường truyền đến trục")
    if not work.settings.bus_url:
        return Light(name, "wait", _("Chưa cấu hình"), _("Báo kỹ thuật viên."))
    if office_line.paused(work.db):
        return Light(name, "bad", _("Đang tạm dừng"), _("Trục từ chối trạm; kỹ thuật viên xử lý rồi nối lại."))
    text = facts.get(work.db, "link:state")
    known = json.loads(text) if text else {}
    seen = known.get("last_ok") or ""
    if known.get("state") == "down":
        age = span(work.clock.now() - parse(known["since"]))
        return Light(
            name,
            "bad",
            _("Mất liên lạc %(span)s", span=age),
            known.get("last_error") or _("Văn bản tự gửi khi có lại."),
        )
    if not seen:
        return Light(name, "wait", _("Chưa kết nối lần nào"), _("Văn bản được giữ và tự gửi khi có đường truyền."))
    if work.clock.now() - parse(seen) > timedelta(seconds=max(180.0, 8 * work.settings.poll_seconds)):
        words = _("Dịch vụ đồng bộ không chạy")
        return Light(name, "bad", words, _("Liên lạc lần cuối %(at)s; báo kỹ thuật viên.", at=moment(seen)))
    return Light(name, "good", _("Thông suốt"), _("Liên lạc lúc %(at)s", at=moment(seen)))


def clock(work: Desk) -> Light:
    """Whether the clock may be signed by."""
    reading = work.clock.read(work.db)
    words, tone = CLOCK.get(reading.state, (reading.state, "wait"))
    if not reading.trusted:
        return Light(_("Đồng hồ"), "bad", _(words), _(reading.reason))
    source = {"chrony": _("máy chủ giờ"), "bus": _("trục liên thông")}.get(reading.source, reading.source)
    bound = f"{reading.error_seconds or 0:.2f}".replace(".", ",")
    return Light(
        _("Đồng hồ"), tone, _(words), _("Theo %(source)s, lệch không quá %(bound)s giây", source=source, bound=bound)
    )


def signer(work: Desk, person: Actor) -> Light:
    """The signing service and the tokens plugged in."""
    name = _("Thiết bị ký số")
    try:
        tokens = work.signer.tokens()
    except SignerError as error:
        return Light(name, "bad", _("Không sẵn sàng"), told(error))
    if not tokens:
        return Light(name, "wait", _("Chưa cắm thiết bị"), _("Cắm USB Token trước khi ký."))
    locked = [token.label for token in tokens if "pin_locked" in token.flags]
    low = [token.label for token in tokens if {"pin_count_low", "pin_final_try"} & set(token.flags)]
    low += [
        _("%(label)s: sai %(count)s lần liên tiếp", label=device.token_label, count=device.wrong_pins)
        for device in custody.listing(work, person, state="in_use")
        if device.wrong_pins >= devices.WARN_AFTER_WRONG_PINS and device.token_label not in low
    ]
    labels = ", ".join(token.label for token in tokens)
    if locked:
        return Light(name, "bad", _("Thiết bị bị khóa"), ", ".join(locked))
    if low:
        return Light(name, "wait", _("Đã nhập sai PIN"), ", ".join(low))
    return Light(name, "good", _("Sẵn sàng"), labels)


def certificates(work: Desk, person: Actor) -> list[Light]:
    """The certificate that ends first among the devices this person sees; no card for who sees none."""
    usable = [device for device in custody.listing(work, person) if device.state in ("in_use", "locked")]
    if not usable:
        return []
    first, today = min(usable, key=lambda device: device.facts.valid_to), work.clock.now().date()
    left, name = custody.days_left(first, today), _("Chứng thư số")
    more = _("%(subject)s, hạn đến %(until)s", subject=first.facts.subject, until=day(first.facts.valid_to))
    if first.facts.valid_to <= work.clock.now():
        return [Light(name, "bad", _("Đã hết hạn"), more)]
    if left <= WARN_DAYS[0]:
        return [Light(name, "bad" if left <= WARN_DAYS[-2] else "wait", _("Còn %(left)s ngày", left=left), more)]
    return [Light(name, "good", _("Còn hạn"), more)]


def scanner(work: Desk) -> Light:
    """clamd answers, and with which database."""
    name = _("Quét mã độc")
    try:
        version = work.scanner.version()
    except Unavailable as error:
        return Light(name, "bad", _("Không hoạt động"), told(error))
    return Light(name, "good", _("Đang hoạt động"), version)


def queue(work: Desk, person: Actor) -> Light:
    """How much waits to leave."""
    _rows, waiting = messages.queue(work.db, person.organ_id, kind="edoc", lane="open", per_page=1)
    if not waiting:
        return Light(_("Hàng đợi gửi"), "good", _("Đã gửi hết"))
    return Light(_("Hàng đợi gửi"), "wait", _("Còn %(count)s văn bản", count=waiting), _("Trạm tự gửi theo độ khẩn."))
