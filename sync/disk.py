"""The disk before anything new is fetched: below a tenth free, what is at the bus stays there, safe (bus-link C.6)."""

from __future__ import annotations

import errno
import shutil

from appliance.errors import N_, Unavailable
from appliance.office import notices
from appliance.office.desk import Desk
from appliance.office.queue_times import FREE_PERCENT
from appliance.store.database import transaction

LOW = N_(
    "Đĩa của trạm còn dưới %(percent)s phần trăm chỗ trống, chưa nhận thêm văn bản; văn bản vẫn an toàn trên trục."
)


def require_room(desk: Desk) -> None:
    """Raises Unavailable, and tells clerks and technicians once a day, when the disk is nearly full."""
    usage = shutil.disk_usage(desk.settings.data)
    if usage.free * 100 >= usage.total * FREE_PERCENT:
        return
    now = desk.clock.now()
    with transaction(desk.db):
        text, mark = LOW % {"percent": FREE_PERCENT}, now.date().isoformat()
        notices.tell_staff(desk.db, "disk:data", kind="disk_low", mark=mark, text=text, at=now)
    raise Unavailable(LOW, next_step=N_("Báo kỹ thuật viên dọn hoặc thay đĩa."), percent=FREE_PERCENT)


def refused(error: OSError) -> Unavailable:
    """The disk did not take what was fetched; the partial file stays and the next try goes on from there."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return Unavailable(
        N_("Đĩa của trạm đã đầy khi đang nhận văn bản; văn bản vẫn an toàn trên trục.")
        if full
        else N_("Không ghi được nội dung tải về vào đĩa của trạm (%(error)s)."),
        next_step=N_("Báo kỹ thuật viên; trạm tự nhận tiếp khi có chỗ."),
        error=error.strerror or error,
    )
