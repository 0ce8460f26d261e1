"""Every pause and limit of the exchange in one place, in seconds (bus-link C.2 rule 2, C.6; article 10.2)."""

from __future__ import annotations

from datetime import timedelta

ASK_AFTER = (5.0, 120.0, 600.0, 1800.0)
"""When the bus is asked about a package in doubt, after the try ended: 'now' (a breath later), +2, +10, +30 min."""
ASK_EVERY = 1800.0
"""The pause after the last of them."""
RESEND_BLIND = 3600.0
"""A bus that cannot be asked gets the same bytes again after this, and never more often."""

BACKOFF_BASE = 15.0
"""Ceiling of the first pause after a failure, doubled with each further one; the pause is drawn evenly below it."""
BACKOFF_CAP = 900.0
BACKOFF_CAP_URGENT = 120.0
SENDER_REFUSED = 3600.0
"""An organ whose packages the bus does not take (code 19) tries one of them so often; the rest wait with it."""

BREAKER_AFTER = 5
"""Failures of the line in a row after which nothing but a probe is tried."""
PROBE_BASE, PROBE_CAP = 15.0, 300.0

FARTHEST = timedelta(hours=2)
"""No pause is longer; a later moment was written while the clock ran ahead and counts as now."""
PATIENT_AFTER = 5
"""A package cut off this often waits out its pause even when the line is back: it may be what breaks the line."""
LEASE = timedelta(hours=1)

AMBER_BEFORE = timedelta(hours=2)
"""People are warned so long before the legal deadline to send (article 10.2)."""
HOLD_AFTER = timedelta(days=5)
"""So long past the deadline a message that the line is not to blame for is put aside for a person, loudly."""
LINE_PROVEN = timedelta(hours=1)
"""The line is not to blame when it has worked for so long without a break."""

UNREADABLE_POLLS = 3
"""Polls for which content that cannot be used stays unacknowledged, before the bus is told that it failed."""
PARTIAL_KEPT = timedelta(days=7)
"""A download that nobody goes on with is cleared after this."""
FREE_PERCENT = 10
"""Below this share of free disk nothing new is fetched."""
