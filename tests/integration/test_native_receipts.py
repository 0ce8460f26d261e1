"""A bus that lies: an acceptance counts only with a receipt signed by the bus for exactly this package."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sync import jws, outbox
from tests import sync_fixtures
from tests.bus_fixtures import Authority
from tests.scripted_bus import Answer
from tests.sync_fixtures import NEIGHBOUR, UBND, Box, on_script

box, clamd, link_bus = sync_fixtures.box, sync_fixtures.clamd, sync_fixtures.link_bus


def receipt(pair: tuple[Path, Path], row: dict[str, object], **changes: object) -> Answer:
    """201 with a receipt signed by ``pair`` for the package in ``row``."""
    payload = {
        "typ": "R1", "messageId": row["id"], "docId": "d-1", "from": UBND, "to": [NEIGHBOUR], "sha256": row["sha256"],
        "size": row["size"], "acceptedAt": datetime.now(UTC).isoformat(), "bus": "x", **changes,
    }  # fmt: skip
    key = load_pem_private_key(pair[1].read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    token = jws.sign(payload, key, x509.load_pem_x509_certificates(pair[0].read_bytes()), jws.RECEIPT)
    return 201, {"Content-Type": jws.MEDIA_TYPE}, token


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda ours, other, row: receipt(other.server(), row), "không do CA của tỉnh cấp"),
        (lambda ours, other, row: receipt(ours.client("H99.22"), row), "không dành cho việc này"),
        (lambda ours, other, row: receipt(ours.server(), row, messageId="another"), "không khớp"),
        (lambda ours, other, row: receipt(ours.server(), row, sha256="0" * 64), "không khớp"),
        (lambda ours, other, row: receipt(ours.server(), row, size=1), "không khớp"),
        (lambda ours, other, row: receipt(ours.server(), row, to=["H99.01"]), "không khớp"),
        (lambda ours, other, row: receipt(ours.server(), row, docId=None), "không khớp"),
        (lambda ours, other, row: receipt(ours.server(), row, acceptedAt="2011-01-01T00:00:00Z"), "hiệu lực"),
    ],
    ids=["authority", "signed by a box", "other id", "other bytes", "other size", "other recipient", "no id", "date"],
)
def test_a_receipt_that_does_not_hold_leaves_the_package_uncertain_and_is_kept(
    box: Box, tmp_path: Path, make: Callable[[Authority, Authority, dict[str, object]], Answer], words: str
) -> None:
    message_id = box.issue()
    answer = make(box.bus.ca, Authority(tmp_path / "other"), box.message(message_id))
    with on_script(box, lambda *_: answer) as client:
        outbox.send_due(box.desk, client)
    row = box.message(message_id)
    assert (row["state"], row["receipt_sha256"]) == ("uncertain", None)
    assert words in row["last_error"]
    (odd,) = (box.settings.data / "odd-receipts").iterdir()
    assert odd.read_bytes() == answer[2]
    with closing(box.client()) as honest:  # the same package through an honest bus
        box.due_now()
        assert outbox.send_due(box.desk, honest) == {"accepted": 1}


def test_the_receipt_of_a_real_bus_is_kept_as_its_bytes_and_holds(box: Box) -> None:
    message_id = box.issue()
    with closing(box.client()) as client:
        outbox.send_due(box.desk, client)
    row = box.message(message_id)
    token = box.desk.blobs.read(row["receipt_sha256"])
    trusted = x509.load_pem_x509_certificates(box.bus.ca.certificate.read_bytes())
    found = jws.verify(token, trusted, jws.RECEIPT).payload
    assert (found["messageId"], found["sha256"], found["to"]) == (message_id, row["sha256"], [NEIGHBOUR])
    assert found["documentId"].startswith(f"{UBND},")
    assert box.bus.client(UBND).get(f"messages/{message_id}/receipt").content == token
