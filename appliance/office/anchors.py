"""Whom the box trusts, managed by the technician: by page, by command, by USB stick; every change in the journal.

A root is never taken silently: its fingerprint must be named by the person who compared it with what the authority
has published. An intermediate must be signed by an authority already trusted, a revocation list by its issuer, and it
must be newer than the one at hand: then neither can do harm, and a stick may bring them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import crl, x509

from appliance.clock import VN
from appliance.errors import N_, BadInput, NotFound
from appliance.office.desk import Actor, Desk
from appliance.signing import trust_files
from appliance.signing.material import list_times
from appliance.signing.trust_files import Found
from appliance.store import audit
from appliance.store.database import transaction

KINDS: dict[str, str] = {
    "root": N_("Chứng thư gốc"),
    "intermediate": N_("Tổ chức chứng thực trung gian"),
    "list": N_("Danh sách thu hồi"),
    "other": N_("Chứng thư khác"),
}
_AHEAD = timedelta(minutes=5)  # how far an authority's clock may be ahead of ours


@dataclass(frozen=True)
class Entry:
    """One certificate or list of the folder; times at +07:00, ``until`` None when a list names no end."""

    kind: str
    name: str
    serial: str
    since: datetime
    until: datetime | None
    fingerprint: str
    purpose: str
    revoked: int
    file: str

    def current(self, now: datetime) -> bool:
        """Within its validity (a list: still fresh)."""
        return self.since <= now + _AHEAD and self.until is not None and now <= self.until


@dataclass(frozen=True)
class Outcome:
    """What became of one thing that somebody brought; ``words``: Vietnamese, why not (or that it is in force)."""

    entry: Entry
    accepted: bool
    words: str


def entries(desk: Desk) -> tuple[list[Entry], list[str]]:
    """Everything in the folder, roots first, and the names of the files that cannot be read."""
    found, unreadable = _folder(desk.settings.trust)
    rank = list(KINDS)
    return sorted((_entry(one) for one in found), key=lambda e: (rank.index(e.kind), e.name, e.since)), unreadable


def bring(desk: Desk, actor: Actor, things: Iterable[Found], *, accept_roots: Collection[str] = ()) -> list[Outcome]:
    """Take what may be taken: roots, then intermediates, then lists, so that one file may bring them all.

    ``accept_roots``: fingerprints (SHA-256, hexadecimal, colons and blanks ignored) of the roots that the person has
    compared and accepts.
    """
    accepted = {_plain(text) for text in accept_roots}
    order = ("root", "intermediate", "other", "list")
    outcomes: list[Outcome] = []
    waiting = sorted(things, key=lambda one: order.index(one.kind))
    # an intermediate may stand before the one that issued it: go round until nothing more is taken
    while waiting:
        left = []
        for one in waiting:
            words = _objection(desk, one, accepted)
            if words:
                left.append((one, words))
            else:
                outcomes.append(_take(desk, actor, one))
        if len(left) == len(waiting):
            outcomes += [Outcome(_entry(one), False, words) for one, words in left]
            break
        waiting = [one for one, _ in left]
    return outcomes


def remove(desk: Desk, actor: Actor, fingerprint: str) -> Entry:
    """Trust it no longer. Raises NotFound."""
    wanted = _plain(fingerprint)
    folder = desk.settings.trust
    found, _ = _folder(folder)
    gone = next((one for one in found if one.fingerprint == wanted), None)
    if gone is None:
        raise NotFound(
            N_("Không có chứng thư số hay danh sách nào mang dấu vân tay này."),
            next_step=N_("Xem lại danh sách tin cậy, chép đủ dấu vân tay SHA-256."),
        )
    entry = _entry(gone)
    with transaction(desk.db):
        _journal(desk, actor, "trust.remove", entry)
        _without(folder, found, gone)
    return entry


def read_path(path: Path) -> tuple[list[Found], list[str]]:
    """What a file, a folder or a USB stick holds, and a sentence for each file that cannot be read.

    Raises BadInput when there is nothing at ``path``. Links are not followed: a stick must not point into the box.
    """
    if not path.exists():
        raise BadInput(N_("Không có tệp hay thư mục %(path)s."), path=path)
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
    found: list[Found] = []
    trouble: list[str] = []
    for file in files:
        if file.suffix.lower() not in trust_files.ENDINGS:
            continue
        try:
            if file.stat().st_size > trust_files.MOST_BYTES or len(found) > trust_files.MOST_THINGS:
                raise BadInput(N_("Tệp “%(name)s” quá lớn hoặc có quá nhiều tệp."), name=file.name)
            found += trust_files.contents(file.name, file.read_bytes())
        except (BadInput, OSError) as error:
            trouble.append(str(error))
    return found, trouble


def _objection(desk: Desk, one: Found, accepted: set[str]) -> str:
    """Why it may not be taken, '' when it may."""
    now = desk.clock.now()
    present, _ = _folder(desk.settings.trust)
    if any(known.fingerprint == one.fingerprint for known in present):
        return N_("Đã có từ trước")
    issuers = [known.thing for known in present if isinstance(known.thing, x509.Certificate)]
    if isinstance(one.thing, crl.CertificateList):
        return _list_objection(one.thing, issuers, [k.thing for k in present], now)
    if one.kind == "other":
        return N_("Không phải chứng thư số của một tổ chức chứng thực")
    if not one.thing.not_valid_before <= now + _AHEAD or now > one.thing.not_valid_after:
        return N_("Chứng thư số đã hết hạn hoặc chưa có hiệu lực")
    if one.kind == "root":
        if not trust_files.issued_by(one.thing, [one.thing]):
            return N_("Chữ ký trên chứng thư gốc không đúng")
        if one.fingerprint not in accepted:
            return N_("Chứng thư gốc mới: chỉ nhận khi kèm dấu vân tay SHA-256 đã đối chiếu với bản công bố")
        return ""
    return "" if trust_files.issued_by(one.thing, issuers) else N_("Không do tổ chức đang được tin cậy cấp")


def _list_objection(
    entry: crl.CertificateList, issuers: list[x509.Certificate], present: list[Any], now: datetime
) -> str:
    if not trust_files.list_signed_by(entry, issuers):
        return N_("Không do tổ chức đang được tin cậy ký")
    since, _ = list_times(entry)
    if since > now + _AHEAD:
        return N_("Ngày phát hành ở tương lai; kiểm tra đồng hồ của trạm")
    held = [list_times(o)[0] for o in present if isinstance(o, crl.CertificateList) and o.issuer == entry.issuer]
    if held and max(held) >= since:
        return N_("Cũ hơn danh sách đang có")
    return ""


def _take(desk: Desk, actor: Actor, one: Found) -> Outcome:
    entry, folder = _entry(one), desk.settings.trust
    found, _ = _folder(folder)
    with transaction(desk.db):
        _journal(desk, actor, "trust.add", entry)
        if isinstance(one.thing, crl.CertificateList):
            trust_files.write(folder, f"{one.fingerprint[:16]}.crl", [one.thing])
            for old in found:  # the list it replaces
                if isinstance(old.thing, crl.CertificateList) and old.thing.issuer == one.thing.issuer:
                    _without(folder, found, old)
        else:
            prefix = "root" if one.kind == "root" else "ca"
            trust_files.write(folder, f"{prefix}-{one.fingerprint[:16]}.pem", [one.thing])
    return Outcome(entry, True, N_("Đã nhận"))


def _without(folder: Path, found: list[Found], gone: Found) -> None:
    """The file without this one; other things in the same file stay."""
    rest = [one.thing for one in found if one.file == gone.file and one.fingerprint != gone.fingerprint]
    if rest:
        trust_files.write(folder, gone.file, rest)
    else:
        trust_files.drop(folder, gone.file)


def _folder(folder: Path) -> tuple[list[Found], list[str]]:
    found: list[Found] = []
    unreadable: list[str] = []
    for file in sorted([*folder.glob("*.pem"), *folder.glob("*.crl")]):
        try:
            found += trust_files.contents(file.name, file.read_bytes())
        except (BadInput, OSError):
            unreadable.append(file.name)
    return found, unreadable


def _entry(one: Found) -> Entry:
    if isinstance(one.thing, crl.CertificateList):
        since, until = list_times(one.thing)
        revoked = one.thing["tbs_cert_list"]["revoked_certificates"]
        return Entry(
            kind="list",
            name=_name(one.thing.issuer),
            serial="",
            since=since.astimezone(VN),
            until=until.astimezone(VN) if until else None,
            fingerprint=one.fingerprint,
            purpose="",
            revoked=len(revoked) if revoked else 0,
            file=one.file,
        )
    extended = one.thing.extended_key_usage_value
    stamping = extended is not None and "time_stamping" in extended.native
    return Entry(
        kind=one.kind,
        name=_name(one.thing.subject),
        serial=f"{one.thing.serial_number:x}",
        since=one.thing.not_valid_before.astimezone(VN),
        until=one.thing.not_valid_after.astimezone(VN),
        fingerprint=one.fingerprint,
        purpose=N_("Dấu thời gian") if stamping else N_("Chữ ký số và dấu thời gian"),
        revoked=0,
        file=one.file,
    )


def _name(name: x509.Name) -> str:
    return str(name.native.get("common_name") or name.human_friendly)


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.split()).replace(":", "").lower()


def _journal(desk: Desk, actor: Actor, action: str, entry: Entry) -> None:
    detail = {"kind": entry.kind, "name": entry.name, "file": entry.file, "sha256": entry.fingerprint}
    audit.append(desk.db, desk.clock.now(), actor.account_id, action, f"trust:{entry.fingerprint[:16]}", detail)
