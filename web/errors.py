"""Every "no" becomes a page a person can act on: the sentence, the article, the next step."""

from __future__ import annotations

import logging

from flask import Flask, Response, current_app, g, make_response, render_template, request, session
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from appliance.errors import N_, BadInput, NotFound, TramError

log = logging.getLogger("tram.web")

_HTTP: dict[int, tuple[str, str]] = {
    400: (N_("Yêu cầu không đúng dạng."), N_("Quay lại trang trước, tải lại trang rồi làm lại.")),
    403: (N_("Bạn không được mở trang này."), N_("Về trang Việc của tôi.")),
    404: (N_("Không có trang này."), N_("Kiểm tra lại địa chỉ, hoặc tìm văn bản trong danh sách.")),
    405: (N_("Trang này không nhận thao tác đó."), N_("Quay lại trang trước rồi dùng nút trên trang.")),
    408: (N_("Quá lâu không nhận được dữ liệu."), N_("Kiểm tra mạng rồi làm lại.")),
    416: (N_("Không có phần tệp được yêu cầu."), N_("Tải lại trang.")),
}


def init_errors(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(TramError, _office)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(SecurityError, _foreign_host)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _crash)


def _office(error: TramError) -> Response:
    return answer(error, error.status)


def _csrf(error: CSRFError) -> Response:
    message = TramError(
        N_("Trang này đã mở quá lâu hoặc không phải trang của trạm, nên thao tác chưa được thực hiện."),
        next_step=N_("Tải lại trang, kiểm tra nội dung rồi thực hiện lại."),
    )
    return answer(message, 400)


def _foreign_host(error: SecurityError) -> Response:
    # No page here: its links would be built from the very name that is not ours.
    return Response(_("Địa chỉ này không phải của trạm.") + "\n", 400, mimetype="text/plain")


def _http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:
        return make_response(error.get_response())
    code = error.code or 500
    if code == 413:
        limit = current_app.config["TRAM_MAX_UPLOAD_MB"]
        too_large = BadInput(
            N_("Tệp gửi lên lớn hơn giới hạn %(limit)s MB của trạm nên chưa được nhận."),
            next_step=N_(
                "Nén hoặc quét lại PDF với độ phân giải thấp hơn (200–300 dpi), hoặc tách phụ lục thành tệp riêng."
            ),
            limit=limit,
        )
        return answer(too_large, 413)
    if code >= 500:
        return _crash(error)
    sentence, step = _HTTP.get(code, (N_("Không thực hiện được yêu cầu này."), N_("Quay lại trang trước rồi làm lại.")))
    kind = NotFound if code == 404 else TramError
    return answer(kind(sentence, next_step=step), code)


def _crash(error: Exception) -> Response:
    """A fault of ours: the log gets the trace, the person a calm page and the time to quote."""
    log.exception("request failed: %s %s", request.method, request.path)
    session.modified = False  # whatever half a request wrote into the session is not kept
    fault = TramError(
        N_("Trạm gặp lỗi khi xử lý yêu cầu này; việc chưa được ghi nhận."),
        next_step=N_("Thử lại một lần; nếu vẫn lỗi, báo kỹ thuật viên kèm thời điểm ghi trên trang này."),
        permanent=False,
    )
    return answer(fault, 500)


def answer(error: TramError, status: int) -> Response:
    """The page, or for an htmx request the notice alone, put where notices belong."""
    g.setdefault("actor", None)
    if request.headers.get("HX-Request"):
        response = make_response(render_template("error/fragment.html", error=error), status)
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#notices", "innerHTML"
        return response
    return make_response(render_template("error/page.html", error=error, status=status), status)
