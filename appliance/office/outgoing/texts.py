"""The typed text of a document that the box typesets: its beginning, what the office adds, its versions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from appliance.drafting import FORMS, DraftText, checked
from appliance.errors import N_, BadInput
from appliance.office import organs, people
from appliance.office.desk import Actor, Desk
from appliance.office.organs import Organ
from appliance.office.outgoing.records import Outgoing, OutgoingForm
from appliance.regulation.document_types import COMPETENCES, document_type, notation

_PLACE = re.compile(r"\s+(?=(?:XÃ|PHƯỜNG|ĐẶC KHU|THỊ TRẤN|QUẬN|HUYỆN|THỊ XÃ|THÀNH PHỐ|TỈNH)\s)")
_COMMITTEE = "ỦY BAN NHÂN DÂN"
_REMEMBERED = ("organ", "organ_name", "parent_organ", "place")


def begin(desk: Desk, actor: Actor, type_code: str) -> DraftText:
    """A new document of this type: the organ as its last one printed it, and the form's usual words.

    Raises BadInput for a type that does not exist.
    """
    kind, form, organ = document_type(type_code), FORMS[type_code], organs.get(desk.db, actor.organ_id)
    upper = organ.name.upper()
    fresh = DraftText(
        type_code=type_code,
        organ=_PLACE.sub("\n", upper, count=1),
        organ_name=organ.name,
        notation=notation(kind, organ.abbreviation, ""),
        place=organ.place,
        year=desk.clock.now().year,
        subject="",
        body=form.body,
        position=form.position,
        signer="",
        opening=_opening(upper, type_code) if form.opening else "",
        authority=_authority(organ, type_code),
        receivers=form.receivers,
        second_position=form.second,
    )
    last = _newest(desk.db, "organ_id = ?", actor.organ_id)
    return replace(fresh, **{name: getattr(last, name) for name in _REMEMBERED}) if last else fresh


def _opening(organ: str, type_code: str) -> str:
    """Who decides: the committee's chair in person, a council as a whole (NĐ 30/2020, samples 1.1, 1.2 and 1.6)."""
    return f"CHỦ TỊCH {organ}" if organ.startswith(_COMMITTEE) and type_code != "nghi-quyet" else organ


def _authority(organ: Organ, type_code: str) -> str:
    """What stands above the signer's title: a committee speaks through its chair, who decides and wires in person."""
    upper = organ.name.upper()
    if FORMS[type_code].position or (type_code in ("quyet-dinh", "cong-dien") and upper.startswith(_COMMITTEE)):
        return ""
    collective = _PLACE.split(upper)[0]
    return f"TM. {collective}" if collective in (_COMMITTEE, "HỘI ĐỒNG NHÂN DÂN") else ""


def competence(authority: str) -> str:
    """'KT.' of 'KT. CHỦ TỊCH': how the signer signs, as the package to the receivers says it."""
    first = authority.split(" ", 1)[0].upper()
    return first if first in COMPETENCES else ""


def completed(desk: Desk, actor: Actor, form: OutgoingForm, text: DraftText) -> DraftText:
    """The text with what the office knows: notation, signer, year, and receivers where they were left blank.

    Raises BadInput naming the field that is wrong.
    """
    organ = organs.get(desk.db, actor.organ_id)
    names = tuple(organs.get(desk.db, organ_id).name for organ_id in form.recipient_ids)
    if not form.signer_id:
        raise BadInput(N_("Chưa chọn người ký."), next_step=N_("Chọn người ký trong danh sách."))
    signer = people.get(desk.db, form.signer_id)
    kind = document_type(form.type_code)
    rules = FORMS[form.type_code]
    return checked(
        replace(
            text,
            subject=form.subject,
            urgency=form.urgency,
            year=desk.clock.now().year,
            notation=notation(kind, organ.abbreviation, form.unit.strip().upper()),
            signer=signer.full_name,
            position=text.position.strip() or signer.position,
            to=text.to or (names if rules.to_must else ()),
            receivers=text.receivers or (*(rules.receivers or names), "Lưu: VT"),
        )
    )


def keep(db: Database, outgoing_id: str, text: DraftText, pdf_sha256: str, actor: Actor, now: datetime) -> None:
    """Add a version. Joins the caller's transaction."""
    version = db.execute("SELECT count(*) + 1 FROM draft_text WHERE outgoing_id = ?", [outgoing_id]).fetchone()[0]
    db.table("draft_text").insert(
        {
            "outgoing_id": outgoing_id,
            "version": version,
            "text": text.to_json(),
            "pdf_sha256": pdf_sha256,
            "made_by": actor.account_id,
            "made_at": now.isoformat(),
        }
    )


def text_of(db: Database, document: Outgoing) -> DraftText | None:
    """The text this document was typeset from; None when its PDF came from elsewhere, or replaced the typeset one."""
    return _newest(db, "outgoing_id = ? AND pdf_sha256 = outgoing.draft_sha256", document.id)


def _newest(db: Database, condition: str, value: str) -> DraftText | None:
    row = db.execute(
        "SELECT text FROM draft_text JOIN outgoing ON outgoing.id = outgoing_id"
        f" WHERE {condition} ORDER BY made_at DESC, version DESC LIMIT 1",
        [value],
    ).fetchone()
    return DraftText.from_json(row[0]) if row else None
