"""The recorded requests of the national SDK: believed by our bus, and equal to what our client sends."""

from __future__ import annotations

import hmac
import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.datastructures import Headers

from appliance.config import Settings
from sync.bus.base import InboxItem, Outbound
from sync.bus.vxp import signing
from sync.bus.vxp.client import VxpClient
from sync.reference_bus.accounts import Account
from sync.reference_bus.dialect import WrongAccount
from sync.reference_bus.vxp.auth import authenticate
from tests.vxp_fixtures import SAMPLE, WIRE, Recorded, open_bus, recorded

SDK = "000.00.24.H04"
KEY = "TESTSECRET"
RECORDED_PATH = "/tmp/work/sdk/store"
"""The folder that the recorded SDK named in its headers; it stands in the recordings."""
FILES = sorted(WIRE.glob("*.txt")) if WIRE.is_dir() else []
ACCOUNTS = {SDK: Account(SDK, (SDK,), KEY)}
needs_recordings = pytest.mark.skipif(not FILES, reason="the recordings of the SDK are not here")
_NOT_OURS = {"host", "connection", "expect", "content-length"}
"""Headers of the connection, not of the request."""


def fields(request: Recorded) -> list[tuple[str, str]]:
    """What a request signs, in its order."""
    names = request.headers["XroadVnpt-sign-header-key"].split(";")
    return [(name, request.headers[signing.PREFIX + name]) for name in names]


def stamped(request: Recorded) -> datetime:
    """When the SDK made it."""
    return signing.read_timestamp(request.headers["XroadVnpt-timestamp"])


@needs_recordings
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recorded_request_is_one_of_the_account(file: Path) -> None:
    requests = recorded(file)
    assert len(requests) >= 9
    for request in requests:
        moment = stamped(request) + timedelta(seconds=299)
        assert authenticate(request.headers, ACCOUNTS, moment, 300).system_id == SDK, request.path
        with pytest.raises(WrongAccount):
            authenticate(request.headers, ACCOUNTS, moment + timedelta(seconds=2), 300)
        with pytest.raises(WrongAccount):
            authenticate(request.headers, {SDK: Account(SDK, (SDK,), KEY + "x")}, moment, 300)


@needs_recordings
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_same_fields_make_the_same_headers(file: Path) -> None:
    for request in recorded(file):
        made = Headers(signing.headers(KEY, fields(request)))
        assert {name: request.headers[name] for name, _ in made} == dict(made)


@needs_recordings
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_over_a_real_socket_each_is_answered_as_one_who_is_known(file: Path, tmp_path: Path) -> None:
    bus, _, port = open_bus(tmp_path, vxp_tolerance_seconds=10**9, vxp_registration="true")
    try:
        for request in recorded(file):
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as line:
                line.request(request.method, request.path, request.body, dict(request.headers))
                content = line.getresponse().read()
            found = json.loads(content)
            # the sample is no letter, there is no d1 to fetch, and that agency was never registered
            ours = {"/sendEdoc": "22", "/updateStatus": "10", "/getEdoc": "10", "/downloadEdoc": "10"}
            ours |= {"/deleteAgency": "19"}
            assert found["ErrorCode"] == ours.get(request.path, "0"), (request.path, found)
    finally:
        bus.stop()


@contextmanager
def capturing() -> Iterator[tuple[str, list[Recorded]]]:
    """A server that writes down what comes and says OK."""
    seen: list[Recorded] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(Recorded("POST", self.path, Headers(list(self.headers.items())), body))
            answer = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"x","data":"eA=="}'
            if "List" in self.path:
                answer = answer.replace(b'"eA=="', b"[]")
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def calls(path: Path) -> dict[tuple[str, str], Callable[[VxpClient], object]]:
    """What our client is asked so that it says what the SDK said: by path and message type."""

    def message(kind: str, to: str) -> Outbound:
        return Outbound("id", kind, 0, SDK, (to,), path, len(SAMPLE), "")  # type: ignore[arg-type]

    item = InboxItem(0, "d1", "", "edoc", 0, "", "", -1, "")
    return {
        ("/sendEdoc", "edoc"): lambda client: client.send(message("edoc", "000.00.00.H41")),
        ("/sendEdoc", "status"): lambda client: client.send(message("status", "000.00.00.H41")),
        ("/getReceivedEdocList", "edoc"): lambda client: client.list_incoming(""),
        ("/getEdoc", ""): lambda client: client.fetch(item, path.with_name("fetched")),
        ("/updateStatus", ""): lambda client: client.ack("d1", "done", reason="", sha256=""),
        ("/getAgenciesList", ""): lambda client: client.directory(),
    }


@needs_recordings
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_our_client_says_what_the_sdk_says(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    package.write_bytes(SAMPLE)
    secret = tmp_path / "secret.toml"
    secret.write_text(f'secret = "{KEY}"')
    secret.chmod(0o600)
    asked = calls(package)
    monkeypatch.setattr(signing, "FILE_PATH", RECORDED_PATH)
    with capturing() as (url, seen):
        settings = Settings(tmp_path, bus_dialect="vxp", bus_system_id=SDK, bus_secret_file=secret, bus_url=url)
        with closing(VxpClient(settings)) as client:
            for request in recorded(file):
                key = (request.path, request.headers.get("XroadVnpt-messagetype", ""))
                if key not in asked:
                    continue
                stamp = request.headers["XroadVnpt-timestamp"]
                monkeypatch.setattr(signing, "timestamp", lambda moment, stamp=stamp: stamp)
                seen.clear()
                asked.pop(key)(client)
                ours = next(r for r in seen if r.headers.get("XroadVnpt-messagetype", "") == key[1])
                assert ours.body == request.body
                assert _named(ours) == _named(request)
    assert not asked, "every call was recorded"


def _named(request: Recorded) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers if name.lower() not in _NOT_OURS}


# The same facts with another secret, so that they hold where the recordings are not.


def made(secret: str, **changes: str) -> Headers:
    """A request for the list of what came, put together by hand."""
    text = (
        '{"XroadVnpt-systemid":"H99.21","XroadVnpt-timestamp":"01022026T030405+0006",'
        '"XroadVnpt-Content-Type":"application/json"}'
    )
    headers = {
        "Content-Type": "application/json", "XroadVnpt-systemid": "H99.21",
        "XroadVnpt-timestamp": "01022026T030405+0006", "XroadVnpt-Content-Type": "application/json",
        "XroadVnpt-sign-header-key": "systemid;timestamp;Content-Type", "XroadVnpt-sign-header": text,
        "XroadVnpt-hash-header": hmac.new(secret.encode(), text.encode(), "sha256").hexdigest(),
    }  # fmt: skip
    return Headers({**headers, **{name.replace("_", "-"): value for name, value in changes.items()}})


NOW = datetime(2026, 1, 31, 20, 4, 5, 6000, UTC)
OURS = {"H99.21": Account("H99.21", ("H99.21",), "khác")}


def test_a_request_made_by_hand_is_believed_and_ours_is_the_same() -> None:
    assert authenticate(made("khác"), OURS, NOW, 1).system_id == "H99.21"
    stamp = signing.timestamp(NOW)
    ours = signing.headers("khác", [("systemid", "H99.21"), ("timestamp", stamp), ("Content-Type", "application/json")])
    known = made("khác")
    assert {name: known[name] for name, _ in ours if name in known} == dict(known)


@pytest.mark.parametrize(
    "headers",
    [
        made("sai"),
        made("khác", XroadVnpt_systemid="H99.22"),
        made("khác", XroadVnpt_timestamp="01022026T030406+0006"),
        made("khác", XroadVnpt_Content_Type="text/plain"),
        made("khác", XroadVnpt_sign_header_key="systemid;Content-Type;timestamp"),
        made("khác", XroadVnpt_sign_header_key="systemid"),
        made("khác", XroadVnpt_hash_header=""),
        made("khác", XroadVnpt_sign_header="[]"),
        Headers(),
    ],
)
def test_a_signature_that_says_something_else_is_refused(headers: Headers) -> None:
    with pytest.raises(WrongAccount):
        authenticate(headers, OURS, NOW, 60)
