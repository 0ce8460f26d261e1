"""Time stamps (RFC 3161) asked for over the evidence line, and looked at closely before they are used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from asn1crypto import cms, tsp, x509
from pyhanko.sign.general import CMSStructuralError
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError, handle_tsp_response
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext

from appliance.errors import TramError
from appliance.signing.certificates import STAMPING, Standing, standing
from appliance.signing.evidence_line import EvidenceLine
from appliance.signing.material import NOTHING, Material
from appliance.signing.proof import CLOCK_SLACK
from appliance.signing.trust import TrustStore


class LineStamper(TimeStamper):
    """pyHanko's time stamper for one signature or one file.

    ``now``: our own clock; ``trust``: whose stamps are taken. When the first answer (needed to know how much room a
    stamp takes) does not come, no other is waited for. Every failure is a TimestampRequestError.
    """

    def __init__(
        self, line: EvidenceLine, trust: TrustStore, now: Callable[[], datetime], material: Material = NOTHING
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._line, self._trust, self._now, self._material = line, trust, now, material
        self._given_up = False

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """A stamp over ``message_digest`` that holds for us now; raises TimestampRequestError."""
        if self._given_up:
            raise TimestampRequestError("no time stamp for this signature")
        try:
            nonce, request = self.request_cms(message_digest, md_algorithm)  # type: ignore[no-untyped-call]
            try:
                reply = self._line.stamp(request.dump())
            except TramError as error:
                raise TimestampRequestError(str(error)) from error
            return await self._checked(_read(reply, nonce), message_digest, md_algorithm)
        except TimestampRequestError:
            self._given_up = True
            raise

    async def _checked(self, token: cms.ContentInfo, digest: bytes, algorithm: str) -> cms.ContentInfo:
        """Over our digest, with a good signature, at our time, by a service we trust."""

        def imprint(used: str) -> bytes:
            if used != algorithm:
                raise TimestampRequestError(f"the time stamp uses {used}, {algorithm} was asked for")
            return digest

        try:
            roots, others = list(self._trust.roots), embedded(token)
            mathematics = ValidationContext(trust_roots=roots, other_certs=others, crls=[], revocation_mode="soft-fail")
            found = await validate_tst_signed_data(token["content"], mathematics, imprint)
            certificate, when = found["signing_cert"], found["timestamp"]
        except (SignatureValidationError, CMSStructuralError, ValueError, KeyError, TypeError) as error:
            raise TimestampRequestError("the time stamp cannot be read") from error
        if not (found["intact"] and found["valid"]):
            raise TimestampRequestError("the time stamp is not over what was sent")
        if abs(when - self._now()) > CLOCK_SLACK:
            raise TimestampRequestError(f"the time-stamp service says it is {when}")
        judged = await asyncio.to_thread(self._standing, certificate, token)
        if judged.verdict == "invalid":
            raise TimestampRequestError(f"the time-stamp service is not to be trusted: {judged.reason}")
        return token

    def _standing(self, certificate: x509.Certificate, token: cms.ContentInfo) -> Standing:
        """In a thread of its own, because ``standing`` runs an event loop."""
        return standing(
            certificate, embedded(token), self._trust, self._now(), material=self._material, purpose=STAMPING
        )


def embedded(token: cms.ContentInfo) -> list[x509.Certificate]:
    """The certificates that came with a stamp."""
    choices = token["content"]["certificates"]
    return [choice.chosen for choice in choices if choice.name == "certificate"]


def _read(reply: bytes, nonce: cms.Integer) -> cms.ContentInfo:
    """The token in a reply, which may be anything, a captive portal's page too. Raises TimestampRequestError."""
    try:
        return handle_tsp_response(tsp.TimeStampResp.load(reply, strict=True), nonce)
    except TimestampRequestError:
        raise
    except Exception as error:  # a hostile reply makes the parser raise anything
        raise TimestampRequestError("the reply is no time stamp") from error
