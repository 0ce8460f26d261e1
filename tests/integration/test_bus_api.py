"""The bus's native profile over real mutual TLS, spoken to as boxes do."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import socket
import ssl
import uuid
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from appliance.store.blobs import BlobStore
from tests.bus_fixtures import BOX, NEIGHBOUR, OLD_BOX, OTHER_BOX, PROVINCE, Authority, RunningBus, on_both_stores

pytest_plugins = ["tests.bus_fixtures"]
pytestmark = on_both_stores


def _detail(answer: httpx.Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return f"{problem['type']} {problem['detail']}"


def _find(bus: RunningBus, organ: str, message_id: str) -> list[dict[str, object]]:
    return [item for item in bus.inbox(organ) if item["messageId"] == message_id]


# ------------------------------------------------------------------------------------------------------------ accepting
def _kept(bus: RunningBus, data: bytes) -> bool:
    """Whether these bytes lie in the bus's folder."""
    return BlobStore(bus.folder / "data" / "blobs").path(hashlib.sha256(data).hexdigest()).exists()


def test_a_package_is_accepted_with_a_receipt_that_names_its_bytes(bus: RunningBus) -> None:
    data, message_id = b"<edXML>1</edXML>", str(uuid.uuid4())
    answer = bus.put(data, id=message_id)
    receipt = bus.receipt(answer)
    assert answer.status_code == 201
    assert receipt["typ"] == "R1"
    assert receipt["messageId"] == message_id
    assert (receipt["from"], receipt["to"]) == (BOX, [OTHER_BOX])
    assert (receipt["sha256"], receipt["size"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert datetime.fromisoformat(receipt["acceptedAt"]).utcoffset() is not None


def test_the_same_package_again_gets_the_same_receipt_and_is_delivered_once(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    first, second = bus.put(b"twice", id=message_id), bus.put(b"twice", id=message_id)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
    assert len(_find(bus, OTHER_BOX, message_id)) == 1


def test_the_receipt_can_be_fetched_again_by_its_sender_only(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    receipt = bus.put(b"once", id=message_id).content
    assert bus.client(BOX).get(f"messages/{message_id}/receipt").content == receipt
    assert bus.client(OTHER_BOX).get(f"messages/{message_id}/receipt").status_code == 404
    assert bus.client(OTHER_BOX).get(f"messages/{message_id}").status_code == 404


@pytest.mark.parametrize(
    "changed", [{"data": b"other"}, {"to": PROVINCE}, {"Edoc_Kind": "status"}], ids=["bytes", "recipients", "kind"]
)
def test_an_id_used_for_something_else_is_refused(bus: RunningBus, changed: dict[str, object]) -> None:
    message_id = str(uuid.uuid4())
    first = bus.put(b"first", id=message_id).content
    answer = bus.put(**{"data": b"first", "id": message_id, **changed})  # type: ignore[arg-type]
    assert answer.status_code == 409
    assert "/id-reused" in _detail(answer)
    assert bus.client(BOX).get(f"messages/{message_id}/receipt").content == first
    assert not _kept(bus, b"other")


def test_bytes_that_do_not_match_their_digest_are_not_kept(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    wrong = base64.b64encode(hashlib.sha256(b"something else").digest()).decode()
    answer = bus.put(b"torn on the way", id=message_id, Repr_Digest=f"sha-256=:{wrong}:")
    assert answer.status_code == 422
    assert "/digest-mismatch" in _detail(answer)
    assert bus.client(BOX).get(f"messages/{message_id}").status_code == 404
    assert not _kept(bus, b"torn on the way")


def test_an_unknown_recipient_is_named_in_the_refusal_and_nobody_gets_the_package(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    answer = bus.put(b"lost", id=message_id, to=f"{OTHER_BOX},H99.99")
    assert answer.status_code == 422
    assert "“H99.99”" in _detail(answer)
    assert not _find(bus, OTHER_BOX, message_id)


def test_each_recipient_has_an_entry_of_its_own_with_growing_numbers(bus: RunningBus) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    bus.put(b"fan out", id=first, to=f"{OTHER_BOX}, {BOX}, {OTHER_BOX}")
    bus.put(b"fan out", id=second, to=f"{OTHER_BOX},{BOX}")
    entries = [item for i in (first, second) for organ in (OTHER_BOX, BOX) for item in _find(bus, organ, i)]
    assert [item["to"] for item in entries] == [OTHER_BOX, BOX] * 2
    assert len({item["docId"] for item in entries}) == 4
    assert [item["seq"] for item in entries] == sorted(item["seq"] for item in entries)  # type: ignore[type-var]


def test_a_former_code_reaches_the_organ_and_is_answered_as_it_was_written(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    assert bus.receipt(bus.put(b"old code", id=message_id, sender=OTHER_BOX, to=OLD_BOX))["to"] == [OLD_BOX]
    assert len(_find(bus, BOX, message_id)) == 1
    state = bus.client(OTHER_BOX).get(f"messages/{message_id}").json()
    assert [recipient["organ"] for recipient in state["recipients"]] == [OLD_BOX]


@pytest.mark.parametrize(
    "headers",
    [
        {"Edoc_Kind": "letter"},
        {"Edoc_Priority": "9"},
        {"Edoc_To": ","},
        {"Edoc_From": ""},
        {"Repr_Digest": "sha-256=:short:"},
        {"Repr_Digest": "md5=:AAAA:"},
    ],
)
def test_headers_that_make_no_sense_are_refused(bus: RunningBus, headers: dict[str, str]) -> None:
    answer = bus.put(b"x", **headers)  # type: ignore[arg-type]
    assert answer.status_code in (400, 403)
    assert _detail(answer)


def test_an_id_that_is_no_uuid_is_refused(bus: RunningBus) -> None:
    assert "UUID" in _detail(bus.put(b"x", id="so-1"))


def test_a_package_over_the_limit_is_refused_with_a_sentence(bus: RunningBus) -> None:
    answer = bus.put(bytes((60 << 20) + 1))
    assert answer.status_code == 413
    assert "60 MB" in _detail(answer)


def test_a_package_at_the_limit_goes_through(bus: RunningBus) -> None:
    assert bus.put(bytes(60 << 20)).status_code == 201


def test_a_body_in_chunks_without_a_length_is_accepted(bus: RunningBus) -> None:
    data = b"in chunks" * 1000
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {
        "Edoc-Kind": "edoc", "Edoc-Priority": "0", "Edoc-From": BOX, "Edoc-To": OTHER_BOX,
        "Repr-Digest": f"sha-256=:{digest}:",
    }  # fmt: skip
    parts = (data[start : start + 1000] for start in range(0, len(data), 1000))
    answer = bus.client(BOX).put(f"messages/{uuid.uuid4()}", content=parts, headers=headers)
    assert answer.status_code == 201
    assert bus.receipt(answer)["size"] == len(data)


def test_addresses_that_do_not_exist_are_answered_as_problems(bus: RunningBus) -> None:
    assert "/http-404" in _detail(bus.client(BOX).get("nothing"))
    assert "/http-405" in _detail(bus.client(BOX).delete("directory"))


# ------------------------------------------------------------------------------------------------------------ identity
def test_a_sender_that_the_certificate_does_not_name_is_refused(bus: RunningBus) -> None:
    answer = bus.put(b"x", sender=OTHER_BOX, client=bus.client(BOX))
    assert answer.status_code == 403
    assert "/sender-not-in-certificate" in _detail(answer)


def test_a_certificate_with_two_organs_speaks_and_reads_for_both(bus: RunningBus) -> None:
    both = bus.client(BOX, OTHER_BOX)
    to = f"{BOX},{OTHER_BOX}"
    ids = [bus.receipt(bus.put(b"two", sender=organ, to=to, client=both))["messageId"] for organ in (BOX, OTHER_BOX)]
    received = [item for item in bus.inbox(BOX, OTHER_BOX) if item["messageId"] in ids]
    assert sorted(item["to"] for item in received) == sorted([BOX, OTHER_BOX] * 2)


def test_a_certificate_without_a_known_organ_reads_nothing(bus: RunningBus) -> None:
    assert bus.client().get("inbox").status_code == 403
    assert bus.client("H99.99").get("inbox").status_code == 403


def test_a_client_of_another_authority_is_refused(bus: RunningBus, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "Another CA").client(BOX)
    with pytest.raises(httpx.TransportError):
        bus.client(certificate=stranger).get("directory")


def test_an_authority_of_the_same_name_does_not_help(bus: RunningBus, tmp_path: Path) -> None:
    with pytest.raises(httpx.TransportError):
        bus.client(certificate=Authority(tmp_path).client(BOX)).get("directory")


def test_an_expired_certificate_is_refused(bus: RunningBus) -> None:
    expired = bus.ca.client(BOX, days=-1)
    with pytest.raises(httpx.TransportError):
        bus.client(certificate=expired).get("directory")


def test_a_server_certificate_is_not_a_way_in(bus: RunningBus) -> None:
    with pytest.raises(httpx.TransportError):
        bus.client(certificate=bus.ca.server()).get("directory")


def test_nobody_comes_in_without_a_certificate(bus: RunningBus) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bus.ca.certificate)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{bus.url}/directory", verify=context, trust_env=False)


def test_a_header_cannot_stand_in_for_the_certificate(bus: RunningBus) -> None:
    headers = {"bus.organs": OTHER_BOX, "Bus-Organs": OTHER_BOX, "X-Ssl-Client": OTHER_BOX}
    assert bus.client().get("inbox", headers=headers).status_code == 403


def test_tls_1_1_is_refused(bus: RunningBus) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bus.ca.certificate)
    context.load_cert_chain(*bus.ca.client(BOX))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{bus.url}/directory", verify=context, trust_env=False)


def test_tls_1_2_is_still_accepted(bus: RunningBus) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bus.ca.certificate)
    context.load_cert_chain(*bus.ca.client(BOX))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx.get(f"{bus.url}/directory", verify=context, trust_env=False).status_code == 200


def test_silent_clients_do_not_keep_the_others_waiting(bus: RunningBus) -> None:
    address = ("127.0.0.1", httpx.URL(bus.url).port or 0)
    silent = [socket.create_connection(address) for _ in range(5)]
    try:
        assert bus.client(BOX, timeout=3).get("directory").status_code == 200
    finally:
        for connection in silent:
            connection.close()


# ------------------------------------------------------------------------------------------------------------ receiving
def _received(bus: RunningBus, data: bytes) -> dict[str, object]:
    message_id = bus.receipt(bus.put(data))["messageId"]
    (item,) = _find(bus, OTHER_BOX, message_id)
    return item


def test_the_content_comes_whole_and_in_ranges(bus: RunningBus) -> None:
    data = bytes(range(256)) * 40
    item = _received(bus, data)
    client, address = bus.client(OTHER_BOX), f"inbox/{item['docId']}/content"
    plain = {"Accept-Encoding": "identity"}
    whole = client.get(address, headers=plain)
    etag = whole.headers["ETag"]
    assert whole.content == data
    assert etag == f'"sha256-{item["sha256"]}"'
    rest = client.get(address, headers=plain | {"Range": "bytes=4000-", "If-Range": etag})
    assert (rest.status_code, rest.content) == (206, data[4000:])
    assert rest.headers["Content-Range"] == f"bytes 4000-{len(data) - 1}/{len(data)}"
    changed = client.get(address, headers=plain | {"Range": "bytes=4000-", "If-Range": '"sha256-other"'})
    assert (changed.status_code, changed.content) == (200, data)
    assert client.get(address, headers=plain | {"Range": f"bytes={len(data)}-"}).status_code == 416


@pytest.mark.parametrize("size", [20_000, 400_000])
def test_the_content_comes_coded_and_in_ranges_of_the_coded_form(bus: RunningBus, size: int) -> None:
    data = base64.b64encode(random.Random(size).randbytes(size))
    item = _received(bus, data)
    client, address = bus.client(OTHER_BOX), f"inbox/{item['docId']}/content"
    coded: list[bytes] = []
    for ask in ({}, {"Range": "bytes=9000-", "If-Range": f'"sha256-{item["sha256"]}-gzip"'}):
        with client.stream("GET", address, headers={"Accept-Encoding": "gzip", **ask}) as answer:
            coded.append(b"".join(answer.iter_raw()))
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["ETag"] == f'"sha256-{item["sha256"]}-gzip"'
            assert "Accept-Encoding" in answer.headers["Vary"]
            assert answer.status_code == (206 if ask else 200)
    assert gzip.decompress(coded[0]) == data
    assert coded[1] == coded[0][9000:]
    assert len(coded[0]) < 1.02 * size, "what base64 adds is taken back"
    # a beginning of the plain form is no beginning of the coded one
    with client.stream(
        "GET", address, headers={"Accept-Encoding": "gzip", "Range": "bytes=9000-",
                                 "If-Range": f'"sha256-{item["sha256"]}"'}
    ) as answer:  # fmt: skip
        assert (answer.status_code, b"".join(answer.iter_raw())) == (200, coded[0])


def test_long_lists_come_coded_to_who_asks(bus: RunningBus) -> None:
    for number in range(8):
        _received(bus, b"list %d" % number)
    sizes = {}
    for coding in ("gzip", "identity"):
        with bus.client(OTHER_BOX).stream("GET", "inbox", headers={"Accept-Encoding": coding}) as answer:
            assert answer.headers.get("Content-Encoding", "identity") == coding
            sizes[coding] = len(b"".join(answer.iter_raw()))
    assert sizes["gzip"] < sizes["identity"] / 2


def test_another_organ_cannot_read_or_acknowledge_it(bus: RunningBus) -> None:
    item = _received(bus, b"not yours")
    stranger = bus.client(BOX)
    assert stranger.get(f"inbox/{item['docId']}/content").status_code == 404
    assert stranger.put(f"inbox/{item['docId']}/ack", json={"outcome": "done"}).status_code == 404


def test_an_acknowledgement_can_be_repeated_and_the_sender_sees_it(bus: RunningBus) -> None:
    item = _received(bus, b"to acknowledge")
    client, address = bus.client(OTHER_BOX), f"inbox/{item['docId']}/ack"
    first = client.put(address, json={"outcome": "done", "sha256": item["sha256"]})
    again = client.put(address, json={"outcome": "done", "sha256": item["sha256"]})
    late = client.put(address, json={"outcome": "fail", "reason": "too late"})
    assert first.json() == again.json() == late.json()
    (recipient,) = bus.client(BOX).get(f"messages/{item['messageId']}").json()["recipients"]
    assert (recipient["organ"], recipient["state"]) == (OTHER_BOX, "delivered")
    assert recipient["at"] == first.json()["at"]


def test_a_failure_can_become_done_later(bus: RunningBus) -> None:
    item = _received(bus, b"unreadable at first")
    client, address = bus.client(OTHER_BOX), f"inbox/{item['docId']}/ack"
    assert client.put(address, json={"outcome": "fail", "reason": "hỏng"}).json()["state"] == "failed"
    assert client.put(address, json={"outcome": "done"}).json()["state"] == "delivered"


def test_an_acknowledgement_of_other_bytes_is_refused(bus: RunningBus) -> None:
    item = _received(bus, b"exactly these")
    answer = bus.client(OTHER_BOX).put(f"inbox/{item['docId']}/ack", json={"outcome": "done", "sha256": "0" * 64})
    assert answer.status_code == 422
    (recipient,) = bus.client(BOX).get(f"messages/{item['messageId']}").json()["recipients"]
    assert recipient["state"] == "waiting"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", json.dumps({"outcome": "maybe"}).encode()])
def test_an_acknowledgement_that_says_nothing_is_refused(bus: RunningBus, body: bytes) -> None:
    item = _received(bus, b"hm")
    address, headers = f"inbox/{item['docId']}/ack", {"Content-Type": "application/json"}
    assert bus.client(OTHER_BOX).put(address, content=body, headers=headers).status_code == 400


def test_the_inbox_is_read_in_pages_and_from_a_point(bus: RunningBus) -> None:
    ids = [bus.receipt(bus.put(b"page"))["messageId"] for _ in range(3)]
    start = int(str(_find(bus, OTHER_BOX, ids[0])[0]["seq"])) - 1
    client = bus.client(OTHER_BOX)
    first = client.get("inbox", params={"after": start, "limit": 2}).json()
    rest = client.get("inbox", params={"after": first["next"], "limit": 2}).json()
    assert [item["messageId"] for item in first["items"] + rest["items"]] == ids
    empty = client.get("inbox", params={"after": rest["next"]}).json()
    assert empty == {"items": [], "next": rest["next"]}
    assert client.get("inbox", params={"after": "-1"}).status_code == 400


def test_what_is_acknowledged_is_still_listed_for_a_box_that_was_restored(bus: RunningBus) -> None:
    item = _received(bus, b"listed for ever")
    bus.client(OTHER_BOX).put(f"inbox/{item['docId']}/ack", json={"outcome": "done"})
    (again,) = _find(bus, OTHER_BOX, str(item["messageId"]))
    assert again["acked"] is True


@pytest.mark.parametrize(
    ("reason", "status"),
    [("\\u0000", 400), ("\\ud800", 400), ("[" * 100_000, 400), ("x" * (1 << 20), 413)],
    ids=["no text for a database", "half a character", "nested without end", "endless"],
)
def test_an_acknowledgement_that_no_store_takes_is_a_refusal_and_no_fault(
    bus: RunningBus, reason: str, status: int
) -> None:
    item = _received(bus, b"hostile words")
    body = f'{{"outcome": "fail", "reason": "{reason}"}}'.encode()
    if reason[0] == "[":
        body = reason.encode()
    address, headers = f"inbox/{item['docId']}/ack", {"Content-Type": "application/json"}
    answer = bus.client(OTHER_BOX).put(address, content=body, headers=headers)
    assert answer.status_code == status
    assert _detail(answer)
    assert bus.client(OTHER_BOX).put(f"inbox/{item['docId']}/ack", json={"outcome": "done"}).status_code == 200


@pytest.mark.parametrize("address", ["inbox/%00", "inbox/%00/content", "messages/%00", "messages/%00/receipt"])
def test_an_address_with_a_character_that_no_store_takes_names_nothing(bus: RunningBus, address: str) -> None:
    assert bus.client(BOX).get(address).status_code in (400, 404)


@pytest.mark.parametrize("said", ['{"n": "\\ud800"}', "[" * 100_000, "{" + " " * (1 << 20) + "}"])
def test_statistics_that_no_store_takes_are_refused(bus: RunningBus, said: str) -> None:
    answer = bus.client(BOX).put(
        f"statistics/{BOX}/2026-10", content=said.encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize("asked", [b"", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", b"x" * 20_000])
def test_a_request_for_a_certificate_that_is_none_is_refused(bus: RunningBus, asked: bytes) -> None:
    assert bus.client(BOX).post("certificate", content=asked).status_code in (400, 404, 413)


# ------------------------------------------------------------------------------------------------------------ the rest
def test_the_directory_names_everybody_with_former_codes(bus: RunningBus) -> None:
    organs = {organ["code"]: organ for organ in bus.client(BOX).get("directory").json()["organs"]}
    assert set(organs) == {PROVINCE, NEIGHBOUR, BOX, OTHER_BOX}
    named = {key: organs[BOX][key] for key in ("code", "oldCodes", "name")}
    assert named == {"code": BOX, "oldCodes": [OLD_BOX], "name": "Ủy ban nhân dân xã Hòa Bình"}
    assert {organs[BOX][key] for key in ("parent", "validFrom", "validTo", "successor")} == {""}


def test_the_directory_tells_only_what_changed_since_the_cursor(bus: RunningBus) -> None:
    client = bus.client(BOX)
    cursor = client.get("directory").json()["cursor"]
    assert client.get("directory", params={"since": cursor}).json() == {"organs": [], "cursor": cursor}
    assert len(client.get("directory", params={"since": "999999"}).json()["organs"]) == 4, "another life of the bus"


def test_hello_tells_limits_codings_and_who_one_is(bus: RunningBus) -> None:
    found = bus.client(BOX).get("hello")
    assert found.json()["limits"]["maxSize"] == 60 << 20
    assert (found.json()["codings"], found.json()["organs"]) == (["gzip"], [BOX])
    assert found.headers["Accept-Encoding"] == "gzip"


def test_the_time_has_milliseconds_and_says_how_sure_it_is(bus: RunningBus) -> None:
    answer = bus.client(BOX).get("time").json()
    assert answer["tz"] == "Asia/Ho_Chi_Minh"
    assert answer["uncertaintyMs"] == 50
    assert answer["utc"][-5] == "."
    assert abs((datetime.fromisoformat(answer["utc"]) - datetime.now(UTC)).total_seconds()) < 5
