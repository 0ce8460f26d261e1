"""A VXP or LGSP bus that answers anything at all: a clear BusError or a sound result, never a crash or a false yes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.config import Settings
from sync.bus.base import BusClient, BusError, InboxItem, Outbound, Outcome
from sync.bus.lgsp.client import LgspClient
from sync.bus.vxp.client import VxpClient
from tests.bus_fixtures import Authority
from tests.scripted_bus import HTML, Answer, scripted_bus

LOOSE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PACKAGE = b"<edXML><Code><CodeNumber>7</CodeNumber><CodeNotation>BC</CodeNotation></Code><Subject>x</Subject></edXML>"
NAMES = [
    "status", "ErrorCode", "ErrorDesc", "DocId", "data", "code", "message", "errorDetail", "docId", "errorCode",
    "errorDesc", "content", "token", "messageType", "from", "to", "created_time", "sentTime", "notation", "title",
    "fromCode", "toCode", "senderDocId", "name", "oldCode", "code102", "pcode", "parentId",
]  # fmt: skip
WORDS = [
    "OK", "FAIL", "ok", "0", "15", "19", "20", "null", "edoc", "7/BC", "H99.21", "x", "\ud800", "\x00", "usb:1", "[",
    '["H99.21"]', "2026-11-23 08:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59-23:59", "[[[[", "eA==", "x" * 300,
]  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([0, 200, 500, 15, 1 << 46, 1 << 52, 10**400]),
    st.floats(), st.text(max_size=20), st.sampled_from(WORDS),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=8)
    ),
    max_leaves=15,
)  # fmt: skip
DATES = ["Mon, 23 Nov 2026 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "?", ""]
HEADERS = st.fixed_dictionaries(
    {"Content-Type": st.sampled_from(["application/json", "text/html"])},
    optional={"Retry-After": st.sampled_from(["1", "-1", "9" * 400, "Mon"]), "X-Date": st.sampled_from(DATES)},
)
STATUS = st.sampled_from([200, 200, 200, 200, 201, 302, 400, 401, 403, 404, 429, 500, 502, 503])


@dataclass
class Liar:
    """A client, and what its bus says next; ``login`` answers an LGSP log-in."""

    client: BusClient
    package: Path
    answer: dict[str, Answer] = field(default_factory=dict)


def said(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return status, dict(headers or {}), json.dumps(value).encode()


def right(dialect: str, data: object) -> dict[str, object]:
    """The dialect's own yes around ``data``."""
    if dialect == "vxp":
        return {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong", "data": data}
    return {"code": 200, "message": "Success", "data": data}


@pytest.fixture(scope="module", params=["vxp", "lgsp"])
def liar(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Liar]]:
    """One server for all examples of a dialect."""
    folder = tmp_path_factory.mktemp("liar")
    ca = Authority(folder)
    secret = folder / "secret.toml"
    secret.write_text('secret = "s"\nusername = "u"\npassword = "p"\napplication_code = "a"\n')
    secret.chmod(0o600)
    package = folder / "package"
    package.write_bytes(PACKAGE)
    spoken: dict[str, Answer] = {}

    def script(_method: str, path: str, _body: bytes) -> Answer:
        if path.endswith("login?allow_anonymous=true") and "login" not in spoken:
            return said({"code": 200, "data": {"token": "t"}})
        status, headers, body = spoken.get("login" if "login" in path else "", HTML)
        return status, dict(headers), body

    certificate, key = ca.server()
    link = ca.client("H99.21")
    with scripted_bus(script, certificate, key, ca.certificate) as url:
        made = Settings(
            folder, bus_dialect=request.param, bus_system_id="H99.21", bus_secret_file=secret, bus_ca=ca.certificate,
            link_certificate=link[0], link_key=link[1], bus_url=url,
        )  # fmt: skip
        client: BusClient = (VxpClient if request.param == "vxp" else LgspClient)(made, httpx.Timeout(60))
        with closing(client):
            yield request.param, Liar(client, package, spoken)


def calls(liar: Liar, folder: Path) -> list[Callable[[], object]]:
    """Every verb."""
    client, item = liar.client, InboxItem(0, "d", "", "edoc", 0, "", "", -1, "")
    target = folder / "target"
    return [
        lambda: client.list_incoming(""), lambda: client.fetch(item, target),
        lambda: client.ack("d", "done", reason="", sha256=""), client.directory, client.time,
        lambda: client.send(outbound(liar)), lambda: client.find_sent(outbound(liar)),
        lambda: client.recipients("m", "x"),
    ]  # fmt: skip


def outbound(liar: Liar) -> Outbound:
    return Outbound("m", "edoc", 0, "H99.21", ("H99.22",), liar.package, len(PACKAGE), "")


@LOOSE
@given(value=VALUES, status=STATUS, headers=HEADERS, wrapped=st.booleans(), raw=st.none() | st.binary(max_size=50))
def test_whatever_a_bus_says_is_a_result_or_a_bus_error(
    liar: tuple[str, Liar], tmp_path: Path, value: Any, status: int, headers: dict[str, str], wrapped: bool, raw: bytes
) -> None:
    dialect, bus = liar
    if wrapped:
        value = right(dialect, value)
    answer = said(value, status, headers) if raw is None else (status, headers, raw)
    bus.answer[""] = answer
    words: list[str] = []
    for verb in calls(bus, tmp_path):
        try:
            found = verb()
        except BusError as error:
            words.append(str(error))
            continue
        if getattr(found, "outcome", None) is Outcome.ACCEPTED:
            assert status == 200
            assert "OK" in json.dumps(value).upper()
        for item in getattr(found, "items", ()):
            assert item.doc_id.strip()
            assert item.doc_id.isprintable()
            item.doc_id.encode()
    assert all(0 < len(text) < 4000 for text in words)


@LOOSE
@given(value=VALUES, status=STATUS)
def test_whatever_a_log_in_says_is_a_token_or_a_bus_error(liar: tuple[str, Liar], value: Any, status: int) -> None:
    dialect, bus = liar
    if dialect == "vxp":
        return
    bus.answer["login"] = said(value, status)
    try:
        bus.client._session.forget_token()  # type: ignore[attr-defined]
        with pytest.raises(BusError):
            bus.client.list_incoming("")
    finally:
        del bus.answer["login"]
        bus.client._session.forget_token()  # type: ignore[attr-defined]


@LOOSE
@given(rows=st.lists(VALUES, max_size=8), seed=st.randoms(use_true_random=False))
def test_rows_that_say_nothing_hide_none_that_do(liar: tuple[str, Liar], rows: list[Any], seed: Any) -> None:
    dialect, bus = liar
    good: list[Any] = [
        {"docId": "g-1"},
        {"docId": 77, "to": "null", "from": None},
        {"docId": " g-3 ", "to": ["H99.21"]},
    ]
    listed = [*rows, *good, *good]  # every one twice
    seed.shuffle(listed)
    bus.answer[""] = said(right(dialect, listed))
    page = bus.client.list_incoming("")
    ids = [item.doc_id for item in page.items]
    assert {"g-1", "77", "g-3"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert {item.to for item in page.items if item.doc_id == "g-3"} <= {"H99.21"}


@LOOSE
@given(data=st.binary(max_size=400), cut=st.integers(0, 60), flip=st.integers(0, 600))
def test_a_package_comes_whole_or_not_at_all(
    liar: tuple[str, Liar], tmp_path: Path, data: bytes, cut: int, flip: int
) -> None:
    dialect, bus = liar
    text = bytearray(said(right(dialect, base64.b64encode(data).decode()))[2])
    if flip < len(text):
        text[flip] ^= 1 << (cut % 7)
    torn = bytes(text[: len(text) - cut])
    bus.answer[""] = (200, {}, torn)
    target = tmp_path / "target"
    target.unlink(missing_ok=True)
    try:
        bus.client.fetch(InboxItem(0, "d", "", "edoc", 0, "", "", -1, ""), target)
    except BusError:
        return
    got = target.read_bytes()
    assert got == data or (flip < len(text) and got), "cut short it is refused; one flipped bit no dialect can see"
