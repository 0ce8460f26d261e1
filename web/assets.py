"""Static files under one address per build: ``/static/<build>/…`` may be kept for ever, relative imports stay right."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from pathlib import Path

from flask import Flask, Response, abort, send_from_directory

from appliance.errors import N_, ConfigError

STATIC = Path(__file__).resolve().parent / "static"
_YEAR = 365 * 24 * 3600
_TYPES = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".pfb": "application/octet-stream",
}


def build_id(folder: Path) -> str:
    """Twelve hex digits over every name and byte below ``folder``."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def check_vendor(folder: Path = STATIC) -> None:
    """Raises ConfigError when the third-party assets are missing or not the built ones."""
    vendor = folder / "vendor"
    try:
        manifest = json.loads((vendor / "manifest.json").read_text("utf-8"))
        damaged = [
            name for name, sha in manifest.items() if hashlib.sha256((vendor / name).read_bytes()).hexdigest() != sha
        ]
    except (OSError, ValueError) as error:
        raise ConfigError(
            N_("Thiếu tài nguyên của trang web (%(error)s)."),
            next_step="npm ci && python -m web.build_assets",
            error=error,
        ) from error
    if damaged:
        raise ConfigError(N_("Tài nguyên của trang web bị thay đổi: %(names)s."), names=", ".join(damaged))


def init_assets(app: Flask) -> None:
    """Register the static address and the ``asset('css/app.css')`` helper of the templates."""
    for suffix, kind in _TYPES.items():
        mimetypes.add_type(kind, suffix)
    current = build_id(STATIC)

    def static(build: str, filename: str) -> Response:
        if filename.startswith(".") or "/." in filename:
            abort(404)
        response = send_from_directory(STATIC, filename, mimetype=_TYPES.get(Path(filename).suffix), max_age=_YEAR)
        if build == current:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        else:  # a page of an older build still open: serve, but do not let it be kept under the old name
            response.headers["Cache-Control"] = "no-cache"
        return response

    app.add_url_rule("/static/<build>/<path:filename>", "static", static)
    app.jinja_env.globals["asset"] = lambda name: f"/static/{current}/{name}"
