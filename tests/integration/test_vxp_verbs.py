"""Every call of the national SDK, made as the SDK makes it, on the loopback door of our bus (bus-link A.7)."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from appliance.store.text import uuid7
from sync.bus.vxp import signing
from tests.sync_fixtures import HDND, NEIGHBOUR, UBND
from tests.vxp_fixtures import SECRET, SYSTEM, Door, open_bus

SDK, SDK_SECRET = "000.00.24.H04", "TESTSECRET"
NEW = "000.01.24.H04"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    made = Door(*open_bus(tmp_path_factory.mktemp("sdk-bus"), vxp_registration="true"))
    yield made
    made.bus.stop()


def ask(
    door: Door, verb: str, fields: dict[str, str] | None = None, body: bytes = b"{}", **more: str
) -> httpx.Response:
    """One request of the SDK's; ``more``: method, system, secret, media."""
    media = more.get("media", "application/json")
    signed = [("systemid", more.get("system", SDK)), *(fields or {}).items()]
    signed += [("timestamp", signing.timestamp(datetime.now(UTC))), ("Content-Type", media)]
    made = signing.headers(more.get("secret", SDK_SECRET), signed)
    headers = [(name.encode(), value.encode()) for name, value in made]
    url = f"http://127.0.0.1:{door.plain}/{verb}"
    return httpx.request(more.get("method", "POST"), url, headers=headers, content=body, trust_env=False)


def said(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def send(door: Door, data: bytes, *, sender: str = SDK, **more: str) -> dict[str, Any]:
    fields = {"servicetype": "eDoc", "messagetype": "edoc"}
    fields |= {"hash-file": signing.unpadded(hashlib.sha256(data).digest()), "from": sender}
    return said(ask(door, "sendEdoc", fields, data + b"\r\n", media="application/octet-stream", **more))


def letter(sender: str, to: str) -> bytes:
    return (
        f"<edXML><edXMLEnvelope><edXMLHeader><MessageHeader><From><OrganId>{sender}</OrganId></From><To><OrganId>{to}"
        f"</OrganId></To><Code><CodeNumber>7</CodeNumber><CodeNotation>CV</CodeNotation></Code><Subject>Về {uuid7()}"
        "</Subject></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"
    ).encode()


def test_a_letter_goes_the_whole_way_in_the_sdks_own_calls(door: Door) -> None:
    theirs = {"system": SYSTEM, "secret": SECRET}
    data = letter(SDK, UBND)
    first = send(door, data)
    assert (first["status"], first["ErrorCode"]) == ("OK", "0")
    assert send(door, data)["DocId"] == first["DocId"], "the SDK repeats by itself: one message"

    listing = {"servicetype": "eDoc", "messagetype": "edoc"}
    rows = said(ask(door, "getReceivedEdocList", listing, b"", **theirs))["data"]
    (row,) = [row for row in rows if row["from"] == SDK]
    assert set(row) >= {"docId", "serviceType", "messageType", "created_time", "updated_time", "status", "status_desc"}
    assert (row["to"], row["status"], row["messageType"]) == (UBND, "initial", "edoc")
    assert said(ask(door, "countReceiveEdoc", **theirs))["data"] == len(rows)

    which = {"docId": row["docId"], "filePath": "/tmp/store"}
    assert base64.b64decode(said(ask(door, "getEdoc", which, **theirs))["data"]) == data
    assert ask(door, "downloadEdoc", which, b"", method="GET", **theirs).content == data

    for status, shown in (("processing", "processing"), ("done", None), ("done", None)):
        assert said(ask(door, "updateStatus", {"docid": row["docId"], "status": status}, **theirs))["status"] == "OK"
        left = {r["docId"]: r["status"] for r in said(ask(door, "getReceivedEdocList", listing, b"", **theirs))["data"]}
        assert left.get(row["docId"]) == shown

    (entry,) = said(ask(door, "getSentEdocList", {**listing, "docId": first["DocId"]}, b""))["data"]
    assert (entry["senderDocId"], entry["toCode"], entry["fromCode"]) == (first["DocId"], UBND, SDK)
    assert (entry["notation"], entry["receiveStatus"], entry["sendStatus"]) == ("7/CV", "done", "done")
    assert entry in said(ask(door, "getSentEdocList", listing, b""))["data"]


def test_the_address_book_has_the_organs_of_today(door: Door) -> None:
    ended = {"code": "H99.90", "name": "Huyện cũ", "valid_to": "2025-06-30", "successor": NEIGHBOUR}
    httpx.post(f"{door.bus.operator}/control/organs", json=ended, trust_env=False).raise_for_status()
    for verb in ("getAgenciesList", "getAgenciesListQD20", "getSynchronizeUnit"):
        rows = said(ask(door, verb, body=b""))["data"]
        assert {UBND, HDND, NEIGHBOUR} <= {row["code"] for row in rows}
        assert "H99.90" not in {row["code"] for row in rows}
        assert set(rows[0]) >= {"id", "code", "oldCode", "code102", "name", "pcode", "mail"}


def test_an_agency_is_registered_used_and_ended_by_its_own_account_only(door: Door) -> None:
    new = json.dumps({"id": "", "pcode": SDK, "code": NEW, "name": "Phòng mới", "mail": ""}).encode()
    assert send(door, letter(NEW, UBND), sender=NEW)["ErrorCode"] == "19"
    for _ in range(2):
        assert said(ask(door, "registerAgency", body=new))["ErrorCode"] == "0"
    (row,) = [row for row in said(ask(door, "getAgenciesList", body=b""))["data"] if row["code"] == NEW]
    assert (row["name"], row["pcode"]) == ("Phòng mới", SDK)
    assert send(door, letter(NEW, UBND), sender=NEW)["ErrorCode"] == "0"
    theirs = {"system": SYSTEM, "secret": SECRET}
    assert send(door, letter(NEW, UBND), sender=NEW, **theirs)["ErrorCode"] == "19"
    assert send(door, letter(UBND, NEW), sender=UBND, **theirs)["ErrorCode"] == "0"
    assert said(ask(door, "countReceiveEdoc"))["data"] == 1

    for code in (NEW, UBND, "H99.01"):
        assert said(ask(door, "deleteAgency", {"AgencyCode": code}, **theirs))["ErrorCode"] == "19"
    assert said(ask(door, "registerAgency", body=new, **theirs))["ErrorCode"] == "19"
    for _ in range(2):
        assert said(ask(door, "deleteAgency", {"AgencyCode": NEW}))["ErrorCode"] == "0"
    assert send(door, letter(UBND, NEW), sender=UBND, **theirs)["ErrorCode"] == "18"
    assert said(ask(door, "countReceiveEdoc"))["data"] == 1, "what had come for it stays"
    for body in (b'{"code": "", "name": ""}', b'{"code": "a b", "name": "x"}', b'{"code": 5}', b"[]", b"?"):
        assert said(ask(door, "registerAgency", body=body))["ErrorCode"] == "10"


def test_a_client_that_waits_for_100_continue_gets_it(door: Door) -> None:
    stamp = signing.timestamp(datetime.now(UTC))
    signed = [("systemid", SDK), ("timestamp", stamp), ("Content-Type", "application/json")]
    lines = [f"{name}: {value}" for name, value in signing.headers(SDK_SECRET, signed)]
    head = ["POST /countReceiveEdoc HTTP/1.1", "Host: x", *lines, "Content-Length: 2", "Expect: 100-continue", "", ""]
    with socket.create_connection(("127.0.0.1", door.plain), timeout=20) as line:
        line.sendall("\r\n".join(head).encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 100 ")
        line.sendall(b"{}")
        assert b" 200 " in line.recv(4096).split(b"\r\n")[0]
