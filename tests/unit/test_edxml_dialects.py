"""Every dialect says the same: packages validate against our schema, come back as they went, differ only in layout."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from appliance.errors import BadInput, ConfigError
from appliance.office.desk import Business, Party, StatusPackage
from appliance.store.blobs import BlobStore
from sync.edxml.dialects import dialect_names
from sync.edxml.model import Hop, ReadDocument, ReadStatus, essence
from sync.edxml.packer import EdxmlPacker
from sync.edxml.reader import read_package, tree_of
from sync.edxml.schema import deviations, schema
from tests.edxml_fixtures import document, file_in, raw_package, status, whole_document


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


def written(blobs: BlobStore, name: str, kind: int = 2) -> bytes:
    return blobs.read(EdxmlPacker(dialect_name=name).document(whole_document(blobs, kind), blobs)[0])


def assert_valid(xml: bytes, name: str) -> None:
    judge = schema(name)
    assert judge.validate(etree.fromstring(xml)), judge.error_log


@pytest.mark.parametrize("name", dialect_names())
@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_every_business_is_valid_and_comes_back_in_every_dialect(name: str, kind: int, blobs: BlobStore) -> None:
    package = whole_document(blobs, kind)
    xml = written(blobs, name, kind)
    assert_valid(xml, name)
    assert deviations(tree_of(xml, blobs)) == ()
    back = read_package(xml, blobs)
    assert isinstance(back, ReadDocument)
    assert (back.business, back.answers, back.to_places) == (package.business, package.answers, package.to_places)
    assert back.content == "Nội dung <tóm tắt>\nhai dòng"
    assert back.trace == (Hop("H99.21", "2026-11-20T15:04:05"),)
    assert [(file.name, file.sha256) for file in back.files] == [(f.name, f.sha256) for f in package.files]
    assert [entry.name for entry in back.manifest] == [file.name for file in package.files]
    assert back.warnings == ()


def test_dialects_differ_in_layout_only(blobs: BlobStore) -> None:
    read = [read_package(written(blobs, name), blobs) for name in dialect_names()]
    said = {replace(essence(one), steering=None) for one in read if isinstance(one, ReadDocument)}
    assert len(said) == 1


def test_the_java_sdks_layout_is_the_default(blobs: BlobStore) -> None:
    assert (
        EdxmlPacker().document(whole_document(blobs), blobs)[0]
        == (EdxmlPacker(dialect_name="java-sdk").document(whole_document(blobs), blobs)[0])
    )


def test_the_sdks_zip_holds_one_entry_and_is_the_same_bytes_each_time(blobs: BlobStore) -> None:
    xml = written(blobs, "java-sdk-zip")
    assert xml == written(blobs, "java-sdk-zip")
    contents = re.findall(rb"<edXML:ContentTransferEncoded[^>]*>([^<]*)<", xml)
    assert base64.b64decode(contents[0]) == b"%PDF-1.7 a"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(contents[1]))) as archive:
        (entry,) = archive.infolist()
        assert entry.filename.endswith(".csv")
        assert archive.read(entry) == b"so lieu"
    assert re.findall(rb"<ContentType>([^<]*)<", xml) == [b"application/pdf", b"application/zip"]


def test_the_dotnet_sdks_habits(blobs: BlobStore) -> None:
    xml = written(blobs, "dotnet").decode()
    assert "<edXML:DigitalSignature />" in xml
    assert re.search(r'<edXML:Reference xmlns:xlink="[^"]*" xlink:href="cid:[0-9a-f-]+" xlink:role="XLinkRole"', xml)
    assert re.search(r"<ContentId>[0-9a-f]{32}-1</ContentId>", xml)
    assert "<ContentTransferEncoded>" in xml
    assert re.search(
        r"</edXML:SteeringType>\s*<edXML:DocumentId>[^<]*</edXML:DocumentId>\s*</edXML:MessageHeader>", xml
    )


@pytest.mark.parametrize("name", dialect_names())
def test_a_status_is_valid_in_every_dialect(name: str, blobs: BlobStore) -> None:
    said: StatusPackage = status(description="Đã nhận\nvà vào sổ")
    xml = EdxmlPacker(dialect_name=name).status(said)
    assert_valid(xml, name)
    back = read_package(xml, blobs)
    assert isinstance(back, ReadStatus)
    assert (back.description, back.warnings) == ("Đã nhận\nvà vào sổ", ())


def test_a_dialect_nobody_knows_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match=r"edxml_dialect.*dotnet, java-sdk"):
        EdxmlPacker(dialect_name="klingon")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipients": (Party("H99.1", "A"), Party("H99.1", "B"))}, "“H99.1” được ghi hai lần"),
        ({"business": Business(2, "Sửa")}, "văn bản được cập nhật"),
        ({"business": Business(3, "Thay")}, "văn bản bị thay thế"),
        ({"content": "x" * 501}, "Nội dung"),
        ({"to_places": ("x" * 151,)}, "Nơi nhận không qua trục"),
    ],
)
def test_business_that_a_bus_would_refuse_is_refused_here(
    change: dict[str, object], words: str, blobs: BlobStore
) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        EdxmlPacker().document(document(**change), blobs)
    assert caught.value.next_step


def test_where_a_package_departs_from_the_schema_is_said_in_vietnamese(blobs: BlobStore) -> None:
    found = " ".join(deviations(tree_of(raw_package("<La>x</La>"), blobs)))
    assert "không mang tiền tố “edXML:”" in found
    assert "“Subject” không đúng chỗ" in found
    old = raw_package().replace(b"http://www.mic.gov.vn/TBT/QCVN_102_2016", b"http://www.go.vn/eDoc")
    assert "Không gian tên của gói tin không theo QCVN 102:2016 (http://www.go.vn/eDoc)" in " ".join(
        deviations(tree_of(old, blobs))
    )
    assert deviations(tree_of(b"<q/>", blobs)) == ("Phần tử gốc là “q”, quy chuẩn ghi “edXML”.",)


def test_wrong_values_are_said_with_the_elements_name(blobs: BlobStore) -> None:
    xml = written(blobs, "java-sdk").replace(b"<edXML:Priority>2<", b"<edXML:Priority>9<")
    xml = xml.replace(b"2026/12/01", b"01/12/2026").replace(
        b"<edXML:CodeNumber>15<", b"<edXML:CodeNumber>123456789012<"
    )
    assert deviations(tree_of(xml, blobs)) == (
        "“CodeNumber” dài hơn quy chuẩn.",
        "“DueDate” có giá trị không đúng quy chuẩn.",
        "“Priority” có giá trị không đúng quy chuẩn.",
    )


def test_a_file_of_any_length_is_encoded_without_a_seam(blobs: BlobStore) -> None:
    for size in (0, 1, 2, (3 << 18) - 1, 3 << 18, (3 << 18) + 1, 2 << 20):
        data = bytes(range(256)) * (size // 256 + 1)
        package = document(files=(file_in(blobs, data[:size]),))
        back = read_package(blobs.read(EdxmlPacker().document(package, blobs)[0]), blobs)
        assert isinstance(back, ReadDocument)
        assert blobs.read(back.files[0].sha256) == data[:size]
