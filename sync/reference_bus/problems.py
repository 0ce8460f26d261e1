"""What the bus says "no" with: one exception per mistake, each an RFC 9457 problem with a stable type."""

from __future__ import annotations

from typing import Any

from appliance.errors import TramError


class BusProblem(TramError):
    """Base: ``slug`` is the last part of the problem's type URI, ``status`` its HTTP status."""

    slug = "bad-request"
    status = 400


class BadRequest(BusProblem):
    """A header, path or body of the request cannot be understood."""


class SenderNotInCertificate(BusProblem):
    """The client certificate does not name the organ it wants to speak for."""

    slug = "sender-not-in-certificate"
    status = 403


class CertificateRevoked(BusProblem):
    """The client's certificate stands on the bus's list."""

    slug = "certificate-revoked"
    status = 403


class NoSuchThing(BusProblem):
    """No such message or delivery, or it belongs to somebody else."""

    slug = "not-found"
    status = 404


class IdReused(BusProblem):
    """The message id already names other bytes or another address."""

    slug = "id-reused"
    status = 409


class MismatchingOffset(BusProblem):
    """A piece of an upload does not begin where the bus's bytes end; ``offset`` is where they do."""

    slug = "mismatching-upload-offset"
    status = 409

    def __init__(self, message: str, *, offset: int, **params: Any) -> None:
        super().__init__(message, **params)
        self.offset = offset


class TooLarge(BusProblem):
    """The package is larger than the bus carries."""

    slug = "too-large"
    status = 413


class DigestMismatch(BusProblem):
    """The bytes that came are not the bytes the sender announced."""

    slug = "digest-mismatch"
    status = 422


class BadStatement(BusProblem):
    """A signed acknowledgement that does not hold, or speaks of something else."""

    slug = "bad-statement"
    status = 422


class UnknownOrgan(BusProblem):
    """An organ code that is not in the directory."""

    slug = "unknown-organ"
    status = 422
