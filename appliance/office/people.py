"""Accounts and roles: who may come in, and as what. Passwords are argon2id hashes; log-in is throttled."""

from __future__ import annotations

import time
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlite_utils import Database

from appliance.errors import N_, BadInput, NotAllowed, NotFound
from appliance.office.desk import Actor, Desk
from appliance.store import audit
from appliance.store.database import transaction
from appliance.store.text import nfc, uuid7

ROLES: dict[str, str] = {
    "clerk": N_("Văn thư"),
    "leader": N_("Lãnh đạo"),
    "official": N_("Công chức"),
    "technician": N_("Kỹ thuật viên"),
    "auditor": N_("Kiểm tra"),
}
PASSWORD_MIN = 10
THROTTLE_WINDOW_SECONDS = 900
MAX_FAILURES_PER_ACCOUNT = 5
MAX_FAILURES_PER_ADDRESS = 20

_hasher = PasswordHasher()
_DUMMY = f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}${'A' * 22}${'A' * 43}"
"""No password's hash: an unknown name costs the same time as a wrong password. Written out, not computed, because
each process would pay for a hash when it starts."""


@dataclass(frozen=True)
class Account:
    """One person's account."""

    id: str
    username: str
    full_name: str
    position: str
    active: bool
    signature_sha256: str | None


_COLUMNS = "id, username, full_name, position, active, signature_sha256"


def get(db: Database, account_id: str) -> Account:
    """The account with this id. Raises NotFound."""
    row = db.execute(f"SELECT {_COLUMNS} FROM account WHERE id = ?", [account_id]).fetchone()
    if row is None:
        raise NotFound(N_("Không có tài khoản này."))
    return _account(row)


def _account(row: tuple[str, str, str, str, int, str | None]) -> Account:
    return Account(row[0], row[1], row[2], row[3], bool(row[4]), row[5])


def add(
    db: Database,
    *,
    username: str,
    full_name: str,
    position: str,
    password: str,
    memberships: list[tuple[str, str]],
    created_at: str,
    signature_sha256: str | None = None,
) -> str:
    """Add an account with (organ id, role) memberships; returns its id. Raises BadInput.

    Joins the caller's transaction.
    """
    if len(password) < PASSWORD_MIN:
        raise BadInput(N_("Mật khẩu phải có ít nhất %(length)s ký tự."), length=PASSWORD_MIN)
    account_id = uuid7()
    db.table("account").insert(
        {
            "id": account_id,
            "username": username.strip().lower(),
            "full_name": nfc(full_name),
            "position": nfc(position),
            "password_hash": _hasher.hash(password),
            "created_at": created_at,
            "signature_sha256": signature_sha256,
        }
    )
    for organ_id, role in memberships:
        db.table("membership").insert({"account_id": account_id, "organ_id": organ_id, "role": role})
    return account_id


def log_in(desk: Desk, username: str, password: str, address: str) -> Account:
    """The account when name and password fit. Raises NotAllowed; after too many failures, for a while, always."""
    db, name, now = desk.db, username.strip().lower(), time.time()
    _refuse_when_throttled(db, name, address, now)
    row = db.execute("SELECT id, password_hash FROM account WHERE username = ? AND active = 1", [name]).fetchone()
    if not _password_fits(row[1] if row else _DUMMY, password) or row is None:
        with transaction(db):
            db.execute("DELETE FROM login_failure WHERE at < ?", [now - THROTTLE_WINDOW_SECONDS])
            db.table("login_failure").insert({"username": name, "address": address, "at": now})
            audit.append(db, desk.clock.now(), "system", "login.refused", f"account:{name[:60]}", {"address": address})
        raise NotAllowed(
            N_("Tên đăng nhập hoặc mật khẩu không đúng."),
            next_step=N_("Kiểm tra lại bàn phím (Telex, Caps Lock); quên mật khẩu thì báo kỹ thuật viên."),
        )
    with transaction(db):
        db.execute("DELETE FROM login_failure WHERE username = ?", [name])
        audit.append(db, desk.clock.now(), row[0], "login.accepted", f"account:{row[0]}", {"address": address})
    return get(db, row[0])


def _password_fits(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _refuse_when_throttled(db: Database, name: str, address: str, now: float) -> None:
    since = now - THROTTLE_WINDOW_SECONDS
    by_name = db.execute("SELECT count(*) FROM login_failure WHERE username = ? AND at > ?", [name, since]).fetchone()[
        0
    ]
    by_address = db.execute(
        "SELECT count(*) FROM login_failure WHERE address = ? AND at > ?", [address, since]
    ).fetchone()[0]
    if by_name >= MAX_FAILURES_PER_ACCOUNT or by_address >= MAX_FAILURES_PER_ADDRESS:
        raise NotAllowed(
            N_("Đăng nhập sai quá nhiều lần, tạm khóa %(minutes)s phút."),
            next_step=N_("Đợi hết thời gian khóa rồi đăng nhập lại; quên mật khẩu thì báo kỹ thuật viên."),
            minutes=THROTTLE_WINDOW_SECONDS // 60,
        )


def memberships(db: Database, account_id: str) -> dict[str, frozenset[str]]:
    """Organ id → roles of this account, organs by name."""
    rows = db.execute(
        "SELECT organ_id, role FROM membership JOIN organ ON organ.id = organ_id WHERE account_id = ?"
        " ORDER BY organ.name, role",
        [account_id],
    )
    found: dict[str, set[str]] = {}
    for organ_id, role in rows:
        found.setdefault(organ_id, set()).add(role)
    return {organ_id: frozenset(roles) for organ_id, roles in found.items()}


def actor(db: Database, account_id: str, organ_id: str) -> Actor:
    """The person acting in one organ. Raises NotAllowed when the account is closed or does not belong there."""
    account = get(db, account_id)
    roles = memberships(db, account_id).get(organ_id)
    if not account.active or not roles:
        raise NotAllowed(
            N_("Tài khoản này không thuộc cơ quan đã chọn."), next_step=N_("Chọn lại cơ quan hoặc đăng nhập lại.")
        )
    return Actor(account.id, account.full_name, organ_id, roles)


def with_role(db: Database, organ_id: str, *roles: str) -> list[Account]:
    """Active accounts that hold any of ``roles`` in an organ, by name."""
    marks = ", ".join("?" * len(roles))
    rows = db.execute(
        f"SELECT DISTINCT {', '.join('account.' + c for c in _COLUMNS.split(', '))} FROM account"
        f" JOIN membership ON account_id = account.id WHERE organ_id = ? AND role IN ({marks}) AND active"
        f" = 1 ORDER BY full_name",
        [organ_id, *roles],
    )
    return [_account(row) for row in rows.fetchall()]
