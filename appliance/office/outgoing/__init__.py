"""Outgoing documents (văn bản đi), in the order of their life: records, drafting, leader, sealing, issuing; copies.

This package is the door: ``outgoing.create``, ``outgoing.sign`` and so on.
"""

from appliance.office.outgoing.annexes import Annex, add_annex, annex, annexes, raise_annex, remove_annex
from appliance.office.outgoing.copies import (
    Copy,
    CopyForm,
    Source,
    copy_defaults,
    copy_of,
    create_copy,
    incoming_source,
    outgoing_source,
    paper_source,
    seal_copy,
)
from appliance.office.outgoing.drafting import (
    create,
    create_from_text,
    form_of,
    replace_file,
    rewrite,
    set_placement,
    update,
)
from appliance.office.outgoing.issuing import issue
from appliance.office.outgoing.leader import give_back, sign, submit, withdraw
from appliance.office.outgoing.moves import require_recipients
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
from appliance.office.outgoing.sealing import ask_to_sign_again, number_and_seal, send_back
from appliance.office.outgoing.taken import take_signed
from appliance.office.outgoing.texts import begin, competence, completed, text_of

__all__ = [
    "EDITABLE",
    "STATES",
    "TRANSITIONS",
    "Annex",
    "Copy",
    "CopyForm",
    "Outgoing",
    "OutgoingForm",
    "Source",
    "add_annex",
    "annex",
    "annexes",
    "ask_to_sign_again",
    "begin",
    "competence",
    "completed",
    "copy_defaults",
    "copy_of",
    "create",
    "create_copy",
    "create_from_text",
    "form_of",
    "get",
    "give_back",
    "history",
    "incoming_source",
    "issue",
    "listing",
    "load",
    "number_and_seal",
    "outgoing_source",
    "paper_source",
    "raise_annex",
    "recipients",
    "register",
    "remove_annex",
    "replace_file",
    "require_recipients",
    "rewrite",
    "seal_copy",
    "send_back",
    "set_placement",
    "sign",
    "submit",
    "take_signed",
    "text_of",
    "update",
    "withdraw",
]
