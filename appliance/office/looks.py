"""How this office's signatures look: the profile in force, the seal's real size, the pictures as registered."""

from __future__ import annotations

from typing import BinaryIO

from appliance.errors import N_, BadInput, NotAllowed
from appliance.office import people
from appliance.office.desk import Actor, Desk
from appliance.office.organs import Organ
from appliance.regulation.appearances import Appearance, appearance, profile_of
from appliance.signing import pictures
from appliance.signing.pictures import CheckedPicture
from appliance.store import audit
from appliance.store.database import transaction

SEAL_MM = 36.0
"""Diameter for an organ whose seal is not on file yet."""
_MOST_BYTES = 10 << 20


def look(desk: Desk, case: str) -> Appearance:
    """How a signature of this kind looks here and now. Raises ConfigError for a profile nobody knows."""
    return appearance(profile_of(desk.settings.rule_set, desk.settings.appearance), case)


def seal_mm(desk: Desk, organ: Organ) -> float:
    """The seal's real diameter (article 13.4): what its picture declares, else what is on file, millimetres."""
    declared = pictures.declared_mm(desk.blobs.read(organ.seal_sha256)) if organ.seal_sha256 else None
    return declared or organ.seal_mm or SEAL_MM


def set_seal(
    desk: Desk, actor: Actor, organ_id: str, stream: BinaryIO, *, seal_mm: float | None, clear_white: bool
) -> CheckedPicture:
    """Register an organ's seal picture; its declared size counts before ``seal_mm``. Raises BadInput, NotAllowed."""
    if organ_id != actor.organ_id or not actor.has("clerk", "technician"):
        raise NotAllowed(N_("Ảnh con dấu do văn thư hoặc kỹ thuật viên của cơ quan nạp."))
    checked = pictures.check_seal(_read(stream), seal_mm=seal_mm, clear_white=clear_white)
    size = checked.mm or seal_mm
    if size is None or not pictures.SEAL_LEAST_MM <= size <= pictures.SEAL_MOST_MM:
        raise BadInput(
            N_("Chưa biết kích thước thực tế của con dấu (20-60 mm)."),
            next_step=N_("Đo đường kính con dấu, ghi số mm rồi tải lên lại (Điều 13 khoản 4)."),
        )
    sha256 = desk.blobs.put(checked.png)
    with transaction(desk.db):
        desk.db.table("organ").update(organ_id, {"seal_sha256": sha256, "seal_mm": size})
        detail = {"picture": sha256, "mm": size}
        audit.append(desk.db, desk.clock.now(), actor.account_id, "organ.seal_picture", f"organ:{organ_id}", detail)
    return checked


def set_signature(desk: Desk, actor: Actor, account_id: str, stream: BinaryIO, *, clear_white: bool) -> CheckedPicture:
    """Register a leader's signature picture: their own, or by the technician. Raises BadInput, NotAllowed."""
    own = account_id == actor.account_id and actor.has("leader")
    leaders = {account.id for account in people.with_role(desk.db, actor.organ_id, "leader")}
    if account_id not in leaders or not (own or actor.has("technician")):
        raise NotAllowed(N_("Ảnh chữ ký do chính lãnh đạo hoặc kỹ thuật viên nạp."))
    checked = pictures.check_signature(_read(stream), clear_white=clear_white)
    sha256 = desk.blobs.put(checked.png)
    with transaction(desk.db):
        desk.db.table("account").update(account_id, {"signature_sha256": sha256})
        detail = {"picture": sha256}
        subject = f"account:{account_id}"
        audit.append(desk.db, desk.clock.now(), actor.account_id, "account.signature_picture", subject, detail)
    return checked


def _read(stream: BinaryIO) -> bytes:
    data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise BadInput(N_("Ảnh chữ ký hoặc con dấu quá lớn"), next_step=N_("Dùng ảnh PNG không quá 10 MB"))
    return data
