"""Chứng thư kết nối of those who are sent containers: whom a USB package can be sealed to."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.envelope import may_receive
from appliance.errors import N_, BadInput, NotAllowed
from appliance.office import organs
from appliance.office.desk import Actor, Desk
from appliance.store import audit
from appliance.store.database import transaction

_CODE = re.compile(r"[0-9A-Za-zĐđ_-]+(\.[0-9A-Za-zĐđ_-]+){0,7}")


def path_for(desk: Desk, code: str) -> Path:
    """Where the link certificate of ``code`` (or of the bus, 'truc') is kept. Raises BadInput for no code at all."""
    if not _CODE.fullmatch(code):
        raise BadInput(N_("Mã định danh “%(code)s” không dùng được."), code=code[:60])
    return _folder(desk) / f"{code}.pem"


def known_readers(desk: Desk) -> list[tuple[str, str]]:
    """(code, name) of everybody whose certificate is kept; the bus last, its name ''."""
    codes = sorted((path.stem for path in _folder(desk).glob("*.pem")), key=lambda code: (code == "truc", code))
    found = [(code, organs.by_code(desk.db, code)) for code in codes]
    return [(code, organ.name if organ else "") for code, organ in found]


def keep(desk: Desk, actor: Actor, code: str, pem: bytes) -> None:
    """Keep the link certificate of ``code`` ('truc': the bus), over one kept before.

    Raises NotAllowed, BadInput: no certificate, not for encryption, an organ nobody knows.
    """
    if not actor.has("technician"):
        raise NotAllowed(N_("Chỉ kỹ thuật viên nạp chứng thư kết nối."), next_step=N_("Nhờ kỹ thuật viên."))
    target = path_for(desk, code)
    if code != "truc" and organs.by_code(desk.db, code) is None:
        raise BadInput(
            N_("Không có cơ quan nào mang mã “%(code)s” trong danh bạ."), next_step=N_("Xem lại mã."), code=code
        )
    try:
        found = x509.load_pem_x509_certificate(pem)
    except (ValueError, x509.InvalidVersion) as error:
        raise BadInput(N_("Tệp này không phải chứng thư PEM."), next_step=N_("Chọn tệp chứng thư khác.")) from error
    why = may_receive(found, desk.clock.now())
    if why:
        raise BadInput(why, next_step=N_("Xin chứng thư kết nối mới của nơi nhận."))
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_bytes(found.public_bytes(Encoding.PEM))
    now = desk.clock.now()
    with transaction(desk.db):
        detail = {"code": code, "sha256": found.fingerprint(SHA256()).hex()}
        audit.append(desk.db, now, actor.account_id, "courier.certificate", f"courier:{code}", detail)
    fresh.replace(target)  # after its entry: no certificate is ever used that the journal does not know


def _folder(desk: Desk) -> Path:
    return desk.settings.data / "courier"
