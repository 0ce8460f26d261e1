"""Outgoing documents (văn bản đi), in the order of their life: records, drafting, steps.

This package is the door: ``outgoing.create``, ``outgoing.sign`` and so on.
"""

from appliance.office.outgoing.annexes import Annex, add_annex, annex, annexes, raise_annex, remove_annex
from appliance.office.outgoing.drafting import (
    create,
    create_from_text,
    form_of,
    replace_file,
    rewrite,
    set_placement,
    update,
)
from appliance.office.outgoing.records import (
    EDITABLE,
    STATES,
    TRANSITIONS,
    Outgoing,
    OutgoingForm,
    get,
    history,
    listing,
    load,
    recipients,
    register,
)
from appliance.office.outgoing.steps import (
    ask_to_sign_again,
    give_back,
    issue,
    number_and_seal,
    send_back,
    sign,
    submit,
    withdraw,
)
from appliance.office.outgoing.taken import take_signed
from appliance.office.outgoing.texts import begin, competence, completed, text_of

__all__ = [
    "EDITABLE",
    "STATES",
    "TRANSITIONS",
    "Annex",
    "Outgoing",
    "OutgoingForm",
    "add_annex",
    "annex",
    "annexes",
    "ask_to_sign_again",
    "begin",
    "competence",
    "completed",
    "create",
    "create_from_text",
    "form_of",
    "get",
    "give_back",
    "history",
    "issue",
    "listing",
    "load",
    "number_and_seal",
    "raise_annex",
    "recipients",
    "register",
    "remove_annex",
    "replace_file",
    "rewrite",
    "send_back",
    "set_placement",
    "sign",
    "submit",
    "take_signed",
    "text_of",
    "update",
    "withdraw",
]
