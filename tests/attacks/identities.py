"""Attacks with certificates and with the CMS itself: somebody else's name, an old key, a patched signature."""

from __future__ import annotations

from datetime import datetime, timedelta

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from pyhanko.sign.signers import SimpleSigner

from appliance.clock import VN
from provisioning.demo import pki
from provisioning.demo.keyfiles import read_key
from tests.attacks.bytes import container
from tests.attacks.scene import Scene, days_ago, native, signed_by, signer_of
from tests.drafts import make_draft


def expired(scene: Scene) -> bytes:
    """Signed after the certificate ran out."""
    return signed_by(scene.identity("Sở Nội vụ", not_before=days_ago(30), days=10), make_draft())


def backdated(scene: Scene) -> bytes:
    """An expired certificate, and a signing time within its life that only the signer vouches for."""
    signer = scene.identity("Sở Nội vụ", not_before=days_ago(30), days=10)
    return signed_by(signer, make_draft(), at=days_ago(25))


def not_yet_valid(scene: Scene) -> bytes:
    """Signed before the certificate begins."""
    return signed_by(scene.identity("Sở Nội vụ", not_before=days_ago(-30)), make_draft())


def revoked(scene: Scene) -> bytes:
    """Signed with a certificate that is on the authority's list."""
    signer = scene.identity("Sở Nội vụ")
    assert signer.signing_cert is not None
    scene.signing.authority.revoke(x509.load_der_x509_certificate(signer.signing_cert.dump()), days_ago(1))
    return signed_by(signer, make_draft())


def unknown_root(scene: Scene) -> bytes:
    """An authority nobody here trusts."""
    return signed_by(scene.identity("Sở Nội vụ", by=scene.stranger), make_draft())


def root_of_the_same_name(scene: Scene) -> bytes:
    """An authority that calls itself exactly like the trusted one."""
    double = pki.make_ca(scene.folder / "double")
    assert double.root.subject == scene.signing.authority.root.subject
    return signed_by(scene.identity("Sở Nội vụ", by=double), make_draft())


def for_logging_in(scene: Scene) -> bytes:
    """A certificate without nonRepudiation."""
    return signed_by(scene.identity("Sở Nội vụ", may_sign=False), make_draft())


def authority_itself(scene: Scene) -> bytes:
    """The issuing authority's own certificate signs a document."""
    authority = scene.signing.authority
    key = read_key(authority.directory / "private" / "intermediate.key")
    return signed_by(signer_of(key, authority.intermediate, authority.root), make_draft())


def issued_by_a_signer(scene: Scene) -> bytes:
    """A certificate issued with an ordinary signer's key, as if that were an authority."""
    authority = scene.signing.authority
    key, own = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
    middle = authority.issue(key.public_key(), common_name="Nguyễn Văn Gian", organ="Không")
    forged = _certificate("Chủ tịch Ủy ban nhân dân tỉnh", own.public_key(), middle.subject, key)
    return signed_by(signer_of(own, forged, middle, authority.intermediate), make_draft())


def self_made(scene: Scene) -> bytes:
    """Self-signed, with the chair's name on it."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.load_der_x509_certificate(scene.signing.leader.certificate).subject
    return signed_by(signer_of(key, _certificate("", key.public_key(), name, key, subject=name)), make_draft())


def short_key(scene: Scene) -> bytes:
    """RSA with 1024 bits."""
    return signed_by(scene.identity("Sở Nội vụ", bits=1024), make_draft())


def sha1(scene: Scene) -> bytes:
    """The document's digest is SHA-1."""
    return signed_by(scene.identity("Sở Nội vụ"), make_draft(), digest="sha1")


def sha1_certificate(scene: Scene) -> bytes:
    """The authority signed the certificate over SHA-1."""
    signer = scene.identity("Sở Nội vụ")
    old = signer.signing_cert
    assert old is not None
    weak = asn1_x509.Certificate.load(old.dump())
    algorithm = algos.SignedDigestAlgorithm({"algorithm": "sha1_rsa", "parameters": core.Null()})
    weak["tbs_certificate"]["signature"] = weak["signature_algorithm"] = algorithm
    body = weak["tbs_certificate"].dump(force=True)
    key = read_key(scene.signing.authority.directory / "private" / "intermediate.key")
    weak["signature_value"] = key.sign(body, padding.PKCS1v15(), hashes.SHA1())
    forged = SimpleSigner(weak, signer.signing_key, cert_registry=signer.cert_registry)
    return signed_by(forged, make_draft())


def wrong_key(scene: Scene) -> bytes:
    """The chair's certificate, but another key made the signature."""
    key = rsa.generate_private_key(65537, 2048)
    chair = x509.load_der_x509_certificate(scene.signing.leader.certificate)
    return signed_by(signer_of(key, chair, scene.signing.authority.intermediate), make_draft())


def another_digest(scene: Scene) -> bytes:
    """The signed attributes patched: one byte of the message digest."""
    return _patched(scene.sealed, _other_digest)


def another_name(scene: Scene) -> bytes:
    """The chair's certificate put in the place of the real signer's."""

    def swap(signed: cms.SignedData) -> None:
        chair = native(x509.load_der_x509_certificate(scene.signing.leader.certificate))
        information = signed["signer_infos"][0]
        information["sid"] = cms.SignerIdentifier(
            {"issuer_and_serial_number": {"issuer": chair.issuer, "serial_number": chair.serial_number}}
        )
        signed["certificates"] = cms.CertificateSet([cms.CertificateChoices({"certificate": chair})])

    return _patched(scene.outside, swap)


def two_signers_in_one(scene: Scene) -> bytes:
    """Two SignerInfos in one signature: which of them is the signer?"""

    def double(signed: cms.SignedData) -> None:
        signed["signer_infos"].append(signed["signer_infos"][0].copy())

    return _patched(scene.outside, double)


def no_signer(scene: Scene) -> bytes:
    """A CMS in which nobody signs."""

    def nobody(signed: cms.SignedData) -> None:
        signed["signer_infos"] = cms.SignerInfos([])

    return _patched(scene.outside, nobody)


def without_signed_attributes(scene: Scene) -> bytes:
    """The signed attributes taken away."""

    def strip(signed: cms.SignedData) -> None:
        del signed["signer_infos"][0]["signed_attrs"]

    return _patched(scene.outside, strip)


def told_weak_digest(scene: Scene) -> bytes:
    """The CMS claims MD5 for a signature made with SHA-256."""

    def claim(signed: cms.SignedData) -> None:
        weak = algos.DigestAlgorithm({"algorithm": "md5"})
        signed["signer_infos"][0]["digest_algorithm"] = weak
        signed["digest_algorithms"] = cms.DigestAlgorithms([weak])

    return _patched(scene.outside, claim)


def _other_digest(signed: cms.SignedData) -> None:
    for attribute in signed["signer_infos"][0]["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            digest = bytearray(attribute["values"][0].native)
            digest[0] ^= 1
            attribute["values"] = cms.SetOfOctetString([core.OctetString(bytes(digest))])


def _patched(data: bytes, change: object) -> bytes:
    """The CMS of the last signature changed; it stands in the only bytes that no signature covers."""
    start, end = container(data)
    content = cms.ContentInfo.load(bytes.fromhex(data[start:end].decode()))
    signed = content["content"]
    change(signed)  # type: ignore[operator]
    new = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump(force=True).hex().encode()
    assert len(new) <= end - start
    return data[:start] + new.ljust(end - start, b"0") + data[end:]


def _certificate(
    name: str, public: rsa.RSAPublicKey, issuer: x509.Name, key: rsa.RSAPrivateKey, *, subject: x509.Name | None = None
) -> x509.Certificate:
    now = datetime.now(VN)
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=100))
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .sign(key, hashes.SHA256())
    )
