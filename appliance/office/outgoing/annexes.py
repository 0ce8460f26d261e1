"""Annexes in files of their own: added while a document is drafted, each sealed by the organ's key (article 6.2b)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import BinaryIO

from sqlite_utils import Database

from appliance.errors import N_, BadInput, NotFound, TramError
from appliance.office.desk import Actor, Desk
from appliance.office.outgoing.drafting import pdf_name
from appliance.office.outgoing.moves import moved, require_author, scan, write
from appliance.office.outgoing.records import EDITABLE, Outgoing, get
from appliance.regulation import rules
from appliance.signing.corner import ready_for_corner
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7

MOST_FILES = 20
MOST_BYTES = 40 << 20
"""Of all files of a document together: a package of 60 MB holds them in base64, with room for the signatures."""


@dataclass(frozen=True)
class Annex:
    """One row of the table ``outgoing_file``."""

    id: str
    outgoing_id: str
    position: int
    name: str
    page_count: int
    size: int
    draft_sha256: str
    sealed_sha256: str | None

    @property
    def current_sha256(self) -> str:
        """The newest form of the file."""
        return self.sealed_sha256 or self.draft_sha256


_COLUMNS = ", ".join(Annex.__dataclass_fields__)


def annexes(db: Database, outgoing_id: str) -> list[Annex]:
    """The annexes of a document, in their order."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM outgoing_file WHERE outgoing_id = ? ORDER BY position", [outgoing_id])
    return [Annex(*row) for row in rows.fetchall()]


def annex(desk: Desk, actor: Actor, outgoing_id: str, annex_id: str) -> Annex:
    """One annex of a document that the actor may see. Raises NotFound."""
    get(desk, actor, outgoing_id)
    found = next((one for one in annexes(desk.db, outgoing_id) if one.id == annex_id), None)
    if found is None:
        raise NotFound(N_("Văn bản này không có phụ lục đó."), next_step=N_("Quay lại trang văn bản."))
    return found


def add_annex(desk: Desk, actor: Actor, outgoing_id: str, file_name: str, stream: BinaryIO) -> Annex:
    """One more annex: a PDF, scanned and fit to be sealed. Raises RuleRefused for another kind of file, BadInput."""
    document = _editable(desk, actor, outgoing_id)
    if PurePath(nfc(file_name)).suffix.lower() != ".pdf":
        raise rules.refuse(
            rules.ANNEX_SEALED,
            N_("Phụ lục “%(name)s” không phải tệp PDF nên không đóng dấu số được."),
            N_("Xuất tệp đó ra PDF rồi tải lên, hoặc đưa nội dung vào cùng tệp với văn bản chính."),
            name=nfc(file_name)[-80:],
        )
    sha256, size, pages = _take(desk, actor, stream)
    others = annexes(desk.db, outgoing_id)
    total = size + sum(one.size for one in others) + desk.blobs.path(document.draft_sha256).stat().st_size
    if len(others) >= MOST_FILES or total > MOST_BYTES:
        raise BadInput(
            N_("Văn bản và phụ lục vượt giới hạn %(files)s tệp hoặc %(size)s MB của một gói tin."),
            next_step=N_("Gộp hoặc giảm dung lượng các phụ lục rồi tải lên lại."),
            files=MOST_FILES,
            size=MOST_BYTES >> 20,
        )
    name = _free_name(pdf_name(file_name), {nfc(document.file_name), *(one.name for one in others)})
    position = max((one.position for one in others), default=0) + 1
    added = Annex(uuid7(), outgoing_id, position, name, pages, size, sha256, None)
    _change(desk, actor, document, "add_annex", added, lambda: desk.db.table("outgoing_file").insert(vars(added)))
    return added


def remove_annex(desk: Desk, actor: Actor, outgoing_id: str, annex_id: str) -> None:
    """Take an annex off a draft."""
    document = _editable(desk, actor, outgoing_id)
    one = annex(desk, actor, outgoing_id, annex_id)
    _change(desk, actor, document, "remove_annex", one, lambda: desk.db.table("outgoing_file").delete(one.id))


def raise_annex(desk: Desk, actor: Actor, outgoing_id: str, annex_id: str) -> None:
    """Put an annex one place further up; the first stays where it is."""
    document = _editable(desk, actor, outgoing_id)
    one = annex(desk, actor, outgoing_id, annex_id)
    above = [other for other in annexes(desk.db, outgoing_id) if other.position < one.position]
    if not above:
        return

    def swap() -> None:
        table = desk.db.table("outgoing_file")
        table.update(one.id, {"position": above[-1].position})
        table.update(above[-1].id, {"position": one.position})

    _change(desk, actor, document, "raise_annex", one, swap)


def _editable(desk: Desk, actor: Actor, outgoing_id: str) -> Outgoing:
    document = get(desk, actor, outgoing_id)
    require_author(actor, document)
    if not document.editable:
        raise moved(document.state)
    return document


def _change(desk: Desk, actor: Actor, document: Outgoing, action: str, one: Annex, work: Callable[[], object]) -> None:
    """One transaction: the document still editable and as it was seen, the row, the journal."""

    def also(_: datetime) -> None:
        work()

    write(desk, actor, document, EDITABLE, action, dict, {"annex": one.name, "draft": one.draft_sha256}, also)


def _take(desk: Desk, actor: Actor, stream: BinaryIO) -> tuple[str, int, int]:
    """Keep, scan and read an uploaded annex: (digest, size, pages)."""
    sha256, _ = desk.blobs.put_stream(stream, desk.settings.max_upload_mb << 20)
    try:
        scan(desk, sha256)
        data, pages = ready_for_corner(desk.blobs.read(sha256))
    except TramError as error:
        with transaction(desk.db):
            detail = {"sha256": sha256, "reason": str(error)}
            audit.append(desk.db, desk.clock.now(), actor.account_id, "outgoing.file_refused", f"blob:{sha256}", detail)
        raise
    return desk.blobs.put(data), len(data), pages


def _free_name(name: str, taken: set[str]) -> str:
    """``name``, or with a number when the document has a file of that name."""
    stem, number, free = name[:-4], 2, name
    while free in taken:
        free, number = f"{stem} ({number}).pdf", number + 1
    return free
