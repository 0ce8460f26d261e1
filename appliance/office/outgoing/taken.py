"""A document that its signer signed on another device: taken when the signature holds and leaves room for the seal."""

from __future__ import annotations

from typing import Any, BinaryIO

from appliance import clock
from appliance.errors import N_, NotAllowed, RuleRefused, TramError
from appliance.office import devices, looks, organs, people
from appliance.office.clock_guard import signing_time
from appliance.office.desk import Actor, Desk
from appliance.office.outgoing.drafting import pdf_name
from appliance.office.outgoing.moves import apply, check, scan
from appliance.office.outgoing.records import Outgoing, get
from appliance.regulation import rules
from appliance.regulation.document_types import notation
from appliance.signing import elsewhere, produce
from appliance.signing import prepare as pdf_prepare
from appliance.signing.placement import Placement
from appliance.store import audit
from appliance.store.database import transaction


def take_signed(
    desk: Desk, actor: Actor, outgoing_id: str, *, file_name: str = "", stream: BinaryIO | None = None
) -> Outgoing:
    """Accept the signature made elsewhere (article 12.1b); without ``stream`` the one in the uploaded draft.

    A submitted document must come back as what was submitted, with the signature added. Raises BadInput,
    RuleRefused, NotAllowed, WrongState.
    """
    document = get(desk, actor, outgoing_id)
    check(actor, document, "take_signed")
    if not (actor.has("clerk") or actor.account_id in (document.drafter_id, document.signer_id)):
        raise NotAllowed(N_("Chỉ người soạn, người ký hoặc văn thư được nộp bản đã ký."))
    sha256 = document.draft_sha256
    if stream is not None:
        sha256, _ = desk.blobs.put_stream(stream, desk.settings.max_upload_mb << 20)
    try:
        taken, changes = _judged(desk, document, sha256)
    except TramError as error:
        with transaction(desk.db):
            refusal = {"sha256": sha256, "reason": str(error)}
            now = desk.clock.now()
            audit.append(desk.db, now, actor.account_id, "outgoing.file_refused", f"blob:{sha256}", refusal)
        raise
    if stream is not None and file_name:
        changes["file_name"] = pdf_name(file_name)
    detail: dict[str, Any] = {
        "signed": sha256,
        "registered": taken.registered,
        "beside_seal": bool(taken.placement.signed_field),
    }
    return apply(desk, actor, document, "take_signed", changes, detail)


def _judged(desk: Desk, document: Outgoing, sha256: str) -> tuple[elsewhere.Taken, dict[str, Any]]:
    """What the file is, and the columns that change. Raises TramError."""
    at = signing_time(desk)
    scan(desk, sha256)
    data = desk.blobs.read(sha256)
    facts = pdf_prepare.inspect(data)
    account, organ = people.get(desk.db, document.signer_id), organs.get(desk.db, document.organ_id)
    submitted = document.prepared_sha256 if document.state == "submitted" else None
    if submitted is not None:
        _check_same(data, desk.blobs.read(submitted), desk.blobs.read(document.draft_sha256))
    taken = elsewhere.take(
        data,
        elsewhere.Signer(
            account.full_name,
            account.position,
            devices.personal_certificates(desk.db, document.signer_id, in_use=True),
            devices.personal_certificates(desk.db, document.signer_id, in_use=False),
        ),
        prepared=desk.blobs.read(submitted) if submitted else None,
        places=Placement.from_json(document.placement),
        seal_mm=looks.seal_mm(desk, organ),
        trust=desk.trust,
        at=at,
    )
    signed_on = clock.parse(taken.signed_at)
    if signed_on.date() != at.date():
        raise rules.refuse(
            rules.SAME_DAY,
            N_("Chữ ký trên tệp ghi ngày %(signed)s, hôm nay là %(today)s: hai chữ ký không cùng ngày ban hành."),
            N_("Đề nghị người ký ký lại trong hôm nay rồi nộp bản mới."),
            signed=f"{signed_on:%d/%m/%Y}",
            today=f"{at:%d/%m/%Y}",
        )
    mark = notation(document.type, organ.abbreviation, document.unit)
    produce.check_printed(taken.placement, {"notation": mark, "year": str(at.year)})
    changes: dict[str, Any] = {
        "signed_sha256": sha256,
        "signed_at": taken.signed_at,
        "placement": taken.placement.to_json(),
    }
    if submitted is None:
        changes |= {"draft_sha256": sha256, "page_count": facts.pages, "prepared_sha256": None}
    return taken, changes


def _check_same(data: bytes, prepared: bytes, draft: bytes) -> None:
    """What comes back must be what was submitted, only extended by the signature."""
    if not data.startswith((prepared, draft)):
        raise RuleRefused(
            N_("Tệp đã ký không phải là bản đã trình ở trạm"),
            next_step=N_("Tải bản đã trình từ trang này về, ký đúng tệp đó rồi nộp lại; hoặc trả lại người soạn"),
        )
