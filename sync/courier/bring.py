"""Taking a container in: everything checked first, then each package through the same door as from the bus.

Repeatable: what came before, on a stick or over the wire, is a duplicate. What is owed to the sender (signed words
that this box holds the packages, statuses that wait for it) goes into a container to carry back.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from lxml import etree

from appliance.clock import VN
from appliance.errors import N_, BadInput, TramError
from appliance.office import arrival, courier, organs
from appliance.office.desk import Desk
from appliance.store.text import uuid7
from sync import inbox, jws
from sync.bus.base import InboxItem
from sync.bus.native.tls import authorities
from sync.courier import confirm, identity
from sync.courier.container import Carried, Identity, Opened, opened
from sync.courier.load import load, pack, work_folder
from sync.edxml.peek import sender_code

_PREFIX = arrival.BY_HAND


def work(desk: Desk) -> Counter[str]:
    """Do what people asked for; what cannot be done says why and stays. Returns how many ended how."""
    report: Counter[str] = Counter()
    for job in courier.asked(desk.db):
        try:
            if job["kind"] == "load":
                load(desk, job)
            else:
                bring(desk, job)
        except TramError as error:
            if not error.permanent:
                raise
            courier.refused(desk, job["id"], str(error), error.advice)
            report["refused"] += 1
        else:
            report[job["kind"]] += 1
    return report


def bring(desk: Desk, job: dict[str, Any]) -> None:
    """Take in the container that somebody brought. Raises BadInput with nothing taken in, ConfigError, Unavailable."""
    me = identity.own(desk.settings.link_certificate, desk.settings.link_key)
    mine = {code for organ in organs.own(desk.db) for code in _codes(desk, organ.id)}
    path = desk.blobs.path(job["sha256"])
    trusted = authorities(desk.settings)
    assert desk.settings.link_certificate is not None
    assert desk.settings.link_key is not None
    opener = identity.opener_of(path, desk.settings.link_certificate, desk.settings.link_key)
    report: Counter[str] = Counter()
    with opened(path, opener, trusted, mine, lambda code: organs.codes_of(desk.db, code), work_folder(desk)) as box:
        words = confirm.checked(desk, box.receipts, trusted)
        _keep_all(desk, box)
        receipts: list[bytes] = []
        for one in box.manifest.packages:
            receipts += _take(desk, one, mine, me, report)
        for word in words:
            report["confirmed"] += confirm.apply(desk, word)
        answer_id = _answer(desk, job, box, me, receipts)
    courier.brought(desk, job["id"], dict(report), answer_id)


def _keep_all(desk: Desk, box: Opened) -> None:
    """Every package durable, and its inner sender the one whom the manifest names, before any is taken in."""
    for one in box.manifest.packages:
        with box.package(one) as stream:
            desk.blobs.put_stream(stream, one.size, one.sha256)  # type: ignore[arg-type]
        try:
            inner = sender_code(desk.blobs.path(one.sha256))
        except (ValueError, etree.LxmlError):
            continue  # unreadable: quarantined by the reader, in a person's words
        if not {inner, *organs.codes_of(desk.db, inner)} & {one.sender}:
            raise BadInput(
                N_("Gói USB không dùng được: có gói tin ghi nơi gửi khác với bảng kê."),
                next_step=N_("Không có gì được nhận từ tệp này. Báo kỹ thuật viên và nơi gửi."),
            )


def _take(desk: Desk, one: Carried, mine: set[str], me: Identity, report: Counter[str]) -> list[bytes]:
    """One package to each of our organs that it names; returns the signed words that we hold it."""
    words: list[bytes] = []
    for code in one.recipients:
        if code not in mine:
            continue
        item = InboxItem(
            0, f"{_PREFIX}{one.id}:{code}", one.id, one.kind, one.priority, one.sender, code, one.size, one.sha256
        )
        outcome = "repeated" if arrival.seen(desk, item.doc_id) else inbox.take_durable(desk, item)
        report[outcome] += 1
        (state,) = desk.db.execute("SELECT state FROM inbox WHERE bus_doc_id = ?", [item.doc_id]).fetchone()
        speaks = set(jws.organ_codes(me.chain[0])) & {code, *organs.codes_of(desk.db, code)}
        word = b""
        if state != "quarantined" and speaks:
            word = _word(desk, one, item.doc_id, code if code in speaks else min(speaks), me)
            words.append(word)
        arrival.acknowledged(desk, item.doc_id, word)
    if not any(code in mine for code in one.recipients):
        report["elsewhere"] += 1
    return words


def _word(desk: Desk, one: Carried, doc_id: str, code: str, me: Identity) -> bytes:
    at = desk.clock.now().astimezone(VN).isoformat(timespec="milliseconds")
    payload = {
        "typ": jws.HANDOVER, "messageId": one.id, "docId": doc_id, "organ": code, "outcome": "done", "reason": "",
        "sha256": one.sha256, "at": at,
    }  # fmt: skip
    return jws.sign(payload, me.key, me.chain, jws.HANDOVER)


def _answer(desk: Desk, job: dict[str, Any], box: Opened, me: Identity, receipts: list[bytes]) -> str | None:
    """The container to carry back: our words and the statuses that wait for the sender; None when there was nothing."""
    if not receipts:
        return None
    to = box.manifest.packages[0].sender
    rows = [row for row in courier.loadable(desk.db, "", to) if row["kind"] == "status"]
    answer_id = uuid7()
    courier.answer(desk, job, to, answer_id)
    pack(desk, answer_id, me, box.signer, to, rows, receipts)
    return answer_id


def _codes(desk: Desk, organ_id: str) -> list[str]:
    rows = desk.db.execute("SELECT value FROM organ_code WHERE organ_id = ?", [organ_id])
    return [row[0] for row in rows]
