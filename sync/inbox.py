"""The inbox engine: list → fetch → durable → read → taken in (one transaction) → acknowledged.

The cursor moves only when a whole page is stored, so within a page the urgent and the small may go first.
Nothing is acknowledged before it is committed; a lost acknowledgement is repeated from the inbox table.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from appliance.errors import N_, BadInput
from appliance.office import arrival, quarantine
from appliance.office.desk import Desk
from appliance.office.queue_times import UNREADABLE_POLLS
from appliance.office.status_arrival import ReceivedStatus, receive_status
from appliance.store import facts
from sync import content, intake, link, outbox, rescan
from sync.acknowledge import acknowledge_all
from sync.bus.base import BusClient, BusError, DigestMismatch, Fault, InboxItem
from sync.edxml.names import MAX_PACKAGE_BYTES

CURSOR = "inbox:cursor"
PAGE = 50
TRIES = 3
"""Polls after which content that cannot be had, or that breaks our own reader, goes to quarantine."""

READER_MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a mistake of our own reader looks like from outside."""
UNREADABLE = N_("Phần mềm của trạm không đọc được gói tin này; báo kỹ thuật viên.")
NAMELESS = N_("Trục liệt kê %(count)d mục không có mã mà trạm dùng được, nên chưa tải về được.")
TELL_THE_BUS = N_("Báo đơn vị vận hành trục; các văn bản khác vẫn nhận bình thường.")
NOT_HERE = N_("Nội dung gói tin này không có trong kho của trạm nên không đọc lại được; đề nghị nơi gửi gửi lại.")

_log = logging.getLogger(__name__)


def fetch_new(desk: Desk, client: BusClient, *, stop: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Take in what waits at the bus; returns how many entries came to what. Raises BusError when the line fails.

    An entry that alone cannot be had does not hold up the others; the cursor then stays before it.
    """
    report: Counter[str] = Counter()
    try:
        rescan.scan_left(desk)
        report += _read_again(desk)
        _count_poll(desk)
        refused: dict[str, BusError] = {}
        acknowledge_all(desk, client, refused)
        failure = _pages(desk, client, report, refused, stop)
    except BusError as error:
        outbox.note_refusal(desk, error)
        raise
    link.note_ok(desk.db, desk.clock.now())
    for left in (failure, *refused.values()):
        if left:
            raise left
    return report


def _pages(
    desk: Desk, client: BusClient, report: Counter[str], refused: dict[str, BusError], stop: Callable[[], bool]
) -> BusError | None:
    """Page after page to the end; returns the failure of an entry that stays to be had."""
    failure: BusError | None = None
    cursor = facts.get(desk.db, CURSOR) or ""
    while (page := client.list_incoming(cursor, PAGE)).items or page.nameless:
        if page.nameless:
            failure = BusError(NAMELESS, next_step=TELL_THE_BUS, connected=True, count=page.nameless)
        for item in sorted(page.items, key=_order):
            if arrival.seen(desk, item.doc_id):
                continue
            if stop():
                return failure
            try:
                report[take(desk, client, item)] += 1
            except BusError as error:
                if error.fault is Fault.LINK or (error.link and not _breaks_the_line(desk, item, error)):
                    raise
                failure = error
                continue
            _forget(desk, f"{_BROKE}{item.doc_id}")
            acknowledge_all(desk, client, refused)
        if page.cursor == cursor:
            break
        cursor = page.cursor
        if failure is None:
            # kept too low it only shows entries again, which ``arrival.seen`` knows; it is never kept too high
            facts.put(desk.db, CURSOR, cursor)
    return failure


def _order(item: InboxItem) -> tuple[bool, int, int, int]:
    """Statuses first, then urgency, then the small before the large: on a thin line one scan may take an hour."""
    return item.kind != "status", -item.priority, item.size if item.size >= 0 else MAX_PACKAGE_BYTES, item.seq


def take(desk: Desk, client: BusClient, item: InboxItem) -> str:
    """One entry into the store: 'document', 'status' or 'quarantined'. Raises BusError or Unavailable: later again."""
    spool = content.place(desk, item)
    try:
        item = content.fetch(desk, client, item, spool)
    except BusError as error:
        if not (error.permanent or isinstance(error, DigestMismatch)) or not _given_up(desk, item):
            raise
        return _quarantine(desk, content.keep_what_came(desk, item, spool), str(error), polls=UNREADABLE_POLLS)
    try:
        outcome = _take_in(desk, item)
    except BadInput as error:
        return _quarantine(desk, item, str(error))
    except READER_MISTAKES:
        # A mistake of ours that this package brings out must not stop everything behind it for ever.
        _log.exception("package %s breaks the reader", item.doc_id)
        if not _given_up(desk, item):
            raise
        return _quarantine(desk, item, UNREADABLE, polls=UNREADABLE_POLLS)
    return outcome


def take_durable(desk: Desk, item: InboxItem) -> str:
    """One entry whose bytes are in the store already: 'document', 'status', 'duplicate' or 'quarantined'."""
    try:
        return _take_in(desk, item)
    except BadInput as error:
        return _quarantine(desk, item, str(error))
    except READER_MISTAKES:
        _log.exception("package %s breaks the reader", item.doc_id)
        return _quarantine(desk, item, UNREADABLE, polls=UNREADABLE_POLLS)


def _take_in(desk: Desk, item: InboxItem) -> str:
    package = intake.read(desk, item)
    if isinstance(package, ReceivedStatus):
        if arrival.came_the_other_way(desk, package.item):
            arrival.repeated(desk, package.item)
            return "duplicate"
        receive_status(desk, package)
        return "status"
    arrival.receive(desk, package)
    return "document"


def _quarantine(desk: Desk, item: InboxItem, reason: str, *, polls: int = 0) -> str:
    """Keep the entry with its bytes for a person to look at; after ``polls`` enough the bus is told."""
    arrival.quarantine(desk, intake.bus_item(item), reason, polls=polls)
    return "quarantined"


def _given_up(desk: Desk, item: InboxItem) -> bool:
    """Count one more failed try of this entry; True from the third on."""
    key = f"inbox:tries:{item.doc_id}"
    tries = int(facts.get(desk.db, key) or 0) + 1
    if tries >= TRIES:
        facts.clear(desk.db, key)
        return True
    facts.put(desk.db, key, str(tries))
    return False


_BROKE = "inbox:broke:"


def _breaks_the_line(desk: Desk, item: InboxItem, error: BusError) -> bool:
    """Count one more download that the line broke; True when it is rather this entry, so that the others are tried."""
    if not error.connected:
        return False  # nobody was there: that says nothing about the entry
    tries = int(facts.get(desk.db, f"{_BROKE}{item.doc_id}") or 0) + 1
    facts.put(desk.db, f"{_BROKE}{item.doc_id}", str(tries))
    return tries >= TRIES


def _forget(desk: Desk, key: str) -> None:
    """Clear a fact; a look costs less than a commit."""
    if facts.get(desk.db, key) is not None:
        facts.clear(desk.db, key)


def _count_poll(desk: Desk) -> None:
    """One more poll for what lies unacknowledged in quarantine."""
    desk.db.execute(
        "UPDATE inbox SET polls = polls + 1 WHERE state = 'quarantined' AND acked_at IS NULL AND polls < ?",
        [UNREADABLE_POLLS],
    )


def _read_again(desk: Desk) -> Counter[str]:
    """What people asked to have read once more: the kept bytes through today's reader."""
    report: Counter[str] = Counter()
    for row in quarantine.asked(desk):
        item = InboxItem(row["seq"], row["bus_doc_id"], row["message_id"] or "", row["kind"], 0, "", row["to_code"],
                         row["size"], row["sha256"])  # fmt: skip
        try:
            report[_take_in(desk, item)] += 1
        except BadInput as error:
            quarantine.still_unreadable(desk, item.doc_id, str(error))
        except FileNotFoundError:  # it never came: put aside because the bus did not have it, or it was too large
            quarantine.still_unreadable(desk, item.doc_id, NOT_HERE)
        except READER_MISTAKES:
            _log.exception("package %s still breaks the reader", item.doc_id)
            quarantine.still_unreadable(desk, item.doc_id, UNREADABLE)
    return report
