"""A container brought to the bus on a stick: each package through the one door, the receipts (R1) to carry back."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cryptography import x509

from appliance.envelope import SoftwareKey
from appliance.errors import TramError
from appliance.store.text import uuid7
from sync.courier import identity
from sync.courier.container import BUS, MAX_BYTES, Manifest, Opened, opened, write
from sync.courier.stick import finish
from sync.reference_bus.exchange import Exchange, Submission

TAKEN = MAX_BYTES + (8 << 20)
"""Of an upload no more than this is read: what is longer is no container of ours."""


@dataclass(frozen=True)
class Brought:
    """What became of a container. ``refused``: (message id, why). ``answer``: the file to carry back, or None."""

    new: int
    repeated: int
    refused: tuple[tuple[str, str], ...]
    answer: Path | None

    @property
    def name(self) -> str:
        """What the answer's file is called; '' without one."""
        return self.answer.name if self.answer else ""


def taken_in(exchange: Exchange, stream: IO[bytes]) -> tuple[Brought, bytes]:
    """Take in a container that was uploaded; also returns the answer's bytes, b'' when there is none. See ``bring``."""
    with tempfile.TemporaryDirectory(dir=exchange.config.data) as name:
        folder = Path(name)
        with (folder / "upload").open("wb") as file:
            left = TAKEN
            while left > 0 and (piece := stream.read(min(left, 1 << 20))):
                file.write(piece)
                left -= len(piece)
        found = bring(exchange, folder / "upload", folder)
        return found, found.answer.read_bytes() if found.answer else b""


def bring(exchange: Exchange, path: Path, folder: Path) -> Brought:
    """Take in the container in ``path``; the answer is written below ``folder``. Repeatable.

    Raises BadInput with nothing taken in: torn, for somebody else, signature or digest wrong; the file is then kept
    below the bus's data for inspection. Raises ConfigError, OSError.
    """
    config = exchange.config
    me = identity.own(config.receipt_certificate or config.certificate, config.receipt_key or config.key)
    trusted = x509.load_pem_x509_certificates(config.client_ca.read_bytes())
    opener = SoftwareKey(me.chain[0], me.key)

    def codes_of(code: str) -> Collection[str]:
        organ = exchange.directory.find(code)
        return [organ.code, *organ.old_codes] if organ else []

    try:
        with opened(path, opener, trusted, {BUS}, codes_of, config.data) as box:
            new, repeated, refused, receipts = _accept(exchange, box)
            answer = folder / f"tra-loi-{box.manifest.id}.tvb" if receipts else None
            if answer:
                to = box.manifest.packages[0].sender
                digests = tuple(hashlib.sha256(receipt).hexdigest() for receipt in receipts)
                manifest = Manifest(uuid7(), to, exchange.store.clock.stamp(), (), digests)
                part = answer.with_suffix(".part")
                with part.open("wb") as target:
                    write(target, me, box.signer, manifest, _no_package, receipts, config.data)
                finish(part, answer)
    except TramError:
        kept = config.data / "courier-refused"
        kept.mkdir(exist_ok=True)
        with path.open("rb") as file:
            name = hashlib.file_digest(file, "sha256").hexdigest()
        if not (kept / name).exists():
            shutil.copyfile(path, kept / name)
        raise
    return Brought(new, repeated, tuple(refused), answer)


def _accept(exchange: Exchange, box: Opened) -> tuple[int, int, list[tuple[str, str]], list[bytes]]:
    """Through ``exchange.accept``; one that the bus refuses holds up no other."""
    new = repeated = 0
    refused: list[tuple[str, str]] = []
    receipts: list[bytes] = []
    for one in box.manifest.packages:
        try:
            with box.package(one) as stream:
                found = exchange.accept(
                    Submission(one.id, one.kind, one.priority, one.sender, one.recipients, one.sha256, stream)  # type: ignore[arg-type]
                )
        except TramError as error:
            if not error.permanent:
                raise
            refused.append((one.id, str(error)))
            continue
        new, repeated = new + found.new, repeated + (not found.new)
        receipts.append(found.receipt)
    return new, repeated, refused, receipts


def _no_package(_: object) -> Path:
    raise AssertionError("an answer of the bus holds receipts only")
