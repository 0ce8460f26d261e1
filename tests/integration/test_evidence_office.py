"""The office's own records are extended when the line is back, renewed in time, and survive a kill half way."""

# ruff: noqa: F811 - a fixture is used by its name
from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from appliance.office import evidence as records
from appliance.signing.evidence_line import NoLine
from appliance.store import audit
from appliance.store.text import uuid7
from sync.evidence import lists
from tests.evidence_fixtures import YEAR, Evidence, evidence  # noqa: F401
from tests.office_fixtures import Office, furnished, office  # noqa: F401

pytestmark = pytest.mark.slow


class _Clock:
    """The office's clock at the simulated time."""

    def __init__(self, world: Evidence) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now()


@pytest.fixture
def issued(evidence: Evidence, office: Office, offline: bytes) -> str:
    """A document issued while the line was down; its id. The desk then has the line."""
    desk = office.desk
    desk.settings = replace(desk.settings, trust_dir=evidence.settings.trust)
    desk.trust, desk.evidence, desk.clock = evidence.trust, evidence.line, _Clock(evidence)  # type: ignore[assignment]
    evidence.services.misbehaviour.clear()
    evidence.services.first_tsa()
    evidence.travel(timedelta(0))
    evidence.fresh_line()
    for old in evidence.settings.trust.glob("*.crl"):
        old.unlink()
    sha256, number = desk.blobs.put(offline), uuid7()
    at = evidence.now().isoformat()
    desk.db.table("outgoing").insert(
        {
            "id": number, "organ_id": "ubnd-hoa-binh", "state": "issued", "type_code": "quyet-dinh", "subject": "Thử",
            "urgency": 0, "drafter_id": office.official.account_id, "signer_id": office.chair.account_id,
            "rule_set": "BL-2019", "file_name": "a.pdf", "draft_sha256": sha256, "placement": "{}",
            "sealed_sha256": sha256, "page_count": 1, "created_at": at, "updated_at": at, "issued_at": at,
        }
    )  # fmt: skip
    return number


@pytest.fixture(scope="module")
def offline(evidence: Evidence) -> bytes:
    return evidence.sealed(stamped=False)


def test_while_the_line_is_down_nothing_is_tried_and_nothing_is_lost(office: Office, issued: str) -> None:
    office.desk.evidence = NoLine()
    assert not records.extend_due(office.desk)
    assert office.desk.db.execute("SELECT count(*) FROM extension_failure").fetchone() == (0,)


@pytest.mark.parametrize("half_dead", [{"/tsa": 1.0, "/crl": 1.0, "/ocsp": 1.0}, {"/ocsp": 1.2}, {"/tsa": 2.5}])
def test_a_half_dead_line_holds_the_clerk_no_longer_than_the_limit(
    evidence: Evidence, office: Office, issued: str, half_dead: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, margin = 2.0, 2.0  # our own checks of the file take their time on a busy machine
    monkeypatch.setattr(records, "ISSUE_SECONDS", limit)
    office.desk.evidence = evidence.line
    evidence.services.misbehaviour.slow = half_dead  # each answer comes well within its own limit of 3 seconds
    files = [_sealed(office, issued)] * 3
    started = time.monotonic()
    records.before_issue(office.desk, issued, files)
    assert time.monotonic() - started < limit + margin


@pytest.mark.parametrize("hangs", [{"/tsa"}, {"/ocsp"}, {"/tsa", "/ocsp", "/crl"}])
def test_a_service_that_hangs_holds_the_clerk_no_longer_than_the_limit(
    evidence: Evidence, office: Office, issued: str, hangs: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, margin = 2.0, 2.0
    monkeypatch.setattr(records, "ISSUE_SECONDS", limit)
    evidence.services.misbehaviour.hangs = hangs
    started = time.monotonic()
    made = records.before_issue(office.desk, issued, [_sealed(office, issued)])
    assert time.monotonic() - started < limit + margin
    assert made == {}
    evidence.services.released.set()
    evidence.services.released.clear()


def test_when_the_line_is_back_the_record_is_extended_once(office: Office, issued: str) -> None:
    db = office.desk.db
    assert records.extend_due(office.desk) == {"extended": 1}
    assert not records.extend_due(office.desk)
    sealed = db.execute("SELECT sealed_sha256 FROM outgoing WHERE id = ?", [issued]).fetchone()[0]
    kept = records.newest(db, sealed)
    assert kept is not None
    assert (kept.level, kept.sent) == ("B-B + DSS + DTS", False)
    assert office.desk.blobs.read(kept.sha256).startswith(office.desk.blobs.read(sealed))  # both are there
    kinds = {
        kind for (kind,) in db.execute("SELECT kind FROM document_evidence WHERE subject = ?", [f"outgoing:{issued}"])
    }
    assert kinds == {"certificate", "crl", "ocsp"}
    assert audit.verify(db) > 0


def test_killed_between_file_and_row_it_is_done_again(
    office: Office, issued: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(records, "record", killed)
    with pytest.raises(SystemExit):
        records.extend_due(office.desk)
    monkeypatch.undo()
    assert office.desk.db.execute("SELECT count(*) FROM extension").fetchone() == (0,)
    assert records.extend_due(office.desk) == {"extended": 1}


def test_a_stamp_is_renewed_before_its_service_ends(evidence: Evidence, office: Office, issued: str) -> None:
    assert records.extend_due(office.desk) == {"extended": 1}
    evidence.travel(3 * YEAR + timedelta(days=200))  # the stamp counts until the end of 2030
    evidence.fresh_line()
    evidence.services.renew_tsa(not_before=evidence.now() - timedelta(days=1), days=5 * 365)
    assert records.extend_due(office.desk) == {"renewed": 1}
    assert office.desk.db.execute("SELECT count(*) FROM extension").fetchone() == (2,)


def test_a_service_that_lies_is_noted_and_tried_again_later(evidence: Evidence, office: Office, issued: str) -> None:
    evidence.services.misbehaviour.wrong_digest = True
    assert records.extend_due(office.desk) == {"failed": 1}
    assert not records.extend_due(office.desk)
    evidence.services.misbehaviour.clear()
    evidence.shift = timedelta(minutes=11)
    assert records.extend_due(office.desk) == {"extended": 1}


def test_fresh_lists_come_into_the_folder_and_false_ones_do_not(
    evidence: Evidence, office: Office, issued: str
) -> None:
    evidence.services.misbehaviour.html.add("/crl")
    records.keep(office.desk, f"outgoing:{issued}", "sealed", office.desk.blobs.read(_sealed(office, issued)))
    assert set(lists.refresh(office.desk, evidence.direct)) == {"failed"}
    assert not evidence.trust.crls
    evidence.services.misbehaviour.clear()
    evidence.fresh_line()
    assert lists.refresh(office.desk, evidence.direct)["new"] == 2
    assert lists.refresh(office.desk, evidence.direct)["same"] == 2
    assert len(evidence.trust.crls) == 2


def _sealed(office: Office, document_id: str) -> str:
    return str(office.desk.db.execute("SELECT sealed_sha256 FROM outgoing WHERE id = ?", [document_id]).fetchone()[0])


def test_an_annex_is_extended_and_renewed_like_its_document(evidence: Evidence, office: Office, issued: str) -> None:
    db, desk = office.desk.db, office.desk
    annex = desk.blobs.put(evidence.sealed(stamped=True))
    desk.db.table("outgoing_file").insert(
        {
            "id": uuid7(), "outgoing_id": issued, "position": 1, "name": "Phụ lục I.pdf", "page_count": 1, "size": 1,
            "draft_sha256": annex, "sealed_sha256": annex,
        }
    )  # fmt: skip
    assert records.extend_due(desk) == {"extended": 2}
    kept = records.newest(db, annex)
    assert kept is not None
    assert kept.level == "B-LTA"
    evidence.travel(3 * YEAR + timedelta(days=200))
    evidence.fresh_line()
    evidence.services.renew_tsa(not_before=evidence.now() - timedelta(days=1), days=5 * 365)
    assert records.extend_due(desk) == {"renewed": 2}


def test_what_a_cut_short_step_did_not_keep_is_kept_later_once(office: Office, issued: str) -> None:
    assert records.keep_missing(office.desk) == 1
    found = office.desk.db.execute("SELECT DISTINCT subject, occasion FROM document_evidence").fetchall()
    assert found == [(f"outgoing:{issued}", "sealed")]
    assert records.keep_missing(office.desk) == 0
