"""What can be signed, and what a person is told when a file cannot."""

from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
import pypdfium2
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PdfFileWriter, copy_into_new_writer
from pyhanko.sign.fields import enumerate_sig_fields

from appliance.errors import BadInput
from appliance.signing.normalise import ACTIVE, ATTACHED, RESTRICTED, REWRITTEN, TURNED, different_pages
from appliance.signing.placement import Area, Placement
from appliance.signing.prepare import find_places, inspect, prepare
from tests.drafts import make_draft


def place(data: bytes) -> Placement:
    return find_places(data, signer_title="CHỦ TỊCH", signer_name="Nguyễn Văn An", seal_mm=36)


def edited(edit: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(make_draft()))
    edit(writer)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def encrypted(user: str, owner: str) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(make_draft())))
    writer.encrypt(owner, user)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def without_pages() -> bytes:
    out = io.BytesIO()
    PdfFileWriter().write(out)
    return out.getvalue()


def xfa() -> bytes:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/AcroForm"] = generic.DictionaryObject(  # type: ignore[no-untyped-call]
            {pdf_name("/Fields"): generic.ArrayObject(), pdf_name("/XFA"): generic.ArrayObject()}
        )
        writer.update_root()

    return edited(edit)


def torn_update() -> bytes:
    """A second revision that was cut off: the first one must not pass for the whole."""
    changed = edited(lambda writer: writer.update_root())
    return changed[: changed.rindex(b"startxref")]


def rotated(degrees: int) -> bytes:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        page = writer.find_page_for_modification(0)[0].get_object()  # type: ignore[no-untyped-call]
        page["/Rotate"] = generic.NumberObject(degrees)  # type: ignore[no-untyped-call]
        writer.update_container(page)

    return edited(edit)


def hybrid() -> bytes:
    """The draft as Word writes it: a classic cross-reference table pointing on to a stream (ISO 32000-1, 7.5.8.4)."""
    with pypdfium2.PdfDocument(make_draft()) as document:
        out = io.BytesIO()
        document.save(out)
    data = out.getvalue()
    table = int(data.rsplit(b"startxref", 1)[1].split()[0])
    size = int(data[table:].split(b"/Size")[1].split(b"/")[0].split(b">")[0].split()[0])
    stream = b"%d 0 obj\n<</Type/XRef/W[1 3 1]/Index[0 1]/Size %d/Length 5>>\nstream\n%s\nendstream\nendobj\n"
    stream %= (size, size + 1, bytes(5))
    entries, rest = data[table:].split(b"trailer", 1)
    trailer = rest.split(b"startxref", 1)[0].replace(b"<<", b"<</XRefStm %d " % table, 1)
    end = b"startxref\n%d\n%%%%EOF\n" % (table + len(stream))
    return data[:table] + stream + entries + b"trailer" + trailer + end


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: b"PK\x03\x04 a word processor's own file", "Tệp này không phải là PDF"),
        (lambda: b"", "Tệp này không phải là PDF"),
        (lambda: make_draft()[:-4000], "Tệp PDF bị đứt, thiếu phần cuối"),
        (lambda: b"%PDF-1.7\nrubbish\nstartxref\n5\n%%EOF\n", "Tệp PDF bị hỏng, không mở được"),
        (lambda: encrypted("mat-khau", "chu"), "Tệp PDF được đặt mật khẩu"),
        (lambda: torn_update(), "Tệp PDF bị đứt, thiếu phần cuối"),
        (without_pages, "Tệp PDF không có trang nào"),
        (xfa, "Tệp PDF là biểu mẫu động (XFA), không ký được"),
    ],
)
def test_each_unusable_file_has_its_own_sentence(make: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        inspect(make())
    assert caught.value.message == sentence
    assert caught.value.next_step


def test_a_draft_is_described() -> None:
    facts = inspect(make_draft())
    assert (facts.pages, facts.already_signed, facts.mended, facts.advice) == (1, False, (), ())
    assert facts.ready == make_draft()
    assert facts.page_sizes[0] == pytest.approx((595.3, 841.9), abs=0.1)


def test_a_hybrid_file_as_word_writes_it_is_rewritten_once() -> None:
    data = hybrid()
    assert PdfFileReader(io.BytesIO(data), strict=False).xrefs.hybrid_xrefs_present
    assert inspect(data).mended == (REWRITTEN,)
    prepared = prepare(data, place(data))
    assert not PdfFileReader(io.BytesIO(prepared)).xrefs.hybrid_xrefs_present


def test_a_file_with_a_broken_cross_reference_is_rewritten_once() -> None:
    data = make_draft()
    at = data.rindex(b"startxref")
    broken = data[:at] + b"startxref\n17\n%%EOF\n"
    assert inspect(broken).mended == (REWRITTEN,)
    assert b"ChuKyLanhDao" in prepare(broken, place(broken))


def test_the_prepared_file_holds_every_field_empty_and_locked() -> None:
    data = make_draft()
    reader = PdfFileReader(io.BytesIO(prepare(data, place(data))))
    fields = {field.get_object()["/T"]: field.get_object() for field in reader.root["/AcroForm"]["/Fields"]}
    assert set(fields) == {"SoVanBan", "NgayVanBan", "ThangVanBan", "ChuKyLanhDao", "ConDau"}
    assert all("/V" not in field for field in fields.values())
    assert all(fields[name]["/Ff"] & 1 for name in ("SoVanBan", "NgayVanBan", "ThangVanBan"))
    leader, seal = fields["ChuKyLanhDao"]["/Lock"], fields["ConDau"]["/Lock"]
    assert (leader["/Action"], leader["/P"]) == ("/Exclude", 2)
    assert set(leader["/Fields"]) == {"SoVanBan", "NgayVanBan", "ThangVanBan", "ConDau"}
    assert (seal["/Action"], seal["/P"]) == ("/All", 1)
    assert not list(enumerate_sig_fields(reader, filled_status=True))


def test_a_file_is_prepared_only_once() -> None:
    data = make_draft()
    placement = place(data)
    with pytest.raises(BadInput, match="đã có ô ký"):
        prepare(prepare(data, placement), placement)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_is_turned_for_good_and_read_as_it_is_seen(degrees: int) -> None:
    data = rotated(degrees)
    facts = inspect(data)
    assert facts.mended == (TURNED % "1",)
    with pypdfium2.PdfDocument(data) as before, pypdfium2.PdfDocument(facts.ready) as after:
        assert (before[0].get_rotation(), after[0].get_rotation()) == (degrees, 0)
        assert after[0].get_size() == pytest.approx(before[0].get_size(), abs=0.1)
    assert different_pages(data, facts.ready) == []


def test_a_page_turned_twice_over_is_found_and_prepared_like_an_upright_one() -> None:
    upright, turned = place(make_draft()), rotated(360)
    assert inspect(turned).mended == ()
    assert place(inspect(turned).ready).signature == upright.signature


def test_a_restriction_without_a_password_is_lifted_and_said() -> None:
    facts = inspect(encrypted("", "chu"))
    assert facts.mended == (RESTRICTED,)
    assert b"/Encrypt" not in facts.ready


def test_what_runs_by_itself_or_hides_inside_is_taken_out_and_said() -> None:
    with pikepdf.open(io.BytesIO(make_draft())) as document:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        launch = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="cmd.exe")
        web = pikepdf.Dictionary(S=pikepdf.Name.URI, URI="https://hoabinh.example")
        document.Root.OpenAction = script
        document.pages[0].AA = pikepdf.Dictionary(O=launch)
        document.pages[0].Annots = pikepdf.Array(
            pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=action)
            for action in (launch, web)
        )
        document.attachments["dự toán.xlsx"] = b"bytes"
        out = io.BytesIO()
        document.save(out)
    facts = inspect(out.getvalue())
    assert facts.mended == (ATTACHED % "dự toán.xlsx", ACTIVE)
    assert different_pages(out.getvalue(), facts.ready) == []
    with pikepdf.open(io.BytesIO(facts.ready)) as clean:
        assert not len(clean.attachments)
        assert "/OpenAction" not in clean.Root
        assert "/AA" not in clean.pages[0]
        assert [annotation.get("/A") is None for annotation in clean.pages[0].Annots] == [True, False]


def test_a_little_dirt_after_the_end_is_dropped() -> None:
    facts = inspect(make_draft() + b"\r\n-- \r\nThis e-mail was scanned.\r\n" * 60)
    assert facts.mended == (REWRITTEN,)
    assert b"e-mail" not in facts.ready


def test_a_form_that_only_a_reading_program_draws_is_refused() -> None:
    with pikepdf.open(io.BytesIO(make_draft())) as document:
        field = pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="hoten", V="Nguyễn", Rect=[50, 50, 200, 70])
        field.update({"/Type": pikepdf.Name.Annot, "/Subtype": pikepdf.Name.Widget})
        field = document.make_indirect(field)
        document.pages[0].Annots = pikepdf.Array([field])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[field], NeedAppearances=True)
        out = io.BytesIO()
        document.save(out)
    with pytest.raises(BadInput, match="điền dở"):
        inspect(out.getvalue())


def test_paper_that_is_not_a4_is_pointed_out() -> None:
    with pikepdf.open(io.BytesIO(make_draft())) as document:
        document.pages[0].MediaBox = pikepdf.Array([0, 0, 612, 792])
        out = io.BytesIO()
        document.save(out)
    assert "A4" in inspect(out.getvalue()).advice[0]


def test_a_place_outside_the_page_is_refused() -> None:
    data = make_draft()
    placement = place(data)
    away = Placement(placement.slots, Area(0, 560, 100, 120, 60), placement.seal)
    with pytest.raises(BadInput, match="nằm ngoài trang 1"):
        prepare(data, away)
    with pytest.raises(BadInput, match="ở trang không có"):
        prepare(data, Placement(placement.slots, Area(7, 60, 100, 120, 60), placement.seal))


def test_on_a_cropped_page_places_count_from_the_visible_corner() -> None:
    with pypdfium2.PdfDocument(make_draft()) as document:
        document[0].set_cropbox(20, 30, 590, 835)
        out = io.BytesIO()
        document.save(out)
    whole, cropped = place(make_draft()), place(out.getvalue())
    assert cropped.signature.x == pytest.approx(whole.signature.x - 20, abs=0.5)
    assert cropped.signature.y == pytest.approx(whole.signature.y - 30, abs=0.5)
    reader = PdfFileReader(io.BytesIO(prepare(out.getvalue(), cropped)))
    _, _, field = next(iter(enumerate_sig_fields(reader, with_name="ChuKyLanhDao")))
    assert float(field.get_object()["/Rect"][0]) == pytest.approx(whole.signature.x, abs=0.5)
