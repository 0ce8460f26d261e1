"""Fills a box's store with the demo's cast: organs and their codes, people, and the keys bound to them."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.office import courier_certificates, custody, organs, people
from appliance.office.desk import SYSTEM, Desk
from appliance.signing.token import TokenKey
from appliance.store import audit
from appliance.store.database import transaction
from provisioning.demo.cast import CODES_SINCE, ORGANS, PEOPLE, UBND

SEAL_MM = 36.0


def fill(
    desk: Desk, *, passwords: Mapping[str, str], seals: Mapping[str, bytes], signatures: Mapping[str, bytes]
) -> dict[str, str]:
    """Put organs and people into an empty store; returns username → account id.

    ``seals``: organ id → red PNG; ``signatures``: username → blue PNG; ``passwords``: username → password.
    """
    seal_files = {organ_id: desk.blobs.put(png) for organ_id, png in seals.items()}
    signature_files = {username: desk.blobs.put(png) for username, png in signatures.items()}
    now = desk.clock.now()
    accounts: dict[str, str] = {}
    with transaction(desk.db):
        for organ in ORGANS:
            organs.add(
                desk.db,
                organ_id=organ.id,
                name=organ.name,
                abbreviation=organ.abbreviation,
                place=organ.place,
                local=organ.local,
                codes=[("QD20", organ.code, CODES_SINCE), ("QCVN102", organ.old_code, CODES_SINCE)],
                seal_sha256=seal_files.get(organ.id),
                seal_mm=SEAL_MM if organ.id in seal_files else None,
            )
        for person in PEOPLE:
            accounts[person.username] = people.add(
                desk.db,
                username=person.username,
                full_name=person.full_name,
                position=person.position,
                password=passwords[person.username],
                memberships=list(person.roles),
                created_at=now.isoformat(),
                signature_sha256=signature_files.get(person.username),
            )
        audit.append(desk.db, now, "system", "box.provision", "box", {"organs": len(ORGANS), "people": len(PEOPLE)})
    return accounts


def bind_key(desk: Desk, *, organ_id: str, holder_id: str | None, key: TokenKey, token_label: str) -> None:
    """Bind a key to a person (``holder_id``), who keeps it, or to the organ's seal, kept by its clerk (article 5)."""
    keeper = holder_id or people.with_role(desk.db, organ_id, "clerk")[0].id
    registration = custody.Registration(
        purpose="personal" if holder_id else "organ",
        organ_id=organ_id,
        holder_id=holder_id or "",
        keeper_id=keeper,
        condition="Mới, hoạt động bình thường",
    )
    custody.register(desk, SYSTEM, registration, key, token_label)


def keep_bus_certificate(desk: Desk, pem: bytes) -> None:
    """The technician keeps the bus's certificate, so that packages can go to the province on a USB stick."""
    technician = people.with_role(desk.db, UBND.id, "technician")[0]
    courier_certificates.keep(desk, people.actor(desk.db, technician.id, UBND.id), "truc", pem)
