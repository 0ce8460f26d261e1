"""Whatever order the line brings things in, and however often: one document, one request, the highest status shown."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.office import arrival, incoming, recall_requests
from appliance.office.arrival import BusItem
from appliance.office.desk import Business, Party
from appliance.office.status_arrival import ReceivedStatus, receive_status
from appliance.regulation.document_types import STATUS_RANK
from appliance.store import audit
from appliance.store.database import transaction
from tests.office_fixtures import Office
from tests.unit.test_incoming import SENDER, document
from tests.web_fixtures import add_outgoing

_numbers = itertools.count(1)
"""Every example has a document of its own in the one office."""
ONE_OFFICE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
REASON = "Gửi nhầm nơi nhận"


def deliver(office: Office, what: str, code: str, again: int) -> None:
    """Bring in the document, or one of the two ways to ask it back; each time under another id of the bus."""
    seq = next(_numbers)
    if what == "document":
        arrival.receive(office.desk, document(office, seq, document_code=code, dedup_key=code))
        return
    raw = office.desk.blobs.put(what.encode())
    item = BusItem(f"{what}-{seq}", f"{what}-{code}-{again if what == 'status' else 0}", "edoc", seq, "H99.21", raw, 1)
    if what == "package":
        business = Business(1, REASON, code)
        arrival.receive(office.desk, document(office, seq, item=item, document_code=code, business=business))
    else:
        at = "2026-11-20T08:00:00+07:00"
        receive_status(office.desk, ReceivedStatus(item, SENDER, code, "13", REASON, "", at))


@ONE_OFFICE
@given(
    first=st.permutations(["document", "package", "status"]),
    more=st.lists(st.sampled_from(["document", "package", "status"]), max_size=4),
)
def test_a_request_before_after_or_twice_is_one_request_about_one_document(
    office: Office, first: list[str], more: list[str]
) -> None:
    desk, code = office.desk, f"H99.01,2026/11/20,{next(_numbers)}/VP-TH"
    for again, what in enumerate([*first, *more]):
        deliver(office, what, code, again)
    rows = desk.db.execute("SELECT id, raw_sha256 FROM incoming WHERE document_code = ?", [code]).fetchall()
    ((incoming_id, raw),) = rows
    found = incoming.get(desk, office.clerk, incoming_id)
    (request,) = recall_requests.of_document(desk.db, found)
    assert (found.state, request.reason, request.status_code) == ("arrived", REASON, None)  # nothing by itself
    recall_requests.answer(desk, office.clerk, incoming_id, request.id, agree=True, reason="")
    deliver(office, "package", code, 99)  # once more, after the answer
    deliver(office, "document", code, 99)
    (answered,) = recall_requests.of_document(desk.db, found)
    assert answered.status_code == "15"
    told = desk.db.execute(
        "SELECT status_code FROM message WHERE incoming_id = ? ORDER BY status_code", [incoming_id]
    ).fetchall()
    assert told == [("01",), ("15",)]
    assert desk.db.execute("SELECT raw_sha256 FROM incoming WHERE document_code = ?", [code]).fetchall() == [(raw,)]
    assert audit.verify(desk.db)


@ONE_OFFICE
@given(codes=st.lists(st.sampled_from(sorted(STATUS_RANK)), min_size=1, max_size=8), recalled=st.booleans())
def test_the_status_shown_is_of_the_highest_rank_that_came(office: Office, codes: list[str], recalled: bool) -> None:
    desk, n = office.desk, next(_numbers)
    code, now = f"H99.21,2026/11/20,{n}/UBND-VP", desk.clock.now()
    outgoing_id = add_outgoing(office, "issued", document_code=code, issue_date="2026-11-20")
    with transaction(desk.db):
        row = {
            "id": f"m-{n}", "kind": "edoc", "organ_id": "ubnd-hoa-binh", "outgoing_id": outgoing_id, "title": "x",
            "priority": 0, "sha256": "0" * 64, "size": 1, "state": "accepted", "queued_at": now.isoformat(),
        }  # fmt: skip
        desk.db.table("message").insert(row)
        desk.db.table("message_recipient").insert({"message_id": f"m-{n}", "code": "H99.22", "name": "Đông Hải"})
        if recalled:
            follow_up = {"id": f"f-{n}", "outgoing_id": outgoing_id, "kind": "recall", "reason": "x"}
            desk.db.table("follow_up").insert(
                follow_up | {"account_id": office.clerk.account_id, "at": now.isoformat()}
            )
    for status in codes:
        seq = next(_numbers)
        item = BusItem(f"s-{seq}", f"s-{seq}", "status", seq, "H99.21", desk.blobs.put(b"s"), 1)
        told = ReceivedStatus(item, Party("000.00.22.H99", "cũ"), code, status, status, "", "2026-11-20T08:00:00+07:00")
        receive_status(desk, told)
    (shown,) = desk.db.execute("SELECT status_code FROM message_recipient WHERE message_id = ?", [f"m-{n}"]).fetchone()
    # 15 and 16 answer a request; only when that was a recall are they the end of the work on the document
    counted = [status for status in codes if recalled or status not in ("15", "16")]
    assert STATUS_RANK.get(shown or "", 0) == max((STATUS_RANK[status] for status in counted), default=0)
    kept = desk.db.execute("SELECT status_code FROM status_in WHERE outgoing_id = ? ORDER BY id", [outgoing_id])
    assert [row[0] for row in kept] == codes  # nothing is overwritten
