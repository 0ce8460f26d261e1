"""The LAN pages as one Flask application, made from settings and a way to make a desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, session
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect

from appliance.clock import VN
from appliance.config import Settings
from appliance.office import organs
from appliance.office.desk import Desk
from web.access import init_access
from web.assets import init_assets
from web.context import desk, init_context
from web.errors import init_errors
from web.formats import init_formats
from web.paging import init_paging
from web.receivers import init_receivers
from web.security import init_security, secret_key
from web.sessions import COOKIE, StoredSessions
from web.views import (
    audit,
    copies,
    courier,
    device_registration,
    devices,
    encryption,
    files,
    follow_ups,
    groups,
    home,
    incoming,
    login,
    notices,
    outgoing,
    pictures,
    placement,
    proofs,
    quarantine,
    queue,
    registers,
    reports,
    revocations,
    statistics,
    steps,
    system,
    texts,
    trust,
)

AREAS = (
    login,
    home,
    notices,
    outgoing,
    texts,
    copies,
    placement,
    steps,
    incoming,
    files,
    encryption,
    follow_ups,
    groups,
    quarantine,
    queue,
    courier,
    registers,
    statistics,
    reports,
    proofs,
    device_registration,
    devices,
    revocations,
    audit,
    pictures,
    system,
    trust,
)
LANGUAGES = ("vi",)
_FORM_SLACK = 1 << 20  # the form's other fields beside the file


def create_app(settings: Settings, make_desk: Callable[[], Desk]) -> Flask:
    """The application. ``make_desk`` is called at most once per request, in the request's thread."""
    app = Flask("web", static_folder=None)
    app.config.update(_config(settings))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.session_interface = StoredSessions(settings)
    init_context(app, make_desk)
    init_security(app)
    init_assets(app)
    init_errors(app)
    Babel(app, locale_selector=_language)
    init_formats(app)
    init_paging(app)
    init_receivers(app)
    init_access(app)
    CSRFProtect(app)  # after the roles: an ended session is told so, not that the form is foreign
    for area in AREAS:
        app.register_blueprint(area.pages)
    app.jinja_env.globals.update(box_name=settings.box_name, error_time=lambda: datetime.now(VN))
    app.jinja_env.globals["organ_aliases"] = lambda: organs.aliases(desk().db)
    return app


def _config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": secret_key(settings.data / "web.key"),
        "TRUSTED_HOSTS": list(settings.public_hosts),
        "MAX_CONTENT_LENGTH": settings.max_upload_mb * (1 << 20) + _FORM_SLACK,
        "MAX_FORM_MEMORY_SIZE": 1 << 20,
        "MAX_FORM_PARTS": 2000,  # a document may go to every organ of the province
        "TRAM_MAX_UPLOAD_MB": settings.max_upload_mb,
        "SESSION_COOKIE_NAME": COOKIE,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_absolute_hours),
        "WTF_CSRF_TIME_LIMIT": None,  # the token lives exactly as long as its session
        "WTF_CSRF_SSL_STRICT": True,
        "BABEL_DEFAULT_LOCALE": "vi",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Ho_Chi_Minh",
        "BABEL_TRANSLATION_DIRECTORIES": "translations",
    }


def _language() -> str:
    chosen = session.get("locale")
    return chosen if chosen in LANGUAGES else "vi"
