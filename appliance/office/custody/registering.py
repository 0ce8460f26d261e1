"""Registering a device (đăng ký thiết bị): what is plugged in, whose certificate it is, who keeps it from now on."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from asn1crypto import x509
from sqlite_utils import Database

from appliance.errors import N_, BadInput, NotAllowed, RuleRefused
from appliance.office import people
from appliance.office.custody.records import USABLE
from appliance.office.desk import Actor, Desk
from appliance.office.devices import COLUMNS, STATES, Device, load
from appliance.regulation import rules
from appliance.signing.certificate_facts import CertificateFacts, read
from appliance.signing.certificates import Standing, standing
from appliance.signing.choice import AUTHORITY, UNREADABLE, best, candidates
from appliance.signing.token import TokenKey
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7

PURPOSES: dict[str, str] = {"personal": N_("Chữ ký của cá nhân"), "organ": N_("Con dấu của cơ quan")}


@dataclass(frozen=True)
class Found:
    """One certificate on a device plugged in now. ``registered``: where it stands in the register already.

    ``suggested``: the device's best one to sign with, and free.
    """

    key: TokenKey
    label: str
    model: str
    facts: CertificateFacts
    standing: Standing
    registered: Device | None
    suggested: bool

    @property
    def choice(self) -> str:
        """What a form sends to say "this one"."""
        return sha256(f"{self.key.token_serial}/{self.key.key_id}/".encode() + self.key.certificate).hexdigest()[:32]


@dataclass(frozen=True)
class Registration:
    """What the technician fills in. ``holder_id``: whom the certificate names, '' for the organ's seal."""

    purpose: str
    organ_id: str
    holder_id: str
    keeper_id: str
    minutes_number: str = ""
    condition: str = ""
    accessories: str = ""
    keeping_rule: str = ""


def plugged_in(desk: Desk) -> list[Found]:
    """Every certificate readable now, without any PIN. Raises SignerError."""
    now, found = desk.clock.now(), []
    for token in desk.signer.tokens():
        suggested = best(token, now)
        for candidate in candidates(token, now):
            if candidate.problem in (AUTHORITY, UNREADABLE):
                continue  # nobody's own certificate
            der = candidate.key.certificate
            judged = standing(x509.Certificate.load(der), (), desk.trust, now)
            known = _registered(desk.db, der)
            first = candidate.key == suggested and (known is None or known.state in ("returned", "replaced"))
            found.append(Found(candidate.key, token.label, token.model, read(der), judged, known, first))
    return found


def register(
    desk: Desk, actor: Actor, wanted: Registration, key: TokenKey, token_label: str, token_model: str = ""
) -> Device:
    """Bind a key on a device to a person or an organ and to who keeps it; the one used until now is replaced.

    Raises NotAllowed, BadInput, and RuleRefused for a keeper article 5 does not know or a certificate that may not
    sign.
    """
    if not actor.has("technician", "system"):
        raise NotAllowed(N_("Chỉ kỹ thuật viên được đăng ký thiết bị ký số."))
    check_keeper(desk.db, wanted.purpose, wanted.organ_id, wanted.holder_id, wanted.keeper_id, wanted.keeping_rule)
    _check_certificate(desk, key)
    device_id = uuid7()
    with transaction(desk.db):
        now = desk.clock.now()
        for old in _replaced_by(desk.db, wanted):
            changes = {"state": "replaced", "updated_at": now.isoformat(timespec="microseconds")}
            desk.db.table("device").update(old.id, {**changes, "state_reason": ""})
            detail = {"from": old.state, "to": "replaced", "by": device_id}
            audit.append(desk.db, now, actor.account_id, "device.replace", f"device:{old.id}", detail)
        desk.db.table("device").insert(
            {
                "id": device_id,
                "purpose": wanted.purpose,
                "organ_id": wanted.organ_id,
                "holder_id": wanted.holder_id or None,
                "keeper_id": wanted.keeper_id,
                "token_serial": key.token_serial,
                "token_label": token_label,
                "token_model": token_model,
                "key_id": key.key_id,
                "certificate": key.certificate,
                "keeping_rule": nfc(wanted.keeping_rule),
                "created_at": now.isoformat(),
                "updated_at": now.isoformat(timespec="microseconds"),
            }
        )
        desk.db.table("handover").insert(
            {
                "id": uuid7(),
                "device_id": device_id,
                "to_id": wanted.keeper_id,
                "at": now.isoformat(),
                "minutes_number": nfc(wanted.minutes_number)[:60],
                "condition": nfc(wanted.condition)[:200],
                "accessories": nfc(wanted.accessories)[:200],
                "keeping_rule": nfc(wanted.keeping_rule),
                "recorded_by": actor.account_id,
            }
        )
        registered = {
            "purpose": wanted.purpose,
            "serial": key.token_serial,
            "holder": wanted.holder_id or None,
            "keeper": wanted.keeper_id,
        }
        audit.append(desk.db, now, actor.account_id, "device.register", f"device:{device_id}", registered)
    written = load(desk.db, device_id)
    if written is None:
        raise RuntimeError("a device vanished after its own commit")
    return written


def check_keeper(
    db: Database, purpose: str, organ_id: str, holder_id: str | None, keeper_id: str, keeping_rule: str
) -> None:
    """Whether article 5 lets this person keep it. Raises BadInput, RuleRefused."""
    clerks = {account.id for account in people.with_role(db, organ_id, "clerk")}
    if purpose == "organ" and not holder_id:
        if keeper_id not in clerks:
            raise rules.refuse(
                rules.SEAL_KEEPER,
                N_("Người giữ thiết bị của cơ quan phải là văn thư."),
                N_("Chọn văn thư của cơ quan; nếu đã đổi văn thư thì kỹ thuật viên phân lại vai trò trước."),
            )
        return
    if purpose != "personal" or holder_id not in {a.id for a in people.with_role(db, organ_id, "leader")}:
        raise BadInput(
            N_("Chọn mục đích sử dụng; thiết bị cá nhân phải có người được cấp là người ký của cơ quan."),
            next_step=N_("Chọn lại người được cấp trong danh sách lãnh đạo."),
        )
    if keeper_id != holder_id and (keeper_id not in clerks or not nfc(keeping_rule)):
        raise rules.refuse(
            rules.PERSONAL_KEEPER,
            N_("Thiết bị của cá nhân chỉ giao cho văn thư giữ khi quy chế của cơ quan có quy định."),
            N_("Ghi số, ngày và điều khoản của quy chế công tác văn thư lưu trữ, hoặc để chính người được cấp giữ."),
        )


def _check_certificate(desk: Desk, key: TokenKey) -> None:
    """Raises RuleRefused for a certificate that may not sign, BadInput for one registered already."""
    judged = standing(x509.Certificate.load(key.certificate), (), desk.trust, desk.clock.now())
    if judged.verdict == "invalid" and judged.code != "not_yet":
        raise RuleRefused(
            N_("Không đăng ký được: %(reason)s."),
            next_step=N_("Kiểm tra lại thiết bị và chứng thư; liên hệ cơ quan cấp chứng thư số."),
            reason=judged.reason[0].lower() + judged.reason[1:],
        )
    known = _registered(desk.db, key.certificate)
    if known is not None and known.state not in ("returned", "replaced"):
        raise BadInput(
            N_("Chứng thư này đã có trong sổ thiết bị (%(label)s, %(state)s)."),
            next_step=N_("Mở thiết bị đó trong sổ; nếu đổi người giữ thì lập biên bản bàn giao."),
            label=known.token_label,
            state=STATES[known.state].lower(),
        )


def _registered(db: Database, certificate: bytes) -> Device | None:
    row = db.execute(
        f"SELECT {COLUMNS} FROM device WHERE certificate = ? ORDER BY created_at DESC LIMIT 1", [certificate]
    ).fetchone()
    return Device(*row) if row else None


def _replaced_by(db: Database, wanted: Registration) -> list[Device]:
    """Usable devices of the same purpose and holder: from now on the new one signs."""
    marks = ", ".join("?" * len(USABLE))
    rows = db.execute(
        f"SELECT {COLUMNS} FROM device WHERE purpose = ? AND organ_id = ? AND holder_id IS ? AND state IN ({marks})",
        [wanted.purpose, wanted.organ_id, wanted.holder_id or None, *USABLE],
    )
    return [Device(*row) for row in rows.fetchall()]
