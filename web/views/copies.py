"""Bản sao điện tử: the form of a copy, from paper or from a document in the box; and the organ's signature on it."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import N_, BadInput, NotFound, TramError
from appliance.office import organs, outgoing, people
from appliance.office.outgoing import CopyForm, Source
from appliance.regulation import rules
from appliance.regulation.copies import COPY_DECIDED, COPY_FORMS, COPY_SCAN, COPY_TYPES, COPY_VALUE
from appliance.store.text import fold
from web.access import open_to
from web.context import actor, desk
from web.receivers import chosen

pages = Blueprint("copies", __name__, url_prefix="/ban-sao")


@pages.get("/moi")
@open_to("clerk")
def new() -> str:
    """An empty form for a paper original; ``?den=&tep=`` or ``?di=`` for one in the box."""
    source = _source()
    known = outgoing.copy_defaults(desk(), actor(), source) if source else {}
    if known:
        known["subject"] = _("Sao %(code)s: %(subject)s", code=known["original_code"], subject=known["subject"])[:500]
    return _page({"form": "sao-y", **known}, source, None)


@pages.post("/moi")
@open_to("clerk")
def create() -> Response | tuple[str, int]:
    """Make the copy's draft; its page shows it and asks for the organ's signature."""
    source = _source()
    try:
        copy = outgoing.create_copy(desk(), actor(), _form(), source or _uploaded())
    except NotFound:
        raise
    except TramError as error:
        typed = {**request.form.to_dict(), "recipient_ids": list(chosen())}
        return _page(typed, source, error), error.status
    flash(_("Đã lập bản sao. Kiểm tra nội dung trên trang rồi lấy số và ký số."))
    return redirect(url_for("outgoing.show", document_id=copy.id), 303)


def _source() -> Source | None:
    """The original in the box that the address names; None for paper. Raises NotFound."""
    given = request.values
    if given.get("den"):
        position = given.get("tep", "0")
        if not (position.isascii() and position.isdigit()):
            raise NotFound(N_("Văn bản này không có tệp đó."), next_step=N_("Quay lại trang văn bản."))
        return outgoing.incoming_source(desk(), actor(), given["den"], int(position))
    if given.get("di"):
        return outgoing.outgoing_source(desk(), actor(), given["di"])
    return None


def _uploaded() -> Source:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise BadInput(N_("Chưa chọn tệp PDF quét từ bản giấy."), next_step=N_("Chọn tệp PDF rồi bấm lập bản sao."))
    return outgoing.paper_source(desk(), actor(), file.filename, cast(BinaryIO, file.stream))


def _form() -> CopyForm:
    posted = request.form
    names = ("form", "original_code", "original_date", "original_organ", "subject", "decided_by", "pages")
    return CopyForm(
        **{name: posted.get(name, "") for name in names},
        recipient_ids=chosen(),
        no_secret=posted.get("no_secret") == "1",
    )


def _page(values: dict[str, Any], source: Source | None, error: TramError | None) -> str:
    db = desk().db
    return render_template(
        "outgoing/copy_form.html",
        values=values,
        source=source,
        place={"incoming": "den", "outgoing": "di"}.get(source.kind, "") if source else "",
        position=request.values.get("tep", ""),
        error=error,
        forms={key: (COPY_FORMS[key], COPY_TYPES[key].name) for key in COPY_TYPES},
        leaders=people.with_role(db, actor().organ_id, "leader"),
        directory=sorted(organs.directory(db, besides=actor().organ_id), key=lambda entry: fold(entry[0].name)),
        secrets=rules.NO_SECRETS,
        value_rule=COPY_VALUE,
        decided_rule=COPY_DECIDED,
        scan_rule=COPY_SCAN,
        limit=desk().settings.max_upload_mb,
    )
