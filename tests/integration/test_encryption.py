"""Encryption when asked (article 15): issued for the receiver's device only, opened by it, refused without it."""

from __future__ import annotations

import io
from contextlib import closing

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.envelope import recipients, unseal
from appliance.errors import BadInput, NotAllowed, RuleRefused, SignerError, WrongState
from appliance.office import encryption, incoming, opening, outgoing
from appliance.office.desk import PackageFile
from appliance.signing.opening import DeviceKey
from appliance.signing.token import Pin
from sync import inbox
from sync.edxml.model import ReadDocument
from sync.edxml.reader import read_package
from tests import sync_fixtures
from tests.office_fixtures import Office
from tests.signing_fixtures import SEAL_PIN, Signing, signing  # noqa: F401
from tests.sync_fixtures import PDF, Box, submit
from tests.sync_fixtures import incoming as package
from tests.web_fixtures import Visitor, add_incoming, words

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus
NEIGHBOUR = "ubnd-dong-hai"


def pem(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


def with_seal(box: Box, signing: Signing) -> None:  # noqa: F811
    """The organ's device of this box is the real token behind the real signer."""
    key, desk = signing.seal, box.desk
    desk.signer = signing.client
    now, clerk = desk.clock.now().isoformat(), box.office.accounts["vanthu"]
    desk.db.table("device").insert(
        {
            "id": "seal", "purpose": "organ", "organ_id": "ubnd-hoa-binh", "holder_id": None, "keeper_id": clerk,
            "token_serial": key.token_serial, "token_label": "seal", "key_id": key.key_id,
            "certificate": key.certificate, "created_at": now, "state": "in_use",
        }
    )  # fmt: skip


def test_only_certificates_that_may_receive_get_into_the_address_book(office: Office, signing: Signing) -> None:  # noqa: F811
    desk = office.desk
    encryption.keep(desk, office.clerk, NEIGHBOUR, pem(signing.seal.certificate))
    encryption.keep(desk, office.clerk, NEIGHBOUR, signing.seal.certificate)  # the same in DER: once
    (row,) = encryption.kept(desk.db, desk.clock.now())
    assert (row.organ_id, row.problem) == (NEIGHBOUR, "")
    assert row.other_name, "it is made out to another commune: the page says so"
    with pytest.raises(BadInput, match="chỉ để ký"):
        encryption.keep(desk, office.clerk, NEIGHBOUR, signing.leader.certificate)
    with pytest.raises(BadInput, match="không phải chứng thư"):
        encryption.keep(desk, office.clerk, NEIGHBOUR, b"%PDF-1.4")
    with pytest.raises(NotAllowed):
        encryption.keep(desk, office.official, NEIGHBOUR, pem(signing.seal.certificate))
    encryption.forget(desk, office.clerk, NEIGHBOUR, row.sha256)
    assert encryption.missing(desk.db, (NEIGHBOUR,), desk.clock.now()) == ["Ủy ban nhân dân xã Đông Hải"]


def test_without_a_receivers_certificate_the_article_and_the_way_on_are_named(office: Office) -> None:
    file = PackageFile("a.pdf", "application/pdf", office.desk.blobs.put(PDF))
    with pytest.raises(RuleRefused, match="Ủy ban nhân dân xã Đông Hải") as refused:
        encryption.close(office.desk, (file,), (NEIGHBOUR,))
    assert refused.value.rule is not None
    assert "Điều 15" in refused.value.rule.article
    assert "Nạp chứng thư" in refused.value.next_step


def test_what_was_encrypted_to_the_office_is_opened_by_its_device_only(box: Box, signing: Signing) -> None:  # noqa: F811
    desk, clerk = box.desk, box.office.clerk
    with_seal(box, signing)
    encryption.keep(desk, clerk, "ubnd-hoa-binh", signing.seal.certificate)  # as the neighbour has it in its book
    (closed,) = encryption.close(
        desk, (PackageFile("mat.pdf", "application/pdf", desk.blobs.put(PDF)),), ("ubnd-hoa-binh",)
    )
    assert (closed.name, len(recipients(desk.blobs.read(closed.sha256)))) == ("mat.pdf.p7m", 1)
    submit(box.bus, package(box, data=desk.blobs.read(closed.sha256), name=closed.name))
    with closing(box.client(httpx.Timeout(5))) as client:
        inbox.fetch_new(desk, client)
    (row,) = box.rows("SELECT id, raw_sha256 FROM incoming")
    with pytest.raises(SignerError) as wrong:
        opening.open_file(desk, clerk, row["id"], 0, Pin("000000"))
    assert wrong.value.code == "wrong_pin"
    opening.open_file(desk, clerk, row["id"], 0, Pin(SEAL_PIN))
    raw, opened = incoming.files(desk.db, row["id"])
    assert (raw["name"], raw["opened_of"]) == ("mat.pdf.p7m", None)
    assert (opened["name"], opened["opened_of"], opened["media_type"]) == ("mat.pdf", 0, "application/pdf")
    assert opened["scan"] == "clean"
    assert desk.blobs.read(opened["sha256"]) == PDF
    assert box.rows("SELECT raw_sha256 FROM incoming") == [{"raw_sha256": row["raw_sha256"]}]
    assert "incoming.open" in [entry["action"] for entry in box.rows("SELECT action FROM audit")]
    with pytest.raises(WrongState, match="đã được mở"):
        opening.open_file(desk, clerk, row["id"], 0, Pin(SEAL_PIN))


def test_what_was_encrypted_to_somebody_else_stays_shut_without_asking_the_device(
    box: Box,
    signing: Signing,  # noqa: F811
) -> None:
    desk, clerk = box.desk, box.office.clerk
    with_seal(box, signing)
    submit(box.bus, package(box, data=b"noise" * 100, name="hong.pdf.p7m"))
    with closing(box.client(httpx.Timeout(5))) as client:
        inbox.fetch_new(desk, client)
    (row,) = box.rows("SELECT id FROM incoming")
    with pytest.raises(BadInput, match="không phải phong bì"):
        opening.open_file(desk, clerk, row["id"], 0, Pin(SEAL_PIN))


def test_issued_encrypted_it_leaves_closed_and_the_receivers_device_opens_it(
    box: Box,
    signing: Signing,  # noqa: F811
) -> None:
    desk, clerk = box.desk, box.office.clerk
    message_id = box.issue()
    (row,) = box.rows("SELECT outgoing_id FROM message WHERE id = ?", message_id)
    sealed = desk.blobs.put(PDF)
    desk.db.execute(
        "UPDATE outgoing SET state = 'sealed', type_code = 'bao-cao', sealed_sha256 = ?, file_name = 'mat.pdf'"
        " WHERE id = ?", [sealed, row["outgoing_id"]],
    )  # fmt: skip
    desk.db.execute(
        "INSERT INTO outgoing_recipient VALUES (?, ?, ?, ?, 0)",
        [row["outgoing_id"], NEIGHBOUR, sync_fixtures.NEIGHBOUR, "Ủy ban nhân dân xã Đông Hải"],
    )
    with pytest.raises(RuleRefused, match="Chưa có chứng thư mã hóa"):
        outgoing.issue(desk, clerk, row["outgoing_id"], encrypted=True)
    assert box.rows("SELECT state FROM outgoing") == [{"state": "sealed"}]
    encryption.keep(desk, clerk, NEIGHBOUR, signing.seal.certificate)
    document = outgoing.issue(desk, clerk, row["outgoing_id"], encrypted=True)
    assert (document.state, document.encrypted) == ("issued", 1)
    (sent,) = box.rows("SELECT sha256 FROM message WHERE outgoing_id = ? AND id <> ?", row["outgoing_id"], message_id)
    read = read_package(desk.blobs.path(sent["sha256"]), desk.blobs)
    assert isinstance(read, ReadDocument)
    assert (read.subject, [file.name for file in read.files]) == (document.subject, ["mat.pdf.p7m"])
    assert PDF not in desk.blobs.read(sent["sha256"])
    certificate = x509.load_der_x509_certificate(signing.seal.certificate)
    content = io.BytesIO()
    unseal(
        desk.blobs.read(read.files[0].sha256),
        DeviceKey(certificate, signing.seal, Pin(SEAL_PIN), signing.client), content,
    )  # fmt: skip
    assert content.getvalue() == PDF


def test_an_encrypted_file_shows_as_such_with_the_way_to_open_it(office: Office) -> None:
    document_id = add_incoming(office, "accepted")
    office.desk.db.execute(
        "UPDATE incoming_file SET name = 'mat.pdf.p7m', media_type = 'application/octet-stream' WHERE incoming_id = ?",
        [document_id],
    )
    clerk = Visitor(office)
    clerk.log_in("vanthu")
    page = words(clerk.get(f"/van-ban-den/{document_id}"))
    assert "Đã mã hóa" in page
    assert "Mở bằng thiết bị của cơ quan" in page
    refused = clerk.post(f"/van-ban-den/{document_id}/mo-tep", {"position": "0"})
    assert "Chưa nhập mã PIN" in words(refused)


def test_the_page_of_certificates(office: Office, signing: Signing) -> None:  # noqa: F811
    clerk = Visitor(office)
    clerk.log_in("vanthu")
    assert "Chưa có chứng thư nào" in words(clerk.get("/ma-hoa/"))
    encryption.keep(office.desk, office.clerk, NEIGHBOUR, signing.seal.certificate)
    assert "Tên khác cơ quan" in words(clerk.get("/ma-hoa/")), "it is made out to the other commune"
    encryption.keep(office.desk, office.clerk, "ubnd-hoa-binh", signing.seal.certificate)
    assert "Dùng được" in words(clerk.get("/ma-hoa/"))
    assert "Chưa chọn tệp" in words(clerk.post("/ma-hoa/", {"organ_id": NEIGHBOUR}))
