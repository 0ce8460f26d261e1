"""A desk of the commune whose documents are signed by real tokens: the demo's cast, SoftHSM, the real signer.

The scanner stands in for clamd where a test is about signing (``tests/integration/test_platform_clamd.py`` has the
real one); everything else is the real part.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.antivirus import Scanner, Verdict
from appliance.clock import record_bus_sample
from appliance.office import outgoing
from appliance.office.outgoing import Outgoing, OutgoingForm
from appliance.signing.token import Pin
from provisioning.demo.cast import CHAIR, PROVINCE_OFFICE, UBND
from provisioning.demo.office import bind_key
from tests.drafts import make_draft
from tests.office_fixtures import Office
from tests.signing_fixtures import LEADER_PIN, SEAL_PIN, Signing


class CleanScanner(Scanner):
    """Finds nothing in any file."""

    def scan(self, path: Path) -> Verdict:
        """Clean."""
        return Verdict("clean", "", "test")


@dataclass
class SigningOffice:
    """An office that can sign: its people, and the whole way of a document up to a state."""

    office: Office
    signing: Signing

    def drafted(self, subject: str = "Về việc thành lập Tổ công nghệ số") -> Outgoing:
        """A draft by the official."""
        form = OutgoingForm(
            "quyet-dinh", subject, 0, self.office.accounts[CHAIR.username], (PROVINCE_OFFICE.id,),
            competence="TM.", no_secret=True,
        )  # fmt: skip
        draft = make_draft()
        return outgoing.create(self.office.desk, self.office.official, form, "Quyết định.pdf", io.BytesIO(draft))

    def signed(self, document: Outgoing) -> Outgoing:
        """Submitted and signed by the chair."""
        outgoing.submit(self.office.desk, self.office.official, document.id)
        return outgoing.sign(self.office.desk, self.office.chair, document.id, Pin(LEADER_PIN))

    def sealed(self, document: Outgoing, pin: str = SEAL_PIN) -> Outgoing:
        """Numbered and sealed by the clerk."""
        return outgoing.number_and_seal(self.office.desk, self.office.clerk, document.id, Pin(pin))


@pytest.fixture
def signing_office(office: Office, signing: Signing) -> SigningOffice:
    """An office with two tokens bound and the demo's pictures registered."""
    desk = office.desk
    desk.signer, desk.trust = signing.client, signing.trust
    desk.scanner = CleanScanner(Path("unused"))
    record_bus_sample(desk.db, offset=0.0, error=0.1)
    desk.db.table("organ").update(UBND.id, {"seal_sha256": desk.blobs.put(signing.seal_png), "seal_mm": 36.0})
    chair = office.accounts[CHAIR.username]
    desk.db.table("account").update(chair, {"signature_sha256": desk.blobs.put(signing.signature_png)})
    bind_key(desk, organ_id=UBND.id, holder_id=chair, key=signing.leader, token_label="Chủ tịch")
    bind_key(desk, organ_id=UBND.id, holder_id=None, key=signing.seal, token_label="Con dấu")
    return SigningOffice(office, signing)
