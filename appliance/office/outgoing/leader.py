"""The leader's table (article 12.1): submitted to it, signed on it, given back from it, withdrawn before it."""

from __future__ import annotations

from appliance.errors import N_, BadInput, NotAllowed
from appliance.office import devices, evidence, looks, organs, people
from appliance.office.clock_guard import signing_time
from appliance.office.desk import Actor, Desk
from appliance.office.outgoing.moves import apply, check, require_author
from appliance.office.outgoing.pins import with_pin
from appliance.office.outgoing.records import Outgoing, get
from appliance.office.reasons import reason_text
from appliance.regulation import rules
from appliance.regulation.document_types import notation
from appliance.signing import prepare as pdf_prepare
from appliance.signing import produce
from appliance.signing.placement import Placement
from appliance.signing.token import Pin


def submit(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    """To the leader (article 12.1a): the PDF is prepared once, with its empty fields."""
    document = get(desk, actor, outgoing_id)
    check(actor, document, "submit")
    require_author(actor, document)
    placement = Placement.from_json(document.placement)
    # What the draft has printed is checked now, before the leader signs: the number comes too late for a correction.
    today, organ = desk.clock.now().date(), organs.get(desk.db, document.organ_id)
    mark = notation(document.type, organ.abbreviation, document.unit)
    produce.check_printed(placement, {"notation": mark, "year": str(today.year)})
    prepared = desk.blobs.put(pdf_prepare.prepare(desk.blobs.read(document.draft_sha256), placement))
    changes = {"prepared_sha256": prepared, "signed_sha256": None, "signed_at": None}
    return apply(desk, actor, document, "submit", changes, {"prepared": prepared})


def give_back(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """The leader sends a draft back with a reason."""
    document = get(desk, actor, outgoing_id)
    return apply(desk, actor, document, "give_back", {"reason": reason_text(reason)}, {"reason": reason_text(reason)})


def withdraw(desk: Desk, actor: Actor, outgoing_id: str, reason: str) -> Outgoing:
    """Give a document up before it is sealed; a number already taken stays its own and is shown as unused."""
    document = get(desk, actor, outgoing_id)
    if document.drafter_id != actor.account_id and not actor.has("clerk"):
        raise NotAllowed(N_("Chỉ người soạn hoặc văn thư được rút văn bản."))
    return apply(desk, actor, document, "withdraw", {"reason": reason_text(reason)}, {"reason": reason_text(reason)})


def sign(desk: Desk, actor: Actor, outgoing_id: str, pin: Pin, *, last_try: bool = False) -> Outgoing:
    """The leader's personal signature (article 12.1b), with the PIN entered now."""
    document = get(desk, actor, outgoing_id)
    check(actor, document, "sign")
    if document.signer_id != actor.account_id:
        raise rules.refuse(
            rules.OWN_TOKEN,
            N_("Văn bản này trình người khác ký."),
            N_("Người có tên ở phần ký đăng nhập và ký bằng thiết bị của mình."),
        )
    if document.prepared_sha256 is None:
        raise BadInput(
            N_("Văn bản này đã ký ở thiết bị khác; trạm không có bản để ký lại."),
            next_step=N_("Ký lại ở thiết bị đó rồi nộp bản mới, hoặc trả lại người soạn để trình bản chưa ký."),
        )
    at = signing_time(desk)
    device_id, key = devices.personal_key(desk.db, actor.account_id, actor.organ_id)
    account = people.get(desk.db, actor.account_id)
    shown = looks.look(desk, "personal").image and account.signature_sha256
    image = desk.blobs.read(shown) if shown else None
    prepared = desk.blobs.read(document.prepared_sha256)

    def make() -> bytes:
        return produce.sign_personal(
            prepared,
            key=key,
            pin=pin.confirmed(last_try),
            signer=desk.signer,
            image_png=image,
            signer_name=account.full_name,
            at=at,
            trust=desk.trust,
            stamper=stamper,
        )

    stamper = evidence.stamper(desk)
    signed = desk.blobs.put(with_pin(desk, actor, device_id, last_try, make))
    changes = {"signed_sha256": signed, "signed_at": at.isoformat()}
    document = apply(desk, actor, document, "sign", changes, {"signed": signed, "device": device_id})
    evidence.keep(desk, f"outgoing:{document.id}", "signed", desk.blobs.read(signed))
    return document
