"""A browser without a screen for the pages, and documents in any state put straight into the store."""

from __future__ import annotations

import functools
import io
import re
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.office import organs
from appliance.office.desk import Desk
from appliance.signing.prepare import find_places
from appliance.store.database import transaction
from appliance.store.text import uuid7
from provisioning.box import make_desk
from provisioning.demo.cast import CHAIR, OFFICIAL, PROVINCE_OFFICE, UBND
from tests.office_fixtures import PASSWORD, Office
from web import create_app

BASE = "https://localhost"
COOKIE = "__Host-tram"


def make_app(office: Office) -> Flask:
    """The pages over this office's store."""
    return create_app(office.desk.settings, lambda: make_desk(office.desk.settings))


@dataclass
class Visitor:
    """One person's browser: keeps its cookie, sends the form token of the page it last saw."""

    office: Office
    app: Flask | None = None
    client: FlaskClient = field(init=False)
    token: str = ""

    def __post_init__(self) -> None:
        self.client = (self.app or make_app(self.office)).test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page (redirects are not followed)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._seen(self.client.get(path, base_url=BASE, headers=named))

    def post(self, path: str, values: dict[str, Any] | None = None, **headers: str) -> TestResponse:
        """Send a form with the token last seen."""
        named = {"Referer": f"{BASE}/", **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = {"csrf_token": self.token, **(values or {})}
        return self._seen(self.client.post(path, data=data, base_url=BASE, headers=named))

    def log_in(self, username: str, password: str = PASSWORD) -> TestResponse:
        """Through the form, then the first page, so that a token is at hand."""
        self.get("/dang-nhap")
        answer = self.post("/dang-nhap", {"username": username, "password": password})
        if answer.status_code == 303:
            self.get("/khong-co-trang-nay")  # any page with the log-out form carries the token
        return answer

    @property
    def cookie(self) -> str:
        """The session token the browser holds, '' for none."""
        held = self.client.get_cookie(COOKIE, domain="localhost")
        return held.value if held else ""

    def _seen(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html":
            found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
            self.token = found.group(1) if found else self.token
        return answer


def words(answer: TestResponse) -> str:
    """The page's text without tags, white space folded."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


@functools.cache  # pypdfium2 writes the time into it
def blank_pdf(pages: int = 1) -> bytes:
    """A PDF of empty A4 pages, the same bytes every time."""
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(595, 842)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def add_outgoing(office: Office, state: str = "drafting", **changes: Any) -> str:
    """An outgoing document of the commune in ``state``; returns its id."""
    desk, data = office.desk, blank_pdf()
    sha256, now = desk.blobs.put(data), desk.clock.now()
    number = desk.db.execute("SELECT coalesce(max(number), 6) + 1 FROM outgoing").fetchone()[0]
    numbered = state in ("numbered", "sealed", "issued")
    signed = numbered or state == "signed"
    row = {
        "id": uuid7(), "organ_id": UBND.id, "state": state, "type_code": "cong-van",
        "subject": "Về việc thử trang", "urgency": 0, "unit": "VP", "drafter_id": office.accounts[OFFICIAL.username],
        "signer_id": office.accounts[CHAIR.username],
        "rule_set": "BL-2019", "file_name": "Công văn về việc thử.pdf", "draft_sha256": sha256,
        "prepared_sha256": sha256, "signed_sha256": sha256 if signed else None,
        "sealed_sha256": sha256 if state in ("sealed", "issued") else None,
        "placement": find_places(data, signer_title="CHỦ TỊCH", signer_name=CHAIR.full_name, seal_mm=36.0).to_json(),
        "page_count": 1, "created_at": now.isoformat(), "updated_at": now.isoformat(),
        "signed_at": now.isoformat() if signed else None,
        **({"book": "chung", "number": number, "number_year": now.year, "notation": "UBND-VP"} if numbered else {}),
        **changes,
    }  # fmt: skip
    party = organs.party(desk.db, PROVINCE_OFFICE.id, now.date())
    recipient = {"outgoing_id": row["id"], "organ_id": PROVINCE_OFFICE.id, "code": party.code, "name": party.name}
    with transaction(desk.db):
        desk.db["outgoing"].insert(row)
        desk.db["outgoing_recipient"].insert({**recipient, "position": 0})
    return str(row["id"])


def add_annex(office: Office, outgoing_id: str, name: str = "Phụ lục I.pdf") -> str:
    """An annex of a document; returns its id."""
    data = blank_pdf()
    count = office.desk.db.execute("SELECT count(*) FROM outgoing_file").fetchone()[0]
    row = {
        "id": uuid7(), "outgoing_id": outgoing_id, "position": count + 1, "name": name, "page_count": 1,
        "size": len(data), "draft_sha256": office.desk.blobs.put(data),
    }  # fmt: skip
    office.desk.db["outgoing_file"].insert(row)
    return str(row["id"])


def add_incoming(office: Office, state: str = "arrived", **changes: Any) -> str:
    """An incoming document of the commune in ``state`` with one PDF; returns its id."""
    desk = office.desk
    data, now, bus_id = blank_pdf(), desk.clock.now(), uuid7()
    sha256 = desk.blobs.put(data)
    row = {
        "id": uuid7(), "organ_id": UBND.id, "bus_doc_id": bus_id, "dedup_key": bus_id, "state": state,
        "from_code": PROVINCE_OFFICE.code, "from_name": PROVINCE_OFFICE.name,
        "document_code": "H99.01,2026/11/20,101/VP-TH",
        "code_number": "101", "code_notation": "VP-TH", "issue_date": "2026-11-20", "type_name": "Công văn",
        "subject": "Về việc báo cáo", "urgency": 0, "raw_sha256": sha256, "received_at": now.isoformat(),
        "updated_at": now.isoformat(), **changes,
    }  # fmt: skip
    with transaction(desk.db):
        desk.db["inbox"].insert(_inbox(bus_id, sha256, len(data), now.isoformat(), desk))
        desk.db["incoming"].insert(row)
        add_file(desk, str(row["id"]), 0, "Công văn 101.pdf", data)
    return str(row["id"])


def add_file(desk: Desk, incoming_id: str, position: int, name: str, data: bytes, **changes: Any) -> None:
    """One more attachment; joins the caller's transaction."""
    row = {
        "incoming_id": incoming_id, "position": position, "name": name,
        "sha256": desk.blobs.put(data), "size": len(data),
        "media_type": "application/pdf", "scan": "clean", "signatures": "[]", **changes,
    }  # fmt: skip
    desk.db["incoming_file"].insert(row)


def _inbox(bus_id: str, sha256: str, size: int, at: str, desk: Desk) -> dict[str, Any]:
    seq = desk.db.execute("SELECT coalesce(max(seq), 0) + 1 FROM inbox").fetchone()[0]
    return {
        "bus_doc_id": bus_id, "kind": "edoc", "message_id": bus_id, "seq": seq, "sha256": sha256, "size": size,
        "state": "stored", "received_at": at,
    }  # fmt: skip
