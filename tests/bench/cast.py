"""What every contender works with: the same two SoftHSM tokens, the same certificates and lists, the same files."""

from __future__ import annotations

import base64
import io
import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pikepdf
from PIL import Image

from appliance.config import Settings
from appliance.signing.placement import Placement
from appliance.signing.prepare import find_places, prepare
from appliance.signing.token import TokenKey
from appliance.signing.trust import TrustStore
from provisioning.demo import artwork, pki, soft_token
from tests.drafts import make_draft
from tests.signing_fixtures import LEADER, LEADER_PIN, ORGAN, SEAL_MM, SEAL_PIN, TITLE

_A4 = (595.28, 841.89)
_MOST_PER_PAGE = 1_000_000
_QUALITY = 75


@dataclass(frozen=True)
class Cast:
    """Read by every child process from ``folder``, which ``make_cast`` filled."""

    folder: Path
    leader: TokenKey
    seal: TokenKey
    signature_png: bytes
    seal_png: bytes

    @property
    def settings(self) -> Settings:
        return settings_of(self.folder)

    @property
    def trust(self) -> TrustStore:
        return TrustStore(self.folder / "ca" / "trust")

    def file(self, size: int, kind: str) -> Path:
        """``kind``: 'prepared', or what a contender signed."""
        return self.folder / f"{size}.{kind}.pdf"

    def placement(self, size: int) -> Placement:
        return Placement.from_json((self.folder / f"{size}.placement.json").read_text("utf-8"))


def settings_of(folder: Path) -> Settings:
    """The box's settings with its data below ``folder``."""
    return Settings(data=folder / "data")


def make_cast(folder: Path, sizes: list[int]) -> Path:
    """Tokens, authority, pictures and one prepared document per size (bytes); returns SoftHSM's configuration."""
    module = settings_of(folder).pkcs11_modules[0]
    configuration = soft_token.make_store(folder / "softhsm")
    authority = pki.make_ca(folder / "ca")
    keys = {
        "leader": pki.make_signer(
            authority, configuration, module, label="Chủ tịch", pin=LEADER_PIN, common_name=LEADER, organ=ORGAN,
            position=TITLE,
        ),
        "seal": pki.make_signer(
            authority, configuration, module, label="Con dấu", pin=SEAL_PIN, common_name=ORGAN, organ=ORGAN
        ),
    }  # fmt: skip
    (folder / "signature.png").write_bytes(artwork.signature_png(LEADER))
    (folder / "seal.png").write_bytes(artwork.seal_png(ORGAN, "Tỉnh Hải Vân"))
    described = {
        name: [key.token_serial, key.key_id, base64.b64encode(key.certificate).decode()] for name, key in keys.items()
    }
    (folder / "keys.json").write_text(json.dumps(described), "utf-8")
    for size in sizes:
        draft = document(size)
        placement = find_places(draft, signer_title=TITLE, signer_name=LEADER, seal_mm=SEAL_MM)
        (folder / f"{size}.placement.json").write_text(placement.to_json(), "utf-8")
        (folder / f"{size}.prepared.pdf").write_bytes(prepare(draft, placement))
    return configuration


def load_cast(folder: Path) -> Cast:
    """For a child process; SoftHSM reads its configuration when it is loaded, so this comes first."""
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm" / "softhsm2.conf")
    keys = {
        name: TokenKey(serial, key_id, base64.b64decode(der))
        for name, (serial, key_id, der) in json.loads((folder / "keys.json").read_text("utf-8")).items()
    }
    return Cast(
        folder,
        keys["leader"],
        keys["seal"],
        (folder / "signature.png").read_bytes(),
        (folder / "seal.png").read_bytes(),
    )


def document(size: int) -> bytes:
    """A decision of one page and, behind it, scanned annexes (JPEG) up to about ``size`` bytes; always the same."""
    decision, chance, out = make_draft(), random.Random(15), io.BytesIO()
    missing = size - len(decision)
    with pikepdf.open(io.BytesIO(decision)) as pdf:
        pages = -(-missing // _MOST_PER_PAGE) if missing > 0 else 0
        for _ in range(pages):
            _append_scan(pdf, chance, missing // pages)
        # a classic cross-reference table: endesive 3.0 fails on files with a cross-reference stream
        pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return out.getvalue()


def _append_scan(pdf: pikepdf.Pdf, chance: random.Random, size: int) -> None:
    """A page that is one picture of grain, ``size`` bytes as JPEG; nothing in it can be compressed further."""
    grain = _jpeg(chance, 256)
    side = round(256 * (size / len(grain)) ** 0.5)
    picture = pdf.make_stream(
        _jpeg(chance, side), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=side, Height=side,
        ColorSpace=pikepdf.Name.DeviceGray, BitsPerComponent=8, Filter=pikepdf.Name.DCTDecode,
    )  # fmt: skip
    pdf.add_blank_page(page_size=_A4)
    page = pdf.pages[-1]
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=picture))
    page.Contents = pdf.make_stream(b"q 500 0 0 700 47 70 cm /Scan Do Q")


def _jpeg(chance: random.Random, side: int) -> bytes:
    out = io.BytesIO()
    Image.frombytes("L", (side, side), chance.randbytes(side * side)).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
