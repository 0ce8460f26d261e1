"""Soạn văn bản: a document typed into a form and typeset by the box, so that nobody needs a word processor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from appliance.drafting import CIRCULATION, FORMS, DraftText, Enclosure, compose
from appliance.errors import TramError
from appliance.office import organs, outgoing, people
from appliance.office.outgoing import Outgoing, OutgoingForm
from appliance.regulation import rules
from appliance.regulation.document_types import TYPES, document_type
from appliance.store.text import fold
from web.access import open_to
from web.context import actor, desk
from web.receivers import chosen
from web.views.outgoing import WRITERS, read_form

pages = Blueprint("texts", __name__, url_prefix="/van-ban-di")

_FIELDS = (
    "organ", "organ_name", "parent_organ", "place", "body", "position", "circulation", "opening", "bases", "authority",
    "second_position", "second_signer",
)  # fmt: skip
_LISTS = ("to", "receivers")
OFTEN = ("cong-van", "quyet-dinh", "thong-bao", "ke-hoach", "bao-cao", "to-trinh", "giay-moi", "bien-ban")
"""What a commune writes every week, offered first."""


@pages.get("/soan")
@open_to(*WRITERS)
def choose() -> str:
    """Which type?"""
    others = sorted((code for code in TYPES if code not in OFTEN), key=lambda code: fold(TYPES[code].name))
    return render_template("texts/choose.html", often=OFTEN, others=others)


@pages.get("/soan/<type_code>")
@open_to(*WRITERS)
def new(type_code: str) -> str:
    """A form that begins with the office's usual words, or (``?tu=``) with an earlier document's text."""
    text = outgoing.begin(desk(), actor(), type_code)
    earlier = request.args.get("tu", "")
    values: dict[str, Any] = {"urgency": "0"}
    if earlier:
        document = outgoing.get(desk(), actor(), earlier)
        text = outgoing.text_of(desk().db, document) or text
        values = _values(document)
    return _page(type_code, text, values, None, None)


@pages.post("/soan/<type_code>")
@open_to(*WRITERS)
def create(type_code: str) -> BaseResponse | str | tuple[str, int]:
    """Typeset and keep; or, for another appendix, the same form with room for it."""
    text = read_text(type_code)
    if "more" in request.form:
        return _page(type_code, text, _typed(), None, None)
    try:
        document = outgoing.create_from_text(desk(), actor(), _form(type_code), text)
    except TramError as error:
        return _page(type_code, text, _typed(), None, error), error.status
    flash(_("Đã lưu dự thảo. Xem lại văn bản rồi trình ký."))
    return redirect(url_for("outgoing.show", document_id=document.id), 303)


@pages.post("/soan/<type_code>/xem-thu")
@open_to(*WRITERS)
def preview(type_code: str) -> Response:
    """The PDF as it would be saved; nothing is kept."""
    text = outgoing.completed(desk(), actor(), _form(type_code), read_text(type_code))
    answer = Response(compose(text), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = 'inline; filename="xem-thu.pdf"'
    return answer


@pages.get("/<document_id>/noi-dung")
@open_to(*WRITERS)
def edit(document_id: str) -> str | BaseResponse:
    """The text again, while the document may still be changed."""
    document = outgoing.get(desk(), actor(), document_id)
    text = outgoing.text_of(desk().db, document)
    if text is None:
        return redirect(url_for("outgoing.edit", document_id=document_id))
    return _page(document.type_code, text, _values(document), document, None)


@pages.post("/<document_id>/noi-dung")
@open_to(*WRITERS)
def update(document_id: str) -> BaseResponse | str | tuple[str, int]:
    """Typeset anew and keep, the old text with it."""
    document = outgoing.get(desk(), actor(), document_id)
    text = read_text(document.type_code)
    if "more" in request.form:
        return _page(document.type_code, text, _typed(), document, None)
    try:
        form = _form(document.type_code)
        outgoing.rewrite(desk(), actor(), document_id, form, text)
    except TramError as error:
        return _page(document.type_code, text, _typed(), document, error), error.status
    flash(_("Đã lưu dự thảo. Xem lại văn bản rồi trình ký."))
    return redirect(url_for("outgoing.show", document_id=document_id), 303)


def read_text(type_code: str) -> DraftText:
    """The posted text as it was typed; what the office knows is filled in by ``outgoing.completed``."""
    document_type(type_code)
    posted = request.form
    titles, texts = posted.getlist("enclosure_title"), posted.getlist("enclosure_text")
    kinds = posted.getlist("enclosure_kind")
    enclosures = (
        Enclosure(title, text, kind == "issued") for title, text, kind in zip(titles, texts, kinds, strict=False)
    )
    fields: dict[str, Any] = {name: posted.get(name, "") for name in _FIELDS}
    lists: dict[str, Any] = {
        name: tuple(line for line in posted.get(name, "").splitlines() if line.strip()) for name in _LISTS
    }
    return DraftText(
        type_code=type_code,
        notation="",
        year=desk().clock.now().year,
        subject=posted.get("subject", ""),
        signer="",
        lines={line.key: posted.get(f"line-{line.key}", "") for line in FORMS[type_code].lines},
        enclosures=tuple(each for each in enclosures if each.title.strip() or each.text.strip()),
        **fields,
        **lists,
    )


def _form(type_code: str) -> OutgoingForm:
    authority = request.form.get("authority", "")
    return replace(read_form(), type_code=type_code, competence=outgoing.competence(authority))


def _values(document: Outgoing) -> dict[str, Any]:
    form = outgoing.form_of(desk(), document)
    due = form.reply_due.isoformat() if form.reply_due else ""
    return {**vars(form), "urgency": str(form.urgency), "reply_due": due, "no_secret": ""}


def _typed() -> Mapping[str, Any]:
    return {**request.form.to_dict(), "recipient_ids": list(chosen())}


def _page(
    type_code: str, text: DraftText, values: Mapping[str, Any], document: Outgoing | None, error: TramError | None
) -> str:
    db = desk().db
    form = FORMS[type_code]
    room = [*text.enclosures] + [Enclosure("", "")] * (1 if document is None and not text.enclosures else 0)
    room += [Enclosure("", "")] if "more" in request.form else []
    return render_template(
        "texts/form.html",
        kind=TYPES[type_code],
        form=form,
        text=text,
        to_words=re.sub(r"^điện:$", _("Nơi nhận điện"), form.to).rstrip(":"),
        enclosures=room,
        circulation=CIRCULATION,
        values=values,
        document=document,
        error=error,
        leaders=people.with_role(db, actor().organ_id, "leader"),
        directory=sorted(organs.directory(db, besides=actor().organ_id), key=lambda entry: fold(entry[0].name)),
        secrets=rules.NO_SECRETS,
    )
