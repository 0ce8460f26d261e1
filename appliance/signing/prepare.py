"""A draft becomes a document ready to sign: checked, its blanks found, its empty fields and locks laid."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pypdfium2
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    append_signature_field,
)

from appliance.errors import N_, BadInput
from appliance.signing.inspection import PdfFacts, inspect, read
from appliance.signing.placement import SEAL_FIELD, SIGNATURE_FIELD, SLOT_FIELDS, Area, Placement
from appliance.signing.places import find_places

__all__ = ["PdfFacts", "find_places", "inspect", "prepare"]

_TIPS = {
    SIGNATURE_FIELD: N_("Chữ ký của người có thẩm quyền"),
    SEAL_FIELD: N_("Dấu của cơ quan, tổ chức"),
    "SoVanBan": N_("Số văn bản"),
    "NgayVanBan": N_("Ngày ban hành"),
    "ThangVanBan": N_("Tháng ban hành"),
    "NamVanBan": N_("Năm ban hành"),
}


def prepare(data: bytes, placement: Placement) -> bytes:
    """The draft with its empty fields: number and date, ChuKyLanhDao, ConDau, and their locks.

    All fields exist before the leader signs: a field created later would break that signature. The leader's signature
    lets number, date and seal be filled and nothing else; the seal locks everything. Raises BadInput.
    """
    facts = inspect(data)
    if facts.already_signed:
        raise BadInput(
            N_("Tệp PDF đã có chữ ký số nên không thể trình ký lần nữa"), next_step=N_("Tải lên bản dự thảo chưa ký")
        )
    corners = _corners(facts, placement)
    writer = IncrementalPdfFileWriter(io.BytesIO(facts.ready))
    if "/AcroForm" in writer.root:
        form = writer.root["/AcroForm"]
        if set(_field_names(read(form, "/Fields", ()))) & {
            *SLOT_FIELDS,
            SIGNATURE_FIELD,
            SEAL_FIELD,
        }:
            raise BadInput(
                N_("Tệp PDF đã có ô ký của trạm từ lần trình trước"), next_step=N_("Tải lên bản dự thảo gốc")
            )
        form.pop("/NeedAppearances", None)  # a viewer must show our appearances, not draw its own
        writer.update_container(form)
    names = [slot.name for slot in placement.slots]
    later = FieldMDPSpec(FieldMDPAction.EXCLUDE, [*names, SEAL_FIELD])
    _add_signature(
        writer,
        SIGNATURE_FIELD,
        placement.signature.shifted(*corners[placement.signature.page]),
        later,
        MDPPerm.FILL_FORMS,
    )
    _add_seal(writer, placement, corners)
    for slot in placement.slots:
        _add_text(writer, slot.name, slot.area.shifted(*corners[slot.area.page]))
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def add_seal_field(writer: IncrementalPdfFileWriter, signed: bytes, placement: Placement) -> None:
    """The seal's field in a file whose signature was made elsewhere and lets one be added. Raises BadInput."""
    _add_seal(writer, placement, _corners(inspect(signed), placement))


def _add_seal(writer: IncrementalPdfFileWriter, placement: Placement, corners: dict[int, tuple[float, float]]) -> None:
    seal = placement.seal.around(placement.seal_note)
    everything = FieldMDPSpec(FieldMDPAction.ALL)
    _add_signature(writer, SEAL_FIELD, seal.shifted(*corners[seal.page]), everything, MDPPerm.NO_CHANGES)


def _field_names(fields: Iterable[Any]) -> list[str]:
    return [str(read(field.get_object(), "/T", "")) for field in fields]


def _corners(facts: PdfFacts, placement: Placement) -> dict[int, tuple[float, float]]:
    """The displayed corner of every page used, in the file's own coordinates (a cropped page has one of its own).

    Raises BadInput when a place is not inside its page.
    """
    areas = (*(slot.area for slot in placement.slots), placement.signature, placement.seal, placement.seal_note)
    corners: dict[int, tuple[float, float]] = {}
    with pypdfium2.PdfDocument(facts.ready) as document:
        for area in areas:
            if area.page >= facts.pages:
                raise BadInput(N_("Vị trí ký nằm ở trang không có trong tệp"), next_step=N_("Đặt lại vị trí ký"))
            width, height = facts.page_sizes[area.page]
            if area.x < -1 or area.y < -1 or area.right > width + 1 or area.top > height + 1:
                raise BadInput(
                    N_("Vị trí số, ngày, chữ ký hoặc con dấu nằm ngoài trang %(page)s"),
                    next_step=N_("Đặt lại vị trí vào trong trang; nếu trang quá đầy, chừa thêm chỗ ở cuối văn bản"),
                    page=area.page + 1,
                )
            left, bottom, *_ = document[area.page].get_bbox()
            corners[area.page] = (left, bottom)
    return corners


def _box(area: Area) -> tuple[float, float, float, float]:
    return (area.x, area.y, area.right, area.top)


def _add_signature(
    writer: IncrementalPdfFileWriter, name: str, area: Area, lock: FieldMDPSpec, permission: MDPPerm
) -> None:
    append_signature_field(
        writer,
        SigFieldSpec(
            name,
            on_page=area.page,
            box=_box(area),  # type: ignore[arg-type]  # annotated as whole points, takes fractions
            field_mdp_spec=lock,
            doc_mdp_update_value=permission,
            readable_field_name=_TIPS[name],
        ),
    )


def _add_text(writer: IncrementalPdfFileWriter, name: str, area: Area) -> None:
    """An empty, read-only text field: nobody types in it, the seal's step fills it."""
    page = writer.find_page_for_modification(area.page)[0]  # type: ignore[no-untyped-call]
    field = writer.add_object(
        generic.DictionaryObject(  # type: ignore[no-untyped-call]
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/Widget"),
                pdf_name("/FT"): pdf_name("/Tx"),
                pdf_name("/T"): pdf_string(name),
                pdf_name("/TU"): pdf_string(_TIPS[name]),
                pdf_name("/Rect"): generic.ArrayObject(generic.FloatObject(round(v, 3)) for v in _box(area)),  # type: ignore[no-untyped-call]
                pdf_name("/F"): generic.NumberObject(4),  # type: ignore[no-untyped-call]  # printed
                pdf_name("/Ff"): generic.NumberObject(1),  # type: ignore[no-untyped-call]  # read-only
                pdf_name("/P"): page,
                pdf_name("/DA"): pdf_string("/Helv 0 Tf 0 g"),
            }
        )
    )
    form = writer.root["/AcroForm"]
    form["/Fields"].append(field)
    writer.update_container(form["/Fields"])
    writer.register_annotation(page, field)  # type: ignore[no-untyped-call]
