"""Failures of the line and of TLS, each with the sentence that says exactly what is wrong. One table, no bypass."""

from __future__ import annotations

import errno
import socket
import ssl

import httpcore
import httpx

from appliance.errors import N_
from sync.bus.base import BusError

_CHECK_CLOCK = N_("Kiểm tra đồng hồ của trạm và của trục; không tắt kiểm tra chứng thư.")
_CHECK_CA = N_("Kỹ thuật viên đối chiếu chứng thư của trục và tệp CA của tỉnh; không gửi qua đường này cho đến khi rõ.")
_RENEW = N_("Kỹ thuật viên xin cấp lại chứng thư kết nối của trạm.")

_SERVER_CERTIFICATE: dict[int, tuple[str, str]] = {
    # X509_V_ERR_* of OpenSSL
    9: (N_("Chứng thư của trục chưa có hiệu lực."), _CHECK_CLOCK),
    10: (N_("Chứng thư của trục đã hết hạn."), _CHECK_CLOCK),
    18: (N_("Chứng thư của trục là tự ký, không phải do CA của tỉnh cấp."), _CHECK_CA),
    19: (N_("Chứng thư của trục không do CA của tỉnh cấp."), _CHECK_CA),
    20: (N_("Chứng thư của trục không do CA của tỉnh cấp."), _CHECK_CA),
    21: (N_("Chứng thư của trục không do CA của tỉnh cấp."), _CHECK_CA),
    23: (N_("Chứng thư của trục đã bị thu hồi."), _CHECK_CA),
    62: (N_("Chứng thư của trục mang tên khác với địa chỉ đã cấu hình."), _CHECK_CA),
    64: (N_("Chứng thư của trục mang tên khác với địa chỉ đã cấu hình."), _CHECK_CA),
}
_OTHER_CERTIFICATE = (N_("Chứng thư của trục không hợp lệ (%(detail)s)."), _CHECK_CA)

_OUR_CERTIFICATE: dict[str, str] = {
    # reasons of TLS alerts the bus sends about our certificate (RFC 8446 section 6.2)
    "CERTIFICATE_EXPIRED": N_("Trục từ chối: chứng thư kết nối của trạm đã hết hạn."),
    "CERTIFICATE_REVOKED": N_("Trục từ chối: chứng thư kết nối của trạm đã bị thu hồi."),
    "CERTIFICATE_REQUIRED": N_("Trục từ chối: trạm chưa xuất trình chứng thư kết nối."),
    "UNKNOWN_CA": N_("Trục từ chối: chứng thư kết nối của trạm không do CA của tỉnh cấp."),
    "BAD_CERTIFICATE": N_("Trục từ chối chứng thư kết nối của trạm."),
    "CERTIFICATE_UNKNOWN": N_("Trục từ chối chứng thư kết nối của trạm."),
    "ACCESS_DENIED": N_("Trục từ chối chứng thư kết nối của trạm."),
    "HANDSHAKE_FAILURE": N_("Trục từ chối kết nối bảo mật của trạm."),
}
_RETRY = N_("Trạm tự thử lại khi đường truyền có lại; không cần gửi lại văn bản.")


_NO_NAME = "không tra được địa chỉ của trục (DNS)"
_SYSTEM = {
    errno.ECONNREFUSED: "máy của trục từ chối kết nối (ECONNREFUSED)",
    errno.ECONNRESET: "kết nối bị cắt (ECONNRESET)",
    errno.EPIPE: "kết nối bị cắt (EPIPE)",
    errno.ENETUNREACH: "không có đường mạng tới trục (ENETUNREACH)",
    errno.EHOSTUNREACH: "không có đường mạng tới trục (EHOSTUNREACH)",
    errno.ETIMEDOUT: "trục không trả lời (ETIMEDOUT)",
}
_NOBODY_THERE = (httpx.ConnectError, httpx.ConnectTimeout, httpcore.ConnectError, httpcore.ConnectTimeout)


def tls_refusal(error: BaseException) -> tuple[str, str, str] | None:
    """(message, next step, detail) when TLS itself said no anywhere below ``error``; else None."""
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            text, step = _SERVER_CERTIFICATE.get(cause.verify_code, _OTHER_CERTIFICATE)
            return text, step, cause.verify_message
        if isinstance(cause, ssl.SSLError) and cause.reason:
            for reason, text in _OUR_CERTIFICATE.items():
                if reason in cause.reason:
                    return text, _RENEW, cause.reason
    return None


def link_error(error: Exception, *, connected: bool, bytes_sent: int) -> BusError:
    """The BusError for a request that got no answer."""
    refusal = tls_refusal(error)
    if refusal:
        text, step, detail = refusal
        return BusError(text, next_step=step, link=True, dates=step is _CHECK_CLOCK, detail=detail)
    if isinstance(error, _NOBODY_THERE):
        text = N_("Không kết nối được tới trục liên thông: %(detail)s.")
        return BusError(text, next_step=_RETRY, link=True, detail=_detail(error))
    text = (
        N_("Trục không trả lời kịp thời gian chờ.")
        if isinstance(error, httpx.TimeoutException | httpcore.TimeoutException)
        else N_("Đường truyền tới trục bị ngắt giữa chừng: %(detail)s.")
    )
    detail = _detail(error)
    return BusError(text, next_step=_RETRY, link=True, connected=connected, bytes_sent=bytes_sent, detail=detail)


def _detail(error: Exception) -> str:
    """What the system said, in words where it is one of the usual things."""
    root = list(_chain(error))[-1]
    if isinstance(root, socket.gaierror):
        return _NO_NAME
    number = root.errno if isinstance(root, OSError) else None
    return _SYSTEM.get(number or 0) or str(root) or type(root).__name__


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error and everything it came from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
