"""The signatures of a PDF as openssl and coreutils reach them: where each lies, what it covers, who made it."""

from __future__ import annotations

import io
from dataclasses import dataclass

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature

from appliance.clock import VN
from appliance.signing.inspection import UNREADABLE


@dataclass(frozen=True)
class Found:
    """One signature. ``covers``: the two stretches (offset, bytes) it is made over; between them stand its digits.

    ``moment``: seconds since 1970 of the signing time that the signer claimed (0: none), or the stamp's.
    """

    field: str
    covers: tuple[tuple[int, int], tuple[int, int]]
    cms: bytes
    signer: x509.Certificate
    moment: int
    stamp: bool


def signatures(data: bytes) -> list[Found]:
    """All signatures and time stamps of a PDF, oldest first; an unreadable file has none."""
    try:
        reader = PdfFileReader(io.BytesIO(data))
        return [one for embedded in reader.embedded_signatures if (one := _found(embedded))]
    except UNREADABLE:
        return []


def _found(embedded: EmbeddedPdfSignature) -> Found | None:
    ranges = [int(value) for value in embedded.byte_range]
    if len(ranges) != 4:
        return None
    stamp = embedded.sig_object_type == "/DocTimeStamp"
    if stamp:
        time = embedded.signed_data["encap_content_info"]["content"].parsed["gen_time"].native
    else:
        time = embedded.self_reported_timestamp
    return Found(
        field=str(embedded.field_name),
        covers=((ranges[0], ranges[1]), (ranges[2], ranges[3])),
        cms=bytes(embedded.pkcs7_content),
        signer=embedded.signer_cert,
        moment=int(time.astimezone(VN).timestamp()) if time else 0,
        stamp=stamp,
    )
