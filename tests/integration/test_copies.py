"""Electronic copies of paper and electronic originals, on real tokens: what they show, their numbers, their value."""

from __future__ import annotations

import io
import json
import subprocess
from datetime import datetime

import pypdfium2
import pytest
from PIL import Image, ImageChops
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from appliance.clock import VN
from appliance.errors import BadInput, NotAllowed, NotFound, RuleRefused, SignerError, WrongState
from appliance.office import outgoing
from appliance.office.outgoing import CopyForm, Outgoing
from appliance.signing import copying
from appliance.signing.appearance import signature_style
from appliance.signing.certificates import check_before_signing
from appliance.signing.corner import takes_another_signature
from appliance.signing.placement import Area
from appliance.signing.produce import open_writer, sign_field
from appliance.signing.token import Pin
from appliance.signing.token_signer import TokenSigner
from appliance.signing.validate import validate
from appliance.store.database import transaction
from provisioning.demo.cast import CHAIR, PROVINCE_OFFICE, UBND
from sync.edxml.model import ReadDocument
from sync.edxml.reader import read_package
from tests.desk_fixtures import SigningOffice, signing_office  # noqa: F401
from tests.drafts import make_draft
from tests.integration.test_signing_two_signatures import ink, red, render
from tests.office_fixtures import furnished, office  # noqa: F401
from tests.signing_fixtures import LEADER_PIN, SEAL_PIN, signing  # noqa: F401
from tests.web_fixtures import add_file, add_incoming


def scan(dpi: int = 200, mode: str = "RGB", pages: int = 2, version: int = 17) -> bytes:
    """What an office scanner makes: pictures as pages."""
    first = Image.open(io.BytesIO(_printed(dpi))).convert(mode)
    with pypdfium2.PdfDocument.new() as document:
        for _ in range(pages):
            page = document.new_page(595, 842)
            picture = pypdfium2.PdfImage.new(document)
            picture.set_bitmap(pypdfium2.PdfBitmap.from_pil(first))
            picture.set_matrix(pypdfium2.PdfMatrix().scale(595, 842))
            page.insert_obj(picture)
            page.gen_content()
        out = io.BytesIO()
        document.save(out, version=version)
    return out.getvalue()


def _printed(dpi: int) -> bytes:
    out = io.BytesIO()
    with pypdfium2.PdfDocument(make_draft()) as document:
        document[0].render(scale=dpi / 72).to_pil().save(out, "PNG")
    return out.getvalue()


def filled(desk: SigningOffice, form: str = "sao-y", **changes: object) -> CopyForm:
    values = {
        "form": form, "original_code": "101/QĐ-UBND", "original_date": "2026-01-05",
        "original_organ": "Ủy ban nhân dân tỉnh Hải Vân", "subject": "Sao gửi Quyết định 101/QĐ-UBND",
        "decided_by": desk.office.accounts[CHAIR.username], "recipient_ids": (PROVINCE_OFFICE.id,),
        "no_secret": True, **changes,
    }  # fmt: skip
    return CopyForm(**values)  # type: ignore[arg-type]


def from_paper(desk: SigningOffice, data: bytes | None = None, **changes: object) -> Outgoing:
    work, clerk = desk.office.desk, desk.office.clerk
    source = outgoing.paper_source(work, clerk, "Bản giấy.pdf", io.BytesIO(data or scan()))
    return outgoing.create_copy(work, clerk, filled(desk, **changes), source)  # type: ignore[arg-type]


def arrived(desk: SigningOffice, data: bytes) -> str:
    """A document that came with this file at position 1."""
    incoming_id = add_incoming(desk.office, "accepted")
    with transaction(desk.office.desk.db):
        add_file(desk.office.desk, incoming_id, 1, "Công văn đến.pdf", data)
    return incoming_id


def from_incoming(desk: SigningOffice, data: bytes, **changes: object) -> Outgoing:
    work, clerk = desk.office.desk, desk.office.clerk
    source = outgoing.incoming_source(work, clerk, arrived(desk, data), 1)
    return outgoing.create_copy(work, clerk, filled(desk, **changes), source)  # type: ignore[arg-type]


def sealed(desk: SigningOffice, copy: Outgoing, pin: str = SEAL_PIN) -> tuple[Outgoing, bytes]:
    done = outgoing.seal_copy(desk.office.desk, desk.office.clerk, copy.id, Pin(pin))
    return done, desk.office.desk.blobs.read(done.sealed_sha256 or "")


def poppler(data: bytes) -> Image.Image:
    """The first page as Poppler draws it, 144 dpi."""
    command = ["pdftoppm", "-r", "144", "-f", "1", "-l", "1", "-png", "-"]
    return Image.open(io.BytesIO(subprocess.run(command, input=data, capture_output=True, check=True).stdout))


def words(data: bytes) -> str:
    return subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True).stdout.decode("utf-8")


@pytest.mark.parametrize(("form", "mark", "notation"), [
    ("sao-y", "SAO Y", "SY-UBND"), ("sao-luc", "SAO LỤC", "SL-UBND"), ("trich-sao", "TRÍCH SAO", "TrS-UBND"),
])  # fmt: skip
def test_a_paper_original_becomes_a_signed_copy_with_its_words_in_the_corner(
    signing_office: SigningOffice,  # noqa: F811
    form: str,
    mark: str,
    notation: str,
) -> None:
    copy = from_paper(signing_office, form=form, pages="2")
    assert json.loads(outgoing.copy_of(signing_office.office.desk.db, copy.id).warnings) == []  # type: ignore[union-attr]
    done, data = sealed(signing_office, copy)
    assert (done.state, done.code) == ("sealed", f"01/{notation}")
    assert done.page_count == (1 if form == "trich-sao" else 2)
    text = words(data)
    assert mark in text
    assert "Ủy ban nhân dân xã Hòa Bình" in text
    assert "+07:00" in text
    report = validate(data, signing_office.signing.trust)
    assert (report.verdict, [s.field for s in report.signatures]) == ("valid", ["DauBanSao"])
    assert ink(render(data), Area(0, 0, 0, 595, 842), red) < 0.001  # no image of the seal


def test_copies_of_all_forms_share_one_series_apart_from_the_documents(signing_office: SigningOffice) -> None:  # noqa: F811
    document = signing_office.sealed(signing_office.signed(signing_office.drafted()))
    codes = [
        sealed(signing_office, from_paper(signing_office, form=form, pages="1"))[0].code
        for form in ("sao-y", "trich-sao", "sao-y")
    ]
    assert document.code == "01/QĐ-UBND"
    assert codes == ["01/SY-UBND", "02/TrS-UBND", "03/SY-UBND"]


def test_an_original_that_leaves_room_keeps_its_own_signature_in_the_copy(signing_office: SigningOffice) -> None:  # noqa: F811
    prepared, _ = signing_office.signing.prepared()
    original = signing_office.signing.sign(prepared)
    assert not takes_another_signature(original)  # the box's own locks forbid it, and so do its sealed documents
    came = _approved_elsewhere(signing_office)
    assert takes_another_signature(came)
    copy = from_incoming(signing_office, came)
    _, data = sealed(signing_office, copy)
    assert data.startswith(came)
    report = validate(data, signing_office.signing.trust)
    assert (report.verdict, len(report.signatures)) == ("valid", 2)
    assert outgoing.copy_of(signing_office.office.desk.db, copy.id).keeps_signatures == 1  # type: ignore[union-attr]


def _approved_elsewhere(desk: SigningOffice) -> bytes:
    """A PDF with one plain approval signature, as desktop signers make it."""
    at, key, trust = datetime.now(VN), desk.signing.leader, desk.signing.trust
    writer = open_writer(make_draft())
    append_signature_field(writer, SigFieldSpec("ChuKySo", on_page=0, box=(300, 60, 400, 110)))
    token = TokenSigner(key, Pin(LEADER_PIN), desk.signing.client, check_before_signing(key, trust, at), trust)
    style = signature_style(Area(0, 0, 0, 100, 50), desk.signing.signature_png, "Trần Văn Thạnh")
    return sign_field(writer, "ChuKySo", style, token, at, None)


def test_a_locked_original_is_copied_as_it_prints_and_the_page_says_so(signing_office: SigningOffice) -> None:  # noqa: F811
    original = signing_office.signing.sealed()
    copy = from_incoming(signing_office, original)
    done, data = sealed(signing_office, copy)
    assert outgoing.copy_of(signing_office.office.desk.db, done.id).keeps_signatures == 0  # type: ignore[union-attr]
    report = validate(data, signing_office.signing.trust)
    assert (report.verdict, [s.field for s in report.signatures]) == ("valid", ["DauBanSao"])
    # every picture and letter of the original is still there: below the corner nothing differs
    before, after = poppler(original), poppler(data)
    lower = (0, 120, before.width, before.height)
    assert ImageChops.difference(before.crop(lower), after.crop(lower)).getbbox() is None
    assert "Nguyễn Văn An" in words(data)
    assert "125" in words(data)


def test_a_document_issued_here_is_copied_and_the_copy_goes_out(signing_office: SigningOffice) -> None:  # noqa: F811
    work, clerk = signing_office.office.desk, signing_office.office.clerk
    document = signing_office.sealed(signing_office.signed(signing_office.drafted()))
    with pytest.raises(NotFound):
        outgoing.outgoing_source(work, clerk, document.id)
    outgoing.issue(work, clerk, document.id)
    source = outgoing.outgoing_source(work, clerk, document.id)
    known = outgoing.copy_defaults(work, clerk, source)
    assert (known["original_code"], known["original_organ"]) == (document.code, UBND.name)
    copy = outgoing.create_copy(work, clerk, filled(signing_office, **known), source)
    done, data = sealed(signing_office, copy)
    outgoing.issue(work, clerk, done.id)
    digest = work.db.execute("SELECT sha256 FROM message WHERE outgoing_id = ?", [copy.id]).fetchone()[0]
    package = read_package(work.blobs.path(digest), work.blobs)
    assert isinstance(package, ReadDocument)
    assert (package.notation, package.type_name) == ("SY-UBND", "Bản sao y")
    assert work.blobs.read(package.files[0].sha256) == data


def test_an_extract_has_the_chosen_pages_only(signing_office: SigningOffice) -> None:  # noqa: F811
    copy = from_paper(signing_office, scan(pages=6), form="trich-sao", pages="1-2, 5")
    assert copy.page_count == 3
    for pages in ("", "0", "3-1", "hai", "9"):
        with pytest.raises(BadInput):
            from_paper(signing_office, scan(pages=2), form="trich-sao", pages=pages)


@pytest.mark.parametrize(("data", "said"), [
    (scan(dpi=100), "độ phân giải dưới 200 dpi"), (scan(mode="L"), "không có màu"), (make_draft(), "không có ảnh quét"),
    (scan(version=13), "phiên bản 1.3, cần từ 1.4"),
])  # fmt: skip
def test_a_poor_scan_is_said_and_kept_with_the_copy(
    signing_office: SigningOffice,  # noqa: F811
    data: bytes,
    said: str,
) -> None:
    copy = outgoing.copy_of(signing_office.office.desk.db, from_paper(signing_office, data).id)
    assert copy is not None
    assert said in copy.warnings


def test_a_good_scan_has_no_faults() -> None:
    assert copying.scan_faults(scan(), least_dpi=200, least_version=14) == []


def test_an_electronic_file_without_a_holding_signature_is_no_original(signing_office: SigningOffice) -> None:  # noqa: F811
    with pytest.raises(RuleRefused, match="không có chữ ký số hợp lệ"):
        from_incoming(signing_office, make_draft())
    broken = signing_office.signing.sealed()
    at = broken.index(b"stream") + 40
    with pytest.raises(RuleRefused) as refused:
        from_incoming(signing_office, broken[:at] + bytes([broken[at] ^ 1]) + broken[at + 1 :])
    assert refused.value.rule is not None
    assert "Điều 25" in refused.value.rule.article


def test_a_failed_signature_keeps_the_number_and_only_the_clerk_copies(signing_office: SigningOffice) -> None:  # noqa: F811
    copy = from_paper(signing_office)
    with pytest.raises(SignerError):
        sealed(signing_office, copy, pin="000000")
    held = outgoing.get(signing_office.office.desk, signing_office.office.clerk, copy.id)
    assert (held.state, held.code) == ("numbered", "01/SY-UBND")
    assert sealed(signing_office, copy)[0].code == "01/SY-UBND"
    with pytest.raises(NotAllowed):
        outgoing.seal_copy(signing_office.office.desk, signing_office.office.chair, copy.id, Pin(SEAL_PIN))


def test_a_copy_takes_none_of_a_documents_steps_and_a_document_none_of_a_copys(signing_office: SigningOffice) -> None:  # noqa: F811
    work, house = signing_office.office.desk, signing_office.office
    copy, document = from_paper(signing_office), signing_office.drafted()
    with pytest.raises(WrongState):
        outgoing.submit(work, house.clerk, copy.id)
    with pytest.raises(WrongState):
        outgoing.number_and_seal(work, house.clerk, copy.id, Pin(SEAL_PIN))
    with pytest.raises(WrongState):
        outgoing.add_annex(work, house.clerk, copy.id, "Phụ lục.pdf", io.BytesIO(make_draft()))
    with pytest.raises(WrongState):
        outgoing.seal_copy(work, house.clerk, document.id, Pin(SEAL_PIN))
    assert outgoing.withdraw(work, house.clerk, copy.id, "Quét lại").state == "withdrawn"
