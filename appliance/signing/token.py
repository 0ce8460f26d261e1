"""What the box knows about a signing device (USB Token, article 5): its key, its PIN while it is used, its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn


class Pin:
    """A device's PIN on its way to the device. Never shown, compared, copied to disk or logged.

    ``last_try``: the person has confirmed that this may be the last try before the device locks.
    """

    __slots__ = ("_secret", "last_try")

    def __init__(self, secret: str, *, last_try: bool = False) -> None:
        self._secret = secret
        self.last_try = last_try

    def reveal(self) -> str:
        """The PIN itself; only the signer's client calls this."""
        return self._secret

    def confirmed(self, last_try: bool) -> Pin:
        """The same PIN with the person's answer about the last try."""
        return Pin(self._secret, last_try=last_try)

    def __repr__(self) -> str:
        return "Pin(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PIN is not stored")


@dataclass(frozen=True)
class TokenKey:
    """A key on a device and the certificate issued for it.

    ``token_serial``: the device's serial as PKCS#11 reports it; ``key_id``: CKA_ID in hexadecimal;
    ``certificate``: X.509, DER.
    """

    token_serial: str
    key_id: str
    certificate: bytes = field(repr=False)


@dataclass(frozen=True)
class TokenInfo:
    """A device that is plugged in now.

    ``flags``: any of 'pin_count_low', 'pin_final_try', 'pin_locked'; ``certificates``: pairs of CKA_ID (hexadecimal)
    and X.509 DER, readable without a PIN (``choice.candidates`` puts them in order); ``schemes``: those of
    ``algorithms.SCHEMES`` that the device can do, by its list of mechanisms.
    """

    serial: str
    label: str
    model: str
    flags: tuple[str, ...] = ()
    certificates: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    schemes: tuple[str, ...] = ()
