"""Every verdict on a file is kept; newer lists bring a new one, and people are told when it is another."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from appliance.clock import VN
from appliance.office import rechecks, verdicts
from appliance.store import audit
from appliance.store.database import transaction
from provisioning.demo import pki
from tests.attacks.scene import Scene, signed_by
from tests.drafts import make_draft
from tests.office_fixtures import Office
from tests.signing_fixtures import Signing
from tests.web_fixtures import add_file, add_incoming, add_outgoing


@pytest.fixture
def authority(tmp_path: Path) -> pki.Authority:
    return pki.make_ca(tmp_path / "ca")


def trust(office: Office, authority: pki.Authority, *names: str) -> None:
    """Put these files of the authority into the office's trust folder."""
    folder = office.desk.settings.trust
    folder.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(authority.trust / name, folder / name)


def arrived(office: Office, data: bytes) -> str:
    """An incoming document with this PDF, examined as at its arrival; returns its subject."""
    desk = office.desk
    document = add_incoming(office)
    report = verdicts.examine(desk, desk.blobs.put(data))
    text = json.dumps(report, ensure_ascii=False)
    with transaction(desk.db):
        desk.db.execute("DELETE FROM incoming_file WHERE incoming_id = ?", [document])
        add_file(desk, document, 0, "Công văn.pdf", data, signatures=text)
        verdicts.first(desk.db, f"incoming:{document}", desk.blobs.put(data), text, desk.clock.now())
    return f"incoming:{document}"


def said(office: Office, subject: str) -> list[str]:
    return [one.verdict for one in verdicts.history(office.desk.db, subject)]


def test_a_list_that_arrives_later_settles_what_was_unknown_and_both_verdicts_stay(
    office: Office, signing: Signing, authority: pki.Authority, tmp_path: Path
) -> None:
    trust(office, authority, "root.pem", "intermediate.pem")
    signer = Scene(signing, tmp_path).identity("Sở Nội vụ", by=authority)
    subject = arrived(office, signed_by(signer, make_draft()))
    assert said(office, subject) == ["unknown"]
    assert not rechecks.keep_current(office.desk)["changed"]
    trust(office, authority, "root.crl", "intermediate.crl")
    assert rechecks.keep_current(office.desk)["changed"] == 1
    assert said(office, subject) == ["unknown", "valid"]
    (file,) = office.desk.db.query("SELECT signatures FROM incoming_file WHERE incoming_id = ?", [subject[9:]])
    assert json.loads(file["signatures"])["verdict"] == "valid"
    entry = office.desk.db.execute("SELECT detail FROM audit WHERE action = 'verdict.change'").fetchone()
    assert (json.loads(entry[0])["was"], json.loads(entry[0])["verdict"]) == ("unknown", "valid")
    assert verdicts.unseen(office.desk.db, subject) == []  # good news waits for nobody
    assert rechecks.keep_current(office.desk) == {}
    assert audit.verify(office.desk.db) > 0


def test_a_revocation_learnt_later_makes_it_invalid_and_the_clerk_has_to_confirm(
    office: Office, signing: Signing, authority: pki.Authority, tmp_path: Path
) -> None:
    files = ("root.pem", "intermediate.pem", "root.crl", "intermediate.crl")
    trust(office, authority, *files)
    signer = Scene(signing, tmp_path).identity("Sở Nội vụ", by=authority)
    subject = arrived(office, signed_by(signer, make_draft()))
    assert said(office, subject) == ["valid"]
    assert isinstance(signer.signing_cert, asn1_x509.Certificate)
    certificate = x509.load_der_x509_certificate(signer.signing_cert.dump())
    authority.revoke(certificate, datetime.now(VN) - timedelta(days=1))
    trust(office, authority, *files)
    assert rechecks.keep_current(office.desk)["changed"] == 1
    assert said(office, subject) == ["valid", "invalid"]
    assert [was for _, was in verdicts.unseen(office.desk.db, subject)] == ["valid"]
    assert verdicts.unseen_documents(office.desk.db, "incoming", office.clerk.organ_id) == [subject[9:]]
    verdicts.confirm(office.desk, office.clerk, subject)
    verdicts.confirm(office.desk, office.clerk, subject)
    assert verdicts.unseen(office.desk.db, subject) == []
    actions = [row[0] for row in office.desk.db.execute("SELECT action FROM audit WHERE subject = ?", [subject])]
    assert actions.count("verdict.seen") == 1


def test_a_new_list_that_says_nothing_new_adds_no_verdict(
    office: Office, signing: Signing, authority: pki.Authority, tmp_path: Path
) -> None:
    files = ("root.pem", "intermediate.pem", "root.crl", "intermediate.crl")
    trust(office, authority, *files)
    subject = arrived(office, signed_by(Scene(signing, tmp_path).identity("Sở Nội vụ", by=authority), make_draft()))
    (file,) = office.desk.db.query("SELECT sha256 FROM incoming_file WHERE incoming_id = ?", [subject[9:]])
    before = verdicts.last_check(office.desk.db, subject, file["sha256"])
    authority.publish_lists(days=60)
    trust(office, authority, *files)
    assert rechecks.keep_current(office.desk) == {"same": 1}
    assert said(office, subject) == ["valid"]
    assert verdicts.last_check(office.desk.db, subject, file["sha256"]) > before


def test_a_file_that_cannot_be_opened_is_invalid_and_not_looked_at_for_ever(office: Office) -> None:
    subject = arrived(office, b"%PDF-1.7\n" + "nội dung hỏng".encode())
    (only,) = verdicts.history(office.desk.db, subject)
    assert only.verdict == "invalid"
    assert "đứt hoặc hỏng" in only.report["reason"]
    office.desk.settings.trust.mkdir(exist_ok=True)
    assert rechecks.keep_current(office.desk) == {}


def test_our_own_sealed_document_and_files_from_before_get_a_first_verdict(office: Office) -> None:
    own, old = add_outgoing(office, "sealed"), add_incoming(office)
    assert rechecks.keep_current(office.desk) == {"first": 2}
    assert said(office, f"outgoing:{own}") == ["unsigned"]
    assert said(office, f"incoming:{old}") == ["unsigned"]


def test_verdicts_are_append_only(office: Office) -> None:
    add_outgoing(office, "sealed")
    rechecks.keep_current(office.desk)
    with pytest.raises(Exception, match="append only"):
        office.desk.db.execute("UPDATE verdict SET verdict = 'valid'")
    with pytest.raises(Exception, match="append only"):
        office.desk.db.execute("DELETE FROM verdict")
