"""The queue engine: every package leaves exactly once, however bad the line, and none is ever forgotten.

Three steps per attempt, never an HTTP call inside a transaction: (1) lease and attempt row, (2) the bus, (3) result.
What was under way when the process died is ``uncertain``: the bus is asked first, then the same id and bytes go again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from appliance.errors import TramError
from appliance.office.desk import Desk
from sync import lease as leases
from sync import link
from sync.bus.base import BusClient, BusError, Outcome, SendResult
from sync.lease import Lease

BASE_SECONDS = 15.0
CAP_SECONDS = 900.0
URGENT_CAP_SECONDS = 120.0
_jitter = random.SystemRandom()


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
        try:
            result = _exchange(desk, client, lease)
        except BusError as error:
            report[_put_back(desk, lease, error)] += 1
            if error.link and not error.connected:
                break  # nobody there: the other packages would only wait for the same time-out
        except TramError as error:  # our own side: the package cannot be read from the disk
            report[leases.postpone(desk, lease, str(error), "local", backoff(lease))] += 1
        else:
            report[_settle(desk, lease, result)] += 1
    return report


def line_ready(desk: Desk, client: BusClient) -> bool:
    """Whether sending makes sense now: after a failure the bus's clock is asked before any package is risked."""
    if link.read(desk.db).failures == 0:
        return True
    try:
        client.time()
    except BusError as error:
        if error.link:
            link.note_failure(desk.db, desk.clock.now(), str(error))
            return False
    link.note_ok(desk.db, desk.clock.now())
    return True


def _keep_the_light_honest(desk: Desk, client: BusClient) -> None:
    """With nothing to send, and a fetch that may take hours on a thin line, somebody must still say that it works."""
    if not link.fresh(desk.db, desk.clock.now()):
        try:
            client.time()
        except BusError as error:
            if error.link:
                link.note_failure(desk.db, desk.clock.now(), str(error))
            return
        link.note_ok(desk.db, desk.clock.now())


def backoff(lease: Lease, asked: float | None = None) -> float:
    """Seconds until the next try: full jitter below 15 s doubled per attempt, at most 15 min, urgent ones 2 min."""
    cap = URGENT_CAP_SECONDS if lease.priority >= 1 else CAP_SECONDS
    ceiling = min(cap, BASE_SECONDS * 2.0 ** min(lease.attempts - 1, 10))
    return max(1.0, _jitter.uniform(0, ceiling), asked or 0.0)


def _exchange(desk: Desk, client: BusClient, lease: Lease) -> SendResult:
    """Ask first where an earlier try may have arrived; then send. Raises BusError, or Unavailable for lost bytes."""
    message = leases.outbound(desk, lease)
    if lease.uncertain:
        found = client.find_sent(message)
        if found is not None:
            return found  # accepted, refused, or unknown: then it goes on waiting
        lease.uncertain = False
    return client.send(message)


def _settle(desk: Desk, lease: Lease, result: SendResult) -> str:
    now = desk.clock.now()
    if result.http_status:
        link.note_ok(desk.db, now)
    else:
        link.note_failure(desk.db, now, result.reason)
    if result.outcome is Outcome.ACCEPTED:
        return leases.accepted(desk, lease, result)
    if result.outcome is Outcome.REJECTED:
        return leases.rejected(desk, lease, result)
    lease.uncertain = True
    return leases.postpone(desk, lease, result.reason, "answer", backoff(lease), result.bytes_sent, result.http_status)


def _put_back(desk: Desk, lease: Lease, error: BusError) -> str:
    """The package certainly was not taken: it waits, or stays uncertain when even asking failed."""
    now = desk.clock.now()
    if error.link:
        link.note_failure(desk.db, now, str(error))
    phase = "refused" if error.http_status else "body" if error.connected else "connect"
    seconds = backoff(lease, error.retry_after)
    return leases.postpone(desk, lease, str(error), phase, seconds, error.bytes_sent, error.http_status)
