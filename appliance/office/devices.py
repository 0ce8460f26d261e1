"""USB tokens and their keys (article 5): whose key, on which token, wrong PINs counted."""

from __future__ import annotations

from sqlite_utils import Database

from appliance.errors import N_, NotFound, SignerError
from appliance.office.desk import Actor, Desk
from appliance.signing.token import TokenKey
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import uuid7

WARN_AFTER_WRONG_PINS = 2
"""Government tokens are reported to lock after more than 3 wrong PINs in a row: the third try wants a confirmation."""


def personal_key(db: Database, account_id: str, organ_id: str) -> tuple[str, TokenKey]:
    """(device id, key) of a leader. Raises NotFound with what to do."""
    row = db.execute(
        "SELECT id, token_serial, key_id, certificate FROM device WHERE purpose = 'personal' AND"
        " holder_id = ? AND organ_id = ?"
        " AND active = 1 ORDER BY created_at DESC LIMIT 1",
        [account_id, organ_id],
    ).fetchone()
    return _key(row, N_("Chưa đăng ký chứng thư số cá nhân cho tài khoản này."))


def organ_key(db: Database, organ_id: str) -> tuple[str, TokenKey]:
    """(device id, key) of an organ's seal. Raises NotFound with what to do."""
    row = db.execute(
        "SELECT id, token_serial, key_id, certificate FROM device WHERE purpose = 'organ' AND organ_id ="
        " ? AND active = 1"
        " ORDER BY created_at DESC LIMIT 1",
        [organ_id],
    ).fetchone()
    return _key(row, N_("Chưa đăng ký chứng thư số của cơ quan."))


def _key(row: tuple[str, str, str, bytes] | None, message: str) -> tuple[str, TokenKey]:
    if row is None:
        raise NotFound(message, next_step=N_("Báo kỹ thuật viên đăng ký thiết bị (Điều 5)."))
    return row[0], TokenKey(row[1], row[2], row[3])


def register(
    desk: Desk, actor: Actor, *, purpose: str, organ_id: str, holder_id: str | None, key: TokenKey, token_label: str
) -> str:
    """Bind a key on a token to a person or an organ; returns the device id."""
    device_id = uuid7()
    with transaction(desk.db):
        now = desk.clock.now()
        desk.db.table("device").insert(
            {
                "id": device_id,
                "purpose": purpose,
                "organ_id": organ_id,
                "holder_id": holder_id,
                "token_serial": key.token_serial,
                "token_label": token_label,
                "key_id": key.key_id,
                "certificate": key.certificate,
                "created_at": now.isoformat(),
            }
        )
        detail = {"purpose": purpose, "serial": key.token_serial, "holder": holder_id}
        audit.append(desk.db, now, actor.account_id, "device.register", f"device:{device_id}", detail)
    return device_id


def wrong_pins(db: Database, device_id: str) -> int:
    """Wrong PINs in a row as counted here; the token counts too, and its own warnings come through the signer."""
    count: int = db.execute("SELECT wrong_pins FROM device WHERE id = ?", [device_id]).fetchone()[0]
    return count


def guard_last_try(db: Database, device_id: str, confirmed: bool) -> None:
    """Refuse a try that may lock the token unless the person has confirmed it."""
    count = wrong_pins(db, device_id)
    if count >= WARN_AFTER_WRONG_PINS and not confirmed:
        raise SignerError(
            N_("Đã nhập sai mã PIN %(count)s lần liên tiếp; sai thêm lần nữa thiết bị có thể bị khóa."),
            code="last_try",
            next_step=N_("Xem lại mã PIN; nếu chắc chắn thì đánh dấu “Tôi chấp nhận lần thử này” rồi ký lại."),
            count=count,
        )


def count_pin(desk: Desk, device_id: str, actor: Actor, *, wrong: bool) -> None:
    """Remember the outcome of one PIN entry."""
    with transaction(desk.db):
        if not wrong:
            desk.db.execute("UPDATE device SET wrong_pins = 0 WHERE id = ? AND wrong_pins > 0", [device_id])
            return
        desk.db.execute("UPDATE device SET wrong_pins = wrong_pins + 1 WHERE id = ?", [device_id])
        audit.append(desk.db, desk.clock.now(), actor.account_id, "device.wrong_pin", f"device:{device_id}", {})
