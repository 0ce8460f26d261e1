"""The contenders. Each makes the leader's signature and then the seal, and validates what it made.

``Ours`` and ``Bare`` do the same visible work: the same fields, pictures, lines and font; number and date filled in
the seal's revision. ``Endesive`` cannot fill fields and makes ``adbe.pkcs7.detached`` signatures in fields of its own
with the same two pictures; its verification looks at mathematics and chain, not at revocation nor at what changed.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pkcs11
from cryptography.x509 import load_der_x509_certificate
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.pkcs11 import PKCS11Signer
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.clock import VN
from appliance.regulation.appearances import appearance
from appliance.signing.appearance import DrawnStyle, fill_slot, seal_style, signature_style
from appliance.signing.client import SignerClient
from appliance.signing.placement import SEAL_FIELD, SIGNATURE_FIELD, Area, Placement
from appliance.signing.produce import number_and_seal, sign_personal
from appliance.signing.token import Pin, TokenKey
from appliance.store.blobs import BlobStore
from tests.bench.cast import Cast
from tests.signing_fixtures import LEADER, LEADER_PIN, ORGAN, SEAL_MM, SEAL_PIN, VALUES

LOOK = appearance("BL15", "seal")


class Contender(Protocol):
    """One way to sign. Both steps return a file in which every signature was found good; else they raise."""

    def read(self, path: Path) -> bytes: ...

    def sign(self, prepared: bytes) -> bytes: ...

    def seal(self, signed: bytes, placement: Placement) -> bytes: ...


class Sessions:
    """One open, logged-in PKCS#11 session per token, kept for the life of the process."""

    def __init__(self, cast: Cast) -> None:
        self._library = pkcs11.lib(str(cast.settings.pkcs11_modules[0]))
        self._open: dict[str, Any] = {}

    def session(self, serial: str, pin: str) -> Any:
        if serial not in self._open:
            tokens = (t for t in self._library.get_tokens() if bytes(t.serial).decode().strip("\0 ") == serial)
            self._open[serial] = next(tokens).open(user_pin=pin)
        return self._open[serial]

    def sign(self, serial: str, key_id: str, pin: str, data: bytes) -> bytes:
        session = self.session(serial, pin)
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=bytes.fromhex(key_id))
        return bytes(key.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))


class _NoWorker(SignerClient):
    """The signer's client with the signer left out: the token's session is in this very process."""

    def __init__(self, cast: Cast) -> None:
        super().__init__(cast.settings.signer_socket)
        self._sessions = Sessions(cast)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        data = base64.b64decode(request["data"])
        raw = self._sessions.sign(request["serial"], request["key_id"], request["pin"], data)
        return {"ok": True, "signature": base64.b64encode(raw).decode()}


class _Files:
    """Input straight from a file."""

    def read(self, path: Path) -> bytes:
        return path.read_bytes()


class Ours(_Files):
    """The box's own path; ``worker`` False leaves the signer process out."""

    def __init__(self, cast: Cast, *, worker: bool) -> None:
        self._cast, self._trust = cast, cast.trust
        self._client = SignerClient(cast.settings.signer_socket) if worker else _NoWorker(cast)

    def sign(self, prepared: bytes) -> bytes:
        return sign_personal(
            prepared, key=self._cast.leader, pin=Pin(LEADER_PIN), signer=self._client,
            image_png=self._cast.signature_png, signer_name=LEADER, at=datetime.now(VN), trust=self._trust,
        )  # fmt: skip

    def seal(self, signed: bytes, placement: Placement) -> bytes:
        return number_and_seal(
            signed, values=VALUES, placement=placement, key=self._cast.seal, pin=Pin(SEAL_PIN), signer=self._client,
            seal_png=self._cast.seal_png, seal_mm=SEAL_MM, organ_name=ORGAN, at=datetime.now(VN), trust=self._trust,
            look=LOOK,
        )  # fmt: skip


class Request(Ours):
    """The whole of a request: the file out of the box's store, the signer process asked, the result kept durably."""

    def __init__(self, cast: Cast) -> None:
        super().__init__(cast, worker=True)
        self._blobs = BlobStore(cast.folder / "blobs")
        self._names: dict[Path, str] = {}

    def read(self, path: Path) -> bytes:
        """The first reading of a path puts it into the store."""
        if path not in self._names:
            self._names[path] = self._blobs.put(path.read_bytes())
        return self._blobs.read(self._names[path])

    def sign(self, prepared: bytes) -> bytes:
        return self._through(super().sign(prepared))

    def seal(self, signed: bytes, placement: Placement) -> bytes:
        return self._through(super().seal(signed, placement))

    def _through(self, data: bytes) -> bytes:
        self._blobs.put(data)
        return data


class Bare(_Files):
    """pyHanko as its manual has it: PKCS11Signer, sign_pdf, validate_pdf_signature with the same lists and roots."""

    def __init__(self, cast: Cast) -> None:
        self._cast, self._trust, self._sessions = cast, cast.trust, Sessions(cast)

    def sign(self, prepared: bytes) -> bytes:
        writer = IncrementalPdfFileWriter(io.BytesIO(prepared))
        _, _, field = next(enumerate_sig_fields(writer, with_name=SIGNATURE_FIELD))
        left, bottom, right, top = (float(v) for v in field.get_object()["/Rect"])
        box = Area(0, left, bottom, right - left, top - bottom)
        style = signature_style(box, self._cast.signature_png, LEADER)
        return self._signed(writer, SIGNATURE_FIELD, style, self._cast.leader, LEADER_PIN)

    def seal(self, signed: bytes, placement: Placement) -> bytes:
        writer = IncrementalPdfFileWriter(io.BytesIO(signed))
        for slot in placement.slots:
            fill_slot(writer, slot, slot.template.format(**VALUES))
        lines = LOOK.texts(datetime.now(VN), organ=ORGAN)
        style = seal_style(placement.seal, placement.seal_note, self._cast.seal_png, tuple(lines), LOOK)
        return self._signed(writer, SEAL_FIELD, style, self._cast.seal, SEAL_PIN)

    def _signed(
        self, writer: IncrementalPdfFileWriter, field: str, style: DrawnStyle, key: TokenKey, pin: str
    ) -> bytes:
        key_id = bytes.fromhex(key.key_id)
        token = PKCS11Signer(
            self._sessions.session(key.token_serial, pin),
            key_id=key_id,
            cert_id=key_id,
            ca_chain=list(self._trust.intermediates),
            embed_roots=False,
        )
        metadata = PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256")
        out = io.BytesIO()
        PdfSigner(metadata, token, stamp_style=style).sign_pdf(writer, output=out, existing_fields_only=True)
        data = out.getvalue()
        for embedded in PdfFileReader(io.BytesIO(data)).embedded_signatures:
            context = ValidationContext(
                trust_roots=list(self._trust.roots),
                other_certs=list(self._trust.intermediates),
                crls=list(self._trust.crls),
                revocation_mode="require",
                allow_fetching=False,
            )
            status = validate_pdf_signature(embedded, context)
            if not status.bottom_line:
                raise AssertionError(status.pretty_print_details())
        return data


class Endesive(_Files):
    """endesive with the same two tokens, through python-pkcs11 as the others."""

    def __init__(self, cast: Cast) -> None:
        with _openssl_of_two_digits():
            from endesive import hsm, pdf

        sessions = Sessions(cast)

        class Token(hsm.BaseHSM):  # type: ignore[misc]
            def __init__(self, key: TokenKey, pin: str) -> None:
                self._key, self._pin = key, pin

            def certificate(self) -> tuple[str, bytes]:
                return self._key.key_id, self._key.certificate

            def sign(self, keyid: str, data: bytes, mech: str) -> bytes:
                return sessions.sign(self._key.token_serial, keyid, self._pin, data)

        self._cast, self._pdf = cast, pdf
        self._leader, self._organ = Token(cast.leader, LEADER_PIN), Token(cast.seal, SEAL_PIN)
        self._others = [load_der_x509_certificate(c.dump()) for c in cast.trust.intermediates]
        self._roots = [c.dump() for c in (*cast.trust.roots, *cast.trust.intermediates)]

    def sign(self, prepared: bytes) -> bytes:
        area = Area(0, 330, 200, 150, 60)
        return self._signed(prepared, self._leader, "ChuKy", area, self._cast.signature_png)

    def seal(self, signed: bytes, placement: Placement) -> bytes:
        return self._signed(signed, self._organ, "Dau", placement.seal, self._cast.seal_png)

    def _signed(self, data: bytes, token: Any, field: str, area: Area, png: bytes) -> bytes:
        now = datetime.now(UTC)
        wishes = {
            "sigflags": 3, "sigpage": 0, "sigfield": field, "aligned": 0, "contact": "", "location": "", "reason": "",
            "signingdate": now.strftime("D:%Y%m%d%H%M%S+00'00'"), "signature_img": Image.open(io.BytesIO(png)),
            "signaturebox": (area.x, area.y, area.right, area.top),
        }  # fmt: skip
        update = self._pdf.cms.sign(data, wishes, None, None, self._others, "sha256", token)
        signed = data + update
        for result in self._pdf.PDFVerifier(signed, self._roots).verify_all_signatures():
            if not (result.hashok and result.signatureok and result.certok):
                raise AssertionError("endesive does not verify its own signature")
        return signed


@contextmanager
def _openssl_of_two_digits() -> Iterator[None]:
    """oscrypto 1.3.0, which endesive needs, reads "3.0.2" as OpenSSL's version but refuses "3.0.22".

    While it is imported its search finds versions of two digits too; nothing of the package is changed.
    """
    real, narrow = re.search, r"\b(\d\.\d\.\d[a-z]*)\b"

    def search(pattern: Any, *rest: Any, **options: Any) -> Any:
        return real(r"\b(\d\.\d\.\d+[a-z]*)\b" if pattern == narrow else pattern, *rest, **options)

    re.search = search  # type: ignore[assignment]
    try:
        yield
    finally:
        re.search = real


def make(name: str, cast: Cast) -> Contender:
    """The contender called ``name``."""
    if name == "bare":
        return Bare(cast)
    if name == "endesive":
        return Endesive(cast)
    return Request(cast) if name == "request" else Ours(cast, worker=False)


def installed(name: str) -> bool:
    """Whether the contender's package is there (``make bench`` brings endesive)."""
    return name != "endesive" or importlib.util.find_spec("endesive") is not None
