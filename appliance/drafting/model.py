"""What a drafter fills in for a document that the box typesets, and its JSON for the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from appliance.drafting.cleaning import clean, clean_line, clean_lines
from appliance.drafting.forms import FORMS, DocumentForm
from appliance.errors import N_, BadInput
from appliance.regulation.document_types import TYPES, URGENCY, document_type

CIRCULATION: dict[str, str] = {
    "": "",
    "return": "XEM XONG TRẢ LẠI",
    "internal": "LƯU HÀNH NỘI BỘ",
}
"""Marks of circulation (NĐ 30/2020, annex I, cell 11)."""

BODY_MOST = 200_000
LINE_MOST, LIST_MOST, LINES_MOST = 1_000, 20_000, 300
ENCLOSURES_MOST = 20
"""Letters of the text, of one field, of a list; items of a list; enclosures: far above any real document."""


@dataclass(frozen=True)
class Enclosure:
    """What follows the document in the same file: an appendix, or with ``issued`` a text that the document issues.

    ``title`` in one line; ``text`` as ``markup`` reads it.
    """

    title: str
    text: str
    issued: bool = False


@dataclass(frozen=True)
class DraftText:
    """A document as its drafter typed it. Number, day and month stay blank: the box gives them out at the seal.

    ``organ``: the issuing organ's name as printed, several lines allowed; ``organ_name``: the same in a sentence;
    ``opening``: the authority that decides or wires; ``bases``: căn cứ, one a line; ``to``: the receivers above the
    text; ``lines``: values of the form's labelled lines by key; ``authority``: 'TM. ỦY BAN NHÂN DÂN' above the
    title, '' for none; ``second_*``: the other signer of minutes and contracts; ``circulation``: a key of
    ``CIRCULATION``; ``year``: of issue.
    """

    type_code: str
    organ: str
    notation: str
    place: str
    year: int
    subject: str
    body: str
    position: str
    signer: str
    parent_organ: str = ""
    organ_name: str = ""
    urgency: int = 0
    circulation: str = ""
    opening: str = ""
    bases: str = ""
    to: tuple[str, ...] = ()
    lines: Mapping[str, str] = field(default_factory=dict)
    receivers: tuple[str, ...] = ()
    authority: str = ""
    second_position: str = ""
    second_signer: str = ""
    enclosures: tuple[Enclosure, ...] = ()

    @property
    def form(self) -> DocumentForm:
        """What its type prints."""
        return FORMS[self.type_code]

    @property
    def type_name(self) -> str:
        """'Quyết định'."""
        return TYPES[self.type_code].name

    def to_json(self) -> str:
        """For the store, read back by ``from_json``."""
        return json.dumps({**asdict(self), "lines": dict(self.lines)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> DraftText:
        """Read back what ``to_json`` wrote, whichever version of the box did: unknown fields are left out."""
        stored: dict[str, Any] = json.loads(text)
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in stored.items() if name in known}
        for name in ("to", "receivers"):
            values[name] = tuple(values.get(name, ()))
        values["enclosures"] = tuple(Enclosure(**each) for each in values.get("enclosures", ()))
        return cls(**values)


def checked(document: DraftText) -> DraftText:
    """The document with every text cleaned. Raises BadInput naming the field that is missing, too long or unprintable.

    Whatever is wrong is refused here, so that typesetting itself has nothing to refuse.
    """
    document_type(document.type_code)
    if document.urgency not in URGENCY or document.circulation not in CIRCULATION:
        raise BadInput(N_("Độ khẩn hoặc chỉ dẫn lưu hành không có trong danh sách."))
    if not 1945 <= document.year <= 9999:
        raise BadInput(N_("Năm ban hành không đúng."))
    if len(document.enclosures) > ENCLOSURES_MOST:
        raise _too_long(N_("Phụ lục"), ENCLOSURES_MOST)
    texts: dict[str, Any] = {
        **{name: _text(words, getattr(document, name), clean_line, LINE_MOST) for name, words in _LINE_FIELDS.items()},
        **{name: _text(words, getattr(document, name), clean, LIST_MOST) for name, words in _BLOCK_FIELDS.items()},
        **{name: _list(words, getattr(document, name)) for name, words in _LIST_FIELDS.items()},
        "body": _text(_BODY, document.body, clean, BODY_MOST),
        "lines": _form_lines(document),
        "enclosures": tuple(_enclosure(each) for each in document.enclosures),
    }
    cleaned = replace(document, **texts)
    _require(cleaned)
    return cleaned


_BODY = N_("Nội dung văn bản")
_LINE_FIELDS = {
    "notation": N_("Ký hiệu"),
    "place": N_("Địa danh"),
    "subject": N_("Trích yếu nội dung"),
    "signer": N_("Họ tên người ký"),
    "organ_name": N_("Tên cơ quan"),
    "second_signer": N_("Họ tên người ký bên trái"),
}
_BLOCK_FIELDS = {
    "organ": N_("Tên cơ quan ban hành"),
    "parent_organ": N_("Cơ quan chủ quản"),
    "opening": N_("Thẩm quyền ban hành"),
    "bases": N_("Căn cứ"),
    "authority": N_("Quyền hạn"),
    "position": N_("Chức vụ người ký"),
    "second_position": N_("Chức danh người ký bên trái"),
}
_LIST_FIELDS = {"to": N_("Kính gửi"), "receivers": N_("Nơi nhận")}
_REQUIRED = ("organ", "place", "subject", "position", "signer")


def _text(words: str, text: str, clean_text: Callable[[str], str], most: int) -> str:
    if len(text) > most:
        raise _too_long(words, most)
    try:
        return clean_text(text)
    except BadInput as error:
        raise _in_field(error, words) from error


def _list(words: str, items: tuple[str, ...]) -> tuple[str, ...]:
    joined = "\n".join(items)
    if len(items) > LINES_MOST or len(joined) > LIST_MOST:
        raise _too_long(words, LIST_MOST)
    try:
        return clean_lines(joined)
    except BadInput as error:
        raise _in_field(error, words) from error


def _form_lines(document: DraftText) -> dict[str, str]:
    given = document.lines
    return {line.key: _text(line.label, given.get(line.key, ""), clean, LIST_MOST) for line in document.form.lines}


def _enclosure(each: Enclosure) -> Enclosure:
    words = N_("Phụ lục")
    return replace(
        each, title=_text(words, each.title, clean_line, LINE_MOST), text=_text(words, each.text, clean, BODY_MOST)
    )


def _require(document: DraftText) -> None:
    """Raises BadInput for the first empty field that this type needs."""
    form = document.form
    needed = [(_LINE_FIELDS | _BLOCK_FIELDS)[name] for name in _REQUIRED if not getattr(document, name)]
    needed += [N_("Ký hiệu")] if form.number and not document.notation else []
    needed += (
        [form.to.rstrip(":") if form.to != "điện:" else N_("Nơi nhận điện")] if form.to_must and not document.to else []
    )
    needed += [line.label for line in form.lines if line.required and not document.lines[line.key]]
    needed += [] if document.body or form.lines else [_BODY]
    needed += [N_("Phụ lục") for each in document.enclosures if not (each.title and each.text)]
    if needed:
        raise BadInput(
            N_("Mục “%(field)s” còn trống."),
            next_step=N_("Điền mục đó rồi làm lại; nội dung đã nhập vẫn còn."),
            field=needed[0],
        )


def _too_long(words: str, most: int) -> BadInput:
    return BadInput(N_("Mục “%(field)s” quá dài (tối đa %(most)s)."), field=words, most=most)


def _in_field(error: BadInput, words: str) -> BadInput:
    return BadInput(
        N_("Mục “%(field)s”: ký tự “%(character)s” (%(name)s) không in được bằng phông chữ của văn bản hành chính."),
        next_step=error.next_step,
        field=words,
        **error.params,
    )
