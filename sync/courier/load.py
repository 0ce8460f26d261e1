"""Making a container: queued packages, and what this box owes the other end, sealed into one file in the store."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509

from appliance.errors import N_, BadInput, Unavailable
from appliance.office import courier, messages
from appliance.office.desk import Desk
from sync import disk
from sync.courier import identity
from sync.courier.container import MAX_BYTES, Carried, Identity, Manifest, write
from sync.edxml.peek import sender_code


def load(desk: Desk, job: dict[str, Any]) -> None:
    """The container that was asked for. Raises BadInput, ConfigError, Unavailable; repeatable."""
    wanted = set(json.loads(job["wanted"]))
    rows = [row for row in courier.loadable(desk.db, job["organ_id"], job["to_code"]) if row["id"] in wanted]
    if not rows:
        raise BadInput(
            N_("Các gói tin đã chọn không còn chờ gửi."), next_step=N_("Xem hàng đợi gửi: có thể trục đã nhận.")
        )
    me = identity.own(desk.settings.link_certificate, desk.settings.link_key)
    pack(desk, job["id"], me, identity.reader(desk, job["to_code"]), job["to_code"], rows, ())


def pack(
    desk: Desk,
    courier_id: str,
    me: Identity,
    reader: x509.Certificate,
    to: str,
    rows: Sequence[dict[str, Any]],
    receipts: Sequence[bytes],
) -> None:
    """Seal ``rows`` of the queue and ``receipts`` for ``reader``; durable before the row that names it."""
    disk.require_room(desk)
    packages = tuple(_carried(desk, row) for row in rows)
    digests = tuple(hashlib.sha256(receipt).hexdigest() for receipt in receipts)
    manifest = Manifest(courier_id, to, desk.clock.now().isoformat(), packages, digests)
    folder = work_folder(desk)
    try:
        with tempfile.TemporaryFile(dir=folder) as sealed:
            write(sealed, me, reader, manifest, lambda one: desk.blobs.path(one.sha256), receipts, folder)
            sealed.seek(0)
            sha256, size = desk.blobs.put_stream(sealed, MAX_BYTES + (8 << 20))
    except OSError as error:
        raise disk.refused(error) from error
    courier.loaded(desk, courier_id, sha256, size, [one.id for one in packages])


def work_folder(desk: Desk) -> Path:
    """Where clear containers lie while they are made or opened; nothing there has a name."""
    folder = desk.settings.data / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _carried(desk: Desk, row: dict[str, Any]) -> Carried:
    codes = tuple(one["code"] for one in messages.recipients_in_order(desk.db, row["id"]))
    try:
        sender = sender_code(desk.blobs.path(row["sha256"]))
    except (OSError, ValueError, SyntaxError) as error:
        raise Unavailable(
            N_("Tệp của gói tin “%(title)s” bị thiếu hoặc hỏng trong kho."),
            next_step=N_("Báo kỹ thuật viên khôi phục từ bản sao lưu."),
            title=row["title"],
        ) from error
    return Carried(row["id"], row["kind"], row["priority"], sender, codes, row["sha256"], row["size"])
