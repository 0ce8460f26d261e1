"""The LAN pages of Trạm Văn Bản (Flask, Jinja, Vietnamese first)."""

from __future__ import annotations

from web.app import create_app

__all__ = ["create_app"]
