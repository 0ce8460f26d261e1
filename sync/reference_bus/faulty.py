"""The WSGI layer that carries ``faults`` and a wrong clock out, in front of any dialect's application."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from wsgiref.handlers import format_date_time

from sync.reference_bus.clock import BusClock
from sync.reference_bus.faults import Fault, Switchboard

_CHUNK = 1 << 16
_READ_SOME = "bus.read_some"
_PORTAL = (
    "<!doctype html><html lang=vi><title>Đăng nhập Internet</title><h1>Đăng nhập để dùng Internet</h1>"
    "<form><input name=phone><button>Tiếp tục</button></form></html>"
)

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Start = Callable[..., Any]


class FaultyApp:
    """``app`` behind the switches of ``board``; with ``clock`` off, the Date header is off too."""

    def __init__(self, app: App, board: Switchboard, clock: BusClock) -> None:
        self._app, self._board, self._clock = app, board, clock

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Serve one request (PEP 3333)."""
        call = _Call(self._app, environ, self._dated(start) if self._clock.offset_seconds else start, self._board)
        fault = self._board.take(environ["REQUEST_METHOD"], environ["PATH_INFO"], _length(environ))
        return _STRIKES[fault.kind](call, fault) if fault else call.served()

    def _dated(self, start: Start) -> Start:
        def dated(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            others = [(name, value) for name, value in headers if name.lower() != "date"]
            return start(status, [*others, ("Date", format_date_time(self._clock.now().timestamp()))], *rest)

        return dated


@dataclass(frozen=True)
class _Call:
    """One request on its way to the application."""

    app: App
    environ: dict[str, Any]
    start: Start
    board: Switchboard

    def served(self) -> Iterable[bytes]:
        """As without any fault."""
        return self.app(self.environ, self.start)

    def drain(self) -> None:
        """Read the body to its end."""
        while self.environ["wsgi.input"].read(_CHUNK):
            pass

    def answered(self, **changed: str) -> tuple[str, list[tuple[str, str]], bytes]:
        """The application's whole answer to the request, or to the ``changed`` one, kept from the client."""
        kept: list[Any] = []
        body = b"".join(self.app(self.environ | changed, lambda status, headers, *_: kept.append((status, headers))))
        status, headers = kept[-1]
        return status, headers, body

    def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> Iterable[bytes]:
        """An answer of one's own, after the request was read: or the client would meet a reset instead."""
        self.drain()
        self.start(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", str(len(body))), *headers])
        return [body]


def _broken() -> ConnectionResetError:
    """The server takes it for a client that went away: it closes without an answer."""
    return ConnectionResetError(errno.ECONNRESET, "fault on purpose")


def _drop_before_body(_call: _Call, _fault: Fault) -> Iterable[bytes]:
    raise _broken()


def _drop_after_body(call: _Call, _fault: Fault) -> Iterable[bytes]:
    call.drain()
    raise _broken()


def _drop_answer(call: _Call, _fault: Fault) -> Iterable[bytes]:
    call.answered()
    raise _broken()


def _cut_answer(call: _Call, fault: Fault) -> Iterator[bytes]:
    left = fault.amount
    for chunk in call.served():
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            raise _broken()


def _stall(call: _Call, fault: Fault) -> Iterable[bytes]:
    call.board.cleared.wait(fault.amount)
    return call.served()


def _error(call: _Call, fault: Fault) -> Iterable[bytes]:
    body = f"<html><body><h1>{fault.amount}</h1></body></html>".encode()
    return call.answer(fault.amount, body, ("Content-Type", "text/html"), ("Retry-After", "1"))


def _refused_inside_200(call: _Call, _fault: Fault) -> Iterable[bytes]:
    answer = {"code": 500, "status": "FAIL", "ErrorCode": "20", "ErrorDesc": "Lỗi hệ thống", "errorDetail": ["Lỗi"]}
    return call.answer(200, json.dumps(answer, ensure_ascii=False).encode(), ("Content-Type", "application/json"))


def _captive_portal(call: _Call, fault: Fault) -> Iterable[bytes]:
    kind = ("Content-Type", "text/html; charset=utf-8")
    more = [("Location", "http://login.invalid/")] if fault.amount == 302 else []
    return call.answer(fault.amount, _PORTAL.encode(), kind, *more)


def _corrupt_body(call: _Call, _fault: Fault) -> Iterable[bytes]:
    flip = _Flip(_length(call.environ) // 2)
    changed: dict[str, Any] = {"wsgi.input": _Flipped(call.environ["wsgi.input"].read, flip)}
    if _READ_SOME in call.environ:
        changed[_READ_SOME] = _Flipped(call.environ[_READ_SOME], flip).read
    return call.app(call.environ | changed, call.start)


def _corrupt_answer(call: _Call, _fault: Fault) -> Iterable[bytes]:
    status, headers, body = call.answered()
    call.start(status, headers)
    return [_Flip(len(body) // 2)(body)]


def _listing(change: Callable[[list[Any]], list[Any]]) -> Callable[[_Call, Fault], Iterable[bytes]]:
    """A strike that rewrites the first list of objects in a JSON answer."""

    def strike(call: _Call, _fault: Fault) -> Iterable[bytes]:
        status, headers, body = call.answered(HTTP_ACCEPT_ENCODING="identity")
        content = json.loads(body) if body.startswith((b"{", b"[")) else None
        found = _first_list(content)
        if found is not None:
            found[:] = change(found)
            body = json.dumps(content, ensure_ascii=False).encode()
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        call.start(status, headers)
        return [body]

    return strike


def _first_list(content: object) -> list[Any] | None:
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return content
    if isinstance(content, dict):
        return next((found for value in content.values() if (found := _first_list(value)) is not None), None)
    return None


class _Flip:
    """Flips the lowest bit of the byte at ``place`` of a stream that passes in pieces."""

    def __init__(self, place: int) -> None:
        self._left = place

    def __call__(self, data: bytes) -> bytes:
        place, self._left = self._left, self._left - len(data)
        if not 0 <= place < len(data):
            return data
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


class _Flipped:
    """A reader whose bytes go through a ``_Flip``."""

    def __init__(self, read: Callable[..., bytes], flip: _Flip) -> None:
        self._read, self._flip = read, flip

    def read(self, *size: int) -> bytes:
        return self._flip(self._read(*size))


def _length(environ: dict[str, Any]) -> int:
    text = environ.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0


_STRIKES: dict[str, Callable[[_Call, Fault], Iterable[bytes]]] = {
    "drop-before-body": _drop_before_body,
    "drop-after-body": _drop_after_body,
    "drop-answer": _drop_answer,
    "cut-answer": _cut_answer,
    "stall": _stall,
    "error": _error,
    "refused-inside-200": _refused_inside_200,
    "captive-portal": _captive_portal,
    "corrupt-body": _corrupt_body,
    "corrupt-answer": _corrupt_answer,
    "list-twice": _listing(lambda items: [item for item in items for _ in range(2)]),
    "list-backwards": _listing(lambda items: items[::-1]),
}
