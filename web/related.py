"""Documents beside a document: what its page says of them, and what a draft may be tied to."""

from __future__ import annotations

from flask_babel import gettext as _

from appliance.errors import N_
from appliance.office import follow_ups, incoming, links, outgoing
from appliance.office.desk import Actor, Desk
from appliance.office.incoming import Incoming
from appliance.office.links import Link
from appliance.office.outgoing import Outgoing

Related = list[tuple[str, str, list[Link]]]
_IN, _OUT = "incoming.show", "outgoing.show"
_OUTGOING = (
    ("answers", N_("Trả lời văn bản đến"), _IN),
    ("answered_by", N_("Được trả lời bằng"), _IN),
    ("replaces", N_("Thay thế"), _OUT),
    ("replaced_by", N_("Đã được thay thế bằng"), _OUT),
)
_INCOMING = (
    ("answered_by", N_("Trả lời bằng văn bản đi"), _OUT),
    ("answers", N_("Trả lời văn bản đi của cơ quan"), _OUT),
    ("changes", N_("Cập nhật hoặc thay thế"), _IN),
    ("changed_by", N_("Nơi gửi đã cập nhật hoặc thay thế bằng"), _IN),
)
_MOST = 50
"""Of each kind in the list; older ones are found by answering from their own page."""


def related_outgoing(work: Desk, outgoing_id: str) -> Related:
    """For an outgoing document's page: (words, endpoint, links), only what there is."""
    found = links.shown_outgoing(work.db, outgoing_id)
    return [(words, endpoint, found[key]) for key, words, endpoint in _OUTGOING if found[key]]


def related_incoming(work: Desk, document: Incoming) -> Related:
    """For an incoming document's page."""
    found = links.shown_incoming(work.db, document)
    return [(words, endpoint, found[key]) for key, words, endpoint in _INCOMING if found[key]]


def marks(work: Desk, outgoing_ids: list[str]) -> dict[str, list[tuple[str, str]]]:
    """What became of issued documents, for lists and the register: document → (words, tone of the chip)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one, (agreed, refused, asked) in follow_ups.recalled(work.db, outgoing_ids).items():
        words = _("Đã thu hồi ở %(n)s/%(m)s nơi", n=agreed, m=asked) if agreed else _("Đang thu hồi")
        if refused == asked:
            words = _("Thu hồi bị từ chối")
        tone = "good" if agreed == asked else "bad" if refused == asked else "wait"
        found.setdefault(one, []).append((words, tone))
    for one, (old, new) in links.replacements(work.db, outgoing_ids).items():
        if old:
            found.setdefault(one, []).append((_("Thay thế %(codes)s", codes=", ".join(old)), "info"))
        if new:
            found.setdefault(one, []).append((_("Bị thay thế bởi %(codes)s", codes=", ".join(new)), "wait"))
    return found


def linkable(work: Desk, person: Actor, document: Outgoing) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a draft may answer or replace, newest first: (words, [(value of the form, name)])."""
    came, _total = incoming.listing(work, person, states=("accepted", "assigned", "in_progress"), per_page=_MOST)
    went, _total = outgoing.listing(work, person, states=("issued",), per_page=_MOST)
    answers = [(f"answers:{one.id}", f"{one.code} – {one.from_name}: {one.subject}") for one in came]
    replaces = [(f"replaces:{one.id}", f"{one.code}: {one.subject}") for one in went if one.id != document.id]
    groups = [(N_("Trả lời văn bản đến"), answers), (N_("Thay thế văn bản đã phát hành"), replaces)]
    return [group for group in groups if group[1]]
