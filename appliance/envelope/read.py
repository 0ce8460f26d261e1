"""Reading: whom an envelope is for, and its content once one of their keys has opened it.

Content of GCM is true only when its tag has been checked at the end: it goes into the target as it comes, and the
caller must throw the target away when ``unseal`` raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from asn1crypto import cms, core
from asn1crypto import keys as asn1_keys
from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from appliance.envelope.kdf import wrapping_key
from appliance.envelope.keys import Opener, not_for_this_key
from appliance.errors import N_, BadInput

_CHUNK = 1 << 20
_CIPHERS = {"aes128_gcm", "aes192_gcm", "aes256_gcm"}
_LEAST_TAG = 12
# asn1crypto on what is no such structure. AttributeError: it knows ASN.1's ObjectDescriptor (tag 7) by name only;
# IndexError: an empty list where RFC 5084 has parameters.
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True)
class Recipient:
    """One reader of an envelope: its certificate's issuer (DER) and serial number, or its key identifier."""

    issuer: bytes
    serial: int
    key_identifier: bytes

    def is_for(self, certificate: x509.Certificate) -> bool:
        """Whether the envelope names this certificate."""
        if self.key_identifier:
            return self.key_identifier == _key_identifier(certificate)
        return (self.serial, self.issuer) == (certificate.serial_number, certificate.issuer.public_bytes())


def recipients(data: bytes) -> tuple[Recipient, ...]:
    """Whom ``data`` is for. Raises BadInput when it is no envelope."""
    return tuple(_recipient(rid) for info in _load(data)["recipient_infos"] for rid in _rids(info))


def unseal(data: bytes, opener: Opener, target: BinaryIO) -> int:
    """Write the content into ``target``; returns its size. Raises BadInput: not for this key, altered, or no envelope.

    Reads OpenSSL's envelopes as well as our own. All of ``data`` is in memory once.
    """
    enveloped = _load(data)
    try:
        key = _content_key(enveloped["recipient_infos"], opener)
        inner = enveloped["auth_encrypted_content_info"]
        algorithm = inner["content_encryption_algorithm"]
        if algorithm["algorithm"].native not in _CIPHERS:
            raise _no_envelope()
        nonce, tag = _parameters(algorithm["parameters"]), enveloped["mac"].native
        if len(tag) < _LEAST_TAG:
            raise _altered()
        cipher = Cipher(AES(key), GCM(nonce, tag, min_tag_length=_LEAST_TAG)).decryptor()
        attributes = enveloped["auth_attrs"]
        if attributes.native:  # RFC 5083 section 2.2: authenticated as a SET OF, not as the [1] that stands there
            cipher.authenticate_additional_data(attributes.untag().dump(force=True))
        content = memoryview(inner["encrypted_content"].native)
    except (*_UNREADABLE, UnsupportedAlgorithm) as error:
        raise _no_envelope() from error
    for at in range(0, len(content), _CHUNK):
        target.write(cipher.update(content[at : at + _CHUNK]))
    try:
        cipher.finalize()
    except InvalidTag as error:
        raise _altered() from error
    return len(content)


def _load(data: bytes) -> cms.AuthEnvelopedData:
    try:
        outer = cms.ContentInfo.load(data, strict=True)
        if outer["content_type"].native != "authenticated_enveloped_data":
            raise _no_envelope()
        enveloped = outer["content"]
        for info in enveloped["recipient_infos"]:  # asn1crypto reads when asked: what is torn must show here
            _ = info.chosen.native
    except _UNREADABLE as error:
        raise _no_envelope() from error
    return enveloped


def _rids(info: cms.RecipientInfo) -> Sequence[core.Choice]:
    """The identifiers in one RecipientInfo; kinds that we do not open have none."""
    if info.name == "ktri":
        return [info.chosen["rid"]]
    if info.name == "kari":
        return [one["rid"] for one in info.chosen["recipient_encrypted_keys"]]
    return []


def _recipient(rid: core.Choice) -> Recipient:
    chosen = rid.chosen
    if rid.name == "issuer_and_serial_number":
        return Recipient(chosen["issuer"].dump(), chosen["serial_number"].native, b"")
    return Recipient(b"", 0, chosen["subject_key_identifier"].native if rid.name == "r_key_id" else chosen.native)


def _content_key(infos: cms.RecipientInfos, opener: Opener) -> bytes:
    for info in infos:
        for place, rid in enumerate(_rids(info)):
            if _recipient(rid).is_for(opener.certificate):
                return _by_transport(info.chosen, opener) if info.name == "ktri" else _by_agreement(info, place, opener)
    raise not_for_this_key()


def _by_transport(info: cms.KeyTransRecipientInfo, opener: Opener) -> bytes:
    how, wrapped = info["key_encryption_algorithm"], info["encrypted_key"].native
    if how["algorithm"].native == "rsaes_pkcs1v15":
        return opener.decrypt(wrapped, None)
    if how["algorithm"].native != "rsaes_oaep":
        raise not_for_this_key()
    parameters = how["parameters"]
    name = parameters["hash_algorithm"]["algorithm"].native
    if parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native != name:
        raise not_for_this_key()
    return opener.decrypt(wrapped, name)


def _by_agreement(info: cms.RecipientInfo, place: int, opener: Opener) -> bytes:
    one = info.chosen
    originator, how = one["originator"], one["key_encryption_algorithm"]
    if originator.name != "originator_key":
        raise not_for_this_key()
    peer = _peer(originator.chosen, opener.certificate)
    wrap = cms.KeyEncryptionAlgorithm.load(how["parameters"].dump())
    key = wrapping_key(opener.agree(peer), how["algorithm"].dotted, wrap, one["ukm"].native)
    try:
        return aes_key_unwrap(key, one["recipient_encrypted_keys"][place]["encrypted_key"].native)
    except InvalidUnwrap as error:
        raise not_for_this_key() from error


def _peer(spki: asn1_keys.PublicKeyInfo, certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """The sender's once-only key; where it names no curve (RFC 5753 section 3.1.1), it is on the reader's."""
    own = certificate.public_key()
    if not isinstance(own, ec.EllipticCurvePublicKey):
        raise not_for_this_key()
    return ec.EllipticCurvePublicKey.from_encoded_point(own.curve, bytes(spki["public_key"]))


def _parameters(parameters: core.Any) -> bytes:
    """The nonce of GCM's parameters (RFC 5084 section 3.2)."""
    nonce = core.SequenceOf.load(parameters.dump(), spec=core.Any)[0].parse(core.OctetString).native
    if not isinstance(nonce, bytes) or not 8 <= len(nonce) <= 128:
        raise _no_envelope()
    return nonce


def _key_identifier(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return b""


def _no_envelope() -> BadInput:
    return BadInput(N_("Tệp này không phải phong bì mã hóa (CMS, AES-GCM) hoặc đã bị hỏng."))


def _altered() -> BadInput:
    return BadInput(
        N_("Nội dung mã hóa đã bị sửa hoặc hỏng trên đường đi."), next_step=N_("Đề nghị nơi gửi gửi lại văn bản.")
    )
