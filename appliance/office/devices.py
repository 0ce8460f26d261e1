"""USB tokens and their keys (article 5): the record of a device, which one a signature uses, wrong PINs counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sqlite_utils import Database

from appliance.errors import N_, NotFound, RuleRefused, SignerError
from appliance.office import people
from appliance.office.desk import Actor, Desk
from appliance.regulation import rules
from appliance.signing.certificate_facts import CertificateFacts, read
from appliance.signing.token import TokenKey
from appliance.store import audit
from appliance.store.database import transaction

WARN_AFTER_WRONG_PINS = 2
"""Government tokens are reported to lock after more than 3 wrong PINs in a row: the third try wants a confirmation."""

STATES: dict[str, str] = {
    "in_use": N_("Đang sử dụng"),
    "locked": N_("Tạm khóa"),
    "lost": N_("Đã báo mất"),
    "revoked": N_("Chứng thư đã thu hồi"),
    "returned": N_("Đã nộp lại"),
    "replaced": N_("Đã được thay thế"),
}


@dataclass(frozen=True)
class Device:
    """One row of the register of devices. ``holder_id``: who the certificate names, None for the organ's seal."""

    id: str
    purpose: str
    organ_id: str
    holder_id: str | None
    keeper_id: str | None
    state: str
    state_reason: str
    token_serial: str
    token_label: str
    token_model: str
    key_id: str
    certificate: bytes = field(repr=False)
    wrong_pins: int
    keeping_rule: str
    created_at: str
    updated_at: str

    @cached_property
    def facts(self) -> CertificateFacts:
        """Subject, issuer, serial and validity, read from the certificate."""
        return read(self.certificate)

    @property
    def key(self) -> TokenKey:
        """The key on the device."""
        return TokenKey(self.token_serial, self.key_id, self.certificate)


COLUMNS = ", ".join(Device.__dataclass_fields__)


def load(db: Database, device_id: str) -> Device | None:
    """The row, whoever asks."""
    row = db.execute(f"SELECT {COLUMNS} FROM device WHERE id = ?", [device_id]).fetchone()
    return Device(*row) if row else None


def of_organ(db: Database, organ_id: str) -> list[Device]:
    """All devices of an organ: seals first, those in use first, newest first."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM device WHERE organ_id = ?"
        " ORDER BY purpose = 'personal', state <> 'in_use', created_at DESC",
        [organ_id],
    )
    return [Device(*row) for row in rows.fetchall()]


def for_signing(db: Database, purpose: str, organ_id: str, holder_id: str | None) -> Device | None:
    """The device a signature of this purpose uses: the newest in use, else the newest of all (it says why not)."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM device WHERE purpose = ? AND organ_id = ? AND holder_id IS ?"
        " ORDER BY state = 'in_use' DESC, created_at DESC LIMIT 1",
        [purpose, organ_id, holder_id],
    ).fetchone()
    return Device(*row) if row else None


def personal_key(db: Database, account_id: str, organ_id: str) -> tuple[str, TokenKey]:
    """(device id, key) of a leader. Raises NotFound, RuleRefused with what to do."""
    found = for_signing(db, "personal", organ_id, account_id)
    device = _usable(found, N_("Chưa đăng ký chứng thư số cá nhân cho tài khoản này."))
    return device.id, device.key


def personal_certificates(db: Database, account_id: str, *, in_use: bool) -> tuple[bytes, ...]:
    """The certificates (DER) on a person's devices that may sign, or that no longer may (lost, revoked, returned …)."""
    rows = db.execute(
        "SELECT certificate FROM device WHERE purpose = 'personal' AND holder_id = ? AND (state = 'in_use') = ?",
        [account_id, in_use],
    ).fetchall()
    return tuple(row[0] for row in rows)


def organ_key(db: Database, organ_id: str, actor: Actor) -> tuple[str, TokenKey]:
    """(device id, key) of an organ's seal, for the person who keeps it.

    Raises NotFound, and RuleRefused for a device that may not be used, or not by this person (article 5.2).
    """
    found = for_signing(db, "organ", organ_id, None)
    device = _usable(found, N_("Chưa đăng ký chứng thư số của cơ quan."))
    if device.keeper_id != actor.account_id:
        keeper = people.get(db, device.keeper_id).full_name if device.keeper_id else ""
        raise rules.refuse(
            rules.SEAL_KEEPER,
            N_("Thiết bị con dấu của cơ quan đang do %(keeper)s giữ; chỉ người đang giữ được đóng dấu.")
            if keeper
            else N_("Chưa ghi nhận ai đang giữ thiết bị con dấu của cơ quan nên chưa ai được đóng dấu."),
            N_("Người đang giữ đóng dấu; nếu đổi người giữ: lập biên bản bàn giao ở trang Thiết bị ký số.")
            if keeper
            else N_("Lãnh đạo lập biên bản bàn giao thiết bị cho văn thư ở trang Thiết bị ký số."),
            keeper=keeper,
        )
    return device.id, device.key


def _usable(device: Device | None, message: str) -> Device:
    if device is None:
        raise NotFound(message, next_step=N_("Báo kỹ thuật viên đăng ký thiết bị (Điều 5)."))
    if device.state != "in_use":
        raise stopped(device)
    return device


def stopped(device: Device) -> RuleRefused:
    """Why a device that is not in use cannot sign, and what to do."""
    steps = {
        "locked": N_("Kỹ thuật viên mở khóa khi đã khắc phục, hoặc đăng ký thiết bị mới."),
        "lost": N_("Đề nghị thu hồi chứng thư số ở trang Thiết bị ký số và đăng ký thiết bị mới được cấp."),
    }
    return RuleRefused(
        N_("Không ký được bằng thiết bị %(label)s (%(serial)s): %(state)s. %(reason)s"),
        next_step=steps.get(device.state, N_("Báo kỹ thuật viên đăng ký thiết bị mới được cấp.")),
        rule=rules.STOP_AND_REVOKE if device.state in ("locked", "lost", "revoked") else None,
        label=device.token_label,
        serial=device.token_serial,
        state=STATES[device.state].lower(),
        reason=device.state_reason,
    )


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
