"""Nobody signs on a clock that cannot be trusted; everyone can still read, draft and receive."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import N_
from appliance.office.desk import Desk
from appliance.regulation import rules


def signing_time(desk: Desk) -> datetime:
    """The time to sign at. Raises RuleRefused when the clock cannot be trusted, with why and what to do."""
    reading = desk.clock.read(desk.db)
    if not reading.trusted:
        raise rules.refuse(
            rules.TRUSTED_CLOCK,
            N_("Chưa thể ký: %(reason)s"),
            N_(
                "Đợi trạm đồng bộ lại giờ khi có đường truyền, hoặc báo kỹ thuật viên; việc soạn, xem,"
                " nhận văn bản vẫn làm được."
            ),
            reason=reading.reason,
        )
    return reading.now.replace(microsecond=0)
