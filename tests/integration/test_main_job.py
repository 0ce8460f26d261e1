"""`tram day` as a user runs it, beside another office: every step holds, and strangers' tools agree with the result."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.store.blobs import BlobStore
from sync.edxml.reader import ReadDocument, read_package
from tests.live_fixtures import Live
from tests.ports import row_of_ports

pytestmark = pytest.mark.slow


@dataclass
class FinishedDay:
    """What `tram day` left behind."""

    status: int
    output: str
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def day(live: Live) -> Iterator[FinishedDay]:
    """The day in a process of its own, while the other office of the tests runs: two demos side by side."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short:
        data = Path(short) / "d"
        command = [sys.executable, "-m", "provisioning", "day", "--data", str(data), "--port", str(row_of_ports(5))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        summary = json.loads((data / "summary.json").read_text("utf-8"))
        yield FinishedDay(done.returncode, done.stdout + done.stderr, summary)


def test_every_step_of_the_day_holds(day: FinishedDay) -> None:
    assert day.status == 0, day.output
    assert day.summary["held"]
    assert len(day.summary["timeline"]) == 15
    assert all(step["held"] for step in day.summary["timeline"])


def test_no_secret_of_the_day_is_printed_to_a_log(day: FinishedDay) -> None:
    logs = Path(day.summary["issued_pdf"]).parents[1].rglob("*.log")
    texts = [path.read_text("utf-8", "replace") for path in logs]
    secrets = [account["password"] for account in day.summary["accounts"].values()]
    secrets += [account["pin"] for account in day.summary["accounts"].values() if account["pin"]]
    secrets.append(day.summary["seal_pin"])
    assert len(texts) >= 6, "clamd, signer, bus, web, nginx, sync"
    assert not [secret for secret in secrets for text in texts if secret in text]


def test_pdfsig_sees_two_valid_signatures_and_the_second_covers_the_whole_file(day: FinishedDay) -> None:
    said = subprocess.run(["pdfsig", day.summary["issued_pdf"]], capture_output=True, text=True, check=True).stdout
    first, second = said.split("Signature #2:")
    assert "ChuKyLanhDao" in first
    assert "ConDau" in second
    assert "Signature Validation: Signature is Valid." in first
    assert "Signature Validation: Signature is Valid." in second
    assert "Total document signed" in second
    assert "Not total document signed" not in second


def test_stock_pyhanko_says_bottom_line_valid_for_both_with_the_demo_root(day: FinishedDay) -> None:
    root = load_cert_from_pemder(day.summary["signing_root"])
    trust = Path(day.summary["trust"])
    context = ValidationContext(
        trust_roots=[root],
        crls=[path.read_bytes() for path in trust.glob("*.crl")],
        revocation_mode="hard-fail",
        allow_fetching=False,
    )
    for form in ("issued_pdf", "sent_pdf"):
        with Path(day.summary[form]).open("rb") as file:
            signatures = PdfFileReader(file).embedded_regular_signatures
            verdicts = [validate_pdf_signature(signature, context).bottom_line for signature in signatures]
        assert verdicts == [True, True], form


def test_the_text_of_the_issued_page_has_number_and_date(day: FinishedDay) -> None:
    text = subprocess.run(
        ["pdftotext", "-layout", day.summary["issued_pdf"], "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "01" in text
    assert "QĐ-UBND" in text
    at = day.summary["timeline"][5]["at"]
    assert str(int(at[8:10])) in text


def test_the_bus_holds_the_very_file_that_was_sent(day: FinishedDay, tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    package = read_package(Path(day.summary["bus_copy"]), store)
    assert isinstance(package, ReadDocument)
    sent = Path(day.summary["sent_pdf"]).read_bytes()
    assert store.read(package.files[0].sha256) == sent
    assert sent.startswith(Path(day.summary["issued_pdf"]).read_bytes()), "proofs are added behind what was signed"
