"""Sessions kept in the store: the browser holds a random token, the table only its SHA-256.

A stolen copy of the database therefore logs nobody in, and logging out ends the session everywhere at once.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.datastructures import CallbackDict

from appliance.config import Settings
from appliance.errors import TramError
from web.context import desk

COOKIE = "__Host-tram"
_SEEN_EVERY = 60.0  # seconds; a page view need not write to the disk each time


class StoredSession(CallbackDict[str, Any], SessionMixin):
    """A dict that knows its token; ``renew()`` gives it a new one (at log-in), ``clear()`` ends it."""

    def __init__(self, values: dict[str, Any] | None = None, token: str = "", *, seen_at: float = 0.0) -> None:
        def changed(_: object) -> None:
            self.modified = True

        super().__init__(values or {}, changed)
        self.token = token
        self.old_tokens: list[str] = []
        self.seen_at = seen_at
        self.passive = False
        self.failure: TramError | None = None  # why the store could not be asked; the request is refused with it
        self.new = not token
        self.modified = False

    def renew(self) -> None:
        """Forget the token in use: whoever planted or saw it holds nothing (session fixation)."""
        if self.token:
            self.old_tokens.append(self.token)
        self.token, self.modified, self.seen_at = "", True, 0.0


class StoredSessions(SessionInterface):
    """Opens and keeps sessions in table ``web_session`` within the idle and absolute limits of the settings."""

    def __init__(self, settings: Settings) -> None:
        self.idle = settings.session_idle_minutes * 60.0
        self.absolute = settings.session_absolute_hours * 3600.0

    def open_session(self, app: Flask, request: Request) -> StoredSession | None:
        """The session of the cookie, or an empty one; unknown and expired tokens count as none."""
        token = request.cookies.get(COOKIE, "")
        if not token or request.path.startswith("/static/"):
            return StoredSession()
        try:
            db = desk().db
        except TramError as error:
            session = StoredSession()
            session.failure = error
            return session
        row = db.execute(
            "SELECT data, created_at, seen_at FROM web_session WHERE id_sha256 = ?", [_digest(token)]
        ).fetchone()
        now = time.time()
        # A clock set back makes ages negative: such a session is not trusted either.
        if row is None or not (-60 <= now - row[1] < self.absolute and -60 <= now - row[2] < self.idle):
            return StoredSession()
        return StoredSession(json.loads(row[0]), token, seen_at=row[2])

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed; a request that only looks (polling) does not keep the session alive."""
        assert isinstance(session, StoredSession)
        now = time.time()
        for token in session.old_tokens:
            desk().db.execute("DELETE FROM web_session WHERE id_sha256 = ?", [_digest(token)])
        if not session:
            if session.token:
                desk().db.execute("DELETE FROM web_session WHERE id_sha256 = ?", [_digest(session.token)])
            if session.token or session.old_tokens:
                response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
            return
        if not session.token:
            self._insert(session, now)
            response.set_cookie(COOKIE, session.token, path="/", secure=True, httponly=True, samesite="Strict")
        elif session.modified or (not session.passive and now - session.seen_at > _SEEN_EVERY):
            seen_at = session.seen_at if session.passive else now
            desk().db.execute(
                "UPDATE web_session SET data = ?, account_id = ?, seen_at = ? WHERE id_sha256 = ?",
                [json.dumps(dict(session)), session.get("account_id"), seen_at, _digest(session.token)],
            )

    def _insert(self, session: StoredSession, now: float) -> None:
        session.token = secrets.token_urlsafe(32)
        db = desk().db
        db.execute(
            "DELETE FROM web_session WHERE seen_at < ? OR created_at < ?", [now - self.idle, now - self.absolute]
        )
        db.execute(
            "INSERT INTO web_session (id_sha256, account_id, data, created_at, seen_at) VALUES (?, ?, ?, ?, ?)",
            [_digest(session.token), session.get("account_id"), json.dumps(dict(session)), now, now],
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
