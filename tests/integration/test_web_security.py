"""What the browser is told and what it may not do: headers, form tokens, foreign names, uploads, downloads."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import quote

import pytest

import web
from appliance.store.database import transaction
from provisioning.demo.cast import CHAIR, CLERK, OFFICIAL
from tests.office_fixtures import Office
from tests.web_fixtures import Visitor, add_file, add_incoming, add_outgoing, words
from web.security import CONTENT_POLICY

WEB = Path(web.__file__).parent


@pytest.fixture
def clerk(office: Office) -> Visitor:
    visitor = Visitor(office)
    visitor.log_in(CLERK.username)
    return visitor


def test_every_answer_carries_the_policy_and_is_not_kept(office: Office, clerk: Visitor) -> None:
    document = add_outgoing(office)
    for path in ("/", "/van-ban-di/", f"/van-ban-di/{document}/tep", "/khong-co", "/he-thong/"):
        headers = clerk.get(path).headers
        assert headers["Content-Security-Policy"] == CONTENT_POLICY, path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Cache-Control"] == "no-store", path
        assert headers["Referrer-Policy"] == "same-origin", path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    parts = dict(part.split(" ", 1) for part in CONTENT_POLICY.split("; "))
    assert parts.pop("default-src") == parts.pop("frame-ancestors") == parts.pop("base-uri") == "'none'"
    assert set(parts.values()) == {"'self'"}


PAPER = "paper.html"
"""Typeset for printing, never sent to a browser."""


def test_no_template_has_inline_script_or_style() -> None:
    inline = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|hx-on|javascript:", re.IGNORECASE)
    found = {
        (path.name, match.group())
        for path in WEB.glob("templates/**/*.html")
        if path.name != PAPER
        for match in inline.finditer(path.read_text("utf-8"))
    }
    assert found == set()


def test_every_posting_form_in_the_templates_carries_the_token() -> None:
    for path in WEB.glob("templates/**/*.html"):
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text("utf-8"), re.DOTALL):
            assert "token()" in form, (path.name, form[:80])


def test_static_files_may_be_kept_for_ever_under_their_build(clerk: Visitor) -> None:
    address = re.search(r'href="(/static/[0-9a-f]{12}/css/app\.css)"', clerk.get("/").text)
    assert address is not None
    answer = clerk.get(address.group(1))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert clerk.get("/static/0123456789ab/css/app.css").headers["Cache-Control"] == "no-cache"
    for hidden in ("/static/x/.gitignore", "/static/x/../app.py", "/static/x/%2e%2e/app.py"):
        assert clerk.get(hidden).status_code == 404, hidden


def test_a_form_without_the_pages_token_changes_nothing(office: Office) -> None:
    chair = Visitor(office)
    chair.log_in(CHAIR.username)
    document = add_outgoing(office, "submitted")
    chair.token = "x"
    answer = chair.post(f"/van-ban-di/{document}/tra-lai", {"reason": "thử"})
    assert answer.status_code == 400
    assert "thao tác chưa được thực hiện" in words(answer)
    assert "Tải lại trang" in words(answer)
    assert office.desk.db.execute("SELECT state FROM outgoing").fetchone()[0] == "submitted"


def test_a_form_sent_from_another_site_is_refused_even_with_a_token(office: Office, clerk: Visitor) -> None:
    document = add_incoming(office)
    answer = clerk.post(f"/van-ban-den/{document}/tiep-nhan", Referer="https://evil.example/")
    assert answer.status_code == 400
    assert office.desk.db.execute("SELECT state FROM incoming").fetchone()[0] == "arrived"


def test_a_foreign_host_name_gets_no_page(clerk: Visitor) -> None:
    answer = clerk.client.get("/dang-nhap", base_url="https://evil.example")
    assert answer.status_code == 400
    assert "Địa chỉ này không phải của trạm." in answer.text
    assert "evil.example" not in answer.text


def test_a_file_over_the_limit_gets_a_page_that_says_what_to_do(office: Office) -> None:
    visitor = Visitor(office)
    assert visitor.app is None
    visitor.client.application.config.update(MAX_CONTENT_LENGTH=2048, TRAM_MAX_UPLOAD_MB=60)
    visitor.log_in(OFFICIAL.username)
    visitor.get("/van-ban-di/moi")
    files = {"file": (io.BytesIO(b"%PDF" + bytes(5000)), "to.pdf"), "csrf_token": visitor.token}
    answer = visitor.client.post(
        "/van-ban-di/moi",
        data=files,
        base_url="https://localhost",
        headers={"Referer": "https://localhost/"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 413
    assert "lớn hơn giới hạn 60 MB" in answer.text
    assert "Việc cần làm" in answer.text


def test_a_document_downloads_under_its_vietnamese_name(office: Office, clerk: Visitor) -> None:
    document = add_outgoing(office, "sealed")
    shown = clerk.get(f"/van-ban-di/{document}/tep")
    assert shown.mimetype == "application/pdf"
    assert shown.data == office.desk.blobs.read(
        office.desk.db.execute("SELECT sealed_sha256 FROM outgoing").fetchone()[0]
    )
    assert shown.headers["Content-Disposition"].startswith("inline;")
    saved = clerk.get(f"/van-ban-di/{document}/tep?tai-ve=1")
    assert saved.headers["Content-Disposition"].startswith("attachment;")
    assert f"filename*=UTF-8''{quote('07-UBND-VP Công văn về việc thử.pdf')}" in saved.headers["Content-Disposition"]


def test_an_attachment_that_is_no_pdf_is_saved_and_never_shown(office: Office, clerk: Visitor) -> None:
    document = add_incoming(office)
    with transaction(office.desk.db):
        add_file(office.desk, document, 1, "trang.html", b"<script>alert(1)</script>", media_type="text/html")
    answer = clerk.get(f"/van-ban-den/{document}/tep/1")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_an_attachment_with_malware_is_not_handed_out(office: Office, clerk: Visitor) -> None:
    document = add_incoming(office)
    with transaction(office.desk.db):
        add_file(office.desk, document, 1, "bay.pdf", b"%PDF", scan="Win.Test.EICAR_HDB-1")
    answer = clerk.get(f"/van-ban-den/{document}/tep/1")
    assert answer.status_code == 404
    assert "có mã độc (Win.Test.EICAR_HDB-1)" in words(answer)
    assert "/tep/1" not in clerk.get(f"/van-ban-den/{document}").text


def test_the_form_key_is_made_once_and_readable_by_its_owner_only(office: Office) -> None:
    Visitor(office)
    path = office.desk.settings.data / "web.key"
    first = path.read_text("ascii")
    assert path.stat().st_mode & 0o777 == 0o600
    Visitor(office)
    assert path.read_text("ascii") == first
    assert len(first) == 64
