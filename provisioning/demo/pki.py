"""A certificate authority for the demo: root, intermediate, revocation lists, certificates for keys made on tokens.

It stands in for the Government's authority (Ban Cơ yếu Chính phủ) and proves nothing outside this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from appliance.clock import VN
from appliance.signing.token import TokenKey
from provisioning.demo import soft_token
from provisioning.demo.keyfiles import read_key, write_key, write_private, write_public

_ROOT_YEARS, _INTERMEDIATE_YEARS, _SIGNER_DAYS, _CRL_DAYS = 20, 10, 5 * 365, 30
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Authority:
    """The demo's authority, kept below ``directory``: keys in private/, what everybody may know in trust/."""

    directory: Path
    root: x509.Certificate
    intermediate: x509.Certificate
    services: str = ""
    """Address where lists, OCSP answers and time stamps are to be had ('http://127.0.0.1:9000'); '': nowhere."""

    @property
    def trust(self) -> Path:
        """Folder of root.pem, intermediate.pem, root.crl and intermediate.crl, in the form TrustStore reads."""
        return self.directory / "trust"

    def issue(
        self,
        public_key: Any,
        *,
        common_name: str,
        organ: str,
        position: str = "",
        not_before: datetime | None = None,
        days: int = _SIGNER_DAYS,
        may_sign: bool = True,
    ) -> x509.Certificate:
        """A signer's certificate. ``may_sign`` False leaves out nonRepudiation, as on a certificate for logging in."""
        start = not_before or datetime.now(VN) - timedelta(minutes=5)
        builder = _builder(
            _name(common_name, organ, position), self.intermediate.subject, public_key, start, timedelta(days=days)
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        # an organ's certificate also receives encrypted content (article 15); a person's only signs
        usage = _usage(digital_signature=True, content_commitment=may_sign, key_encipherment=not position)
        builder = builder.add_extension(usage, critical=True)
        return _sign(_located(builder, self.services, "intermediate"), self.intermediate, self.key)

    @property
    def key(self) -> Any:
        """The intermediate's private key."""
        return read_key(self.directory / "private" / "intermediate.key")

    def issue_service(
        self, name: str, purpose: x509.ObjectIdentifier, *, not_before: datetime | None = None, days: int = _SIGNER_DAYS
    ) -> tuple[x509.Certificate, Any]:
        """Certificate and private key of a time-stamp service or an OCSP responder (``purpose``)."""
        key = rsa.generate_private_key(65537, 2048)
        start = not_before or datetime.now(VN) - timedelta(minutes=5)
        subject = _name(name, "Ban Cơ yếu thử nghiệm (không có giá trị pháp lý)")
        builder = _builder(subject, self.intermediate.subject, key.public_key(), start, timedelta(days=days))
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        if purpose == ExtendedKeyUsageOID.OCSP_SIGNING:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        return _sign(_located(builder, self.services, "intermediate"), self.intermediate, self.key), key

    def revocations(self) -> dict[int, datetime]:
        """Serial number → when it was revoked."""
        register = self.directory / "revoked.txt"
        lines = register.read_text("ascii").splitlines() if register.exists() else []
        return {int(serial, 16): datetime.fromisoformat(when) for serial, when in (line.split() for line in lines)}

    def revoke(self, certificate: x509.Certificate, at: datetime | None = None) -> None:
        """Add ``certificate`` to the intermediate's list and publish the list anew."""
        with (self.directory / "revoked.txt").open("a", encoding="ascii") as register:
            register.write(f"{certificate.serial_number:x} {(at or datetime.now(VN)).isoformat()}\n")
        self.publish_lists()

    def publish_lists(self, *, now: datetime | None = None, days: int = _CRL_DAYS) -> None:
        """Write both revocation lists, good for ``days`` from ``now``."""
        moment = now or datetime.now(VN)
        nobody: dict[int, datetime] = {}
        for name, issuer, entries in (
            ("root", self.root, nobody),
            ("intermediate", self.intermediate, self.revocations()),
        ):
            key = read_key(self.directory / "private" / f"{name}.key")
            builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
            builder = builder.last_update(moment - timedelta(minutes=5)).next_update(moment + timedelta(days=days))
            builder = builder.add_extension(x509.CRLNumber(int(moment.timestamp())), critical=False)
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
            )
            for serial, when in entries.items():
                revoked = x509.RevokedCertificateBuilder().serial_number(serial)
                builder = builder.add_revoked_certificate(revoked.revocation_date(when).build())
            write_public(self.trust / f"{name}.crl", builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


def make_ca(directory: Path, *, name: str = "Chứng thực thử nghiệm", services: str = "") -> Authority:
    """Create the authority below ``directory``, or open the one that is already there; lists are published anew.

    ``services``: base address written into every certificate, where ``trust_services`` answers.
    """
    private, trust = directory / "private", directory / "trust"
    if not (trust / "intermediate.pem").exists():
        root_key = rsa.generate_private_key(65537, 3072)
        key = rsa.generate_private_key(65537, 2048)
        start = datetime.now(VN) - timedelta(days=1)
        root_name = _name(f"{name} gốc", "Ban Cơ yếu thử nghiệm (không có giá trị pháp lý)")
        root = _authority(
            root_name, root_name, root_key.public_key(), start, _ROOT_YEARS, None, root_key, path_length=1
        )
        middle_name = _name(f"{name} chuyên dùng công vụ", "Ban Cơ yếu thử nghiệm (không có giá trị pháp lý)")
        middle = _authority(
            middle_name,
            root_name,
            key.public_key(),
            start,
            _INTERMEDIATE_YEARS,
            root,
            root_key,
            path_length=0,
            services=services,
        )
        write_key(private / "root.key", root_key)
        write_key(private / "intermediate.key", key)
        write_public(trust / "root.pem", root.public_bytes(Encoding.PEM))
        write_public(trust / "intermediate.pem", middle.public_bytes(Encoding.PEM))
    root, middle = (x509.load_pem_x509_certificate((trust / f"{n}.pem").read_bytes()) for n in ("root", "intermediate"))
    authority = Authority(directory, root, middle, services)
    authority.publish_lists()
    return authority


def make_signer(
    authority: Authority,
    configuration: Path,
    module: Path,
    *,
    label: str,
    pin: str,
    common_name: str,
    organ: str,
    position: str = "",
    key_type: str = "rsa",
) -> TokenKey:
    """A whole demo identity: a new token, a key made on it, a certificate issued for it and written on it.

    The security officer's PIN is made up and kept in ``authority.directory/private``. Raises ConfigError.
    """
    so_pin = write_private(authority.directory / "private" / f"{label}.so-pin")
    token = soft_token.make_token(configuration, module, label=label, pin=pin, so_pin=so_pin, key_type=key_type)
    certificate = authority.issue(soft_token.public_key(token), common_name=common_name, organ=organ, position=position)
    soft_token.write_certificate(configuration, module, token, pin, certificate)
    return TokenKey(token.serial, token.key_id, certificate.public_bytes(Encoding.DER))


def _authority(
    subject: x509.Name, issuer: x509.Name, public_key: Any, start: datetime, years: int,
    parent: x509.Certificate | None, key: Any, *, path_length: int, services: str = "",
) -> x509.Certificate:  # fmt: skip
    builder = _builder(subject, issuer, public_key, start, years * _YEAR)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return _sign(_located(builder, services, "root") if parent else builder, parent, key)


def _located(builder: x509.CertificateBuilder, services: str, issuer: str) -> x509.CertificateBuilder:
    """Where the issuer's list is, and for signers the OCSP responder."""
    if not services:
        return builder
    address = x509.UniformResourceIdentifier(f"{services}/crl/{issuer}.crl")
    point = x509.DistributionPoint([address], None, None, None)
    builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    if issuer == "root":
        return builder
    responder = x509.UniformResourceIdentifier(f"{services}/ocsp")
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, responder)
    return builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: Any, start: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, issuer: x509.Certificate | None, key: Any) -> x509.Certificate:
    if issuer is not None:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return builder.sign(key, hashes.SHA256())


def _name(common_name: str, organ: str, position: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, organ)]
    if position:
        parts.append(x509.NameAttribute(NameOID.TITLE, position))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(**on: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: on.get(name, False) for name in names})
