"""What a request of a box says: its organs, its headers, its body as it comes."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable
from typing import Any

from flask import request
from werkzeug.http import parse_dict_header

from appliance.errors import N_
from sync.reference_bus.exchange import Exchange
from sync.reference_bus.problems import BadRequest, SenderNotInCertificate
from sync.reference_bus.tls import ABORT, ORGANS, READ_SOME

_PIECE = 1 << 16


def takes_gzip() -> bool:
    """Whether the answer may be coded (RFC 9110 12.5.3)."""
    return request.accept_encodings.quality("gzip") > 0


def own_organs(exchange: Exchange) -> set[str]:
    """Current codes of the organs in the client certificate. Raises SenderNotInCertificate when none is known."""
    found = (exchange.directory.find(code) for code in request.environ.get(ORGANS, ()))
    codes = {organ.code for organ in found if organ is not None}
    if not codes:
        raise SenderNotInCertificate(N_("Chứng thư kết nối không nêu đơn vị nào có trong danh bạ của trục."))
    return codes


def sender(own: set[str]) -> str:
    """Edoc-From as written, checked against the certificate. Raises SenderNotInCertificate."""
    code = header("Edoc-From")
    if code not in own and code not in request.environ.get(ORGANS, ()):
        raise SenderNotInCertificate(
            N_("Chứng thư kết nối không cho phép gửi với tư cách đơn vị “%(code)s”."),
            next_step=N_("Kiểm tra chứng thư kết nối của trạm."),
            code=code,
        )
    return code


def header(name: str) -> str:
    """A header that must be there. Raises BadRequest."""
    value = request.headers.get(name, "").strip()
    if not value:
        raise BadRequest(N_("Thiếu trường %(name)s trong yêu cầu."), name=name)
    return value


def digest(name: str, *, optional: bool = False) -> str:
    """The sha-256 of a digest header (RFC 9530) in hex; '' when it is ``optional`` and not there."""
    if optional and not request.headers.get(name):
        return ""
    value = parse_dict_header(header(name)).get("sha-256") or ""
    try:
        found = base64.b64decode(value.strip(":"), validate=True)
    except binascii.Error as error:
        raise BadRequest(N_("%(name)s không đọc được."), name=name) from error
    if len(found) != 32:
        raise BadRequest(N_("Thiếu giá trị băm sha-256 trong %(name)s."), name=name)
    return found.hex()


def number(name: str, default: int) -> int:
    """A query parameter that is a number. Raises BadRequest."""
    return _digits(request.args.get(name, str(default)), N_("Tham số %(name)s phải là số."), name)


def number_header(name: str) -> int:
    """A header that is a number. Raises BadRequest."""
    return _digits(header(name), N_("Trường %(name)s phải là số."), name)


def flag(name: str) -> bool | None:
    """A structured-field boolean (RFC 8941 3.3.6), None when it is not there. Raises BadRequest."""
    value = request.headers.get(name)
    if value is None:
        return None
    if value.strip() not in ("?0", "?1"):
        raise BadRequest(N_("Trường %(name)s phải là ?0 hoặc ?1."), name=name)
    return value.strip() == "?1"


def as_uuid(text: str) -> str:
    """A message id in its one spelling. Raises BadRequest."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise BadRequest(N_("Mã gói tin “%(id)s” không phải UUID."), id=text[:80]) from error


def read_some() -> Callable[[], bytes]:
    """The body piece by piece as it comes off the connection, so that a break loses nothing that had come."""
    from_server: Callable[[int], bytes] | None = request.environ.get(READ_SOME)
    stream: Any = request.stream
    return lambda: from_server(_PIECE) if from_server else stream.read(_PIECE)


def abort() -> Callable[[], None]:
    """Breaks this request's connection; for another thread to call."""
    found: Callable[[], None] = request.environ.get(ABORT, lambda: None)
    return found


def _digits(value: str, message: str, name: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise BadRequest(message, name=name)
    return int(value)
