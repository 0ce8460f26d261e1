"""What an attacker starts from: documents really signed by the box's own tokens, and keys of his own."""

from __future__ import annotations

import asyncio
import functools
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko_certvalidator.registry import SimpleCertificateStore

from appliance.clock import VN
from provisioning.demo import pki
from tests.drafts import make_draft
from tests.signing_fixtures import Signing

Edit = Callable[[IncrementalPdfFileWriter], None]


@dataclass(frozen=True)
class Scene:
    """The office's documents, and a folder for what the attacker makes."""

    signing: Signing
    folder: Path

    @functools.cached_property
    def signed(self) -> bytes:
        """Signed by the chair on the real token, not numbered or sealed yet."""
        return self.signing.sign(self.signing.prepared()[0])

    @functools.cached_property
    def sealed(self) -> bytes:
        """A whole document, signed, numbered and sealed by the real tokens."""
        return self.sealed_over(make_draft())

    @functools.cached_property
    def outside(self) -> bytes:
        """Another organ's document: one approval signature that locks nothing."""
        return signed_by(self.identity("Sở Nội vụ"), make_draft())

    @functools.cached_property
    def stranger(self) -> pki.Authority:
        """An authority nobody here trusts."""
        return pki.make_ca(self.folder / "stranger", name="Không ai biết")

    def sealed_over(self, draft: bytes) -> bytes:
        """``draft`` signed, numbered and sealed by people who see nothing wrong in it."""
        return self.signing.sealed(draft)

    def identity(self, name: str, *, bits: int = 2048, by: pki.Authority | None = None, **more: Any) -> SimpleSigner:
        """A key in a file with a certificate of the trusted authority (or ``by``)."""
        key = rsa.generate_private_key(65537, bits)
        authority = by or self.signing.authority
        issued = authority.issue(key.public_key(), common_name=name, organ=f"{name} tỉnh Hải Vân", **more)
        return signer_of(key, issued, authority.intermediate)


def signer_of(key: Any, certificate: x509.Certificate, *others: x509.Certificate) -> SimpleSigner:
    """A signer with its key in memory."""
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    for other in others:
        store.register(native(other))
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(
        signing_cert=native(certificate), signing_key=asn1_keys.PrivateKeyInfo.load(der), cert_registry=store
    )


def native(certificate: x509.Certificate) -> asn1_x509.Certificate:
    """The same certificate for asn1crypto."""
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def signed_by(
    signer: SimpleSigner,
    data: bytes,
    *,
    field: str = "Signature1",
    digest: str = "sha256",
    strict: bool = True,
    at: datetime | None = None,
    **more: Any,
) -> bytes:
    """``data`` with one more signature, in a new field; ``at``: the time it claims."""
    metadata = PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES, md_algorithm=digest, **more)
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=strict)
    session = PdfSigner(metadata, signer).init_signing_session(writer)
    if at:
        session.system_time = at
    out = io.BytesIO()

    async def sign() -> None:
        reserved = await session.estimate_signature_container_size(validation_info=None)
        document = session.prepare_tbs_document(validation_info=None, bytes_reserved=reserved)
        digest_, _ = document.digest_tbs_document(output=out)
        await document.perform_signature(digest_.document_digest, PdfCMSSignedAttributes())

    asyncio.run(sign())
    return out.getvalue()


def updated(data: bytes, edit: Edit) -> bytes:
    """``data`` with an incremental update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    edit(writer)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def form_field(writer: IncrementalPdfFileWriter, name: str) -> generic.DictionaryObject:
    """A field of the form by its name."""
    references = writer.root["/AcroForm"]["/Fields"]
    return next(ref.get_object() for ref in references if ref.get_object()["/T"] == name)


def look(writer: IncrementalPdfFileWriter, operators: bytes, width: int, height: int) -> generic.DictionaryObject:
    """An appearance dictionary that draws ``operators``."""
    content = RawContent(operators, box=BoxConstraints(width, height)).as_form_xobject()
    return generic.DictionaryObject({pdf_name("/N"): writer.add_object(content)})  # type: ignore[no-untyped-call]


def days_ago(days: int) -> datetime:
    """A moment in the past (negative: to come)."""
    return datetime.now(VN) - timedelta(days=days)
