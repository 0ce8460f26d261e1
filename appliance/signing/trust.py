"""Whom the box trusts: roots, intermediates and revocation lists in one folder, read again when the folder changes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asn1crypto import crl, pem, x509

from appliance.errors import N_, ConfigError


@dataclass(frozen=True)
class Anchors:
    """One reading of the folder."""

    roots: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()
    crls: tuple[crl.CertificateList, ...] = ()
    stamp: tuple[tuple[str, int, int], ...] = field(default=(), repr=False)


class TrustStore:
    """``*.pem`` certificates (PEM or DER; self-issued ones are roots) and ``*.crl`` lists (PEM or DER) of a folder.

    A folder that does not exist yet trusts nobody. May be shared by threads.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._anchors = Anchors()

    @property
    def anchors(self) -> Anchors:
        """What the folder holds now; raises ConfigError naming the file that cannot be read."""
        with self._lock:
            stamp = self._look()
            while stamp != self._anchors.stamp:
                try:
                    self._anchors = self._read(stamp)
                except ConfigError:
                    # a list may have been replaced between looking and reading: then look again
                    if (now := self._look()) == stamp:
                        raise
                    stamp = now
            return self._anchors

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """Trusted roots."""
        return self.anchors.roots

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """Further authorities, to complete chains."""
        return self.anchors.intermediates

    @property
    def crls(self) -> tuple[crl.CertificateList, ...]:
        """Revocation lists, fresh or not."""
        return self.anchors.crls

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        files = [path for kind in ("*.pem", "*.crl") for path in self._directory.glob(kind)]
        seen = []
        for path in files:
            with contextlib.suppress(FileNotFoundError):  # taken away since
                seen.append((path.name, (info := path.stat()).st_mtime_ns, info.st_size))
        return tuple(sorted(seen))

    def _read(self, stamp: tuple[tuple[str, int, int], ...]) -> Anchors:
        roots: list[x509.Certificate] = []
        intermediates: list[x509.Certificate] = []
        lists: list[crl.CertificateList] = []
        for name, _, _ in stamp:
            for der in _blocks(self._directory / name):
                if name.endswith(".crl"):
                    lists.append(_list(der, name))
                    continue
                certificate = _certificate(der, name)
                (roots if certificate.self_issued else intermediates).append(certificate)
        return Anchors(tuple(roots), tuple(intermediates), tuple(lists), stamp)


class GivenTrust(TrustStore):
    """Exactly these anchors, from files named one by one instead of a folder."""

    def __init__(self, roots: Sequence[Path], intermediates: Sequence[Path] = (), crls: Sequence[Path] = ()) -> None:
        """Raises ConfigError naming the file that cannot be read."""
        self._given = Anchors(
            tuple(_certificate(der, path.name) for path in roots for der in _blocks(path)),
            tuple(_certificate(der, path.name) for path in intermediates for der in _blocks(path)),
            tuple(_list(der, path.name) for path in crls for der in _blocks(path)),
        )

    @property
    def anchors(self) -> Anchors:
        """What was given."""
        return self._given


def _certificate(der: bytes, name: str) -> x509.Certificate:
    try:
        certificate = x509.Certificate.load(der, strict=True)
        certificate.self_issued  # noqa: B018 - asn1crypto parses when touched
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(N_("Không đọc được tệp tin cậy %(name)s"), name=name) from error
    return certificate


def _list(der: bytes, name: str) -> crl.CertificateList:
    try:
        entry = crl.CertificateList.load(der, strict=True)
        entry["tbs_cert_list"]["next_update"].native  # noqa: B018 - asn1crypto parses when touched
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(N_("Không đọc được tệp tin cậy %(name)s"), name=name) from error
    return entry


def _blocks(path: Path) -> list[bytes]:
    """The DER objects in a file, PEM or DER; raises ConfigError."""
    try:
        data = path.read_bytes()
        if pem.detect(data):
            return [der for _, _, der in pem.unarmor(data, multiple=True)]
    except (OSError, ValueError) as error:
        raise ConfigError(N_("Không đọc được tệp tin cậy %(name)s"), name=path.name) from error
    return [data]
