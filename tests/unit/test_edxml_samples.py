"""The national SDK's own packages: read to a model, written to an equivalent package, to the byte where it counts.

Where our bytes differ from the samples', and why: the envelope's Signature is left out (a copied placeholder that signs
nothing), and the bytes inside ContentTransferEncoded are ours (the SDK zips under a random name). The samples that
somebody indented by hand (new, and nine of the ten statuses) are compared as models, not as bytes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.office.desk import ReceiverChange, Replaced
from appliance.store.blobs import BlobStore
from sync.edxml.dialects import dialect, dialect_names
from sync.edxml.model import ABSENT, UNVERIFIABLE, Hop, ReadDocument, ReadStatus, Staff, essence
from sync.edxml.packer import write_again
from sync.edxml.reader import read_package
from tests.edxml_fixtures import SAMPLES

pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the national samples are not on this machine")
_PACK = SAMPLES / "all4u1089-truclienthong-example"
_GOOD = sorted(path for path in SAMPLES.glob("*/*.edxml") if path.name != "resources_edoc.edxml")
_AS_THE_SDK = replace(dialect("java-sdk-zip"), raw_extensions=(), steering=1)
"""The sample pack's older SDK zips every file, .doc too."""
_TRACE_LAST = replace(_AS_THE_SDK, order={**_AS_THE_SDK.order, "TraceHeaderList": ("Bussiness", "TraceHeader")})
"""As a bus hands a package on: it appends its hops."""


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


def comparable(xml: bytes) -> str:
    """Without the placeholder signature and the encoded bytes."""
    text = re.sub(r"      <Signature>.*?</Signature>\r\n", "", xml.decode(), flags=re.DOTALL)
    return re.sub(r"(ContentTransferEncoded[^>]*>)[^<]*<", r"\1<", text)


def settled(model: ReadDocument | ReadStatus) -> ReadDocument | ReadStatus:
    """What must come back from writing and reading again: all but notes, the signature and the wrapping of files."""
    if isinstance(model, ReadStatus):
        return replace(model, warnings=())
    files = tuple(replace(file, declared="") for file in model.files)
    listed = tuple(replace(entry, media_type="") for entry in model.manifest)
    return replace(model, files=files, manifest=listed, signature=ABSENT, warnings=())


@pytest.mark.parametrize("name", dialect_names())
@pytest.mark.parametrize("path", _GOOD, ids=lambda path: path.stem)
def test_every_well_formed_sample_writes_back_to_the_same_model_in_every_dialect(
    path: Path, name: str, blobs: BlobStore
) -> None:
    model = read_package(path, blobs)
    digest, _ = write_again(model, blobs, dialect(name))
    back = read_package(blobs.path(digest), blobs)
    assert settled(back) == settled(model)
    if isinstance(model, ReadDocument) and isinstance(back, ReadDocument):
        assert essence(back) == essence(model)
        assert back.content_sha256 == model.content_sha256


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("resources_edoc_update", _AS_THE_SDK),
        ("resources_edoc_replacement", _AS_THE_SDK),
        ("resources_edoc_revocation", _AS_THE_SDK),
        ("xml_dc0bdef0-c7a3-4aaf-b717-777303442973", _TRACE_LAST),
        ("resources_status", _AS_THE_SDK),
    ],
)
def test_our_package_equals_the_sdks_to_the_byte(name: str, layout: object, blobs: BlobStore) -> None:
    sample = (_PACK / f"{name}.edxml").read_bytes()
    digest, _ = write_again(read_package(sample, blobs), blobs, layout)  # type: ignore[arg-type]
    assert comparable(blobs.read(digest)) == comparable(sample)


def _document(name: str, blobs: BlobStore) -> ReadDocument:
    model = read_package(_PACK / f"{name}.edxml", blobs)
    assert isinstance(model, ReadDocument)
    return model


def test_every_element_of_a_sample_is_in_the_model(blobs: BlobStore) -> None:
    model = _document("resources_edoc_update", blobs)
    organ = model.recipients[1]
    assert (organ.in_charge, organ.email, organ.telephone) == ("UBND Tỉnh Cao Bằng", "caobang@gov.vn", "02063852139")
    assert (organ.fax, organ.website) == ("0202183239", "www.caobang.gov.vn")
    assert (model.type_number, model.type_detail, model.type_name) == (1, 0, "Công văn")
    assert (model.copies, model.page_count, model.steering, model.direction) == (2, 22, 1, False)
    assert (model.sphere, model.typist_mark) == ("Liên thông văn bản quốc gia", "TVC")
    assert model.to_places == ("Cac bo va co quan ngang bo", "Uy ban nhan dan cac tinh, TP")
    assert model.trace == (Hop("000.00.00.G22", "2018-09-28T00:00:00"),)
    assert (model.business.kind, model.business.information_changed) == (2, True)
    assert model.business.document_code == "000.00.00.G22,2014/02/30,7806/VPCP-TTĐT"
    assert model.business.receivers == (
        ReceiverChange("000.00.00.H41", added=False),
        ReceiverChange("000.00.00.H14", added=True),
    )
    assert model.staff == Staff("Văn thư văn phòng", "Nguyễn Thị Ngọc Trâm", "vanthuvanphong@gov.vn", "84912000001")
    assert [entry.content_id for entry in model.manifest] == ["209"]
    assert (model.files[0].declared, model.files[0].content_id) == ("application/zip", "209")
    assert model.signature == UNVERIFIABLE


def test_what_a_replacement_replaces_is_in_the_model(blobs: BlobStore) -> None:
    one = Replaced("000.00.00.G22,2014/01/30,7806/VPCP-TTĐT", ("000.00.00.H41", "000.00.00.H14"))
    assert _document("resources_edoc_replacement", blobs).business.replaced == (one, one)


def test_an_annotated_template_has_no_signature_where_the_element_is_empty(blobs: BlobStore) -> None:
    model = read_package(SAMPLES / "tungsfer512-ss_adapter" / "form.edxml", blobs)
    assert isinstance(model, ReadDocument)
    assert model.signature == ABSENT
    assert model.business.kind == 2
    assert any("không giải mã được" in warning for warning in model.warnings)
