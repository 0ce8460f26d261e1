"""The bus's native profile over real mutual TLS, spoken to as boxes do."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import uuid
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from appliance.store.blobs import BlobStore
from tests.bus_fixtures import (
    BOX,
    NEIGHBOUR,
    OLD_BOX,
    OTHER_BOX,
    PROVINCE,
    Authority,
    RunningBus,
    detail_of,
    on_both_stores,
)

pytest_plugins = ["tests.bus_fixtures"]
pytestmark = on_both_stores


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
    assert len(bus.entries(OTHER_BOX, message_id)) == 1


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
    assert "/id-reused" in detail_of(answer)
    assert bus.client(BOX).get(f"messages/{message_id}/receipt").content == first
    assert not _kept(bus, b"other")


def test_bytes_that_do_not_match_their_digest_are_not_kept(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    wrong = base64.b64encode(hashlib.sha256(b"something else").digest()).decode()
    answer = bus.put(b"torn on the way", id=message_id, Repr_Digest=f"sha-256=:{wrong}:")
    assert answer.status_code == 422
    assert "/digest-mismatch" in detail_of(answer)
    assert bus.client(BOX).get(f"messages/{message_id}").status_code == 404
    assert not _kept(bus, b"torn on the way")


def test_an_unknown_recipient_is_named_in_the_refusal_and_nobody_gets_the_package(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    answer = bus.put(b"lost", id=message_id, to=f"{OTHER_BOX},H99.99")
    assert answer.status_code == 422
    assert "“H99.99”" in detail_of(answer)
    assert not bus.entries(OTHER_BOX, message_id)


def test_each_recipient_has_an_entry_of_its_own_with_growing_numbers(bus: RunningBus) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    bus.put(b"fan out", id=first, to=f"{OTHER_BOX}, {BOX}, {OTHER_BOX}")
    bus.put(b"fan out", id=second, to=f"{OTHER_BOX},{BOX}")
    entries = [item for i in (first, second) for organ in (OTHER_BOX, BOX) for item in bus.entries(organ, i)]
    assert [item["to"] for item in entries] == [OTHER_BOX, BOX] * 2
    assert len({item["docId"] for item in entries}) == 4
    assert [item["seq"] for item in entries] == sorted(item["seq"] for item in entries)  # type: ignore[type-var]


def test_a_former_code_reaches_the_organ_and_is_answered_as_it_was_written(bus: RunningBus) -> None:
    message_id = str(uuid.uuid4())
    assert bus.receipt(bus.put(b"old code", id=message_id, sender=OTHER_BOX, to=OLD_BOX))["to"] == [OLD_BOX]
    assert len(bus.entries(BOX, message_id)) == 1
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
    assert detail_of(answer)


def test_an_id_that_is_no_uuid_is_refused(bus: RunningBus) -> None:
    assert "UUID" in detail_of(bus.put(b"x", id="so-1"))


def test_a_package_over_the_limit_is_refused_with_a_sentence(bus: RunningBus) -> None:
    answer = bus.put(bytes((60 << 20) + 1))
    assert answer.status_code == 413
    assert "60 MB" in detail_of(answer)


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
    assert "/http-404" in detail_of(bus.client(BOX).get("nothing"))
    assert "/http-405" in detail_of(bus.client(BOX).delete("directory"))


# ------------------------------------------------------------------------------------------------------------ identity
def test_a_sender_that_the_certificate_does_not_name_is_refused(bus: RunningBus) -> None:
    answer = bus.put(b"x", sender=OTHER_BOX, client=bus.client(BOX))
    assert answer.status_code == 403
    assert "/sender-not-in-certificate" in detail_of(answer)


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
