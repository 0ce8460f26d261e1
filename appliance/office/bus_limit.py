"""The largest package the bus takes, as it said itself: what is larger is refused when queued, not after an upload."""

from __future__ import annotations

from sqlite_utils import Database

from appliance.errors import N_, BadInput
from appliance.store import facts

_KEY = "bus:max_bytes"


def remember(db: Database, max_bytes: int) -> None:
    """Keep what the bus says, in bytes; also when it takes more than before."""
    if facts.get(db, _KEY) != str(max_bytes):
        facts.put(db, _KEY, str(max_bytes))


def check(db: Database, size: int) -> None:
    """Raises BadInput for a package of more bytes than the bus takes; a bus that never said so takes all."""
    limit = int(facts.get(db, _KEY) or 0)
    if limit and size > limit:
        raise BadInput(
            N_("Gói tin của văn bản nặng %(size)s MB, trục liên thông chỉ nhận đến %(limit)s MB."),
            next_step=N_("Giảm dung lượng tệp (quét lại ở độ phân giải thấp hơn, bỏ bớt phụ lục) rồi làm lại."),
            size=f"{size / (1 << 20):.1f}".replace(".", ","),
            limit=f"{limit / (1 << 20):.1f}".replace(".", ","),
        )
