"""The composition root: settings become a desk, with every part in its place. Only this room sees all the others."""

from __future__ import annotations

from appliance.antivirus import Scanner
from appliance.clock import Clock
from appliance.config import Settings
from appliance.office.desk import Desk
from appliance.regulation.appearances import profile_of
from appliance.regulation.codes import DOCUMENT_CODE, check_template
from appliance.signing.client import SignerClient
from appliance.signing.evidence_line import BrokerLine
from appliance.signing.trust import TrustStore
from appliance.store.blobs import BlobStore
from appliance.store.database import open_database
from sync.edxml.packer import EdxmlPacker

EVIDENCE_SECONDS = 10.0


def make_desk(settings: Settings, *, create: bool = False) -> Desk:
    """A desk of its own for one thread; ``create`` makes the store or brings its schema up to date.

    Raises ConfigError for a rule set, an appearance or a dialect of edXML nobody knows, and for a template of document
    identifiers that would not tell documents apart.
    """
    profile_of(settings.rule_set, settings.appearance)
    check_template(settings.document_id_template or DOCUMENT_CODE)
    return Desk(
        settings=settings,
        db=open_database(settings.database, create=create),
        blobs=BlobStore(settings.blobs),
        clock=Clock(settings),
        scanner=Scanner(settings.clamd_socket),
        signer=SignerClient(settings.signer_socket, rsa_padding=settings.rsa_padding),
        trust=TrustStore(settings.trust),
        packages=EdxmlPacker(dialect_name=settings.edxml_dialect),
        # sync's own time limits end every question before this one does
        evidence=BrokerLine(settings.evidence_socket, EVIDENCE_SECONDS),
    )
