"""Validation material: certificates, revocation lists (CRL) and OCSP answers, also as a PDF's DSS holds them.

ISO 32000-2, 12.8.4.3: the document security store; ETSI EN 319 142-1, 5.4.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError

log = logging.getLogger("tram.signing")
T = TypeVar("T", x509.Certificate, crl.CertificateList, ocsp.OCSPResponse)


@dataclass(frozen=True)
class Material:
    """A heap of certificates, lists and answers; nothing in it is believed before its own signature is checked."""

    certificates: tuple[x509.Certificate, ...] = ()
    crls: tuple[crl.CertificateList, ...] = ()
    ocsps: tuple[ocsp.OCSPResponse, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.certificates or self.crls or self.ocsps)

    def __add__(self, other: Material) -> Material:
        """Both, each thing once."""
        return Material(
            _once((*self.certificates, *other.certificates)),
            _once((*self.crls, *other.crls)),
            _once((*self.ocsps, *other.ocsps)),
        )

    def proper(self, chain: Iterable[x509.Certificate]) -> Material:
        """Without the lists and answers that cannot speak for ``chain`` (each certificate with its issuers).

        A list published after a certificate has expired need not name it any more (RFC 5280, 3.3), so its silence
        proves nothing; the same holds for an answer given later.
        """
        chain = tuple(chain)
        by_issuer: dict[bytes, datetime] = {}
        for certificate in chain:
            issuer, until = certificate.issuer.dump(), certificate.not_valid_after
            by_issuer[issuer] = min(until, by_issuer.get(issuer, until))
        by_serial = {certificate.serial_number: certificate.not_valid_after for certificate in chain}
        return Material(
            self.certificates,
            tuple(one for one in self.crls if _in_time(one, by_issuer)),
            tuple(
                one
                for one in self.ocsps
                if all(serial not in by_serial or time <= by_serial[serial] for serial, time, _ in answers(one))
            ),
        )


NOTHING = Material()


def read_dss(reader: PdfFileReader, revision: int | None = None) -> Material:
    """What the document security store holds, as of a revision (default: the newest); what cannot be read is left."""
    handler = reader if revision is None else HistoricalResolver(reader, revision=revision)
    try:
        store = DocumentSecurityStore.read_dss(handler)
    except NoDSSFoundError:
        return NOTHING
    except Exception:  # hostile structures make the parser raise anything
        log.warning("the document security store cannot be read", exc_info=True)
        return NOTHING
    return Material(
        tuple(_loaded(x509.Certificate, store.certs.values(), DecodePurpose.CERTIFICATE)),
        tuple(_loaded(crl.CertificateList, store.crls, DecodePurpose.CRL)),
        tuple(_loaded(ocsp.OCSPResponse, store.ocsps, DecodePurpose.OCSP_RESPONSE)),
    )


def _loaded(kind: type[T], references: Iterable[Any], purpose: DecodePurpose) -> Iterator[T]:
    for reference in references:
        try:
            entry = kind.load(reference.get_object().read_data(purpose), strict=True)
            entry.native  # noqa: B018 - asn1crypto parses when touched
        except Exception:
            log.warning("an entry of the document security store cannot be read", exc_info=True)
            continue
        yield entry


def answers(response: ocsp.OCSPResponse) -> list[tuple[int, datetime, datetime | None]]:
    """Serial number, thisUpdate and nextUpdate of each answer of an OCSP response; empty for a refusal."""
    if response["response_status"].native != "successful":
        return []
    given = response.basic_ocsp_response["tbs_response_data"]["responses"]
    return [
        (one["cert_id"]["serial_number"].native, one["this_update"].native, one["next_update"].native) for one in given
    ]


def list_times(entry: crl.CertificateList) -> tuple[datetime, datetime | None]:
    """thisUpdate and nextUpdate of a list."""
    body = entry["tbs_cert_list"]
    return body["this_update"].native, body["next_update"].native


def late(material: Material, certificates: Iterable[x509.Certificate]) -> bool:
    """Whether a list or an answer in ``material`` about one of ``certificates`` was published after its end.

    Past validation as pyHanko does it (ETSI EN 319 102-1, 5.6.2.2) takes it for the newest word about the certificate,
    sets its control time there, and does not get beyond "expired".
    """
    return any(
        len(material.crls) + len(material.ocsps) != len(kept.crls) + len(kept.ocsps)
        for kept in (material.proper([one]) for one in certificates)
    )


def _in_time(entry: crl.CertificateList, ends: dict[bytes, datetime]) -> bool:
    until = ends.get(entry.issuer.dump())
    return until is None or list_times(entry)[0] <= until


def _once(things: Iterable[T]) -> tuple[T, ...]:
    return tuple({thing.dump(): thing for thing in things}.values())
