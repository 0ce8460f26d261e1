"""What the demo's day and the tests look at to see that something has happened: the box's own record, read only."""

from __future__ import annotations

import json

from appliance.office.desk import Desk
from appliance.store import facts


class Eyes:
    """Questions to one box's store. Each answers '' until it has happened; a look never changes anything."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _one(self, query: str) -> str:
        row = self._desk.db.execute(query).fetchone()
        return str(row[0]) if row and row[0] is not None else ""

    def clock_trusted(self) -> str:
        """Source and error bound once the clock may be signed by."""
        reading = self._desk.clock.read(self._desk.db)
        return f"nguồn {reading.source}, sai số tối đa {reading.error_seconds:.3f} giây" if reading.trusted else ""

    def waiting_for_line(self) -> str:
        """Why a document waits: the link's last error while it is down and the document is still in the queue."""
        link = json.loads(facts.get(self._desk.db, "link:state") or "{}")
        queued = self._one("SELECT state FROM message WHERE kind = 'edoc' AND state <> 'accepted'")
        return str(link.get("last_error", "")) if queued and link.get("state") == "down" else ""

    def receipt(self) -> str:
        """The digest of the receipt of the newest document sent."""
        return self._one(
            "SELECT receipt_sha256 FROM message WHERE kind = 'edoc' AND state = 'accepted' ORDER BY"
            " queued_at DESC LIMIT 1"
        )

    def statuses(self) -> str:
        """The status codes that have come back, with their senders."""
        return self._one("SELECT group_concat(from_name || ': ' || status_code, '; ') FROM status_in")

    def incoming_path(self) -> str:
        """The page of the newest document that arrived."""
        found = self._one("SELECT id FROM incoming ORDER BY received_at DESC LIMIT 1")
        return f"/van-ban-den/{found}" if found else ""

    def issued(self) -> str:
        """The digest of the newest issued PDF."""
        return self._one("SELECT sealed_sha256 FROM outgoing WHERE state = 'issued' ORDER BY issued_at DESC LIMIT 1")

    def sent(self) -> str:
        """The digest of the form in which it went out: the sealed file itself, or that with its proofs added."""
        extended = self._one("SELECT sha256 FROM extension WHERE sent = 1 ORDER BY id DESC LIMIT 1")
        return extended or self.issued()

    def count(self, table: str, where: str = "1") -> str:
        """Rows of ``table``."""
        return self._one(f"SELECT count(*) FROM {table} WHERE {where}")

    def state_of(self, path: str) -> str:
        """The state of the outgoing document whose page is ``path``."""
        return self._outgoing(path, "state")

    def number_of(self, path: str) -> str:
        """Its number."""
        return self._outgoing(path, "number")

    def _outgoing(self, path: str, column: str) -> str:
        row = self._desk.db.execute(f"SELECT {column} FROM outgoing WHERE id = ?", [path.rsplit("/", 1)[1]]).fetchone()
        return str(row[0]) if row else ""

    def newest_quarantined_bytes(self) -> bytes:
        """What lies in quarantine under the newest entry."""
        sha256 = self._one("SELECT sha256 FROM inbox WHERE state = 'quarantined' ORDER BY received_at DESC LIMIT 1")
        return self._desk.blobs.read(sha256) if sha256 else b""

    def message_state(self, path: str) -> str:
        """The state in the queue of the outgoing document whose page is ``path``."""
        row = self._desk.db.execute(
            "SELECT state FROM message WHERE kind = 'edoc' AND outgoing_id = ?", [path.rsplit("/", 1)[1]]
        ).fetchone()
        return str(row[0]) if row else ""

    def newest_message_state(self) -> str:
        """The state in the queue of the newest document."""
        return self._one("SELECT state FROM message WHERE kind = 'edoc' ORDER BY queued_at DESC LIMIT 1")
