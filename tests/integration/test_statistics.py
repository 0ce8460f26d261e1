"""Statistics of article 17: computed from the record, handed to the bus once per change; receipts judged anew."""

from __future__ import annotations

import subprocess
import time
import zipfile
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.clock import VN
from appliance.errors import BadInput
from appliance.office import ladder, outgoing, proof, statistics
from appliance.office.proof.guide import NAME, commands
from appliance.store.database import transaction
from sync import inbox, jws, outbox, receipts, recipients, reports
from tests import sync_fixtures
from tests.sync_fixtures import NEIGHBOUR, PROVINCE, UBND, Box, incoming, submit

pytestmark = pytest.mark.slow
box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
ORGAN = "ubnd-hoa-binh"


def _sent(box: Box, at: datetime, accepted: datetime | None, *, urgency: int = 0, to: str = NEIGHBOUR) -> str:
    """A document issued at ``at`` whose package the bus took at ``accepted``; its id."""
    message = box.issue(f"Báo cáo {at.isoformat()}", urgency=urgency, to=to)
    (document,) = box.desk.db.execute("SELECT outgoing_id FROM message WHERE id = ?", [message]).fetchone()
    latest = statistics.send_deadline(at, urgency).latest
    box.desk.db.execute(
        "UPDATE outgoing SET issued_at = ?, type_code = 'bao-cao' WHERE id = ?", [at.isoformat(), document]
    )
    box.desk.db.execute(
        "UPDATE message SET due_latest = ?, state = ?, accepted_at = ? WHERE id = ?",
        [latest.isoformat(), "accepted" if accepted else "waiting", accepted and accepted.isoformat(), message],
    )
    box.desk.db.execute(
        "INSERT INTO outgoing_recipient SELECT ?, organ_id, value, 'UBND xã Tân Lập', 0"
        " FROM organ_code WHERE value = ?",
        [document, to],
    )
    return str(document)


def test_sent_documents_are_on_time_late_or_waiting_by_the_morning_of_the_next_working_day(box: Box) -> None:
    friday = datetime(2026, 10, 16, 16, 0, tzinfo=VN)
    monday = friday + timedelta(days=3)
    _sent(box, friday, monday.replace(hour=10, minute=59))  # the weekend does not count
    _sent(box, friday, monday.replace(hour=11, minute=1))
    _sent(box, friday, friday + timedelta(minutes=16), urgency=2)  # urgent ones leave at once
    _sent(box, friday, None)
    span = statistics.period("2026-10")
    early = statistics.figures(box.desk.db, ORGAN, span, friday + timedelta(hours=1))
    assert statistics.total(early.sent) == {"issued": 4, "on_time": 1, "late": 2, "waiting": 1}
    later = statistics.figures(box.desk.db, ORGAN, span, monday + timedelta(days=1))
    assert statistics.total(later.sent) == {"issued": 4, "on_time": 1, "late": 3}
    assert statistics.by(later.sent, "urgency")["2"] == {"issued": 1, "late": 1}
    assert statistics.by(later.sent, "month") == {"2026-10": {"issued": 4, "on_time": 1, "late": 3}}
    assert not statistics.figures(box.desk.db, ORGAN, statistics.period("2026-Q3"), monday).sent
    assert len(statistics.figures(box.desk.db, ORGAN, statistics.period("2026"), monday).sent) == 4


def test_two_organs_of_one_name_are_counted_apart(box: Box) -> None:
    at = datetime(2026, 10, 16, 9, 0, tzinfo=VN)
    for to in (NEIGHBOUR, PROVINCE):
        _sent(box, at, at, to=to)
    assert len(box.rows("SELECT * FROM outgoing_recipient")) == 2
    found = statistics.figures(box.desk.db, ORGAN, statistics.period("2026-10"), at).sent
    assert list(statistics.by(found, "organ")) == [
        f"UBND xã Tân Lập ({code})" for code in sorted((NEIGHBOUR, PROVINCE))
    ]


@pytest.mark.parametrize("text", ["", "2026-13", "2026-Q5", "26", "2026-1", "2026-11; DROP"])
def test_a_period_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        statistics.period(text)


def test_what_arrived_counts_as_registered_in_time_by_the_clerks_step(box: Box) -> None:
    submit(box.bus, incoming(box))
    with closing(box.client()) as client:
        inbox.fetch_new(box.desk, client)
    now = box.desk.clock.now()
    span = statistics.period(f"{now:%Y-%m}")
    found = statistics.figures(box.desk.db, ORGAN, span, now)
    assert statistics.total(found.received) == {"arrived": 1, "unregistered": 1}
    assert list(statistics.by(found.received, "organ")) == ["Ủy ban nhân dân xã Đông Hải"]
    later = statistics.figures(box.desk.db, ORGAN, span, now + timedelta(days=10))
    assert statistics.total(later.received) == {"arrived": 1, "registered_late": 1}


def test_a_finished_month_is_reported_once_and_again_when_its_figures_change(box: Box) -> None:
    now = box.desk.clock.now()
    last = (now.replace(day=1) - timedelta(days=3)).replace(hour=9)
    document = _sent(box, last, last + timedelta(minutes=5))
    with closing(box.client()) as client:
        assert reports.report_due(box.desk, client) == 1
        assert reports.report_due(box.desk, client) == 0
        box.desk.db.execute("UPDATE outgoing SET urgency = 1 WHERE id = ?", [document])
        assert reports.report_due(box.desk, client) == 1
    kept = box.bus.control("GET", f"reports/{UBND}")["reports"]
    content = next(one["content"] for one in kept if one["month"] == f"{last:%Y-%m}")
    (neighbour,) = content["sent"]["byOrgan"]
    assert (neighbour["code"], neighbour["issued"], neighbour["on_time"]) == (NEIGHBOUR, 1, 1)
    told = box.rows("SELECT * FROM audit WHERE action = 'statistics.report'")
    assert [row["detail"] for row in told] == [f'{{"month": "{last:%Y-%m}"}}'] * 2


def test_receipts_hold_when_judged_anew_and_one_that_was_changed_is_named_loudly(box: Box) -> None:
    message = box.issue("Về biên nhận")
    with closing(box.client()) as client:
        outbox.send_due(box.desk, client)
    good = receipts.check_all(box.desk)
    assert (good.counts["R1"], good.bad) == (1, [])
    receipts.check_nightly(box.desk)
    other = box.desk.blobs.put(box.desk.blobs.read(box.message(message)["receipt_sha256"]).replace(b".", b".A", 1))
    box.desk.db.execute("UPDATE message SET receipt_sha256 = ? WHERE id = ?", [other, message])
    receipts.check_nightly(box.desk)  # done for today already
    box.desk.db.execute("DELETE FROM fact WHERE key = ?", [receipts.CHECKED])
    with pytest.raises(receipts.ReceiptsBroken, match=message):
        receipts.check_nightly(box.desk)


def test_a_receipt_for_another_package_and_lost_package_bytes_are_found(box: Box) -> None:
    first, second = box.issue("Một"), box.issue("Hai")
    with closing(box.client()) as client:
        outbox.send_due(box.desk, client)
    box.desk.db.execute(
        "UPDATE message SET receipt_sha256 = (SELECT receipt_sha256 FROM message WHERE id = ?) WHERE id = ?",
        [first, second],
    )
    assert receipts.check_all(box.desk).bad == [(second, "nói về gói tin khác")]
    path = box.desk.blobs.path(box.message(first)["sha256"])
    path.chmod(0o600)
    path.write_bytes(b"x")
    assert {why for _, why in receipts.check_all(box.desk).bad} == {"nói về gói tin khác", "gói tin trong kho đã hỏng"}


def test_the_ladder_climbs_with_what_is_stored_and_never_goes_back(box: Box) -> None:
    message = box.issue("Về bậc thang bằng chứng", to=PROVINCE)
    row = box.message(message)
    document = row["outgoing_id"]

    def level() -> tuple[int, str]:
        (one,) = ladder.standings(box.desk, [document])[document]
        return one.level, one.words

    assert level() == (0, "Đã ký, chờ gửi")
    with closing(box.client()) as client:
        outbox.send_due(box.desk, client)
        assert level() == (1, "Trục đã nhận")
        with box.bus.client(PROVINCE) as province:
            (item,) = [i for i in province.get("inbox?after=0&limit=200").json()["items"] if i["messageId"] == message]
            province.get(f"inbox/{item['docId']}/content")
            province.put(f"inbox/{item['docId']}/ack", json={"outcome": "done", "reason": "", "sha256": row["sha256"]})
        recipients.refresh_recipients(box.desk, client)
    assert level() == (2, "Đã tới máy nơi nhận")
    (deliver,) = box.rows("SELECT detail FROM audit WHERE action = 'message.deliver'")
    assert PROVINCE in deliver["detail"]
    for number, (code, words, reached) in enumerate(
        [
            ("01", "Đã đến", 3),
            ("03", "Đã vào sổ", 3),
            ("01", "Đã vào sổ", 3),
            ("06", "Hoàn thành", 4),
            ("05", "Hoàn thành", 4),
        ]
    ):
        box.desk.db.table("status_in").insert(
            {
                "bus_doc_id": f"s{number}", "outgoing_id": document, "from_code": PROVINCE, "from_name": "VP",
                "document_code": "x", "status_code": code, "description": "", "at": box.desk.clock.now().isoformat(),
                "received_at": box.desk.clock.now().isoformat(), "sha256": "0" * 64,
            }
        )  # fmt: skip
        assert level() == (reached, words)
    box.desk.db.execute("UPDATE message_recipient SET state = 'queued' WHERE message_id = ?", [message])
    assert level() == (4, "Hoàn thành")
    assert UBND not in {one.code for one in ladder.standings(box.desk, [document])[document]}


def test_a_recipients_signed_word_is_kept_judged_anew_and_in_the_proof_checked_by_openssl(
    box: Box, tmp_path: Path
) -> None:
    message = box.issue("Về xác nhận của nơi nhận", to=PROVINCE)
    row = box.message(message)
    certificate, key = box.bus.ca.client(PROVINCE)
    private = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    with closing(box.client()) as client:
        outbox.send_due(box.desk, client)
        with box.bus.client(PROVINCE) as province:
            (item,) = [i for i in province.get("inbox?after=0&limit=200").json()["items"] if i["messageId"] == message]
            said = {
                "typ": "R2", "messageId": message, "docId": item["docId"], "organ": PROVINCE, "outcome": "done",
                "reason": "", "sha256": row["sha256"], "at": box.desk.clock.now().isoformat(),
            }  # fmt: skip
            word = jws.sign(said, private, x509.load_pem_x509_certificates(certificate.read_bytes()), jws.HANDOVER)
            kept = {"Content-Type": jws.MEDIA_TYPE}
            province.get(f"inbox/{item['docId']}/content")
            assert province.put(f"inbox/{item['docId']}/ack", content=word, headers=kept).status_code == 200
        recipients.refresh_recipients(box.desk, client)
        recipients.refresh_recipients(box.desk, client)
    result = receipts.check_all(box.desk)
    assert (dict(result.counts), result.bad) == ({"R1": 1, "R2": 1}, [])
    (standing,) = ladder.standings(box.desk, [row["outgoing_id"]])[row["outgoing_id"]]
    assert (standing.level, standing.rungs[2].proves) == (2, ladder.SIGNED_DELIVERY)

    sealed = box.desk.blobs.put(sync_fixtures.PDF)
    box.desk.db.execute("UPDATE outgoing SET sealed_sha256 = ?, type_code = 'bao-cao'", [sealed])
    document = outgoing.load(box.desk.db, row["outgoing_id"])
    assert document
    with (tmp_path / "p.zip").open("w+b") as file:
        proof.write(proof.outgoing_proof(box.desk, document), file)
    zipfile.ZipFile(tmp_path / "p.zip").extractall(tmp_path / "p")
    told = [
        (command, expected)
        for command, expected in commands((tmp_path / "p" / NAME).read_text("utf-8"))
        if "xac-nhan/" in command
    ]
    assert len(told) == 5
    for command, expected in told:
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path / "p", capture_output=True, text=True, timeout=20)
        assert (done.returncode, expected in done.stdout) == (0, True), (command, done)


def test_a_year_of_a_busy_office_is_counted_in_a_moment(box: Box) -> None:
    message = box.issue()
    db, now = box.desk.db, box.desk.clock.now()
    kept = {table: box.rows(f"SELECT * FROM {table}")[0] for table in ("outgoing", "message", "message_recipient")}
    with transaction(db):
        for number in range(5000):
            at = datetime(2025, 1 + number % 12, 3, 9, tzinfo=VN).isoformat()
            one = {"id": f"o{number}", "document_code": f"c{number}", "number": number + 9, "issued_at": at}
            db.table("outgoing").insert({**kept["outgoing"], **one, "type_code": "bao-cao"})
            db.table("message").insert({**kept["message"], "id": f"m{number}", "outgoing_id": f"o{number}"})
            db.table("message_recipient").insert({**kept["message_recipient"], "message_id": f"m{number}"})
    started = time.monotonic()
    found = statistics.figures(db, ORGAN, statistics.period("2025"), now)
    assert statistics.total(found.sent)["issued"] == 5000
    assert len(ladder.standings(box.desk, [f"o{number}" for number in range(50)])) == 50
    assert time.monotonic() - started < 5
    assert message
