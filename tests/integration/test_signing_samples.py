"""PDFs of many programs (tests/samples) go the whole way: places found, both signatures made, checked by three."""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.signing.placement import Placement
from appliance.signing.prepare import find_places, inspect, prepare
from appliance.signing.validate import validate
from tests.signing_fixtures import LEADER, SEAL_MM, TITLE, Signing, signing  # noqa: F401

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
    return find_places(data, signer_title=title, signer_name=name, seal_mm=SEAL_MM)


def text(data: bytes, folder: Path, page: int = 1) -> str:
    """What pdftotext reads, layout kept."""
    file = folder / "text.pdf"
    file.write_bytes(data)
    command = ["pdftotext", "-layout", "-f", str(page), "-l", str(page), str(file), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


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
    said = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.count("Signature is Valid.") == 2, said
    assert "Total document signed" in said.split("Signature #2:")[1]

    shown = text(sealed, tmp_path)
    header = " ".join(shown[: shown.index("Hạnh phúc") + 400].split()) if "Hạnh phúc" in shown else shown
    assert "125" in header
    assert "22" in header
    if sample.read and not sample.name.startswith("scan"):
        assert f"Số: 125/{sample.notation}" in header.replace("125 /", "125/").replace("Số:125", "Số: 125")
        assert "Hòa Bình, ngày 22 tháng 11 năm 2026" in header


def test_an_appendix_after_the_signature_does_not_move_it() -> None:
    for name in ("libreoffice-pdfa", "chromium"):
        placement = places(next(sample for sample in ALL if sample.name == name))
        assert (placement.signature.page, placement.seal.page) == (0, 0)
        assert replace(placement.signature, page=1) != placement.signature
