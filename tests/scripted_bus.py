"""A TLS server that answers each request as the test scripts it: for answers a real bus never gives on purpose."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = tuple[int, dict[str, str], bytes]
Script = Callable[[str, str, bytes], Answer]
"""(method, path, body) → (status, headers, body). A header "Interim": "103 104" sends these answers first."""

HTML: Answer = (200, {"Content-Type": "text/html"}, b"<html>Xin moi dang nhap Wi-Fi</html>")


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    return status, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()


def problem(status: int, detail: str, **headers: str) -> Answer:
    """A refusal in the bus's own form."""
    body = json.dumps({"type": "about:blank", "title": "x", "status": status, "detail": detail}).encode()
    return status, {"Content-Type": "application/problem+json", **headers}, body


@contextmanager
def scripted_bus(script: Script, certificate: Path, key: Path, client_ca: Path) -> Iterator[str]:
    """Serve ``script`` on loopback; yields the base address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, answer = script(self.command, self.path, body)
            headers = dict(headers)
            for interim in headers.pop("Interim", "").split():
                self.wfile.write(f"HTTP/1.1 {interim} Interim\r\nUpload-Offset: 7\r\nLink: </x>\r\n\r\n".encode())
            self.send_response(status)
            if status != 204:
                headers["Content-Length"] = str(len(answer))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_PUT = do_PATCH = do_HEAD = do_POST = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
