"""What the box says about signed files: its own, another organ's, and those somebody has been at."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from appliance.clock import VN
from appliance.errors import BadInput
from appliance.signing.appearance import fill_slot
from appliance.signing.trust import TrustStore
from appliance.signing.validate import validate
from provisioning.demo import pki
from tests.attacks.scene import form_field, updated
from tests.drafts import make_draft
from tests.signing_fixtures import Signing, signing  # noqa: F401

CHANGED = "NỘI DUNG ĐÃ BỊ THAY ĐỔI sau khi ký"


@pytest.fixture(scope="module")
def sealed(signing: Signing) -> bytes:  # noqa: F811
    return signing.sealed()


def other_number(writer: IncrementalPdfFileWriter) -> None:
    field = form_field(writer, "SoVanBan")
    field["/V"] = generic.TextStringObject("999")
    look = RawContent(b"1 0 0 rg 0 0 20 10 re f", box=BoxConstraints(20, 10)).as_form_xobject()
    field["/AP"] = generic.DictionaryObject({pdf_name("/N"): writer.add_object(look)})  # type: ignore[no-untyped-call]
    writer.update_container(field)


def overlay(writer: IncrementalPdfFileWriter) -> None:
    RawContent(b"1 g 100 300 300 200 re f").add_to_page(writer, 0)


def swapped_seal_picture(writer: IncrementalPdfFileWriter) -> None:
    field = form_field(writer, "ConDau")
    look = RawContent(b"0 0 1 rg 0 0 100 100 re f", box=BoxConstraints(100, 100)).as_form_xobject()
    field["/AP"] = generic.DictionaryObject({pdf_name("/N"): writer.add_object(look)})  # type: ignore[no-untyped-call]
    writer.update_container(field)


def file_signer(authority: pki.Authority, **certificate: object) -> SimpleSigner:
    """An outsider who keeps his key in a file; the certificate is the demo authority's."""
    key = rsa.generate_private_key(65537, 2048)
    subject = {"common_name": "Sở Nội vụ", "organ": "Sở Nội vụ tỉnh Hải Vân", **certificate}
    issued = authority.issue(key.public_key(), **subject)  # type: ignore[arg-type]
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register(asn1_x509.Certificate.load(authority.intermediate.public_bytes(Encoding.DER)))
    return SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(issued.public_bytes(Encoding.DER)),
        signing_key=asn1_keys.PrivateKeyInfo.load(der),
        cert_registry=store,
    )


def signed_by(signer: SimpleSigner, data: bytes, field: str = "Signature1") -> bytes:
    metadata = PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256")
    out = PdfSigner(metadata, signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data)))
    assert isinstance(out, io.BytesIO)
    return out.getvalue()


def test_a_report_keeps_nothing_of_the_file(signing: Signing, sealed: bytes) -> None:  # noqa: F811
    """pyHanko's own strings hold on to their reader: kept with the verdict they would keep every file in memory."""
    assert len(pickle.dumps(validate(sealed, signing.trust))) < len(sealed) / 10


def test_a_sealed_document_is_valid_and_says_who_signed(signing: Signing, sealed: bytes) -> None:  # noqa: F811
    report = validate(sealed, signing.trust).to_dict()
    assert report["verdict"] == "valid"
    leader, seal = report["signatures"]
    assert (leader["signer_name"], leader["signer_organ"]) == ("Nguyễn Văn An", "Ủy ban nhân dân xã Hòa Bình")
    assert seal["signer_name"] == "Ủy ban nhân dân xã Hòa Bình"
    assert leader["issuer"] == "Chứng thực thử nghiệm chuyên dùng công vụ"
    assert leader["signing_time"].endswith("+07:00")
    assert leader["reasons"] == seal["reasons"] == []


@pytest.mark.parametrize("edit", [other_number, overlay, swapped_seal_picture])
def test_any_change_after_the_seal_is_found(
    signing: Signing,  # noqa: F811
    sealed: bytes,
    edit: Callable[[IncrementalPdfFileWriter], None],
) -> None:
    report = validate(updated(sealed, edit), signing.trust)
    assert report.verdict == "invalid"
    seal = next(signature for signature in report.signatures if signature.field == "ConDau")
    assert CHANGED in seal.reasons
    assert seal.changes == [CHANGED]


def test_a_number_filled_by_hand_between_the_signatures_is_not_a_seal(signing: Signing) -> None:  # noqa: F811
    prepared, placement = signing.prepared()
    signed = signing.sign(prepared)
    report = validate(updated(signed, lambda writer: fill_slot(writer, placement.slots[0], "7")), signing.trust)
    assert report.verdict == "invalid"
    assert report.signatures[0].reasons == ["Nội dung biểu mẫu bị điền thêm sau chữ ký cuối cùng"]


def test_a_byte_changed_in_the_body_breaks_both(signing: Signing, sealed: bytes) -> None:  # noqa: F811
    at = sealed.index(b"stream") + 40
    broken = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    report = validate(broken, signing.trust)
    assert [signature.verdict for signature in report.signatures] == ["invalid", "invalid"]
    assert all(CHANGED in signature.reasons for signature in report.signatures)


def test_a_third_signature_over_the_seal_spoils_the_document(signing: Signing, sealed: bytes) -> None:  # noqa: F811
    report = validate(signed_by(file_signer(signing.authority), sealed, "Them"), signing.trust)
    assert report.verdict == "invalid"
    assert {s.field: s.verdict for s in report.signatures}["ConDau"] == "invalid"


def test_bytes_after_the_end_are_not_called_valid(signing: Signing, sealed: bytes) -> None:  # noqa: F811
    report = validate(sealed + b"\n% anything\n", signing.trust)
    assert report.verdict == "unknown"
    assert report.signatures[-1].reasons == ["Có dữ liệu thừa nằm sau phần đã ký"]


@pytest.mark.parametrize("part", [0.2, 0.6, 0.98])
def test_a_torn_file_is_refused_with_a_sentence(signing: Signing, sealed: bytes, part: float) -> None:  # noqa: F811
    with pytest.raises(BadInput, match="đứt hoặc hỏng"):
        validate(sealed[: int(len(sealed) * part)], signing.trust)


def test_a_draft_is_unsigned_and_so_is_a_prepared_one(signing: Signing) -> None:  # noqa: F811
    assert validate(make_draft(), signing.trust).verdict == "unsigned"
    assert validate(signing.prepared()[0], signing.trust).verdict == "unsigned"


def test_another_organs_file_is_valid_with_its_own_field_names(signing: Signing) -> None:  # noqa: F811
    outsider = file_signer(signing.authority)
    report = validate(signed_by(outsider, signed_by(outsider, make_draft()), "Signature2"), signing.trust)
    assert report.verdict == "valid"
    assert report.signatures[0].changes == ["Đã ký hoặc điền thêm ô: Signature2; không có thay đổi nào khác"]


def test_a_signer_nobody_here_trusts_is_invalid(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    stranger = pki.make_ca(tmp_path / "stranger", name="Không ai biết")
    report = validate(signed_by(file_signer(stranger), make_draft()), signing.trust)
    assert report.verdict == "invalid"
    assert report.signatures[0].reasons == ["Chứng thư số không do tổ chức được tin cậy cấp"]


def test_a_certificate_for_logging_in_does_not_sign(signing: Signing) -> None:  # noqa: F811
    report = validate(signed_by(file_signer(signing.authority, may_sign=False), make_draft()), signing.trust)
    assert report.signatures[0].reasons == ["Chứng thư số không được cấp để ký văn bản"]
    assert report.verdict == "invalid"


def test_signing_after_the_certificate_expired_is_invalid(signing: Signing) -> None:  # noqa: F811
    old = file_signer(signing.authority, not_before=datetime.now(VN) - timedelta(days=30), days=10)
    report = validate(signed_by(old, make_draft()), signing.trust)
    assert report.verdict == "invalid"
    assert report.signatures[0].reasons == ["Thời điểm ký nằm ngoài thời hạn hiệu lực của chứng thư số"]


def test_a_certificate_that_has_expired_since_is_not_known(signing: Signing, sealed: bytes) -> None:  # noqa: F811
    signing.authority.publish_lists(days=10_000)
    try:
        report = validate(sealed, signing.trust, at=datetime.now(VN) + timedelta(days=6 * 365))
    finally:
        signing.authority.publish_lists()
    assert report.verdict == "unknown"
    assert "đã hết hạn ngày" in report.signatures[0].reasons[0]


class TestRevocation:
    """An authority of its own: what is revoked here must not disturb the others."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> pki.Authority:
        return pki.make_ca(tmp_path / "ca")

    def test_a_revoked_certificate_is_invalid(self, authority: pki.Authority) -> None:
        signer = file_signer(authority)
        data = signed_by(signer, make_draft())
        trust = TrustStore(authority.trust)
        assert validate(data, trust).verdict == "valid"
        authority.revoke(pki_certificate(signer), datetime.now(VN) - timedelta(days=1))
        report = validate(data, trust)  # the folder changed, the store reads it again
        assert report.verdict == "invalid"
        assert "đã bị thu hồi lúc" in report.signatures[0].reasons[0]

    def test_a_certificate_revoked_after_the_stated_time_is_not_known(self, authority: pki.Authority) -> None:
        signer = file_signer(authority)
        data = signed_by(signer, make_draft())
        authority.revoke(pki_certificate(signer), datetime.now(VN) + timedelta(seconds=2))
        report = validate(data, TrustStore(authority.trust), at=datetime.now(VN) + timedelta(hours=1))
        assert report.verdict == "unknown"
        assert "do người ký khai" in report.signatures[0].reasons[0]

    @pytest.mark.parametrize("missing", ["intermediate.crl", "root.crl"])
    def test_without_a_list_nothing_is_called_valid(self, authority: pki.Authority, missing: str) -> None:
        data = signed_by(file_signer(authority), make_draft())
        (authority.trust / missing).unlink()
        report = validate(data, TrustStore(authority.trust))
        assert report.verdict == "unknown"
        assert report.signatures[0].reasons == ["Chưa kiểm tra được tình trạng thu hồi của chứng thư số"]

    def test_an_old_list_is_no_list(self, authority: pki.Authority) -> None:
        data = signed_by(file_signer(authority), make_draft())
        authority.publish_lists(now=datetime.now(VN) - timedelta(days=60), days=30)
        report = validate(data, TrustStore(authority.trust))
        assert report.verdict == "unknown"
        assert "đã quá hạn" in report.signatures[0].reasons[0]

    def test_revocation_is_seen_even_while_another_list_is_missing(self, authority: pki.Authority) -> None:
        signer = file_signer(authority)
        data = signed_by(signer, make_draft())
        authority.revoke(pki_certificate(signer), datetime.now(VN) - timedelta(days=1))
        (authority.trust / "root.crl").unlink()
        assert validate(data, TrustStore(authority.trust)).verdict == "invalid"


def pki_certificate(signer: SimpleSigner) -> object:
    from cryptography.x509 import load_der_x509_certificate

    assert signer.signing_cert is not None
    return load_der_x509_certificate(signer.signing_cert.dump())
