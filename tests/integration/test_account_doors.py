"""What clients with an account may say wrongly at the vxp and lgsp doors: each a refusal in the dialect's own form."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sync.bus.vxp import signing
from tests import vxp_fixtures
from tests.sync_fixtures import NEIGHBOUR
from tests.vxp_fixtures import PASSWORD, SECRET, SYSTEM, Door

pytest_plugins = ["tests.bus_fixtures"]
door = vxp_fixtures.door
pytestmark = pytest.mark.slow


def _vxp(door: Door, path: str, body: bytes = b"", **fields: str) -> dict[str, Any]:
    named = [
        ("systemid", SYSTEM), ("timestamp", signing.timestamp(datetime.now(UTC))), ("Content-Type", "application/json"),
        *((name.replace("_", "-"), value) for name, value in fields.items()),
    ]  # fmt: skip
    headers = [(name.encode(), value.encode()) for name, value in signing.headers(SECRET, named)]
    answer = httpx.post(f"http://127.0.0.1:{door.plain}/{path}", headers=headers, content=body)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


PACKAGE = (
    f"<edXML><edXMLEnvelope><edXMLHeader><MessageHeader><From><OrganId>{SYSTEM}</OrganId></From>"
    f"<To><OrganId>{NEIGHBOUR}</OrganId></To></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"
).encode()


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ('["\\ud800"]', "10"),
        ("[" * 5_000, "10"),
        ("[1]", "10"),
        ('{"a": 1}', "10"),
        ('["H99.21\\u0000"]', "18"),
        ("", "0"),
    ],
)
def test_receivers_that_are_no_list_of_codes_are_refused(door: Door, to: str, code: str) -> None:
    digest = signing.unpadded(hashlib.sha256(PACKAGE).digest())
    said = _vxp(door, "sendEdoc", PACKAGE, messagetype="edoc", to=to, hash_file=digest)
    assert said["ErrorCode"] == code


@pytest.mark.parametrize("doc_id", ["x" * 5_000, "../../accounts.toml", "văn bản"])
@pytest.mark.parametrize("path", ["getEdoc", "updateStatus", "getSentEdocList"])
def test_an_odd_document_id_names_nothing(door: Door, path: str, doc_id: str) -> None:
    said = _vxp(door, path, docId=doc_id, docid=doc_id, status="done", messagetype="edoc")
    assert said["status"] == ("OK" if path == "getSentEdocList" else "FAIL")
    assert not said.get("data")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[" * 100_000, b'{"username": "\\ud800"}', b"{" + b" " * (2 << 20) + b"}"]
)
def test_a_log_in_that_says_nothing_is_refused(door: Door, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    with httpx.Client(verify=False) as client:
        answer = client.post(f"https://127.0.0.1:{door.secure}/v1/auth/login", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) in ((200, 500), (413, 500))
        right = {"username": "xa", "password": PASSWORD, "applicationCode": "QLVB"}
        assert client.post(f"https://127.0.0.1:{door.secure}/v1/auth/login", json=right).json()["code"] == 200
