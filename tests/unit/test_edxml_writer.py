"""What leaves the box has the national SDK's layout to the letter, and nothing that a receiver would refuse."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from appliance.errors import BadInput
from appliance.office.desk import Business, Party
from appliance.store.blobs import BlobStore
from sync.edxml.model import ReadDocument, ReadStatus
from sync.edxml.packer import EdxmlPacker
from sync.edxml.peek import sender_code
from sync.edxml.reader import read_package
from tests.edxml_fixtures import NS, SAMPLES, document, file_in, package_bytes, status

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 500


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


def names_in_order(xml: bytes) -> list[str]:
    return re.findall(r"<((?:edXML:)?\w+)[ >/]", xml.decode().split("?>", 1)[1])


def test_a_document_comes_back_as_it_went(blobs: BlobStore) -> None:
    package = document(files=(file_in(blobs, PDF), file_in(blobs, b"phu luc", "phụ lục.txt", "text/plain")))
    back = read_package(package_bytes(package, blobs), blobs)
    assert isinstance(back, ReadDocument)
    assert (back.sender.code, back.sender.name, back.sender.address) == ("H99.21", package.sender.name, "Hòa Bình")
    assert [organ.code for organ in back.recipients] == ["H99.01", "H99.22"]
    assert (back.document_code, back.number, back.notation) == (package.document_code, "15", "BC-UBND")
    assert (back.issue_date, back.reply_due, back.place) == ("2026-11-20", "2026-12-01", "Hòa Bình")
    assert (back.subject, back.type_name, back.urgency, back.page_count) == (package.subject, "Báo cáo", 2, 3)
    assert (back.competence, back.signer_position, back.signer_name) == ("TM.", "CHỦ TỊCH", "Trần Văn Thạnh")
    assert (back.staff.department, back.staff.name) == ("Văn phòng", "Nguyễn Thị Ngọc Trâm")
    assert back.business == Business(0, "Văn bản điện tử mới")
    assert back.appendixes == ("phụ lục.txt",)
    assert [(f.name, f.media_type, blobs.read(f.sha256)) for f in back.files] == [
        ("bao-cao.pdf", "application/pdf", PDF),
        ("phụ lục.txt", "text/plain", b"phu luc"),
    ]
    assert back.warnings == ()


def test_a_status_comes_back_as_it_went(blobs: BlobStore) -> None:
    back = read_package(EdxmlPacker().status(status()), blobs)
    assert isinstance(back, ReadStatus)
    assert (back.sender.code, back.status_code, back.description) == ("H99.22", "03", "Tiếp nhận văn bản điện tử")
    said = back.response_for
    assert (said.organ_code, said.code, said.date) == ("H99.21", "15/BC-UBND", "2026-11-20")
    assert said.document_code == "H99.21,2026/11/20,15/BC-UBND"
    assert (back.staff.name, back.at) == ("Lê Văn Mẫu", "2026-11-20T16:00:00")


def test_prefixes_and_order_are_those_of_the_national_sdk(blobs: BlobStore) -> None:
    xml = package_bytes(document(files=(file_in(blobs, PDF), file_in(blobs, b"x", "b.txt", "text/plain"))), blobs)
    found = names_in_order(xml)
    header = found.index("edXML:MessageHeader")
    assert found[:3] == ["edXML", "edXML:edXMLEnvelope", "edXML:edXMLHeader"]
    top = [name.removeprefix("edXML:") for name in found[header + 1 :]]
    order = [
        "From", "To", "DocumentId", "Code", "PromulgationInfo", "DocumentType", "Subject", "SignerInfo", "DueDate",
        "OtherInfo", "SteeringType", "TraceHeaderList", "Bussiness", "edXMLBody", "AttachmentEncoded",
    ]  # fmt: skip
    assert [top.index(name) for name in order] == sorted(top.index(name) for name in order)
    assert all(name.startswith("edXML:") for name in found[header : found.index("AttachmentEncoded")])
    rest = found[found.index("AttachmentEncoded") :]
    assert rest[1:5] == ["Attachment", "ContentId", "AttachmentName", "ContentType"]
    assert rest[5] == "edXML:ContentTransferEncoded"
    assert xml.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert f'<edXML xmlns="{NS}">'.encode() in xml
    assert f'<edXML:ContentTransferEncoded xmlns:edXML="{NS}">'.encode() in xml
    assert b'<edXML:edXMLManifest version="1.0">' in xml


@pytest.mark.skipif(not SAMPLES.exists(), reason="the national samples are not on this machine")
def test_the_layout_is_the_official_samples_one(blobs: BlobStore) -> None:
    """Every element the writer makes stands in the sample below the same parent with the same prefix."""

    def paths(xml: bytes) -> set[tuple[str, ...]]:
        found = set()
        for element in etree.fromstring(xml, etree.XMLParser(huge_tree=True)).iter(etree.Element):
            chain = [element, *element.iterancestors()]
            found.add(tuple(f"{e.prefix or ''}:{etree.QName(e).localname}" for e in chain))
        return found

    ours = paths(package_bytes(document(files=(file_in(blobs, PDF), file_in(blobs, PDF, "b.pdf"))), blobs))
    sample = (SAMPLES / "all4u1089-truclienthong-example" / "resources_edoc_new.edxml").read_bytes()
    assert ours <= paths(sample)


def test_text_that_xml_cannot_carry_is_cleaned_and_normalised(blobs: BlobStore) -> None:
    decomposed = "Ho\u0300a Bi\u0300nh\x0b về <việc> & \ud800 hết"
    back = read_package(package_bytes(document(subject=decomposed), blobs), blobs)
    assert isinstance(back, ReadDocument)
    assert back.subject == "Hòa Bình  về <việc> &   hết"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"subject": "x" * 501}, "Trích yếu.*501.*500"),
        ({"subject": " "}, "thiếu “Trích yếu”"),
        ({"notation": "x" * 31}, "Ký hiệu"),
        ({"number": "1" * 12}, "Số của văn bản"),
        ({"place": "x" * 51}, "Địa danh"),
        ({"sender": Party("H99.21", "x" * 201)}, "Tên cơ quan"),
        ({"recipients": (Party("", "Nơi nhận"),)}, "Mã định danh cơ quan"),
    ],
)
def test_what_the_bus_would_refuse_is_refused_here_in_words(
    blobs: BlobStore, change: dict[str, object], words: str
) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        package_bytes(document(**change), blobs)
    assert caught.value.next_step


def test_a_subject_of_exactly_500_characters_goes(blobs: BlobStore) -> None:
    back = read_package(package_bytes(document(subject="ấ" * 500), blobs), blobs)
    assert isinstance(back, ReadDocument)
    assert len(back.subject) == 500


def test_a_package_over_the_size_limit_is_refused_before_it_is_built(blobs: BlobStore) -> None:
    package = document(files=(file_in(blobs, b"x" * 900_000),))
    with pytest.raises(BadInput, match="vượt giới hạn 1 MB"):
        EdxmlPacker(max_bytes=1 << 20).document(package, blobs)


def test_a_status_answers_even_a_package_that_breaks_the_limits(blobs: BlobStore) -> None:
    answer = status(document_code="x" * 900, code="")
    back = read_package(EdxmlPacker().status(answer), blobs)
    assert isinstance(back, ReadStatus)
    assert back.response_for.document_code == "x" * 900


def test_the_sender_is_read_back_without_reading_the_attachments(tmp_path: Path, blobs: BlobStore) -> None:
    path = tmp_path / "package.edxml"
    path.write_bytes(package_bytes(document(files=(file_in(blobs, PDF * 100),)), blobs))
    assert sender_code(path) == "H99.21"
    path.write_bytes(b"<edXML><a/></edXML>")
    with pytest.raises(ValueError, match="From/OrganId"):
        sender_code(path)


def test_no_reply_date_means_no_element(blobs: BlobStore) -> None:
    assert b"DueDate" not in package_bytes(document(reply_due=None), blobs)
    assert b"<edXML:DueDate>2026/12/01<" in package_bytes(document(reply_due=date(2026, 12, 1)), blobs)
