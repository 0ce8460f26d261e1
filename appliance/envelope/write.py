"""Writing: AuthEnvelopedData (RFC 5083), AES-256-GCM (RFC 5084), one key for all recipients, the content streamed.

RSA recipients get the key by RSAES-OAEP with SHA-1: the padding that the devices in use, and SoftHSM, can undo
(OAEP does not rest on the collisions that ended SHA-1 for signatures). EC recipients get it by ephemeral ECDH with
SHA-256 (RFC 5753).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO

from asn1crypto import algos, cms, core
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.envelope.kdf import OURS, wrapping_key
from appliance.envelope.keys import rsa_padding
from appliance.errors import N_, BadInput

CHUNK = 1 << 20
_TAG = 16
_LEAST_RSA_BITS = 2048


def seal(source: BinaryIO, size: int, readers: Sequence[x509.Certificate], target: BinaryIO) -> None:
    """Write the ``size`` bytes of ``source`` so that only the keys of ``readers`` open them. Memory: one chunk.

    Raises BadInput when there is no reader, when a certificate's key is of a kind that cannot receive, or when the
    source is shorter or longer than announced.
    """
    if not readers:
        raise BadInput(N_("Chưa có chứng thư của nơi nhận nào để mã hóa."))
    key, nonce = os.urandom(32), os.urandom(12)
    infos = cms.RecipientInfos([_for_reader(reader, key) for reader in readers]).dump()
    cipher = Cipher(AES(key), GCM(nonce)).encryptor()
    parameters = core.Sequence.load(_sequence(core.OctetString(nonce).dump() + core.Integer(_TAG).dump()))
    algorithm = algos.EncryptionAlgorithm({"algorithm": "aes256_gcm", "parameters": parameters}).dump()
    content_type = cms.ContentType("data").dump()
    content_head = _head(0x80, size)
    inner = _head(0x30, len(content_type) + len(algorithm) + len(content_head) + size)
    version, mac_head = cms.CMSVersion("v0").dump(), _head(0x04, _TAG)
    middle = len(inner) + len(content_type) + len(algorithm) + len(content_head) + size
    enveloped = _head(0x30, len(version) + len(infos) + middle + len(mac_head) + _TAG)
    explicit = _head(0xA0, len(enveloped) + len(version) + len(infos) + middle + len(mac_head) + _TAG)
    kind = cms.ContentType("authenticated_enveloped_data").dump()
    rest = len(explicit) + len(enveloped) + len(version) + len(infos) + middle + len(mac_head) + _TAG
    for piece in (_head(0x30, len(kind) + rest), kind, explicit, enveloped, version, infos, inner, content_type):
        target.write(piece)
    target.write(algorithm + content_head)
    written = 0
    while chunk := source.read(CHUNK):
        written += len(chunk)
        target.write(cipher.update(chunk))
    cipher.finalize()
    if written != size:
        raise BadInput(N_("Tệp cần mã hóa đã đổi trong lúc mã hóa."))
    target.write(mac_head + cipher.tag)


def may_receive(certificate: x509.Certificate, now: datetime) -> str:
    """'' when content may be encrypted to this certificate, else why not, in Vietnamese."""
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return N_("Chứng thư của nơi nhận đã hết hạn hoặc chưa có hiệu lực.")
    try:
        key = certificate.public_key()
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    except (UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return N_("Loại khóa của nơi nhận không dùng để mã hóa được.")
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _LEAST_RSA_BITS:
            return N_("Khóa của nơi nhận quá ngắn.")
        allowed = usage is None or usage.key_encipherment
    elif isinstance(key, ec.EllipticCurvePublicKey):
        allowed = usage is None or usage.key_agreement
    else:
        return N_("Loại khóa của nơi nhận không dùng để mã hóa được.")
    return "" if allowed else N_("Chứng thư của nơi nhận không được cấp để mã hóa, chỉ để ký.")


def _for_reader(reader: x509.Certificate, key: bytes) -> cms.RecipientInfo:
    certificate = asn1_x509.Certificate.load(reader.public_bytes(Encoding.DER))
    who = cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number})
    public = reader.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        how = {"algorithm": "rsaes_oaep", "parameters": algos.RSAESOAEPParams.load(b"\x30\x00")}
        info = cms.KeyTransRecipientInfo(
            {
                "version": "v0",
                "rid": cms.RecipientIdentifier("issuer_and_serial_number", who),
                "key_encryption_algorithm": cms.KeyEncryptionAlgorithm(how),
                "encrypted_key": public.encrypt(key, rsa_padding("sha1")),
            }
        )
        return cms.RecipientInfo("ktri", info)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return cms.RecipientInfo("kari", _agreement(public, who, key))
    raise BadInput(N_("Loại khóa của nơi nhận không dùng để mã hóa được."))


def _agreement(
    public: ec.EllipticCurvePublicKey, who: cms.IssuerAndSerialNumber, key: bytes
) -> cms.KeyAgreeRecipientInfo:
    once = ec.generate_private_key(public.curve)
    wrap = cms.KeyEncryptionAlgorithm({"algorithm": "aes256_wrap"})
    wrapped = aes_key_wrap(wrapping_key(once.exchange(ec.ECDH(), public), OURS, wrap, None), key)
    spki = asn1_keys.PublicKeyInfo.load(once.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return cms.KeyAgreeRecipientInfo(
        {
            "version": "v3",
            "originator": cms.OriginatorIdentifierOrKey("originator_key", spki),
            "key_encryption_algorithm": {"algorithm": OURS, "parameters": wrap},
            "recipient_encrypted_keys": [
                {
                    "rid": cms.KeyAgreementRecipientIdentifier("issuer_and_serial_number", who),
                    "encrypted_key": wrapped,
                }
            ],
        }
    )


def _head(tag: int, length: int) -> bytes:
    """DER tag and length."""
    if length < 0x80:
        return bytes((tag, length))
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size


def _sequence(content: bytes) -> bytes:
    return _head(0x30, len(content)) + content
