"""``tram proof``, ``tram receipts``, ``tram statistics``: what happened to documents, for people and for scripts."""

from __future__ import annotations

from pathlib import Path

from appliance.errors import N_, BadInput, NotFound
from appliance.office import incoming, outgoing, proof
from appliance.office.desk import Desk


def export(desk: Desk, document_id: str, target: Path) -> None:
    """Write one document's whole proof. Raises NotFound, WrongState, BadInput when the file cannot be written."""
    sent, came = outgoing.load(desk.db, document_id), incoming.load(desk.db, document_id)
    if sent is None and came is None:
        raise NotFound(
            N_("Không có văn bản nào mang mã %(id)s."),
            next_step=N_("Lấy mã ở cuối địa chỉ trang văn bản trên trình duyệt."),
            id=document_id,
        )
    made = proof.outgoing_proof(desk, sent) if sent else proof.incoming_proof(desk, came) if came else None
    assert made is not None
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w+b") as file:
            proof.write(made, file)
        part.replace(target)
    except OSError as error:
        raise BadInput(N_("Không ghi được tệp %(name)s: %(error)s"), name=target, error=error.strerror) from error
    finally:
        part.unlink(missing_ok=True)
    print(f"{target}: {len(made.parts.members)} files")
