"""Revocation lists kept fresh: fetched from the certificates' addresses into the folder of trust.

A list is taken only when a known authority has signed it, it is current, and newer than the one at hand: a captive
portal's page, an old list or a stranger's changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from datetime import datetime
from pathlib import Path

from asn1crypto import crl

from appliance.office.desk import Desk
from appliance.office.evidence import certificates_on_file
from appliance.office.evidence_state import LISTS_FACT
from appliance.signing.material import list_times
from appliance.store import audit, facts
from appliance.store.database import transaction
from sync.evidence.line import DirectLine, list_addresses


def refresh(desk: Desk, line: DirectLine | None = None) -> Counter[str]:
    """Fetch every list of the certificates on file; returns how many were 'new', 'same' or 'failed'."""
    line = line or DirectLine(desk.settings, desk.trust, desk.clock.now)
    done: Counter[str] = Counter()
    notes: dict[str, dict[str, str]] = {}
    for certificate in certificates_on_file(desk):
        for url in list_addresses(certificate):
            if url in notes:
                continue
            issuer = line.issuer(certificate)
            result = "failed" if issuer is None else _one(desk, line.list_at(url, issuer), url)
            notes[url] = {"at": desk.clock.now().isoformat(), "result": result}
            done[result] += 1
    facts.put(desk.db, LISTS_FACT, json.dumps(notes, ensure_ascii=False))
    return done


def _one(desk: Desk, entry: crl.CertificateList | None, url: str) -> str:
    if entry is None:
        return "failed"
    since, until = list_times(entry)
    if any(entry.issuer == old.issuer and list_times(old)[0] >= since for old in desk.trust.crls):
        return "same"
    name = f"fetched-{hashlib.sha256(entry.issuer.dump()).hexdigest()[:16]}.crl"
    _replace(desk.settings.trust / name, entry.dump())
    with transaction(desk.db):
        detail = {"url": url, "since": since.isoformat(), "until": _text(until)}
        audit.append(desk.db, desk.clock.now(), "system", "evidence.list", f"list:{name}", detail)
    return "new"


def _replace(path: Path, data: bytes) -> None:
    """In one step, durable: a reader sees the old list or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(0o640)
    fresh.replace(path)


def _text(when: datetime | None) -> str:
    return when.isoformat() if when else ""
