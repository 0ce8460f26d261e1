"""Whom the box trusts: roots, intermediates and revocation lists in one folder, read again when the folder changes."""

from __future__ import annotations

import threading
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
        stamp = self._look()
        with self._lock:
            if stamp != self._anchors.stamp:
                self._anchors = self._read(stamp)
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
        return tuple(sorted((path.name, (info := path.stat()).st_mtime_ns, info.st_size) for path in files))

    def _read(self, stamp: tuple[tuple[str, int, int], ...]) -> Anchors:
        roots: list[x509.Certificate] = []
        intermediates: list[x509.Certificate] = []
        lists: list[crl.CertificateList] = []
        for name, _, _ in stamp:
            for der in _blocks(self._directory / name):
                try:
                    if name.endswith(".crl"):
                        entry = crl.CertificateList.load(der, strict=True)
                        entry["tbs_cert_list"]["next_update"].native  # noqa: B018 - asn1crypto parses when touched
                        lists.append(entry)
                        continue
                    certificate = x509.Certificate.load(der, strict=True)
                    self_issued = bool(certificate.self_issued)
                except (ValueError, TypeError, KeyError) as error:
                    raise ConfigError(N_("Không đọc được tệp tin cậy %(name)s"), name=name) from error
                (roots if self_issued else intermediates).append(certificate)
        return Anchors(tuple(roots), tuple(intermediates), tuple(lists), stamp)


def _blocks(path: Path) -> list[bytes]:
    """The DER objects in a file, PEM or DER; raises ConfigError."""
    try:
        data = path.read_bytes()
        if pem.detect(data):
            return [der for _, _, der in pem.unarmor(data, multiple=True)]
    except (OSError, ValueError) as error:
        raise ConfigError(N_("Không đọc được tệp tin cậy %(name)s"), name=path.name) from error
    return [data]
