"""Business statuses across the bus: routed like letters, and shown to the sender of the document they answer."""

from __future__ import annotations

import itertools
import time
import uuid
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from appliance.clock import VN
from appliance.office.desk import Party
from appliance.store.blobs import BlobStore
from sync.edxml.model import ReadDocument, ReadStatus
from sync.edxml.packer import EdxmlPacker
from sync.edxml.reader import read_package
from tests.bus_fixtures import BOX, NEIGHBOUR, OTHER_BOX, PROVINCE, RunningBus, minimal_pdf, on_both_stores
from tests.edxml_fixtures import document, file_in, package_bytes, status

pytest_plugins = ["tests.bus_fixtures"]
pytestmark = on_both_stores

_numbers = itertools.count(1)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def _send(bus: RunningBus, blobs: BlobStore, to: str, sender: str = BOX) -> tuple[str, str]:
    """A document through the API; returns (message id, document code)."""
    code = f"{sender},2026/11/20,{next(_numbers)}/BC-UBND"
    package = document(
        sender=Party(sender, "Nơi gửi"),
        recipients=tuple(Party(c, "Nơi nhận") for c in to.split(",")),
        document_code=code,
        files=(file_in(blobs, minimal_pdf()),),
    )
    answer = bus.put(package_bytes(package, blobs), sender=sender, to=to)
    return bus.receipt(answer)["messageId"], code


def _say(bus: RunningBus, document_code: str, code: str, sender: str = OTHER_BOX, to: str = BOX) -> httpx.Response:
    """A status through the API."""
    package = status(sender=Party(sender, "Nơi nhận"), addressee_code=to, document_code=document_code, status_code=code)
    return bus.put(EdxmlPacker().status(package), sender=sender, to=to, Edoc_Kind="status")


def _codes(bus: RunningBus, message_id: str, sender: str = BOX) -> dict[str, str | None]:
    recipients = bus.client(sender).get(f"messages/{message_id}").json()["recipients"]
    return {recipient["organ"]: recipient["statusCode"] for recipient in recipients}


def _wait_for(bus: RunningBus, message_id: str, organ: str, code: str) -> None:
    deadline = time.monotonic() + 15
    while _codes(bus, message_id)[organ] != code:
        assert time.monotonic() < deadline, f"no status {code} of {organ}: {_codes(bus, message_id)}"
        time.sleep(0.1)


def test_a_status_reaches_the_sender_and_its_message_shows_it(bus: RunningBus, blobs: BlobStore) -> None:
    message_id, code = _send(bus, blobs, OTHER_BOX)
    said = bus.receipt(_say(bus, code, "03"))["messageId"]
    assert _codes(bus, message_id) == {OTHER_BOX: "03"}
    (item,) = [item for item in bus.inbox(BOX) if item["messageId"] == said]
    assert (item["kind"], item["from"]) == ("status", OTHER_BOX)


def test_a_late_01_does_not_take_03_back(bus: RunningBus, blobs: BlobStore) -> None:
    message_id, code = _send(bus, blobs, OTHER_BOX)
    _say(bus, code, "03")
    _say(bus, code, "01")
    assert _codes(bus, message_id) == {OTHER_BOX: "03"}


def test_statuses_of_organs_that_were_not_asked_change_nothing(bus: RunningBus, blobs: BlobStore) -> None:
    message_id, code = _send(bus, blobs, OTHER_BOX)
    assert _say(bus, code, "06", sender=BOX, to=OTHER_BOX).status_code == 201
    assert _say(bus, "nobody's document", "06").status_code == 201
    assert _codes(bus, message_id) == {OTHER_BOX: None}


def test_an_unknown_status_code_is_carried_and_changes_nothing(bus: RunningBus, blobs: BlobStore) -> None:
    message_id, code = _send(bus, blobs, OTHER_BOX)
    assert _say(bus, code, "77").status_code == 201
    assert _codes(bus, message_id) == {OTHER_BOX: None}


def test_virtual_organs_answer_01_by_themselves(bus: RunningBus, blobs: BlobStore) -> None:
    message_id, code = _send(bus, blobs, f"{PROVINCE},{NEIGHBOUR}")
    _wait_for(bus, message_id, PROVINCE, "01")
    _wait_for(bus, message_id, NEIGHBOUR, "01")
    answers = [m for m in bus.messages() if m["kind"] == "status" and m["document_id"] == code]
    assert sorted(m["from"] for m in answers) == [PROVINCE, NEIGHBOUR]
    (item,) = [i for i in bus.inbox(BOX) if i["messageId"] == answers[0]["id"]]
    content = bus.client(BOX).get(f"inbox/{item['docId']}/content").content
    said = read_package(content, blobs)
    assert isinstance(said, ReadStatus)
    assert (said.status_code, said.response_for.document_code) == ("01", code)


def test_virtual_organs_say_nothing_when_switched_off(bus: RunningBus, blobs: BlobStore) -> None:
    settings = f"{bus.operator}/control/settings"
    httpx.post(settings, json={"auto_answer": False}, trust_env=False).raise_for_status()
    try:
        message_id, _ = _send(bus, blobs, PROVINCE)
        deadline = time.monotonic() + 15
        state = ""
        while state != "delivered" and time.monotonic() < deadline:
            (recipient,) = bus.client(BOX).get(f"messages/{message_id}").json()["recipients"]
            state = recipient["state"]
        assert state == "delivered"
        assert recipient["statusCode"] is None
    finally:
        httpx.post(settings, json={"auto_answer": True}, trust_env=False).raise_for_status()


def test_a_package_that_a_virtual_organ_cannot_read_is_marked_as_failed(bus: RunningBus) -> None:
    message_id = bus.receipt(bus.put(b"this is no XML", to=PROVINCE))["messageId"]
    deadline = time.monotonic() + 15
    state = ""
    while state != "failed" and time.monotonic() < deadline:
        (delivery,) = next(m for m in bus.messages() if m["id"] == message_id)["deliveries"]
        state = delivery["state"]
    assert state == "failed"
    assert "không phải XML" in delivery["reason"]


def _answer(bus: RunningBus, message_id: str, **body: str) -> httpx.Response:
    (delivery,) = next(m for m in bus.messages() if m["id"] == message_id)["deliveries"]
    body = {"doc_id": delivery["doc_id"], **body}
    return httpx.post(f"{bus.operator}/control/status", json=body, trust_env=False)


def test_a_played_organ_sends_further_statuses_each_once(bus: RunningBus, blobs: BlobStore) -> None:
    message_id, _ = _send(bus, blobs, PROVINCE)
    _wait_for(bus, message_id, PROVINCE, "01")
    assert _answer(bus, message_id, code="05").status_code == 201
    assert _answer(bus, message_id, code="05").status_code == 200
    assert _codes(bus, message_id) == {PROVINCE: "05"}


def test_a_refusal_without_a_reason_is_not_sent(bus: RunningBus, blobs: BlobStore) -> None:
    message_id, _ = _send(bus, blobs, PROVINCE)
    refused = _answer(bus, message_id, code="02")
    assert refused.status_code == 422
    assert "lý do" in refused.json()["error"]
    assert _answer(bus, message_id, code="02", description="Gửi nhầm").status_code == 201


def test_nobody_answers_for_an_organ_that_has_a_box(bus: RunningBus, blobs: BlobStore) -> None:
    message_id, _ = _send(bus, blobs, OTHER_BOX)
    assert "có trạm riêng" in _answer(bus, message_id, code="03").json()["error"]


def test_a_letter_sent_from_the_control_port_arrives_as_a_readable_package(bus: RunningBus, blobs: BlobStore) -> None:
    pdf = minimal_pdf() + b"% not the default one\n"
    form = {"organ": PROVINCE, "to": [BOX, OTHER_BOX], "subject": "V/v thử", "number": "214", "notation": "VP-TH"}
    files = {"file": ("C:\\thu\\cong van.pdf", pdf, "application/pdf")}
    answer = httpx.post(f"{bus.operator}/control/send", data=form, files=files, trust_env=False)
    assert answer.status_code == 201
    for organ in (BOX, OTHER_BOX):
        (item,) = [i for i in bus.inbox(organ) if i["messageId"] == answer.json()["messageId"]]
        package = read_package(bus.client(organ).get(f"inbox/{item['docId']}/content").content, blobs)
        assert isinstance(package, ReadDocument)
        assert (package.subject, package.sender.code, package.number) == ("V/v thử", PROVINCE, "214")
        assert [blobs.read(file.sha256) for file in package.files] == [pdf]
        assert package.files[0].name == "cong van.pdf"


@pytest.mark.parametrize(
    "missing",
    [{"to": ""}, {"to": "H99"}, {"subject": " "}, {"number": ""}, {"urgency": "7"}, {"issue_date": "hôm nay"}],
)
def test_a_letter_with_a_hole_in_it_is_not_sent(bus: RunningBus, missing: dict[str, str]) -> None:
    form = {"organ": PROVINCE, "to": BOX, "subject": "V/v thử", "number": "214", "notation": "VP-TH", **missing}
    before = len(bus.messages())
    answer = httpx.post(f"{bus.operator}/control/send", data=form, trust_env=False)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert len(bus.messages()) == before


def test_the_default_document_goes_out_when_no_file_is_chosen(bus: RunningBus, blobs: BlobStore) -> None:
    today = datetime.now(VN).date().isoformat()
    form = {"organ": NEIGHBOUR, "to": BOX, "subject": uuid.uuid4().hex, "number": "1", "notation": "UBND"}
    answer = httpx.post(f"{bus.operator}/control/send", data=form, trust_env=False)
    (item,) = [i for i in bus.inbox(BOX) if i["messageId"] == answer.json()["messageId"]]
    package = read_package(bus.client(BOX).get(f"inbox/{item['docId']}/content").content, blobs)
    assert isinstance(package, ReadDocument)
    assert [file.name for file in package.files] == ["sample.pdf"]
    assert package.issue_date == today
