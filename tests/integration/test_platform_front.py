"""A real nginx in front of a real waitress: headers it overwrites, names it refuses, sizes it stops, words it finds."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Iterator

import httpx
import pytest

from appliance.config import Settings
from provisioning import ready
from provisioning.nginx import HEADROOM_MB, Front, nginx_program
from provisioning.supervisor import Program, Supervisor
from tests.bus_fixtures import Authority
from tests.ports import free_ports

MEGABYTE = 1 << 20
LIMIT_MB = 2
BACKEND = """
import sys
import waitress
from flask import Flask, jsonify, request
app = Flask("echo")
@app.get("/")
def echo():
    return jsonify(address=request.remote_addr, scheme=request.scheme, host=request.host, headers=dict(request.headers))
@app.post("/")
def size():
    return jsonify(size=len(request.get_data()))
trusted = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
waitress.serve(app, unix_socket=sys.argv[1], trusted_proxy="localhost", trusted_proxy_count=1,
    trusted_proxy_headers=trusted, clear_untrusted_proxy_headers=True)
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data = tmp_path_factory.mktemp("box")
    (data / "run").mkdir()
    return Settings(data=data, max_upload_mb=LIMIT_MB)


@pytest.fixture(scope="module")
def authority(settings: Settings) -> Authority:
    return Authority(settings.data / "pki")


@pytest.fixture(scope="module")
def front(settings: Settings, authority: Authority) -> Front:
    certificate, key = authority.server()
    port, redirect = free_ports(2)
    return Front(port=port, certificate=certificate, key=key, redirect_port=redirect, strict=True)


@pytest.fixture(scope="module")
def programs(settings: Settings, front: Front) -> Iterator[Supervisor]:
    backend = Program(
        "backend",
        (sys.executable, "-c", BACKEND, str(settings.web_socket)),
        ready=ready.unix_socket(settings.web_socket),
    )
    with Supervisor(settings.data / "log") as supervisor:
        supervisor.start(backend, nginx_program(settings, front))
        yield supervisor


@pytest.fixture
def browser(programs: Supervisor, front: Front, authority: Authority) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=authority.certificate)
    with httpx.Client(base_url=f"https://127.0.0.1:{front.port}", verify=context, trust_env=False) as client:
        yield client


def zeros(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield bytes(MEGABYTE)


def upload(browser: httpx.Client, megabytes: int) -> httpx.Response:
    headers = {"Content-Length": str(megabytes * MEGABYTE)}
    return browser.post("/", content=zeros(megabytes), headers=headers, timeout=60)


def test_the_application_sees_the_browsers_address_and_https(browser: httpx.Client, front: Front) -> None:
    seen = browser.get("/").json()
    assert (seen["address"], seen["scheme"]) == ("127.0.0.1", "https")
    assert seen["host"] == f"127.0.0.1:{front.port}"


def test_a_browser_cannot_lie_about_where_it_comes_from(browser: httpx.Client, front: Front) -> None:
    lies = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6;host=evil.example",
        "X-Client-DN": "CN=evil",
        "X-Client-Verify": "SUCCESS",
    }
    seen = browser.get("/", headers=lies).json()
    assert (seen["address"], seen["scheme"]) == ("127.0.0.1", "https")
    assert seen["host"] == f"127.0.0.1:{front.port}"
    assert not [
        value for value in seen["headers"].values() if "evil" in value or "6.6.6.6" in value or value == "SUCCESS"
    ]


def test_a_foreign_name_gets_no_page(browser: httpx.Client) -> None:
    answer = browser.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 421


def test_plain_http_on_its_own_port_leads_to_https(browser: httpx.Client, front: Front) -> None:
    answer = httpx.get(f"http://127.0.0.1:{front.redirect_port}/vao?x=1", trust_env=False)
    assert answer.status_code == 301
    assert answer.headers["location"] == "https://127.0.0.1/vao?x=1"


def test_a_browser_is_told_to_stay_with_https(browser: httpx.Client) -> None:
    assert "max-age=31536000" in browser.get("/").headers["strict-transport-security"]


def test_plain_http_gets_no_page(browser: httpx.Client, front: Front) -> None:
    assert httpx.get(f"http://127.0.0.1:{front.port}/", trust_env=False).status_code == 400


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_an_old_tls_version_is_refused(browser: httpx.Client, front: Front) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", front.port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_an_upload_slightly_over_the_limit_reaches_the_pages_own_refusal(browser: httpx.Client) -> None:
    assert upload(browser, LIMIT_MB + 2).json() == {"size": (LIMIT_MB + 2) * MEGABYTE}


@pytest.mark.parametrize("megabytes", [LIMIT_MB + HEADROOM_MB + 1, 200])
def test_an_upload_far_over_the_limit_is_refused_in_vietnamese(browser: httpx.Client, megabytes: int) -> None:
    answer = upload(browser, megabytes)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Tệp quá lớn, trạm không nhận" in answer.text
    assert f"tối đa {LIMIT_MB} MB" in answer.text


@pytest.mark.fault
def test_while_the_pages_are_down_the_front_says_so_in_vietnamese(
    programs: Supervisor, browser: httpx.Client, settings: Settings
) -> None:
    programs.kill("backend")
    try:
        answer = browser.get("/")
        assert answer.status_code == 502
        assert "Trạm chưa trả lời" in answer.text
        assert answer.headers["cache-control"] == "no-store"
    finally:
        programs.restart("backend")
    assert browser.get("/").status_code == 200


@pytest.mark.fault
def test_a_killed_front_comes_back_on_its_port(programs: Supervisor, browser: httpx.Client) -> None:
    programs.kill("nginx")
    with pytest.raises(httpx.TransportError):
        browser.get("/")
    programs.restart("nginx")
    assert browser.get("/").status_code == 200
