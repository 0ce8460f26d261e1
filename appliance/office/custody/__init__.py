"""The custody of signing devices (article 5): register, steps, handovers with their minutes, warnings.

This package is the door: ``custody.register``, ``custody.hand_over`` and so on.
"""

from appliance.office.custody.expiry import days_left, find_revoked, warn_of_expiry, watch
from appliance.office.custody.handover import (
    Handover,
    HandoverForm,
    attach_signed,
    hand_over,
    handovers,
    may_hand_over,
    receivers,
)
from appliance.office.custody.records import TRANSITIONS, get, history, listing, revocation_asked, visible
from appliance.office.custody.registering import Found, Registration, plugged_in, register
from appliance.office.custody.steps import (
    asked_already,
    doable,
    find_again,
    give_back,
    lock,
    report_lost,
    revoke,
    stop,
    unlock,
)

__all__ = [
    "TRANSITIONS",
    "Found",
    "Handover",
    "HandoverForm",
    "Registration",
    "asked_already",
    "attach_signed",
    "days_left",
    "doable",
    "find_again",
    "find_revoked",
    "get",
    "give_back",
    "hand_over",
    "handovers",
    "history",
    "listing",
    "lock",
    "may_hand_over",
    "plugged_in",
    "receivers",
    "register",
    "report_lost",
    "revocation_asked",
    "revoke",
    "stop",
    "unlock",
    "visible",
    "warn_of_expiry",
    "watch",
]
