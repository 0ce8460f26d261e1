"""A leader signs on another device: what is taken, how it is numbered and sealed, and what is refused with advice."""

from __future__ import annotations

import io
import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.clock import VN
from appliance.errors import BadInput, RuleRefused, TramError
from appliance.office import outgoing
from appliance.office.outgoing import Outgoing, OutgoingForm
from appliance.signing.certificates import check_before_signing
from appliance.signing.placement import Placement
from appliance.signing.token import Pin, TokenKey
from appliance.signing.token_signer import TokenSigner
from appliance.signing.validate import validate
from provisioning.demo.cast import CHAIR, PROVINCE_OFFICE
from tests.desk_fixtures import SigningOffice, signing_office  # noqa: F401
from tests.drafts import make_draft
from tests.office_fixtures import furnished, office  # noqa: F401
from tests.signing_fixtures import LEADER_PIN, SEAL_PIN, Signing, signing  # noqa: F401

FORM_BOX = (330, 150, 470, 215)


def other_program(
    data: bytes,
    signing: Signing,  # noqa: F811
    *,
    field: str = "Signature1",
    box: tuple[int, int, int, int] | None = FORM_BOX,
    certify: MDPPerm | None = None,
    lock: FieldMDPSpec | None = None,
    key: TokenKey | None = None,
) -> bytes:
    """Stock pyHanko signs with the leader's token, as a desktop signer would; nothing of our own rules in it."""
    key = key or signing.leader
    certificate = check_before_signing(key, signing.trust, datetime.now(VN))
    pin = Pin(SEAL_PIN if key is signing.seal else LEADER_PIN)
    signer = TokenSigner(key, pin, signing.client, certificate, signing.trust)
    spec = SigFieldSpec(field, on_page=0, box=box, field_mdp_spec=lock)
    metadata = PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        certify=certify is not None,
        docmdp_permissions=certify or MDPPerm.FILL_FORMS,
    )
    existing = f"({field})".encode() in data
    out = io.BytesIO()
    PdfSigner(metadata, signer, new_field_spec=None if existing else spec).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(data)), output=out
    )
    return out.getvalue()


def create(desk: SigningOffice, data: bytes) -> Outgoing:
    form = OutgoingForm(
        "quyet-dinh", "Về việc thành lập Tổ công nghệ số", 0, desk.office.accounts[CHAIR.username],
        (PROVINCE_OFFICE.id,), competence="TM.", no_secret=True,
    )  # fmt: skip
    return outgoing.create(desk.office.desk, desk.office.official, form, "Đã ký.pdf", io.BytesIO(data))


def take(desk: SigningOffice, document: Outgoing, data: bytes | None = None) -> Outgoing:
    return outgoing.take_signed(
        desk.office.desk,
        desk.office.official,
        document.id,
        file_name="Đã ký.pdf",
        stream=io.BytesIO(data) if data else None,
    )


def agreed(data: bytes, signing: Signing, folder: Path) -> None:  # noqa: F811
    """Our own check, stock pyHanko and pdfsig all say yes to both signatures."""
    assert validate(data, signing.trust).verdict == "valid"
    for embedded in PdfFileReader(io.BytesIO(data)).embedded_signatures:
        assert isinstance(embedded, EmbeddedPdfSignature)
        roots, others = list(signing.trust.roots), list(signing.trust.intermediates)
        context = ValidationContext(trust_roots=roots, other_certs=others)
        assert validate_pdf_signature(embedded, context).bottom_line, embedded.field_name
    file = folder / "sealed.pdf"
    file.write_bytes(data)
    if show := os.environ.get("TRAM_SHOW"):
        (Path(show) / f"{folder.name}.pdf").write_bytes(data)
    said = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.count("Signature is Valid.") == 2, said
    assert "Total document signed" in said.split("Signature #2:")[1]


def text(data: bytes) -> str:
    said = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True).stdout.decode()
    return " ".join(said.split())


def test_our_own_prepared_file_signed_elsewhere_is_numbered_in_its_fields(
    signing_office: SigningOffice,  # noqa: F811
    signing: Signing,  # noqa: F811
    tmp_path: Path,
) -> None:
    desk = signing_office.office.desk
    submitted = outgoing.submit(desk, signing_office.office.official, signing_office.drafted().id)
    data = other_program(desk.blobs.read(submitted.prepared_sha256 or ""), signing, field="ChuKyLanhDao")
    taken = take(signing_office, submitted, data)
    assert (taken.state, taken.draft_sha256) == ("signed", submitted.draft_sha256)
    sealed = signing_office.sealed(taken)
    whole = desk.blobs.read(sealed.sealed_sha256 or "")
    agreed(whole, signing, tmp_path)
    fields = PdfFileReader(io.BytesIO(whole)).root["/AcroForm"]["/Fields"]
    values = {f.get_object()["/T"]: f.get_object()["/V"] for f in fields if f.get_object()["/FT"] == "/Tx"}
    assert int(values["SoVanBan"]) == sealed.number


@pytest.mark.parametrize("box", [FORM_BOX, None], ids=["seen", "unseen"])
def test_an_approval_signature_without_our_fields_gets_number_and_date_beside_the_seal(
    box: tuple[int, int, int, int] | None,
    signing_office: SigningOffice,  # noqa: F811
    signing: Signing,  # noqa: F811
    tmp_path: Path,
) -> None:
    desk = signing_office.office.desk
    document = create(signing_office, other_program(make_draft(), signing, box=box))
    assert Placement.from_json(document.placement).signed
    taken = take(signing_office, document)
    placement = Placement.from_json(taken.placement)
    assert (taken.state, placement.slots, placement.signed_field) == ("signed", (), "Signature1")
    sealed = signing_office.sealed(taken)
    whole = desk.blobs.read(sealed.sealed_sha256 or "")
    agreed(whole, signing, tmp_path)
    assert f"Số: {sealed.number:02}/QĐ-UBND" in text(whole)
    assert f"Hòa Bình, ngày {datetime.now(VN).day:02}" in text(whole)
    if box:
        with pypdfium2.PdfDocument(whole) as pdf:
            height = pdf[0].get_height()
        assert placement.signature.x == box[0]
        assert placement.seal.touches(placement.signature)
        assert 0 < placement.seal.y < height
    outgoing.issue(desk, signing_office.office.clerk, document.id)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"certify": MDPPerm.NO_CHANGES}, "khóa mọi thay đổi"),
        ({"certify": MDPPerm.FILL_FORMS}, "chỉ cho điền ô có sẵn"),
        ({"lock": FieldMDPSpec(FieldMDPAction.ALL)}, "chỉ cho điền ô có sẵn"),
    ],
    ids=["certified P=1", "certified P=2", "locked"],
)
def test_a_signature_that_leaves_no_room_is_refused_with_what_to_do(
    how: dict[str, object],
    sentence: str,
    signing_office: SigningOffice,  # noqa: F811
    signing: Signing,  # noqa: F811
) -> None:
    document = create(signing_office, other_program(make_draft(), signing, **how))  # type: ignore[arg-type]
    with pytest.raises(RuleRefused, match=sentence) as caught:
        take(signing_office, document)
    assert "ChuKyLanhDao" in (caught.value.next_step or "")
    assert outgoing.get(signing_office.office.desk, signing_office.office.official, document.id).state == "drafting"


def test_our_prepared_file_certified_against_any_change_is_refused(
    signing_office: SigningOffice,  # noqa: F811
    signing: Signing,  # noqa: F811
) -> None:
    desk = signing_office.office.desk
    submitted = outgoing.submit(desk, signing_office.office.official, signing_office.drafted().id)
    prepared = desk.blobs.read(submitted.prepared_sha256 or "")
    data = other_program(prepared, signing, field="ChuKyLanhDao", certify=MDPPerm.NO_CHANGES)
    with pytest.raises(RuleRefused, match="khóa mọi thay đổi"):
        take(signing_office, submitted, data)


def test_a_number_already_in_print_is_refused(signing_office: SigningOffice, signing: Signing) -> None:  # noqa: F811
    document = create(signing_office, other_program(make_draft(number_blank=" 12"), signing))
    with pytest.raises(RuleRefused, match="in sẵn số 12"):
        take(signing_office, document)


def test_a_broken_signature_is_refused(signing_office: SigningOffice, signing: Signing) -> None:  # noqa: F811
    data = bytearray(other_program(make_draft(), signing))
    at = data.index(b"stream") + 40
    data[at] ^= 1
    with pytest.raises(TramError):
        take(signing_office, create(signing_office, bytes(data)))


def test_somebody_elses_signature_is_refused(signing_office: SigningOffice, signing: Signing) -> None:  # noqa: F811
    document = create(signing_office, other_program(make_draft(), signing, key=signing.seal))
    with pytest.raises(RuleRefused, match="không phải của người ký"):
        take(signing_office, document)


def test_another_document_than_the_submitted_one_is_refused(
    signing_office: SigningOffice,  # noqa: F811
    signing: Signing,  # noqa: F811
) -> None:
    desk = signing_office.office.desk
    submitted = outgoing.submit(desk, signing_office.office.official, signing_office.drafted().id)
    other = other_program(make_draft(letter=True), signing)
    with pytest.raises(RuleRefused, match="không phải là bản đã trình"):
        take(signing_office, submitted, other)
    with pytest.raises(BadInput, match="chưa có chữ ký số"):
        take(signing_office, submitted, desk.blobs.read(submitted.prepared_sha256 or ""))
    refused = desk.db.execute("SELECT count(*) FROM audit WHERE action = 'outgoing.file_refused'").fetchone()[0]
    assert refused == 2


def test_a_signature_of_yesterday_is_refused_by_article_12(
    signing_office: SigningOffice,  # noqa: F811
    signing: Signing,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = create(signing_office, other_program(make_draft(), signing))
    tomorrow = datetime.now(VN) + timedelta(days=1)
    monkeypatch.setattr("appliance.office.outgoing.taken.signing_time", lambda desk: tomorrow)
    with pytest.raises(RuleRefused, match="không cùng ngày ban hành"):
        take(signing_office, document)


def test_a_device_that_was_reported_lost_signs_nothing_any_more(
    signing_office: SigningOffice,  # noqa: F811
    signing: Signing,  # noqa: F811
) -> None:
    document = create(signing_office, other_program(make_draft(), signing))
    signing_office.office.desk.db.execute("UPDATE device SET state = 'lost' WHERE purpose = 'personal'")
    with pytest.raises(RuleRefused, match="đã ngừng sử dụng"):
        take(signing_office, document)


def test_a_signed_file_that_acts_by_itself_is_refused(signing_office: SigningOffice, signing: Signing) -> None:  # noqa: F811
    with pikepdf.open(io.BytesIO(make_draft())) as document:
        document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        out = io.BytesIO()
        document.save(out)
    document = create(signing_office, other_program(out.getvalue(), signing))
    with pytest.raises(RuleRefused, match="lệnh tự chạy"):
        take(signing_office, document)
