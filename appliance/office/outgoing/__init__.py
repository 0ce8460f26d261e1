"""Outgoing documents (văn bản đi), in the order of their life: records, drafting, steps.

This package is the door: ``outgoing.create``, ``outgoing.sign`` and so on.
"""

from appliance.office.outgoing.annexes import Annex, add_annex, annex, annexes, raise_annex, remove_annex
<<<<<<< HEAD
from appliance.office.outgoing.drafting import (
    create,
    create_from_text,
    form_of,
    replace_file,
    rewrite,
    set_placement,
    update,
)
=======
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
from appliance.office.outgoing.drafting import create, form_of, replace_file, set_placement, update
>>>>>>> 3462259 (Electronic copies: SAO Y, SAO LỤC, TRÍCH SAO of paper and electronic originals, numbered in their own series, signed by the organ)
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
    "Copy",
    "CopyForm",
    "Outgoing",
    "OutgoingForm",
    "Source",
    "add_annex",
    "annex",
    "annexes",
    "ask_to_sign_again",
<<<<<<< HEAD
    "begin",
    "competence",
    "completed",
    "create",
    "create_from_text",
=======
    "copy_defaults",
    "copy_of",
    "create",
    "create_copy",
>>>>>>> 3462259 (Electronic copies: SAO Y, SAO LỤC, TRÍCH SAO of paper and electronic originals, numbered in their own series, signed by the organ)
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
<<<<<<< HEAD
    "rewrite",
=======
    "seal_copy",
>>>>>>> 3462259 (Electronic copies: SAO Y, SAO LỤC, TRÍCH SAO of paper and electronic originals, numbered in their own series, signed by the organ)
    "send_back",
    "set_placement",
    "sign",
    "submit",
    "take_signed",
    "text_of",
    "update",
    "withdraw",
]
