"""PDFs of many programs (tests/samples) go the whole way: places found, both signatures made, checked by three."""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.signing.placement import Placement, TextSlot, seal_over
from appliance.signing.prepare import find_places, inspect, prepare
from appliance.signing.validate import validate
from tests.signing_fixtures import LEADER, SEAL_MM, TITLE, VALUES, Signing, signing  # noqa: F401

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
DEPUTY = ("Phó Chủ tịch", "Đặng Hữu Phước")


@dataclass(frozen=True)
class Sample:
    """What is in one file. ``deputy``: the deputy signs it; ``read``: its text says where everything goes."""

    name: str
    notation: str = "QĐ-UBND"
    deputy: bool = False
    read: bool = True
    pages: int = 1


ALL = (
    Sample("libreoffice"),
    Sample("libreoffice-pdfa", "KH-UBND", pages=2),
    Sample("libreoffice-hybrid", "TB-UBND", deputy=True),
    Sample("chromium", "KH-UBND", pages=2),
    Sample("wkhtmltopdf", "TB-UBND", deputy=True),
    Sample("cairo"),
    Sample("ghostscript", "TB-UBND", deputy=True),
    Sample("xetex"),
    Sample("scan", read=False),
    Sample("scan-ocr", "TB-UBND", deputy=True),
    Sample("qpdf-rotated", "TB-UBND", deputy=True),
)


def places(sample: Sample) -> Placement:
    title, name = DEPUTY if sample.deputy else (TITLE, LEADER)
    data = (SAMPLES / f"{sample.name}.pdf").read_bytes()
    return find_places(inspect(data).ready, signer_title=title, signer_name=name, seal_mm=SEAL_MM)


def put_by_hand(placement: Placement) -> Placement:
    """A scan without text, its boxes dragged to where the drafter sees the lines."""
    number, date = placement.slots
    number = replace(number, area=replace(number.area, x=116, y=727.5, width=114))
    date = replace(date, area=replace(date.area, x=295, y=727.5, width=220))
    signature = replace(placement.signature, x=352, y=366)
    return replace(placement, slots=(number, date), signature=signature, seal=seal_over(signature, SEAL_MM), note=None)


def words(file: Path) -> list[tuple[str, float, float, float, float]]:
    """Every word of the first page with its edges (left, lower, right, upper), points, as pdftotext reads them."""
    page = subprocess.run(["pdftotext", "-bbox", "-l", "1", str(file), "-"], capture_output=True, text=True, check=True)
    height = float(re.search(r'<page [^>]*height="([\d.]+)"', page.stdout)[1])  # type: ignore[index]
    found = re.findall(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>', page.stdout)
    return [
        (html.unescape(word), float(left), height - float(lower), float(right), height - float(upper))
        for left, upper, right, lower, word in found
    ]


def written(file: Path, slot: TextSlot) -> str:
    """The words whose middle lies in a slot."""
    area = slot.area
    inside = [
        word
        for word, left, lower, right, upper in words(file)
        if area.x < (left + right) / 2 < area.right and area.y < (lower + upper) / 2 < area.top
    ]
    return " ".join(inside)


@pytest.mark.slow
@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
def test_a_file_of_any_program_is_signed_sealed_and_valid_for_every_reader(
    sample: Sample,
    signing: Signing,  # noqa: F811
    tmp_path: Path,
) -> None:
    data = (SAMPLES / f"{sample.name}.pdf").read_bytes()
    assert inspect(data).pages == sample.pages
    placement = places(sample)
    assert (placement.found == ("SoVanBan", "NgayVanBan", "ChuKyLanhDao")) is sample.read
    if not sample.read:
        placement = put_by_hand(placement)
    sealed = signing.number_and_seal(signing.sign(prepare(data, placement)), placement, notation=sample.notation)

    assert validate(sealed, signing.trust).verdict == "valid"

    reader = PdfFileReader(io.BytesIO(sealed))
    verdicts = []
    for embedded in reader.embedded_signatures:
        assert isinstance(embedded, EmbeddedPdfSignature)
        roots, others = list(signing.trust.roots), list(signing.trust.intermediates)
        context = ValidationContext(trust_roots=roots, other_certs=others)
        verdicts.append(validate_pdf_signature(embedded, context).bottom_line)
    assert verdicts == [True, True]

    file = tmp_path / "sealed.pdf"
    file.write_bytes(sealed)
    if folder := os.environ.get("TRAM_SHOW"):  # for a look with one's own eyes
        (Path(folder) / f"{sample.name}.pdf").write_bytes(sealed)
    said = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.count("Signature is Valid.") == 2, said
    assert "Total document signed" in said.split("Signature #2:")[1]

    for slot in placement.slots:
        value = slot.template.format(**{**VALUES, "notation": sample.notation})
        assert value in written(file, slot), slot


def test_an_appendix_after_the_signature_does_not_move_it() -> None:
    for name in ("libreoffice-pdfa", "chromium"):
        placement = places(next(sample for sample in ALL if sample.name == name))
        assert (placement.signature.page, placement.seal.page) == (0, 0)
