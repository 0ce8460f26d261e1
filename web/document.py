"""The document's page: what it is, where it stands, and the one next thing this person can do about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flask import render_template, request
from flask_babel import gettext

from appliance import clock
from appliance.errors import N_, TramError
from appliance.office import devices, evidence_state, follow_ups, ladder, messages, organs, outgoing, people
from appliance.office.desk import Actor, Desk
from appliance.office.legal_value import of_outgoing
from appliance.office.outgoing import Outgoing
from appliance.regulation.copies import COPY_VALUE
from appliance.regulation.document_types import STATUS_CODES
from appliance.regulation.rules import ANNEX_SEALED, LEGAL_VALUE, SAME_DAY
from appliance.signing.placement import Placement
from appliance.signing.report import LEVELS
from web import reading
from web.context import actor, desk
from web.journal_words import ACTIONS
from web.related import linkable, marks, related_outgoing
from web.reports import verdict_news

STEPS: dict[str, str] = {
    "create": N_("Tạo dự thảo"),
    "update": N_("Sửa thông tin dự thảo"),
    "replace_file": N_("Thay tệp PDF"),
    "rewrite": N_("Soạn lại nội dung"),
    "create_copy": N_("Lập bản sao"),
    "take_copy_number": N_("Lấy số bản sao"),
    "seal_copy": N_("Ký số bản sao bằng khóa của cơ quan"),
    "add_annex": N_("Thêm phụ lục"),
    "remove_annex": N_("Bỏ phụ lục"),
    "raise_annex": N_("Đổi thứ tự phụ lục"),
    "place": N_("Chỉnh vị trí số, ngày, chữ ký, con dấu"),
    "submit": N_("Trình ký"),
    "give_back": N_("Trả lại cho người soạn"),
    "send_back": N_("Văn thư trả lại vì lỗi thể thức"),
    "withdraw": N_("Rút văn bản"),
    "sign": N_("Lãnh đạo ký số"),
    "take_signed": N_("Nhận bản lãnh đạo đã ký ở thiết bị khác"),
    "take_number": N_("Lấy số văn bản"),
    "seal": N_("Đóng dấu số của cơ quan"),
    "ask_to_sign_again": N_("Chuyển ký lại trong ngày"),
    "issue": N_("Phát hành, đưa vào hàng đợi gửi"),
    "link": N_("Ghi văn bản liên quan"),
    "recall": N_("Yêu cầu thu hồi"),
    "add_receivers": N_("Gửi thêm nơi nhận"),
    "status.arrive": N_("Nơi nhận báo"),
    "verdict.change": N_("Kết quả kiểm tra chữ ký số thay đổi"),
    "verdict.seen": N_("Văn thư đã xem kết quả kiểm tra mới"),
}
AHEAD: dict[str, tuple[str, ...]] = {
    "drafting": (N_("Trình ký"), N_("Lãnh đạo ký số"), N_("Văn thư lấy số, đóng dấu"), N_("Phát hành")),
    "returned": (N_("Sửa và trình lại"), N_("Lãnh đạo ký số"), N_("Văn thư lấy số, đóng dấu"), N_("Phát hành")),
    "submitted": (N_("Lãnh đạo ký số"), N_("Văn thư lấy số, đóng dấu"), N_("Phát hành")),
    "signed": (N_("Văn thư lấy số, đóng dấu"), N_("Phát hành")),
    "numbered": (N_("Văn thư đóng dấu"), N_("Phát hành")),
    "sealed": (N_("Phát hành"),),
}
COPY_AHEAD: dict[str, tuple[str, ...]] = {
    "drafting": (N_("Văn thư lấy số, ký số bản sao"), N_("Phát hành")),
    "numbered": (N_("Văn thư ký số bản sao"), N_("Phát hành")),
    "sealed": (N_("Phát hành"),),
}
_LAST_STEPS = ("take_copy_number", "seal_copy", "take_number", "seal", "ask_to_sign_again", "issue")


@dataclass
class Doable:
    """What this person may do with the document now; ``main`` is the one shown big, '' when it waits for others."""

    main: str = ""
    others: list[str] = field(default_factory=list)
    waits_for: str = ""


def signed_elsewhere(document: Outgoing) -> bool:
    """Whether only a file signed on another device can bring this document on."""
    if document.kind == "copy":
        return False
    if document.state in outgoing.EDITABLE:
        return Placement.from_json(document.placement).signed
    return document.state == "submitted" and document.prepared_sha256 is None


def doable(person: Actor, document: Outgoing, today: str) -> Doable:
    """The office's transition table read for one person; the office checks everything again."""
    mine = document.drafter_id == person.account_id or person.has("clerk")
    signs = document.signer_id == person.account_id
    allowed = {"submit": mine, "withdraw": mine, "sign": signs, "take_signed": mine or signs}
    open_steps = [
        action
        for action, transition in document.transitions.items()
        if document.state in transition.sources and person.has(*transition.roles) and allowed.get(action, True)
    ]
    elsewhere = signed_elsewhere(document)
    if document.state in outgoing.EDITABLE:  # a draft that came signed is taken, any other is submitted
        open_steps = [action for action in open_steps if action != ("submit" if elsewhere else "take_signed")]
    elif elsewhere:  # nothing here that the box's own signer could sign
        open_steps = [action for action in open_steps if action != "sign"]
    if document.state in ("signed", "numbered") and (document.signed_at or "")[:10] != today:
        open_steps = [action for action in open_steps if action not in ("take_number", "seal")]
    elif "ask_to_sign_again" in open_steps:
        open_steps.remove("ask_to_sign_again")
    order = ("submit", "sign", *(("take_signed",) if elsewhere else ()), *_LAST_STEPS)
    main = next((action for action in order if action in open_steps), "")
    waits = {
        "submitted": N_("Chờ %(leader)s ký số."),
        "signed": N_("Chờ văn thư lấy số và đóng dấu."),
        "numbered": N_("Chờ văn thư đóng dấu."),
        "sealed": N_("Chờ văn thư phát hành."),
        "drafting": N_("Người soạn chưa trình ký."),
        "returned": N_("Chờ người soạn sửa và trình lại."),
    }.get(document.state, "")
    if document.kind == "copy" and document.state in ("drafting", "numbered"):
        waits = N_("Chờ văn thư lấy số và ký số bản sao.")
    return Doable(main, [action for action in open_steps if action != main], "" if main else waits)


def outgoing_page(document: Outgoing, error: TramError | None = None) -> str:
    """The page's HTML; ``error`` stands at the action it stopped."""
    work, person = desk(), actor()
    now = work.clock.now()
    signer = people.get(work.db, document.signer_id)
    todo = doable(person, document, now.date().isoformat())
    message = messages.for_outgoing(work.db, document.id)
    annexes = outgoing.annexes(work.db, document.id)
    return render_template(
        "outgoing/show.html",
        document=document,
        typeset=outgoing.text_of(work.db, document) is not None,
        error=error,
        annexes=annexes,
        lasting=evidence_state.of_document(work.db, document.id),
        LEVELS=LEVELS,
        shown=next((one for one in annexes if one.id == request.args.get("tep")), None),
        may_edit=document.editable and (document.drafter_id == person.account_id or person.has("clerk")),
        annex_rule=ANNEX_SEALED,
        todo=todo,
        signer=signer,
        drafter=people.get(work.db, document.drafter_id),
        steps=timeline(work, document.id),
        ahead=(COPY_AHEAD if document.kind == "copy" else AHEAD).get(document.state, ()),
        copy=outgoing.copy_of(work.db, document.id),
        copy_value=COPY_VALUE,
        message=message,
        recipients=messages.recipients(work.db, message["id"])
        if message
        else outgoing.recipients(work.db, document.id),
        ladder=ladder.standings(work, [document.id]).get(document.id, ()),
        follow_ups=follow_ups.of_document(work.db, document.id),
        FOLLOW_UPS=follow_ups.WORDS,
        left_to_recall=follow_ups.left_to_recall(work.db, document.id, work.clock.now()),
        related=related_outgoing(work, document.id),
        marks=marks(work, [document.id]).get(document.id, ()),
        linkable=linkable(work, person, document) if document.editable else [],
        now=now,
        same_day=SAME_DAY,
        signing=signing_facts(work, document, todo.main),
        value=of_outgoing(work.db, [document.id]).get(document.id, ""),
        value_rule=LEGAL_VALUE,
        changed=verdict_news(
            f"outgoing:{document.id}", *(f"annex:{one.id}" for one in outgoing.annexes(work.db, document.id))
        ),
    )


def timeline(work: Desk, outgoing_id: str) -> list[dict[str, Any]]:
    """The journal's entries about a document as steps: words, who, when, the reason or number."""
    known = reading.names(work.db)
    steps = []
    for entry in outgoing.history(work.db, outgoing_id):
        action = entry["action"].removeprefix("outgoing.")
        detail = json.loads(entry["detail"])
        status = STATUS_CODES.get(detail.get("code", "")) if action == "status.arrive" else None
        reporter = organs.by_code(work.db, detail["from"]) if status else None
        steps.append(
            {
                "words": STEPS.get(action) or ACTIONS.get(entry["action"], entry["action"]),
                "to": gettext(status) if status else "",
                "who": reporter.name if reporter else known.get(entry["actor"], entry["actor"]),
                "at": entry["at"],
                "reason": detail.get("reason", ""),
                "number": detail.get("number"),
                "file": detail.get("annex", ""),
                "bad": action in ("give_back", "send_back", "withdraw", "ask_to_sign_again"),
            }
        )
    return steps


def signing_facts(work: Desk, document: Outgoing, action: str) -> dict[str, Any] | None:
    """What the person sees before the PIN: which token and certificate, whether the clock may be trusted."""
    if action not in ("sign", "take_number", "seal", "take_copy_number", "seal_copy"):
        return None
    purpose, holder = ("personal", document.signer_id) if action == "sign" else ("organ", None)
    device = devices.for_signing(work.db, purpose, document.organ_id, holder)
    reading_now: clock.Reading = work.clock.read(work.db)
    facts: dict[str, Any] = {
        "clock": reading_now,
        "device": device,
        "certificate": None,
        "last_try": False,
        "stopped": None,
    }
    if device is None:
        return facts
    facts["certificate"] = device.facts
    facts["last_try"] = device.wrong_pins >= devices.WARN_AFTER_WRONG_PINS
    try:
        if action == "sign":
            devices.personal_key(work.db, document.signer_id, document.organ_id)
        else:
            devices.organ_key(work.db, document.organ_id, actor())
    except TramError as error:
        facts["stopped"] = error
    return facts
