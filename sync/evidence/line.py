"""The evidence line itself: stamps from the configured service, lists and OCSP from the certificates' addresses."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Self

from asn1crypto import crl, ocsp, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate, load_der_x509_crl
from cryptography.x509.ocsp import OCSPRequestBuilder

from appliance.config import Settings
from appliance.errors import TramError
from appliance.signing.certificates import signed_by
from appliance.signing.evidence_line import no_stamps
from appliance.signing.material import Material, answers, list_times
from appliance.signing.trust import TrustStore
from sync.evidence.fetch import Fetcher

log = logging.getLogger(__name__)

STAMP_LIMIT, OCSP_LIMIT, LIST_LIMIT = 256 * 1024, 256 * 1024, 32 * 1024 * 1024
"""Longest answers, in bytes."""
MOST_CERTIFICATES = 24


class DirectLine:
    """Fetches. ``now``: our clock, against which lists are fresh or old. May be shared by threads."""

    def __init__(self, settings: Settings, trust: TrustStore, now: Callable[[], datetime]) -> None:
        self._url, self._trust, self._now = settings.tsa_url, trust, now
        self._fetch = Fetcher(timeout=settings.tsa_timeout_seconds)
        self._until = math.inf

    def within(self, seconds: float) -> Self:
        """See ``EvidenceLine``; the copy shares what is known about hosts that failed."""
        bounded = copy.copy(self)
        bounded._until = min(self._until, time.monotonic() + seconds)
        return bounded

    def _left(self) -> float:
        """Seconds for further questions; raises Unavailable when there are none."""
        if (left := self._until - time.monotonic()) <= 0:
            raise no_stamps()
        return left

    def stamps(self) -> bool:
        """Whether a time-stamp service is configured and did not fail a moment ago."""
        return bool(self._url) and not self._fetch.rests(self._url)

    def stamp(self, request: bytes) -> bytes:
        """The service's reply, not looked at. Raises Unavailable."""
        if not self._url:
            raise no_stamps()
        return self._fetch.post(
            self._url,
            request,
            sends="application/timestamp-query",
            takes="application/timestamp-reply",
            limit=STAMP_LIMIT,
            seconds=self._left(),
        )

    def revocation(self, certificates: Sequence[x509.Certificate]) -> Material:
        """Lists and answers about ``certificates``; those that lead to nobody we trust are not followed."""
        lists: dict[str, crl.CertificateList] = {}
        replies = []
        for certificate in certificates[:MOST_CERTIFICATES]:
            issuer = self.issuer(certificate)
            if issuer is None:
                continue
            for url in list_addresses(certificate):
                if url not in lists and (entry := self.list_at(url, issuer)):
                    lists[url] = entry
            for url in certificate.ocsp_urls:
                if reply := self._asked(url, certificate, issuer):
                    replies.append(reply)
                    break
        return Material(crls=tuple(lists.values()), ocsps=tuple(replies))

    def list_at(self, url: str, issuer: x509.Certificate) -> crl.CertificateList | None:
        """The list at ``url`` when ``issuer`` has signed it and it is current; else None, and the reason is logged."""
        try:
            data = self._fetch.get(url, limit=LIST_LIMIT, seconds=self._left())
            return acceptable(data, [issuer], self._now())
        except (TramError, ValueError) as error:
            log.warning("no revocation list from %s: %s", url, error)
            return None

    def _asked(self, url: str, certificate: x509.Certificate, issuer: x509.Certificate) -> ocsp.OCSPResponse | None:
        """The responder's answer about one certificate, current and about this certificate; its signature is checked
        by whoever judges with it.
        """
        pair = (load_der_x509_certificate(certificate.dump()), load_der_x509_certificate(issuer.dump()))
        request = OCSPRequestBuilder().add_certificate(*pair, hashes.SHA256()).build()
        try:
            data = self._fetch.post(
                url,
                request.public_bytes(Encoding.DER),
                sends="application/ocsp-request",
                takes="application/ocsp-response",
                limit=OCSP_LIMIT,
                seconds=self._left(),
            )
            response = ocsp.OCSPResponse.load(data, strict=True)
            if any(
                serial == certificate.serial_number and (until is None or until > self._now())
                for serial, _, until in answers(response)
            ):
                return response
        except (TramError, ValueError, KeyError, TypeError) as error:
            log.warning("no OCSP answer from %s: %s", url, error)
        return None

    def issuer(self, certificate: x509.Certificate) -> x509.Certificate | None:
        """The trusted authority that really issued it."""
        for authority in (*self._trust.intermediates, *self._trust.roots):
            if authority.subject == certificate.issuer:
                try:
                    load_der_x509_certificate(certificate.dump()).verify_directly_issued_by(
                        load_der_x509_certificate(authority.dump())
                    )
                except (InvalidSignature, ValueError, TypeError):
                    log.warning("a certificate names an issuer that has not issued it")
                    continue
                return authority
        return None


def list_addresses(certificate: x509.Certificate) -> list[str]:
    """Where the issuer's list is, http(s) only."""
    points = certificate.crl_distribution_points
    return [point.url for point in points if point.url and point.url.lower().startswith(("http://", "https://"))]


def acceptable(data: bytes, authorities: Iterable[x509.Certificate], now: datetime) -> crl.CertificateList:
    """A list that one of ``authorities`` has signed and that is current. Raises ValueError saying why not."""
    try:
        read = load_der_x509_crl(data)
    except ValueError as error:
        raise ValueError("what came is no revocation list") from error
    if not signed_by(read, authorities):
        raise ValueError("the list is not signed by its authority")
    entry = crl.CertificateList.load(data)
    since, until = list_times(entry)
    if until is None or until < now:
        raise ValueError(f"the list has been out of date since {until}")
    if since > now:
        raise ValueError(f"the list says it is of {since}, which is to come")
    return entry
