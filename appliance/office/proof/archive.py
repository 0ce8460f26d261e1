"""The zip: the same document gives the same bytes, written a stretch at a time."""

from __future__ import annotations

import hashlib
import zipfile
from typing import BinaryIO

from appliance.errors import N_, Unavailable
from appliance.office.proof import guide
from appliance.office.proof.collect import Proof

_WHEN = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can name: members carry no time of their own."""


def write(proof: Proof, stream: BinaryIO) -> None:
    """Write the proof into ``stream``. Raises Unavailable when the store has lost a part of it."""
    proof.parts.put(guide.NAME, guide.text(proof.title, proof.parts.steps).encode())
    names = sorted(proof.parts.members, key=lambda name: (name != guide.NAME, name))
    sums = []
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            digest = hashlib.sha256()
            with archive.open(_entry(name), "w", force_zip64=True) as member:
                try:
                    for chunk in proof.parts.chunks(name):
                        digest.update(chunk)
                        member.write(chunk)
                except OSError as error:
                    raise Unavailable(
                        N_("Thiếu tệp %(name)s trong kho của trạm nên chưa xuất được bằng chứng."),
                        next_step=N_("Báo kỹ thuật viên khôi phục từ bản sao lưu."),
                        name=name,
                    ) from error
            sums.append(f"{digest.hexdigest()}  {name}\n")
        archive.writestr(_entry(guide.SUMS), "".join(sums))


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry
