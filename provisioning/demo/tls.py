"""Two small certificate authorities for TLS: the LAN's (browser to box) and the link's (box to bus). P-256 throughout.

A real box gets the LAN's authority from the technician's stick and the link's from the province; same shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.clock import VN
from provisioning.demo.keyfiles import write_key, write_public

SERVER_DAYS = 397
"""Browsers refuse a longer life."""
CLIENT_DAYS = 365
_CA_DAYS = 10 * 365
ORGAN_URN = "urn:x-edoc:organ:"
RECEIPTS_URN = "urn:x-edoc:bus:receipts"


@dataclass(frozen=True)
class _Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def make_lan(directory: Path, *, names: Sequence[str], addresses: Sequence[str]) -> None:
    """ca.pem, server.pem and server.key for the box's pages.

    The authority may only vouch for these names and addresses (critical name constraints), so that its key, if
    stolen, cannot impersonate other sites. Its key is not kept.
    """
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    permitted += [x509.IPAddress(ip_network(address)) for address in addresses]
    constraint = x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None)
    authority = _make_authority(directory, "Mạng nội bộ của trạm (trình diễn)", constraint)
    _issue_server(authority, directory / "server", names, addresses)


def make_link(directory: Path, *, clients: dict[str, Sequence[str]]) -> None:
    """ca.pem, server.pem/.key and receipts.pem/.key for the bus, and <name>.pem/.key per client.

    A client's organ codes stand as SAN URIs. The key of the receipts answers on no connection.
    """
    authority = _make_authority(directory, "Trục liên thông (trình diễn)", None)
    _issue_server(authority, directory / "server", ("localhost",), ("127.0.0.1",))
    _issue(
        authority,
        directory / "receipts",
        [x509.UniformResourceIdentifier(RECEIPTS_URN)],
        ExtendedKeyUsageOID.SERVER_AUTH,
        SERVER_DAYS,
    )
    for name, organs in clients.items():
        uris = [x509.UniformResourceIdentifier(f"{ORGAN_URN}{code}") for code in organs]
        _issue(authority, directory / name, uris, ExtendedKeyUsageOID.CLIENT_AUTH, CLIENT_DAYS)


def _make_authority(directory: Path, name: str, constraint: x509.NameConstraints | None) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = _builder(subject, subject, key.public_key(), _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    if constraint is not None:
        builder = builder.add_extension(constraint, critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    write_public(directory / "ca.pem", certificate.public_bytes(Encoding.PEM))
    return _Authority(key, certificate)


def _issue_server(authority: _Authority, path: Path, names: Sequence[str], addresses: Sequence[str]) -> None:
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(ip_address(address)) for address in addresses]
    _issue(authority, path, alternatives, ExtendedKeyUsageOID.SERVER_AUTH, SERVER_DAYS)


def _issue(
    authority: _Authority,
    path: Path,
    alternatives: Sequence[x509.GeneralName],
    purpose: x509.ObjectIdentifier,
    days: int,
) -> None:
    """<path>.key and <path>.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.name)])
    # key agreement: packages are encrypted to it when they go by courier
    usage = x509.KeyUsage(True, False, False, False, True, False, False, False, False)
    certificate = (
        _builder(subject, authority.certificate.subject, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    write_key(path.with_suffix(".key"), key)
    write_public(path.with_suffix(".pem"), certificate.public_bytes(Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(VN)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
