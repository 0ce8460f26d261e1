"""An encrypted file that came is opened with the organ's device (article 15); the raw package stays as it is."""

from __future__ import annotations

import io
import json

from cryptography import x509

from appliance.envelope import recipients, unseal
from appliance.errors import N_, BadInput, NotFound, WrongState
from appliance.office import devices, incoming, verdicts
from appliance.office.desk import Actor, Desk
from appliance.office.encryption import EXTENSION, MOST_BYTES, is_closed
from appliance.office.outgoing.pins import with_pin
from appliance.signing.opening import DeviceKey
from appliance.signing.token import Pin
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc


def open_file(desk: Desk, actor: Actor, incoming_id: str, position: int, pin: Pin, *, last_try: bool = False) -> None:
    """Open an encrypted file with the organ's device; what was inside stands beside it, scanned, signatures checked.

    Raises NotAllowed, NotFound, BadInput (not for this device, altered), RuleRefused, SignerError, WrongState.
    """
    document = incoming.get(desk, actor, incoming_id)
    files = {row["position"]: row for row in incoming.files(desk.db, incoming_id)}
    row = files.get(position)
    if row is None or not is_closed(row["name"]):
        raise NotFound(N_("Không có tệp mã hóa này."))
    device_id, key = devices.organ_key(desk.db, document.organ_id, actor)
    data = desk.blobs.read(row["sha256"])
    certificate = x509.load_der_x509_certificate(key.certificate)
    if not any(one.is_for(certificate) for one in recipients(data)):
        raise BadInput(
            N_("Tệp này không mã hóa cho thiết bị của cơ quan."),
            next_step=N_("Gửi nơi gửi chứng thư mã hóa đang dùng của cơ quan và đề nghị gửi lại."),
        )
    opener = DeviceKey(certificate, key, pin.confirmed(last_try), desk.signer)

    def make() -> tuple[str, int]:
        content = io.BytesIO()
        unseal(data, opener, content)  # an altered one raises before anything is kept
        content.seek(0)
        return desk.blobs.put_stream(content, MOST_BYTES)

    sha256, size = with_pin(desk, actor, device_id, last_try, make)
    name = nfc(row["name"])[: -len(EXTENSION)]
    verdict = desk.scanner.scan(desk.blobs.path(sha256))
    scan = "clean" if verdict.clean else verdict.name or "?"
    is_pdf = desk.blobs.path(sha256).open("rb").read(5) == b"%PDF-"
    signatures = "[]"
    if is_pdf and verdict.clean:
        signatures = json.dumps(verdicts.examine(desk, sha256), ensure_ascii=False)
    now = desk.clock.now()
    with transaction(desk.db):
        taken = desk.db.execute(
            "SELECT 1 FROM incoming_file WHERE incoming_id = ? AND opened_of = ?", [incoming_id, position]
        ).fetchone()
        if taken:
            raise WrongState(N_("Tệp này đã được mở."), next_step=N_("Tải lại trang để xem nội dung."))
        desk.db.table("incoming_file").insert(
            {
                "incoming_id": incoming_id,
                "position": max(files) + 1,
                "name": name,
                "sha256": sha256,
                "size": size,
                "media_type": "application/pdf" if is_pdf else "application/octet-stream",
                "scan": scan,
                "signatures": signatures,
                "opened_of": position,
            }
        )
        verdicts.first(desk.db, f"incoming:{incoming_id}", sha256, signatures, now)
        detail = {"file": row["name"], "device": device_id, "sha256": sha256}
        audit.append(desk.db, now, actor.account_id, "incoming.open", f"incoming:{incoming_id}", detail)
