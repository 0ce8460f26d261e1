"""The queue engine: every package leaves exactly once, however bad the line, and none is ever forgotten.

Three steps per attempt, never an HTTP call inside a transaction: (1) lease and attempt row, (2) the bus, (3) result.
What was under way when the process died, or got no usable answer, is ``uncertain``: the bus is asked first, and only
after its proper denial (bus-link C.2 rule 2) the same id and bytes go again. No number of failures ends a message.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable

from appliance.errors import N_, TramError
from appliance.office import bus_limit, line, organs
from appliance.office.desk import Desk
from appliance.office.queue_times import (
    ASK_AFTER,
    ASK_EVERY,
    BACKOFF_BASE,
    BACKOFF_CAP,
    BACKOFF_CAP_URGENT,
    RESEND_BLIND,
    SENDER_REFUSED,
)
from sync import lease as leases
from sync import link, settle
from sync.bus.base import BusClient, BusError, Fault, Outcome, SendResult, Yielded
from sync.lease import Lease
from sync.settle import Ended

MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a mistake of our own, or a disk that refuses, looks like while a package is being sent."""
BROKEN = N_("Lỗi phần mềm của trạm khi gửi gói tin này (%(kind)s); báo kỹ thuật viên.")

_jitter = random.SystemRandom()
_log = logging.getLogger(__name__)


class _NotYet(Exception):
    """The bus was asked and the doubt stays: ``reason`` in Vietnamese, '' for its denial that is too early to count."""

    def __init__(self, reason: str, http_status: int | None) -> None:
        super().__init__(reason)
        self.reason, self.http_status = reason, http_status


def send_due(desk: Desk, client: BusClient, *, stop: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Send what is due, statuses first, then by urgency, deadline and age; returns how many ended in which state.

    Only one process may run this at a time (the worker's lock). A line that is down is probed before anything else.
    """
    leases.recover(desk)
    report: Counter[str] = Counter()
    if leases.nothing_open(desk.db):
        _keep_the_light_honest(desk, client)
        return report
    if not line_ready(desk, client):
        return report
    while not stop() and (lease := leases.take(desk)) is not None:
        if lease.proved_by:
            report[settle.proved(desk, lease)] += 1
            continue
        try:
            result = _exchange(desk, client, lease, stop)
        except _NotYet as doubt:
            report[_ask_again(desk, lease, doubt, blind=not client.info.can_find_sent)] += 1
        except Yielded as room:
            report[settle.postpone(desk, lease, Ended(str(room), "yielded", room.bytes_sent), 0.0)] += 1
            link.note_ok(desk.db, desk.clock.now())
        except BusError as error:
            if error.fault is Fault.SENDER and _stranger(desk, client):
                error.fault = Fault.LINK
            report[_put_back(desk, lease, error)] += 1
            if error.fault is Fault.LINK or (error.link and not error.connected):
                break  # nobody there, or nobody for us: the other packages would only meet the same
        except TramError as error:  # our own side: the package cannot be read from the disk
            report[settle.postpone(desk, lease, Ended(str(error), "local"), backoff(lease))] += 1
        except MISTAKES as error:
            # It may have arrived, so it is asked about; left at the head of the queue it would stop all the others.
            _log.exception("sending %s", lease.id)
            ended = Ended(BROKEN % {"kind": type(error).__name__}, "local")
            report[settle.doubtful(desk, lease, ended, backoff(lease))] += 1
        else:
            report[_settle(desk, lease, result)] += 1
        if client.info.limit_told:
            bus_limit.remember(desk.db, client.info.max_bytes)
    return report


def line_ready(desk: Desk, client: BusClient) -> bool:
    """Whether sending makes sense now: after a failure the bus's clock is asked before any package is risked."""
    if line.paused(desk.db) is None and link.read(desk.db).failures == 0:
        return True
    return link.may_probe(desk.db, desk.clock.now()) and _probe(desk, client)


def note_refusal(desk: Desk, error: BusError) -> None:
    """What a failure says about the line: it is down, or the bus refuses this box and everything pauses."""
    if error.fault is Fault.LINK:
        line.pause(desk.db, desk.clock.now(), str(error), error.advice)
    elif error.link:
        link.note_failure(desk.db, desk.clock.now(), str(error))


def backoff(lease: Lease, asked: float | None = None) -> float:
    """Seconds until the next try: full jitter below 15 s doubled per attempt, at most 15 min, urgent ones 2 min."""
    cap = BACKOFF_CAP_URGENT if lease.priority >= 1 else BACKOFF_CAP
    ceiling = min(cap, BACKOFF_BASE * 2.0 ** min(lease.attempts - 1, 10))
    return max(1.0, _jitter.uniform(0, ceiling), asked or 0.0)


def _probe(desk: Desk, client: BusClient) -> bool:
    try:
        client.time()
    except BusError as error:
        note_refusal(desk, error)
        if error.link or error.fault is Fault.LINK:
            return False
    link.note_ok(desk.db, desk.clock.now())
    return True


def _keep_the_light_honest(desk: Desk, client: BusClient) -> None:
    """With nothing to send, and a fetch that may take hours on a thin line, somebody must still say that it works."""
    now = desk.clock.now()
    if not link.fresh(desk.db, now) and link.may_probe(desk.db, now):
        _probe(desk, client)


def _exchange(desk: Desk, client: BusClient, lease: Lease, stop: Callable[[], bool]) -> SendResult:
    """Ask first where an earlier try may have arrived; then send. Raises BusError, or Unavailable for lost bytes."""
    message = leases.outbound(desk, lease, stop)
    if lease.doubt is not None:
        found = client.find_sent(message)
        if found is None:
            if lease.doubt < client.info.absent_after:
                raise _NotYet("", 200)
            lease.doubt = None  # denied properly, and long enough after the last try
        elif found.outcome is not Outcome.UNKNOWN:
            return found
        elif client.info.can_find_sent or lease.doubt < RESEND_BLIND:
            raise _NotYet(found.reason, found.http_status)
    return client.send(message)


def _ask_again(desk: Desk, lease: Lease, doubt: _NotYet, *, blind: bool) -> str:
    """The bus could not settle it: asked again at +2, +10, +30 min after the try, then every half hour.

    ``blind``: this bus can never say, so nothing happens before the same bytes may go again.
    """
    passed = lease.doubt or 0.0
    later = [after for after in ASK_AFTER if after > passed]
    lease.asked += 1
    if doubt.http_status:
        link.note_ok(desk.db, desk.clock.now())
    seconds = (later[0] - passed) if later else ASK_EVERY
    if blind:
        seconds = max(1.0, RESEND_BLIND - passed)
    return settle.postpone(desk, lease, Ended(doubt.reason, "asked", 0, doubt.http_status), seconds)


def _settle(desk: Desk, lease: Lease, result: SendResult) -> str:
    now = desk.clock.now()
    if result.http_status:
        link.note_ok(desk.db, now)
    elif result.outcome is Outcome.UNKNOWN:
        link.note_failure(desk.db, now, result.reason)
    if result.outcome is Outcome.ACCEPTED:
        return settle.accepted(desk, lease, result)
    if result.outcome is Outcome.REJECTED:
        return settle.rejected(desk, lease, result)
    ended = Ended(result.reason, "answer", result.bytes_sent, result.http_status)
    return settle.doubtful(desk, lease, ended, ASK_AFTER[0])


def _stranger(desk: Desk, client: BusClient) -> bool:
    """Whether the link is made out to organs of another box altogether, so that its inbox is not ours either."""
    holders = (organs.by_code(desk.db, code) for code in client.info.speaks_for)
    return bool(client.info.speaks_for) and not any(organ is not None and organ.local for organ in holders)


def _put_back(desk: Desk, lease: Lease, error: BusError) -> str:
    """This try certainly was not taken: the package waits, or stays uncertain for an earlier one."""
    note_refusal(desk, error)
    phase = "refused" if error.http_status else "body" if error.connected else "connect"
    seconds = 0.0 if error.fault is Fault.LINK else backoff(lease, error.retry_after)
    if error.fault is Fault.SENDER:
        seconds = SENDER_REFUSED
        settle.keep_back(desk, lease, error, seconds)
    return settle.postpone(desk, lease, Ended(str(error), phase, error.bytes_sent, error.http_status), seconds)
