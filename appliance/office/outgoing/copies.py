"""Electronic copies (NĐ 30/2020/NĐ-CP, articles 25-27): drafted by the clerk, numbered and signed with the organ's key.

The original is a paper document (its scan is uploaded), a document that came, or one issued here. Its file is kept
whole where its signatures allow one more; otherwise the copy shows its pages as they print, and says so.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from sqlite_utils import Database

from appliance.errors import N_, BadInput, NotFound, TramError
from appliance.office import devices, evidence, incoming, looks, organs, people, series
from appliance.office.clock_guard import signing_time
from appliance.office.desk import Actor, Desk
from appliance.office.outgoing.drafting import pdf_name, write_recipients
from appliance.office.outgoing.moves import apply, check, require, require_recipients, scan
from appliance.office.outgoing.pins import with_pin
from appliance.office.outgoing.records import Outgoing, get
from appliance.regulation import rules
from appliance.regulation.codes import document_code
from appliance.regulation.copies import (
    COPY_BOOK,
    COPY_FORMS,
    COPY_ORIGINAL,
    COPY_TYPES,
    SCAN_LEAST_DPI,
    SCAN_LEAST_VERSION,
)
from appliance.regulation.document_types import notation, number_text
from appliance.signing import copying
from appliance.signing.corner import ready_for_corner, seal_corner, takes_another_signature
from appliance.signing.placement import COPY_FIELD, Area, Placement
from appliance.signing.token import Pin
from appliance.signing.validate import validate
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7

_NO_PLACES = Placement((), Area(0, 0, 0, 1, 1), Area(0, 0, 0, 1, 1)).to_json()
"""A copy has no number line, no date line and no personal signature to be placed."""


@dataclass(frozen=True)
class CopyForm:
    """What the clerk fills in. ``pages`` for a trích sao, e.g. '1-3, 5'; original_* as printed on the original."""

    form: str
    original_code: str
    original_date: str
    original_organ: str
    subject: str
    decided_by: str
    recipient_ids: tuple[str, ...]
    pages: str = ""
    no_secret: bool = False


@dataclass(frozen=True)
class Source:
    """The original: ``kind`` 'paper', 'incoming' or 'outgoing', ``id`` of the document in the store, its file."""

    kind: str
    id: str
    file_name: str
    sha256: str


@dataclass(frozen=True)
class Copy:
    """One row of the table ``outgoing_copy``."""

    outgoing_id: str
    form: str
    source: str
    source_incoming_id: str | None
    source_outgoing_id: str | None
    source_sha256: str
    original_code: str
    original_date: str
    original_organ: str
    pages: str
    keeps_signatures: int
    warnings: str

    @property
    def words(self) -> str:
        """The form of copy in the law's own capitals."""
        return COPY_FORMS[self.form]


def copy_of(db: Database, outgoing_id: str) -> Copy | None:
    """What a copy is a copy of; None for a document."""
    columns = ", ".join(Copy.__dataclass_fields__)
    row = db.execute(f"SELECT {columns} FROM outgoing_copy WHERE outgoing_id = ?", [outgoing_id]).fetchone()
    return Copy(*row) if row else None


def incoming_source(desk: Desk, actor: Actor, incoming_id: str, position: int) -> Source:
    """A file of a document that came. Raises NotFound for one that is missing, no PDF or not clean."""
    if incoming.get(desk, actor, incoming_id).state in ("arrived", "refused"):
        raise NotFound(N_("Chỉ sao văn bản đến đã tiếp nhận."), next_step=N_("Tiếp nhận, vào sổ văn bản trước."))
    for file in incoming.files(desk.db, incoming_id):
        if file["position"] == position and file["media_type"] == "application/pdf" and file["scan"] in ("", "clean"):
            return Source("incoming", incoming_id, file["name"], file["sha256"])
    raise NotFound(N_("Văn bản này không có tệp PDF đó để sao."), next_step=N_("Quay lại trang văn bản đến."))


def outgoing_source(desk: Desk, actor: Actor, outgoing_id: str) -> Source:
    """A document issued here. Raises NotFound for one that is not issued."""
    document = get(desk, actor, outgoing_id)
    if document.state != "issued" or document.sealed_sha256 is None:
        raise NotFound(N_("Chỉ sao văn bản đã phát hành."), next_step=N_("Phát hành văn bản trước."))
    return Source("outgoing", outgoing_id, document.file_name, document.sealed_sha256)


def paper_source(desk: Desk, actor: Actor, file_name: str, stream: BinaryIO) -> Source:
    """An uploaded scan of a paper document. Raises BadInput, RuleRefused for malware, Unavailable."""
    require(actor, "clerk")
    sha256, _ = desk.blobs.put_stream(stream, desk.settings.max_upload_mb << 20)
    return Source("paper", "", pdf_name(file_name), sha256)


def create_copy(desk: Desk, actor: Actor, form: CopyForm, source: Source) -> Outgoing:
    """A copy, drafted: its file made from the original, scanned, and fit for the organ's signature.

    Raises RuleRefused for an original without legal value, BadInput, NotAllowed, Unavailable.
    """
    require(actor, "clerk")
    form = _checked(desk, actor, form)
    pages = _page_numbers(form)
    try:
        scan(desk, source.sha256)
        original = desk.blobs.read(source.sha256)
        warnings = _judged(desk, original, source)
        data, keeps = _file(original, source, pages)
        data, count = ready_for_corner(data)
    except TramError as error:
        with transaction(desk.db):
            detail = {"sha256": source.sha256, "reason": str(error)}
            subject = f"blob:{source.sha256}"
            audit.append(desk.db, desk.clock.now(), actor.account_id, "outgoing.file_refused", subject, detail)
        raise
    draft, now, outgoing_id = desk.blobs.put(data), desk.clock.now(), uuid7()
    with transaction(desk.db):
        desk.db.table("outgoing").insert(
            {
                "id": outgoing_id, "organ_id": actor.organ_id, "state": "drafting", "kind": "copy",
                "type_code": form.form, "subject": form.subject, "urgency": 0, "drafter_id": actor.account_id,
                "signer_id": form.decided_by, "rule_set": desk.settings.rule_set,
                "file_name": pdf_name(f"{COPY_TYPES[form.form].name} {source.file_name}"), "draft_sha256": draft,
                "placement": _NO_PLACES, "page_count": count,
                "created_at": now.isoformat(), "updated_at": now.isoformat(),
            }
        )  # fmt: skip
        desk.db.table("outgoing_copy").insert(
            {
                "outgoing_id": outgoing_id, "form": form.form, "source": source.kind,
                "source_incoming_id": source.id if source.kind == "incoming" else None,
                "source_outgoing_id": source.id if source.kind == "outgoing" else None,
                "source_sha256": source.sha256, "original_code": form.original_code,
                "original_date": form.original_date, "original_organ": form.original_organ, "pages": form.pages,
                "keeps_signatures": int(keeps), "warnings": json.dumps(warnings, ensure_ascii=False),
            }
        )  # fmt: skip
        write_recipients(desk, outgoing_id, form.recipient_ids, now.date())
        detail = {"subject": form.subject, "type": form.form, "draft": draft, "original": source.sha256}
        audit.append(desk.db, now, actor.account_id, "outgoing.create_copy", f"outgoing:{outgoing_id}", detail)
    return get(desk, actor, outgoing_id)


def seal_copy(desk: Desk, actor: Actor, outgoing_id: str, pin: Pin, *, last_try: bool = False) -> Outgoing:
    """Number the copy in its own series and sign it with the organ's key; a failed signature keeps the number."""
    document = get(desk, actor, outgoing_id)
    at = signing_time(desk)
    if document.state == "drafting":
        document = _take_number(desk, actor, document, at)
    check(actor, document, "seal_copy")
    if document.number_year != at.year:
        raise rules.refuse(
            rules.UNIQUE_NUMBER,
            N_("Số %(code)s thuộc năm %(year)s, không dùng cho năm nay được."),
            N_("Rút bản sao này (số được ghi là không sử dụng) rồi làm lại bản sao."),
            code=document.code,
            year=document.number_year,
        )
    organ, copy, look = organs.get(desk.db, document.organ_id), copy_of(desk.db, document.id), looks.look(desk, "copy")
    device_id, key = devices.organ_key(desk.db, document.organ_id, actor)
    draft = desk.blobs.read(document.draft_sha256)
    texts = look.texts(at, form=copy.words if copy else "", organ=organ.name, code=document.code)

    def make() -> bytes:
        return seal_corner(
            draft, field=COPY_FIELD, look=look, texts=texts, key=key, pin=pin.confirmed(last_try), signer=desk.signer,
            at=at, trust=desk.trust, stamper=evidence.stamper(desk),
        )  # fmt: skip

    sealed = desk.blobs.put(with_pin(desk, actor, device_id, last_try, make))
    issued = at.date()
    code = document_code(
        organs.code_on(desk.db, organ.id, issued), issued, number_text(document.number or 0), document.notation or ""
    )
    changes = {
        "sealed_sha256": sealed,
        "sealed_at": at.isoformat(),
        "document_code": code,
        "issue_date": issued.isoformat(),
    }
    detail = {"sealed": sealed, "device": device_id, "code": code}
    document = apply(desk, actor, document, "seal_copy", changes, detail)
    evidence.keep(desk, f"outgoing:{document.id}", "sealed", desk.blobs.read(sealed))
    return document


def _take_number(desk: Desk, actor: Actor, document: Outgoing, at: datetime) -> Outgoing:
    check(actor, document, "take_copy_number")
    mark = notation(document.type, organs.get(desk.db, document.organ_id).abbreviation, "")

    def changes() -> dict[str, object]:
        number = series.take(desk.db, organ_id=document.organ_id, kind="outgoing", year=at.year, book=COPY_BOOK)
        return {"book": COPY_BOOK, "number": number, "number_year": at.year, "notation": mark}

    return apply(desk, actor, document, "take_copy_number", changes, {"notation": mark})


def _checked(desk: Desk, actor: Actor, form: CopyForm) -> CopyForm:
    """The form in normal form. Raises RuleRefused for a state secret, BadInput naming the field."""
    rules.require_no_secret(form.no_secret)
    words = {name: nfc(getattr(form, name)) for name in ("original_code", "original_organ", "subject", "pages")}
    if form.form not in COPY_TYPES:
        raise BadInput(N_("Chọn hình thức sao: sao y, sao lục hoặc trích sao."))
    if not all(1 <= len(words[name]) <= most for name, most in _LIMITS.items()):
        raise BadInput(N_("Ghi số ký hiệu, cơ quan ban hành và trích yếu của văn bản gốc."), rule=rules.FIELD_LIMITS)
    try:
        if date.fromisoformat(form.original_date) > desk.clock.now().date():
            raise BadInput(N_("Ngày của văn bản gốc ở tương lai."), next_step=N_("Ghi ngày in trên văn bản gốc."))
    except ValueError as error:
        raise BadInput(N_("Chưa ghi ngày của văn bản gốc."), next_step=N_("Chọn ngày in trên văn bản gốc.")) from error
    if form.decided_by not in {account.id for account in people.with_role(desk.db, actor.organ_id, "leader")}:
        raise BadInput(N_("Chọn lãnh đạo quyết định việc sao văn bản (Điều 27, NĐ 30/2020/NĐ-CP)."))
    require_recipients(form.recipient_ids)
    return CopyForm(**{**vars(form), **words})


_LIMITS = {"original_code": 60, "original_organ": 200, "subject": rules.SUBJECT_MAX}


def _page_numbers(form: CopyForm) -> list[int] | None:
    """Pages from 0, in order, each once; None for all. Raises BadInput."""
    if form.form != "trich-sao":
        return None
    found: list[int] = []
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*[-–]\s*", "-", form.pages))):
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            found = []
            break
        found += range(first - 1, last)
    if not found:
        raise BadInput(N_("Ghi các trang trích sao, ví dụ: 1-3, 5."), next_step=N_("Sửa ô Trang trích sao."))
    return sorted(set(found))


def _judged(desk: Desk, original: bytes, source: Source) -> list[str]:
    """Sentences to keep with the copy. Raises RuleRefused for an electronic original without legal value."""
    if source.kind == "paper":
        return copying.scan_faults(original, least_dpi=SCAN_LEAST_DPI, least_version=SCAN_LEAST_VERSION)
    report = validate(original, desk.trust)
    reasons = "; ".join(dict.fromkeys(reason for s in report.signatures for reason in s.reasons))
    if report.verdict == "unknown":
        return [N_("Chữ ký số của bản gốc chưa xác minh được đầy đủ khi sao: %(reasons)s") % {"reasons": reasons}]
    if report.verdict != "valid":
        raise rules.refuse(
            COPY_ORIGINAL,
            N_("Tệp gốc không có chữ ký số hợp lệ nên không sao được: %(reasons)s"),
            N_("Đề nghị nơi ban hành gửi lại bản gốc có chữ ký số; nếu có bản giấy thì số hóa bản giấy để sao."),
            reasons=reasons or N_("tệp không có chữ ký số"),
        )
    return []


def _file(original: bytes, source: Source, pages: list[int] | None) -> tuple[bytes, bool]:
    """(the copy's file before its signature, whether the original's signatures are still in it)."""
    if source.kind == "paper":
        return (original if pages is None else copying.as_printed(original, pages)), False
    if pages is None and takes_another_signature(original):
        return original, True
    return copying.as_printed(original, pages), False


def copy_defaults(desk: Desk, actor: Actor, source: Source) -> dict[str, str]:
    """What a copy's form already knows about an electronic original."""
    if source.kind == "incoming":
        came = incoming.get(desk, actor, source.id)
        return {"original_code": came.code, "original_date": came.issue_date[:10].replace("/", "-"),
                "original_organ": came.from_name, "subject": came.subject}  # fmt: skip
    document = get(desk, actor, source.id)
    return {"original_code": document.code, "original_date": document.issue_date or "",
            "original_organ": organs.get(desk.db, document.organ_id).name, "subject": document.subject}  # fmt: skip
