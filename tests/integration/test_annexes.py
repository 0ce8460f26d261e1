"""Annexes in files of their own: sealed with the main document, all or none, and sent with it (article 6.2b)."""

from __future__ import annotations

import io
import json
import subprocess

import pytest

from appliance.errors import BadInput, NotAllowed, NotFound, RuleRefused, SignerError, WrongState
from appliance.office import outgoing
from appliance.signing.algorithms import Scheme
from appliance.signing.client import SignerClient
from appliance.signing.token import Pin, TokenKey
from appliance.signing.validate import validate
from appliance.store.text import uuid7
from sync.edxml.model import ReadDocument
from sync.edxml.reader import read_package
from tests.desk_fixtures import SigningOffice, signing_office  # noqa: F401
from tests.drafts import make_draft
from tests.office_fixtures import furnished, office  # noqa: F401
from tests.signing_fixtures import SEAL_PIN, signing  # noqa: F401


def add(desk: SigningOffice, document_id: str, name: str, data: bytes | None = None) -> outgoing.Annex:
    return outgoing.add_annex(
        desk.office.desk, desk.office.official, document_id, name, io.BytesIO(data or make_draft())
    )


class Dropped(SignerClient):
    """The real signer behind a token that is pulled out before signature number ``at``."""

    def __init__(self, real: SignerClient, at: int) -> None:
        vars(self).update(vars(real))
        self.real, self.at, self.count = real, at, 0

    def sign(self, key: TokenKey, pin: Pin, data: bytes, scheme: Scheme) -> bytes:
        """Signs, or is gone."""
        self.count += 1
        if self.count == self.at:
            raise SignerError("Thiết bị bị rút", code="removed")
        return self.real.sign(key, pin, data, scheme)


def test_annexes_are_sealed_with_the_documents_number_and_travel_with_it(signing_office: SigningOffice) -> None:  # noqa: F811
    desk = signing_office.office.desk
    document = signing_office.drafted()
    for name in ("Phụ lục I.pdf", "Phụ lục II.pdf"):
        add(signing_office, document.id, name)
    sealed = signing_office.sealed(signing_office.signed(document))
    for one in outgoing.annexes(desk.db, document.id):
        data = desk.blobs.read(one.sealed_sha256 or "")
        report = validate(data, desk.trust)
        assert (report.verdict, [s.field for s in report.signatures]) == ("valid", ["ConDau"])
        assert "Hòa Bình" in report.signatures[0].signer_name
        text = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True).stdout.decode()
        assert f"Kèm theo {sealed.code}" in text
    outgoing.issue(desk, signing_office.office.clerk, document.id)
    digest = desk.db.execute("SELECT sha256 FROM message WHERE outgoing_id = ?", [document.id]).fetchone()[0]
    package = read_package(desk.blobs.path(digest), desk.blobs)
    assert isinstance(package, ReadDocument)
    assert [file.name for file in package.files] == ["Quyết định.pdf", "Phụ lục I.pdf", "Phụ lục II.pdf"]
    wanted = [sealed.sealed_sha256, *(one.sealed_sha256 for one in outgoing.annexes(desk.db, document.id))]
    assert [file.sha256 for file in package.files] == wanted


@pytest.mark.parametrize("at", [1, 3, 5])
def test_when_the_token_goes_in_the_middle_nothing_is_sealed_and_the_next_try_keeps_the_number(
    signing_office: SigningOffice,  # noqa: F811
    at: int,
) -> None:
    desk = signing_office.office.desk
    document = signing_office.drafted()
    for number in range(4):
        add(signing_office, document.id, f"Phụ lục {number + 1}.pdf")
    signing_office.signed(document)
    real, desk.signer = desk.signer, Dropped(desk.signer, at)
    with pytest.raises(SignerError):
        signing_office.sealed(document)
    held = outgoing.get(desk, signing_office.office.clerk, document.id)
    assert (held.state, held.sealed_sha256) == ("numbered", None)
    assert {one.sealed_sha256 for one in outgoing.annexes(desk.db, document.id)} == {None}
    desk.signer = real
    sealed = signing_office.sealed(document)
    assert (sealed.state, sealed.number) == ("sealed", held.number)
    assert all(one.sealed_sha256 for one in outgoing.annexes(desk.db, document.id))


def test_a_wrong_pin_counts_once_however_many_files_wait(signing_office: SigningOffice) -> None:  # noqa: F811
    desk = signing_office.office.desk
    document = signing_office.drafted()
    for number in range(3):
        add(signing_office, document.id, f"Phụ lục {number + 1}.pdf")
    signing_office.signed(document)
    with pytest.raises(SignerError) as caught:
        signing_office.sealed(document, pin="000000")
    assert caught.value.code == "wrong_pin"
    assert desk.db.execute("SELECT wrong_pins FROM device WHERE purpose = 'organ'").fetchone() == (1,)
    assert signing_office.sealed(document, SEAL_PIN).state == "sealed"


def test_what_cannot_be_sealed_is_refused_with_the_article(signing_office: SigningOffice) -> None:  # noqa: F811
    document = signing_office.drafted()
    with pytest.raises(RuleRefused) as refused:
        add(signing_office, document.id, "Biểu số liệu.xlsx", b"PK\x03\x04")
    assert refused.value.rule is not None
    assert "Điều 6 khoản 2 điểm b" in refused.value.rule.article
    with pytest.raises(BadInput, match="không phải là PDF"):
        add(signing_office, document.id, "giả.pdf", b"PK\x03\x04" + bytes(5000))
    locked = signing_office.signing.sealed()
    with pytest.raises(BadInput, match="khóa tệp"):
        add(signing_office, document.id, "đã đóng dấu.pdf", locked)
    assert outgoing.annexes(signing_office.office.desk.db, document.id) == []


def test_names_are_unique_order_can_change_and_everything_is_in_the_journal(
    signing_office: SigningOffice,  # noqa: F811
) -> None:
    desk, official = signing_office.office.desk, signing_office.office.official
    document = signing_office.drafted()
    first, second = (add(signing_office, document.id, "Phụ lục.pdf") for _ in range(2))
    assert second.name == "Phụ lục (2).pdf"
    outgoing.raise_annex(desk, official, document.id, second.id)
    assert [one.id for one in outgoing.annexes(desk.db, document.id)] == [second.id, first.id]
    outgoing.raise_annex(desk, official, document.id, second.id)
    outgoing.remove_annex(desk, official, document.id, first.id)
    assert [one.id for one in outgoing.annexes(desk.db, document.id)] == [second.id]
    done = [row["action"] for row in outgoing.history(desk.db, document.id)]
    assert done[1:] == [f"outgoing.{step}_annex" for step in ("add", "add", "raise", "remove")]
    assert all("annex" in json.loads(row["detail"]) for row in outgoing.history(desk.db, document.id)[1:])


def test_only_the_author_changes_annexes_and_only_in_a_draft(signing_office: SigningOffice) -> None:  # noqa: F811
    desk, house = signing_office.office.desk, signing_office.office
    document = signing_office.drafted()
    one = add(signing_office, document.id, "Phụ lục.pdf")
    with pytest.raises(NotAllowed):
        outgoing.remove_annex(desk, house.chair, document.id, one.id)
    with pytest.raises(NotFound):
        outgoing.annex(desk, house.stranger, document.id, one.id)
    with pytest.raises(NotFound):
        outgoing.annex(desk, house.clerk, document.id, uuid7())
    outgoing.submit(desk, house.official, document.id)
    with pytest.raises(WrongState):
        add(signing_office, document.id, "Muộn.pdf")
    with pytest.raises(WrongState):
        outgoing.remove_annex(desk, house.official, document.id, one.id)
